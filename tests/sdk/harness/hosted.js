// People on the hosted pages: who they are, and what they type there.
import { randomBytes } from 'node:crypto';
import { newPhone } from './sdks.js';

export const DATABASE = 'Username-Password-Authentication';

/** A user of the database connection that no other test knows: `{ email, password, id }`. */
export async function newUser(management) {
  const name = `user-${randomBytes(6).toString('hex')}`;
  const [email, password] = [`${name}@example.org`, `Pw-${randomBytes(9).toString('base64url')}-1a`];
  const user = await management('POST', 'users', { connection: DATABASE, email, password, email_verified: true });
  return { email, password, id: user.user_id };
}

/** Lets a client use connections, by their names. */
export async function enableConnections(management, clientId, names) {
  const all = await management('GET', 'connections');
  for (const name of names) {
    const connection = all.find((one) => one.name === name);
    if (!connection) throw new Error(`no connection ${name}`);
    await management('PATCH', `connections/${connection.id}`, {
      enabled_clients: [...new Set([...(connection.enabled_clients ?? []), clientId])],
    });
  }
}

/** Lets an API's access tokens come with refresh tokens, which a new API does not. */
export async function allowOfflineAccess(management, identifier) {
  const api = (await management('GET', 'resource-servers')).find((one) => one.identifier === identifier);
  await management('PATCH', `resource-servers/${api.id}`, { allow_offline_access: true });
}

/** Fills in the login page that `page` shows. */
export async function enterPassword(page, { email, password }) {
  await page.locator('input[name="username"]').fill(email);
  await page.locator('input[name="password"]').fill(password);
  await press(page, 'default');
}

/** Goes from the login page to the one for codes, and logs in with a code by SMS; resolves to the number. */
export async function enterCodeBySms(page, inbox, phone = newPhone()) {
  await page.locator('a[href*="connection=sms"]').click();
  await page.locator('input[name="username"][type="tel"]').fill(phone.e164);
  await press(page, 'default');
  await page.locator('input[name="code"]').waitFor();
  const { code } = await inbox.code(phone.e164);
  // The page sends itself once six digits are there.
  await page.locator('input[name="code"]').fill(code);
  return phone;
}

/** Presses the button of a page's form; `accept` and `deny` are those of the consent page. */
export const press = (page, action) => page.locator(`button[name="action"][value="${action}"]`).click();
