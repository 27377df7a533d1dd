// A single-page application around auth0-spa-js: code flow with PKCE, refresh tokens, silent renewal, popups.
import { Auth0Client } from '@auth0/auth0-spa-js';
import { runApp } from './app.js';

const HOME = window.location.origin + window.location.pathname;

runApp({
  start(app, options) {
    const client = new Auth0Client({
      domain: options.domain,
      clientId: options.clientId,
      useRefreshTokens: options.refreshTokens,
      useRefreshTokensFallback: options.fallback ?? false,
      cacheLocation: 'localstorage',
      authorizationParams: { redirect_uri: HOME, scope: options.scope, audience: options.audience },
    });
    const outcome = (call) =>
      call.then(
        (result) => ({ error: null, result: result ?? null }),
        (error) => {
          const { error: code, message, appState, mfa_token: mfaToken, mfa_requirements: mfaRequirements } = error;
          return { error: { code, message, appState, mfaToken, mfaRequirements }, result: null };
        },
      );
    app.spa = {
      redirect: (authorizationParams, appState) => outcome(client.loginWithRedirect({ authorizationParams, appState })),
      token: (more) => outcome(client.getTokenSilently({ cacheMode: 'off', detailedResponse: true, ...more })),
      cached: () => outcome(client.getTokenSilently({ cacheMode: 'cache-only', detailedResponse: true })),
      check: () => outcome(client.checkSession()),
      user: () => outcome(client.getUser()),
      claims: () => outcome(client.getIdTokenClaims()),
      isAuthenticated: () => outcome(client.isAuthenticated()),
      mfa: ([method, params]) => outcome(client.mfa[method](params)),
      revoke: () => outcome(client.revokeRefreshToken()),
      logout: () => outcome(client.logout({ logoutParams: { returnTo: HOME } })),
    };
    document.body.insertAdjacentHTML('beforeend', '<p id="ready">ready</p><button id="popup">Log in in a window</button>');
    // A window opens only for somebody's click.
    document.getElementById('popup').addEventListener('click', () => {
      outcome(client.loginWithPopup({ authorizationParams: app.popupParams })).then((done) => app.record('popup', done));
    });
    if (/[?&](code|error)=/.test(window.location.search)) {
      outcome(client.handleRedirectCallback()).then(({ error, result }) => {
        window.history.replaceState(null, '', window.location.pathname);
        app.record(error ? 'authorization_error' : 'redirected', error ?? result);
      });
    }
  },
});
