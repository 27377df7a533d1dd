// Two clients in one application: one with the routes and the store-backed sessions of the documentation, one
// below /par that pushes its authorization requests and keeps its session in a cookie.
import { Auth0Client } from '@auth0/nextjs-auth0/server';
import { NextResponse } from 'next/server';
import { sessionStore } from './sessions';

// `localhost` with a port is refused as a domain without this switch; https and its certificates stay as they are.
const allowInsecureRequests = true;

const authorizationParameters = {
  scope: 'openid profile email offline_access read:orders',
  audience: process.env.AUDIENCE,
};

/** Where the browser goes after the callback; a refusal is told as it is. */
async function onCallback(error, { appBaseUrl, returnTo }) {
  if (!error) return NextResponse.redirect(new URL(returnTo ?? '/', appBaseUrl));
  const { code, message } = error.cause ?? error;
  return NextResponse.json({ code, message }, { status: 400 });
}

export const auth0 = new Auth0Client({ allowInsecureRequests, authorizationParameters, onCallback, sessionStore });

export const pushing = new Auth0Client({
  authorizationParameters: { ...authorizationParameters },
  allowInsecureRequests,
  onCallback,
  pushedAuthorizationRequests: true,
  logoutStrategy: 'v2',
  routes: {
    login: '/par/login',
    logout: '/par/logout',
    callback: '/par/callback',
    profile: '/par/profile',
    accessToken: '/par/access-token',
  },
  session: { cookie: { name: '__par_session' } },
  transactionCookie: { prefix: '__par_txn_' },
});
