// A single-page application around auth0-spa-js: code flow with PKCE, refresh tokens, silent renewal.
import { Auth0Client } from '@auth0/auth0-spa-js';
import { runApp } from './app.js';

runApp({
  start(app, options) {
    const client = new Auth0Client({
      domain: options.domain,
      clientId: options.clientId,
      useRefreshTokens: options.refreshTokens,
      useRefreshTokensFallback: options.fallback ?? false,
      cacheLocation: 'localstorage',
      authorizationParams: {
        redirect_uri: window.location.origin + window.location.pathname,
        scope: options.scope,
      },
    });
    const outcome = (call) =>
      call.then(
        (result) => ({ error: null, result: result ?? null }),
        (error) => ({ error: { code: error.error, message: error.message }, result: null }),
      );
    app.spa = {
      redirect: (authorizationParams) => outcome(client.loginWithRedirect({ authorizationParams })),
      token: () => outcome(client.getTokenSilently({ cacheMode: 'off', detailedResponse: true })),
      user: () => outcome(client.getUser()),
      revoke: () => outcome(client.revokeRefreshToken()),
      logout: () => outcome(client.logout({ logoutParams: { returnTo: window.location.origin + window.location.pathname } })),
    };
    document.body.insertAdjacentHTML('beforeend', '<p id="ready">ready</p>');
    if (/[?&](code|error)=/.test(window.location.search)) {
      outcome(client.handleRedirectCallback()).then(({ error }) => {
        window.history.replaceState(null, '', window.location.pathname);
        app.record(error ? 'authorization_error' : 'redirected', error);
      });
    }
  },
});
