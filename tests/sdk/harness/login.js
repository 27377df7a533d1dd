// A login as a person does it, and what the application then holds.
import { newPhone } from './sdks.js';

/**
 * Opens the SDK's page with the given request; the page waits for a phone number. `referrer` is the page's
 * Referrer-Policy, if it has one.
 */
export async function openLogin(page, stage, sdk, { scope, redirect = false, referrer }) {
  await page.goto(stage.app.url(sdk.page) + (referrer ? `?referrer=${referrer}` : ''));
  await page.evaluate((options) => window.app.open(options), {
    domain: stage.gatewright.domain,
    clientId: stage.client.client_id,
    audience: `${stage.gatewright.issuer}api/v2/`,
    scope,
    redirect,
  });
  await sdk.ready(page);
}

/** Types number and code; resolves to the SDK's result with the tokens' claims beside it. */
export async function logIn(page, stage, sdk, request, phone = newPhone()) {
  await openLogin(page, stage, sdk, request);
  await sdk.sendCode(page, phone);
  const { code } = await stage.gatewright.inbox.code(phone.e164);
  await sdk.enterCode(page, code);
  return { phone, ...(await authenticated(page)) };
}

/** Waits for the `authenticated` event of the page, across a redirect as well. */
export async function authenticated(page) {
  const event = await firstEvent(page, ['authenticated', 'authorization_error', 'unrecoverable_error']);
  if (event.name !== 'authenticated') throw new Error(`${event.name}: ${JSON.stringify(event.detail)}`);
  const result = event.detail;
  return { result, accessToken: decoded(result.accessToken), idToken: decoded(result.idToken) };
}

/** Waits until the page has recorded one of the named events, and returns the first of them. */
export async function firstEvent(page, names) {
  const handle = await page.waitForFunction(
    (wanted) => window.app?.events.find((event) => wanted.includes(event.name)),
    names,
    { timeout: 30_000, polling: 50 },
  );
  return handle.jsonValue();
}

/** The claims of a JWT, unverified: the SDK has verified the ID token, the server verifies the access token. */
export function decoded(token) {
  const parts = token.split('.');
  if (parts.length !== 3) throw new Error(`not a JWT: ${token.length} characters, ${parts.length} part(s)`);
  return JSON.parse(Buffer.from(parts[1], 'base64url').toString('utf8'));
}
