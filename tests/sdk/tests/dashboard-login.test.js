// How administrators come in, and who does not.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { becomeAdministrator, dashboard, newPassword } from '../harness/dashboard.js';
import { request } from '../harness/https.js';

dashboard('dashboard login', (stage) => {
  const { at, fill, press, heading, says } = stage;

  test('the first administrator comes by the printed link, which works once', async () => {
    const { page, gatewright } = stage;
    assert.match(gatewright.invitation, /\/dashboard\/invitation\/[\w-]{43}$/);
    await page.goto(gatewright.invitation);
    await fill({ 'E-mail address': 'ada@example.org', Password: 'short' });
    await press('Create account');
    await page.locator('.error').first().waitFor();
    assert.equal(await page.getByLabel('E-mail address').inputValue(), 'ada@example.org');
    await page.goto('about:blank');
    stage.admin = await becomeAdministrator(page, gatewright.invitation, 'ada@example.org');
    await says(/You are an administrator now/);
    await page.goto(gatewright.invitation);
    await heading('This invitation is over');
  });

  test('an administrator logs out, and in again through the hosted pages', async () => {
    const { page, admin } = stage;
    await page.goto(at(''));
    await press('Log out');
    await heading('Logged out');
    await page.goto(at('/applications'));
    await page.locator('input[name="username"]').fill(admin.email);
    await page.locator('input[name="password"]').fill(admin.password);
    await page.locator('button[name="action"][value="default"]').click();
    await heading('Applications');
    assert.equal(page.url(), at('/applications'));
  });

  test('what is another tenant\'s does not exist here', async () => {
    const { page, gatewright } = stage;
    const other = gatewright.tenants.find(({ id }) => id === 'acme');
    for (const path of ['', '/settings', '/connections', '/apis', '/delete']) {
      const answer = await page.goto(at(`/applications/${other.client_id}${path}`));
      assert.equal(answer.status(), 404, path);
    }
    // The session is of this tenant's host only.
    await page.goto(`${other.issuer}dashboard/logs`);
    assert.match(page.url(), /acme\.localhost:\d+\/dashboard\/login/);
    await page.getByRole('heading', { name: 'This tenant has no administrator yet' }).waitFor();
  });

  test('nobody else gets in', async () => {
    const { gatewright, chromium, context } = stage;
    const other = await chromium.browser.newContext();
    try {
      const visitor = await other.newPage();
      await visitor.goto(at('/logs'));
      assert.match(visitor.url(), /\/u\/login/);
      const email = `${randomUUID()}@example.org`;
      const password = newPassword();
      await gatewright.management('POST', 'users', { connection: 'Username-Password-Authentication', email, password });
      await visitor.locator('input[name="username"]').fill(email);
      await visitor.locator('input[name="password"]').fill(password);
      await visitor.locator('button[name="action"][value="default"]').click();
      await visitor.getByRole('heading', { name: 'You are no administrator' }).waitFor();
      // A form without the token of the session changes nothing.
      const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
      const forged = await request(at('/applications/new'), {
        ca: gatewright.ca, method: 'POST', body: 'name=Forged', headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      });
      assert.equal(forged.status, 403);
      assert.ok((await gatewright.management('GET', 'clients')).every(({ name }) => name !== 'Forged'));
    } finally {
      await other.close();
    }
  });
}, { admin: false });
