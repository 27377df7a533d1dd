// An application around auth0-react, as its documentation shows it: a provider, a page for everyone, one that
// needs a login.
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Auth0Provider, useAuth0, withAuthenticationRequired } from '@auth0/auth0-react';
import { runApp } from './app.js';

const HOME = window.location.origin + window.location.pathname;

/** Calls of the SDK, made by the tests through buttons; what comes of them is recorded. */
function Controls({ app }) {
  const auth0 = useAuth0();
  const recorded = (name, call) => () =>
    call().then(
      (result) => app.record(name, { result }),
      (error) => app.record(name, { error: { code: error.error, message: error.message } }),
    );
  const buttons = {
    login: () => auth0.loginWithRedirect({ appState: { returnTo: `${window.location.pathname}?view=home`, cart: 7 } }),
    popup: () => auth0.loginWithPopup(),
    token: () => auth0.getAccessTokenSilently({ cacheMode: 'off', detailedResponse: true }),
    silent: () => auth0.loginWithRedirect({ authorizationParams: { prompt: 'none' } }),
    logout: () => auth0.logout({ logoutParams: { returnTo: HOME } }),
  };
  return Object.entries(buttons).map(([name, call]) => (
    <button key={name} id={name} onClick={recorded(name, call)}>{name}</button>
  ));
}

function Home({ app }) {
  const { isLoading, isAuthenticated, user, error } = useAuth0();
  if (isLoading) return <p id="loading">…</p>;
  return (
    <main>
      <p id="state">{error ? `error ${error.error}: ${error.message}` : isAuthenticated ? 'logged in' : 'logged out'}</p>
      <p id="user">{user?.email ?? user?.name ?? ''}</p>
      <Controls app={app} />
    </main>
  );
}

const Members = withAuthenticationRequired(
  function Members() {
    const { user } = useAuth0();
    return <p id="members">{user.email}</p>;
  },
  { onRedirecting: () => <p id="redirecting">…</p> },
);

function Root({ app, options }) {
  const viewOf = () => new URLSearchParams(window.location.search).get('view') ?? 'home';
  const [view, setView] = useState(viewOf);
  const onRedirectCallback = (appState, user) => {
    app.record('redirected', { appState, user });
    window.history.replaceState(null, '', appState?.returnTo ?? window.location.pathname);
    setView(viewOf());
  };
  return (
    <Auth0Provider
      domain={options.domain}
      clientId={options.clientId}
      useRefreshTokens={options.refreshTokens}
      authorizationParams={{ redirect_uri: HOME, audience: options.audience, scope: options.scope }}
      onRedirectCallback={onRedirectCallback}
    >
      {view === 'members' ? <Members /> : <Home app={app} />}
    </Auth0Provider>
  );
}

runApp({
  start(app, options) {
    document.body.insertAdjacentHTML('beforeend', '<div id="root"></div>');
    createRoot(document.getElementById('root')).render(<Root app={app} options={options} />);
  },
});
