// Logs in the dashboard: found, told in sentences, watched as they come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dashboard } from '../harness/dashboard.js';

dashboard('dashboard logs', (stage) => {
  const { at, heading, says } = stage;

  test('an administrator logs in', async () => {
    const { page, admin } = stage;
    await page.goto(at('/login'));
    await page.locator('input[name="username"]').fill(admin.email);
    await page.locator('input[name="password"]').fill(admin.password);
    await page.locator('button[name="action"][value="default"]').click();
    await heading('Overview');
  });

  test('a login is in the logs, and its entry says why each scope was granted', async () => {
    const { page } = stage;
    await page.goto(at('/logs?q=type%3As'));
    await page.locator('a.open').first().click();
    await heading('Login');
    await says(/ada@example\.org logged in to Gatewright Dashboard with Username-Password-Authentication\./);
    const rows = await page.locator('.why tbody tr').allInnerTexts();
    assert.ok(rows.some((row) => /openid[\s\S]*granted[\s\S]*oidc_standard/.test(row)), rows.join('\n'));
    await page.goto(at('/logs?q=date%3Atoday'));
    await says(/date is a date such as/);
  });

  test('entries are shown as they come, with the filter kept', async () => {
    const { page, gatewright, context, chromium } = stage;
    await page.goto(at('/logs?q=type%3Asapi'));
    await page.getByRole('link', { name: 'Watch live' }).click();
    await page.getByText('Live. New entries appear at the top.').waitFor();
    assert.equal(await page.getByLabel('Search', { exact: true }).inputValue(), 'type:sapi');
    const first = page.locator('a.open').first();
    const before = await first.getAttribute('href');
    await first.focus();
    await gatewright.management('POST', 'clients', { name: 'Watched' });
    await page.getByText(/Live\. \d+ new entr/).waitFor();
    assert.notEqual(await first.getAttribute('href'), before);
    // Whoever is on an entry stays on it.
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), before);
    await page.getByRole('link', { name: 'Everything' }).click();
    assert.match(page.url(), /logs\?live=on$/);
    await page.getByRole('link', { name: 'Stop' }).click();
    await page.getByRole('link', { name: 'Watch live' }).waitFor();

    // Without scripts the page loads itself anew.
    const plain = await chromium.browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
    try {
      const visitor = await plain.newPage();
      visitor.setDefaultTimeout(20_000);
      await visitor.goto(at('/logs?live=on&q=client_name%3AWatched'));
      await gatewright.management('POST', 'clients', { name: 'Watched again' });
      await visitor.waitForEvent('load');
      await visitor.getByRole('link', { name: 'Reload now' }).waitFor();
    } finally {
      await plain.close();
    }
  });
});
