// An application around Auth0LockPasswordless, configured as the documentation shows it.
import { runApp } from './app.js';

const EVENTS = ['authenticated', 'authorization_error', 'unrecoverable_error', 'hash_parsed'];

/** Runs the page with one version of Lock and one of auth0.js. */
export function lockPage(Auth0LockPasswordless, auth0) {
  runApp({
    auth0,
    start(app, options) {
      const lock = new Auth0LockPasswordless(options.clientId, options.domain, {
        allowedConnections: ['sms'],
        auth: {
          redirect: options.redirect,
          responseType: 'token id_token',
          audience: options.audience,
          params: { scope: options.scope },
        },
      });
      for (const name of EVENTS) lock.on(name, (detail) => app.record(name, detail));
      app.lock = lock;
      // On the way back from a redirect Lock reads the fragment by itself.
      if (!/access_token|error/.test(window.location.hash)) lock.show();
    },
  });
}
