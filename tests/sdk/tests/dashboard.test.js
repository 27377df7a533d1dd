// The dashboard in a browser, on every database: the first administrator by the printed link, applications and
// users made, changed, refused and deleted, logs that say why.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startBrowser } from '../harness/browser.js';
import { becomeAdministrator, looks, newPassword } from '../harness/dashboard.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { makeTrust } from '../harness/trust.js';

for (const engine of engines()) {
  describe(`dashboard on ${engine.name}`, () => {
    let gatewright, trust, chromium, context, page, admin;
    const at = (path) => `${gatewright.issuer}dashboard${path}`;
    before(async () => {
      gatewright = await startGatewright(engine);
      trust = await makeTrust(gatewright.ca);
      chromium = await startBrowser(trust.home);
      context = await chromium.browser.newContext({ viewport: { width: 1280, height: 900 } });
      page = await context.newPage();
      page.setDefaultTimeout(20_000);
    });
    after(async () => {
      await chromium?.stop();
      trust?.remove();
      await gatewright?.stop();
    });

    const fill = async (values) => {
      for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
    };
    const press = (name) => page.getByRole('button', { name, exact: true }).click();
    const heading = (name) => page.getByRole('heading', { name, level: 1 }).waitFor();
    const says = async (text) => assert.match(await page.locator('main').innerText(), text);

    test('the first administrator comes by the printed link, which works once', async () => {
      assert.match(gatewright.invitation, /\/dashboard\/invitation\/[\w-]{43}$/);
      await page.goto(gatewright.invitation);
      await fill({ 'E-mail address': 'ada@example.org', Password: 'short' });
      await press('Create account');
      await page.locator('.error').first().waitFor();
      assert.equal(await page.getByLabel('E-mail address').inputValue(), 'ada@example.org');
      await page.goto('about:blank');
      admin = await becomeAdministrator(page, gatewright.invitation, 'ada@example.org');
      await says(/You are an administrator now/);
      await page.goto(gatewright.invitation);
      await heading('This invitation is over');
    });

    test('an administrator logs out, and in again through the hosted pages', async () => {
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

    test('an application is made, changed, refused and deleted', async () => {
      await page.goto(at('/applications/new'));
      await press('Create application');
      await page.locator('.wrong .error').waitFor();
      assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'name');
      const name = `Tea ${randomUUID().slice(0, 8)}`;
      await fill({ Name: name, 'Allowed callback URLs': 'https://tea.example/callback' });
      await page.locator('#new .call summary').click();
      const call = await page.locator('#new-call').innerText();
      await press('Create application');
      await heading(name);
      const id = await page.locator('.id code').innerText();
      assert.match(await page.locator('#spa').innerText(), new RegExp(`clientId: "${id}"`));
      assert.match(call, /POST \/api\/v2\/clients/);

      await page.getByRole('link', { name: 'Settings', exact: true }).click();
      await fill({ Description: 'Sells tea', 'Allowed callback URLs': 'https://tea.example/callback\nhttps://tea.example/' });
      await page.locator('#basics .call summary').click();
      assert.match(await page.locator('#basics-call').innerText(), /PATCH \/api\/v2\/clients\/\w+\s+\{\s+"description": "Sells tea"\s+\}/);
      await press('Save addresses');
      await says(/Saved/);
      let client = await gatewright.management('GET', `clients/${id}`);
      assert.deepEqual(client.callbacks, ['https://tea.example/callback', 'https://tea.example/']);
      // Another form of the page is not sent along.
      assert.equal(client.description, undefined);

      await fill({ 'Allowed callback URLs': 'not an address' });
      await press('Save addresses');
      await page.locator('#urls .wrong .error').waitFor();
      assert.equal(await page.locator('#urls .wrong').getAttribute('data-name'), 'callbacks');
      assert.equal(await page.getByLabel('Allowed callback URLs').inputValue(), 'not an address');
      client = await gatewright.management('GET', `clients/${id}`);
      assert.equal(client.callbacks.length, 2);

      await page.goto(at(`/applications/${id}/settings`));
      const secret = await page.locator('dd code').first().innerText();
      assert.equal(secret, client.client_secret);
      await page.goto(at(`/applications/${id}/delete`));
      await page.locator('#name').fill('something else');
      await press('Delete application');
      await says(/This is not its name/);
      await page.locator('#name').fill(name);
      await press('Delete application');
      await says(/Deleted/);
      await assert.rejects(gatewright.management('GET', `clients/${id}`), /404/);
      const gone = await page.goto(at(`/applications/${id}/settings`));
      assert.equal(gone.status(), 404);
    });

    test('a login is in the logs, and its entry says why each scope was granted', async () => {
      await page.goto(at('/logs?q=type%3As'));
      await page.locator('a.open').first().click();
      await heading('Login');
      const rows = await page.locator('.why tbody tr').allInnerTexts();
      assert.ok(rows.some((row) => /openid[\s\S]*granted[\s\S]*oidc_standard/.test(row)), rows.join('\n'));
      await page.goto(at('/logs?q=date%3Atoday'));
      await says(/date is a date such as/);
    });

    test('nobody else gets in', async () => {
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
        const forged = await page.request.post(at('/applications/new'), { form: { name: 'Forged' }, maxRedirects: 0 });
        assert.equal(forged.status(), 403);
      } finally {
        await other.close();
      }
    });
  });
}

describe('looks of the dashboard', () => {
  let gatewright, trust, chromium, state, client;
  before(async () => {
    gatewright = await startGatewright(engines()[0]);
    trust = await makeTrust(gatewright.ca);
    chromium = await startBrowser(trust.home);
    const context = await chromium.browser.newContext();
    const page = await context.newPage();
    const admin = await becomeAdministrator(page, gatewright.invitation, 'ada@example.org');
    const { management } = gatewright;
    client = await management('POST', 'clients', { name: 'Tea House', app_type: 'regular_web', callbacks: ['https://tea.example/callback'] });
    await management('POST', 'clients', { name: `A name that is ${'very '.repeat(12)}long`, app_type: 'spa' });
    await management('POST', 'clients', { name: 'بيت الشاي', app_type: 'native' });
    // A login through the hosted pages, for the logs.
    await page.goto(`${gatewright.issuer}dashboard/login`);
    await page.locator('input[name="username"]').fill('ada@example.org');
    await page.locator('input[name="password"]').fill(admin.password);
    await page.locator('button[name="action"][value="default"]').click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    state = await context.storageState();
    await context.close();
  });
  after(async () => {
    await chromium?.stop();
    trust?.remove();
    await gatewright?.stop();
  });

  const pages = {
    overview: () => '',
    logs: () => '/logs',
    applications: () => '/applications',
    'application-new': () => '/applications/new',
    'application-quick-start': () => `/applications/${client.client_id}`,
    'application-settings': () => `/applications/${client.client_id}/settings`,
    'application-connections': () => `/applications/${client.client_id}/connections`,
    'application-apis': () => `/applications/${client.client_id}/apis`,
    'application-delete': () => `/applications/${client.client_id}/delete`,
  };
  looks({
    browser: () => chromium.browser,
    state: () => state,
    base: () => `${gatewright.issuer}dashboard`,
    pages,
    async more(page, shown) {
      await page.goto(`${gatewright.issuer}dashboard/logs?q=type%3As`);
      await page.locator('a.open').first().click();
      await shown('log-entry');
      await page.goto(`${gatewright.issuer}dashboard/applications/new`);
      await page.getByRole('button', { name: 'Create application' }).click();
      await page.locator('.wrong .error').waitFor();
      await shown('application-error');
    },
  });
});
