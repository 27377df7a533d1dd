// Users with passwords: the database connection of the tenant, its people, and the mails they get.
import { randomBytes } from 'node:crypto';
import { pageText } from './pages.js';

export const DATABASE = 'Username-Password-Authentication';

/** A password that the default policy takes, and no other person has. */
export const newPassword = () => `Aa1-${randomBytes(9).toString('base64url')}`;

/** An address that no other test of this run uses. */
export const newEmail = () => `ann-${randomBytes(6).toString('hex')}@example.com`;

/** Enables the database connection for the stage's application, and more grant types where they are named. */
export async function enableDatabase({ gatewright, client }, grantTypes = []) {
  const connections = await gatewright.management('GET', 'connections?strategy=auth0');
  const database = connections.find(({ name }) => name === DATABASE);
  await gatewright.management('PATCH', `connections/${database.id}`, {
    enabled_clients: [...(database.enabled_clients ?? []), client.client_id],
  });
  if (grantTypes.length > 0) {
    await gatewright.management('PATCH', `clients/${client.client_id}`, {
      grant_types: [...client.grant_types, ...grantTypes],
    });
  }
}

/** Makes a user: `{ email, password, userId }`. */
export async function newUser({ gatewright }) {
  const [email, password] = [newEmail(), newPassword()];
  const user = await gatewright.management('POST', 'users', {
    connection: DATABASE, email, password, email_verified: true,
  });
  return { email, password, userId: user.user_id };
}

/** Waits for the mail with a link to a path of the server, and returns the link. */
export async function mailedLink({ gatewright }, email, path) {
  let after;
  for (;;) {
    const message = await gatewright.inbox.newest(email, after);
    const link = message.body.match(/https?:\/\/[^\s"'<>]+/g)?.find((url) => new URL(url).pathname === path);
    if (link) return link.replaceAll('&amp;', '&');
    after = message.id;
  }
}

/** Follows the link of a reset mail in a browser of its own, and chooses a password there. */
export async function resetPassword(stage, email, password) {
  const link = await mailedLink(stage, email, '/u/reset-verify');
  const context = await stage.browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(link);
    await page.locator('input[name="password"]').fill(password);
    await page.locator('input[name="re-enter-password"]').fill(password);
    await page.locator('button[type="submit"]').first().click();
    await page.locator('input[name="password"]').waitFor({ state: 'detached' });
  } finally {
    await context.close();
  }
}

/**
 * Serves a test page on the tenant's own host, as a proxy in front of the server does for tenants with a login
 * page of their own. Resolves to a function that goes on from the hosted login, once the browser is there, to
 * that page, and gives the `state` of the login it is shown for.
 */
export async function ownLoginPage(page, { gatewright }, name) {
  const { page: body, path, script } = await pageText(name);
  await page.route(`${gatewright.issuer}own-login`, (route) => route.fulfill({ contentType: 'text/html', body }));
  await page.route(new URL(path, gatewright.issuer).href, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: script }));
  return async () => {
    await page.waitForURL((url) => url.pathname === '/u/login');
    const state = new URL(page.url()).searchParams.get('state');
    await page.goto(`${gatewright.issuer}own-login`);
    return state;
  };
}
