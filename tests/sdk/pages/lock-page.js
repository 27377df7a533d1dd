// An application around Auth0LockPasswordless, or around Auth0Lock with a database, configured as the
// documentation shows it.
import { runApp } from './app.js';

const EVENTS = ['authenticated', 'authorization_error', 'unrecoverable_error', 'hash_parsed'];

/** Runs the page with one version of Lock and one of auth0.js. */
export function lockPage({ Auth0Lock, Auth0LockPasswordless, auth0 }) {
  runApp({
    auth0,
    start(app, options) {
      const lock = options.database ? database(Auth0Lock, options) : passwordless(Auth0LockPasswordless, options);
      for (const name of EVENTS) lock.on(name, (detail) => app.record(name, detail));
      app.lock = lock;
      // On the way back from a redirect Lock reads the fragment by itself.
      if (!/access_token|error/.test(window.location.hash)) lock.show();
    },
  });
}

function passwordless(Auth0LockPasswordless, options) {
  return new Auth0LockPasswordless(options.clientId, options.domain, {
    allowedConnections: ['sms'],
    auth: {
      redirect: options.redirect,
      responseType: 'token id_token',
      audience: options.audience,
      params: { scope: options.scope },
    },
  });
}

/**
 * `login` is what a page of the tenant's own host knows of the login that it is shown for: its `state`. `social` names
 * social connections to offer as well.
 */
function database(Auth0Lock, options) {
  return new Auth0Lock(options.clientId, options.domain, {
    allowedConnections: [options.database, ...(options.social ?? [])],
    rememberLastLogin: false,
    additionalSignUpFields: [
      { name: 'nickname', placeholder: 'your nickname', storage: 'root' },
      { name: 'favourite_colour', placeholder: 'your favourite colour' },
    ],
    auth: {
      redirect: options.redirect,
      redirectUrl: options.redirectUri ?? window.location.origin + window.location.pathname,
      responseType: 'token id_token',
      audience: options.audience,
      params: { scope: options.scope, ...options.login },
    },
  });
}
