// What a tenant has once: look, e-mails, settings and keys in the dashboard.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { dashboard } from '../harness/dashboard.js';

dashboard('dashboard tenant', (stage) => {
  const { at, fill, press, heading, says } = stage;

  test('the look is tried beside the login page, refused, saved', async () => {
    const { page, gatewright } = stage;
    const shown = page.frameLocator('iframe[name="preview"]');
    const color = (selector) => shown.locator(selector).first().evaluate((one) => getComputedStyle(one).backgroundColor);
    await page.goto(at('/branding'));
    await shown.locator('button.primary').waitFor();
    await fill({ 'Colour of buttons and links': 'greenish' });
    await press('Save look');
    assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'colors.primary');
    await fill({ 'Colour of buttons and links': '#1c6b3c' });
    await shown.locator('button.primary').waitFor();
    await waitFor(async () => (await color('button.primary')) === 'rgb(28, 107, 60)');
    assert.notEqual((await gatewright.management('GET', 'branding')).colors?.primary, '#1c6b3c', 'only looked at');
    await press('Save look');
    await says(/Saved/);
    assert.equal((await gatewright.management('GET', 'branding')).colors.primary, '#1c6b3c');

    await press('Begin a theme');
    await says(/Created/);
    await page.getByLabel('Card', { exact: true }).fill('#222233');
    await waitFor(async () => (await color('.card')) === 'rgb(34, 34, 51)');
    await page.getByLabel('Corners of the card').fill('99');
    await press('Save theme');
    assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'borders.widget_corner_radius');
    assert.equal(await page.getByLabel('Card', { exact: true }).inputValue(), '#222233');
    await page.getByLabel('Corners of the card').fill('20');
    await press('Save theme');
    await says(/Saved/);
    const theme = await gatewright.management('GET', 'branding/themes/default');
    assert.equal(theme.colors.widget_background, '#222233');
    assert.equal(theme.borders.widget_corner_radius, 20);
    await press('Delete theme');
    await says(/Removed/);
    await assert.rejects(gatewright.management('GET', 'branding/themes/default'), /404/);
  });

  test('an e-mail is written, refused, looked at, saved and sent as a test', async () => {
    const { page, gatewright } = stage;
    const to = `${randomUUID()}@example.org`;
    const frame = page.frameLocator('iframe[name="preview"]');
    const message = frame.frameLocator('iframe');
    await page.goto(at('/emails'));
    await page.getByRole('link', { name: 'Confirm an address, by link' }).click();
    await heading('Confirm an address, by link');
    await message.getByText('ada@example.org').first().waitFor();
    await press('Write your own text');
    await says(/Created/);
    await fill({ Subject: 'Tea for {{ user.name }}', Body: '<p style="color: rgb(1, 2, 3)">Broken {% if %}</p>' });
    await press('Preview');
    await frame.getByRole('alert').getByText(/The body cannot be rendered/).waitFor();
    await press('Save text');
    await page.locator('#email .wrong .error').waitFor();
    assert.equal(await page.locator('#email .wrong').getAttribute('data-name'), 'body');
    assert.match(await page.getByLabel('Body').inputValue(), /Broken/);

    const body = '<p style="color: rgb(1, 2, 3)">Drink <a href="{{ url }}">this</a>, {{ user.given_name }}</p><script>document.body.textContent = "no"</script>';
    await fill({ Body: body });
    await press('Preview');
    const line = message.getByText('Drink this, Ada');
    await line.waitFor();
    assert.equal(await line.evaluate((one) => getComputedStyle(one).color), 'rgb(1, 2, 3)');
    await frame.getByText('Tea for Ada Lovelace').waitFor();
    await page.getByLabel('Sent instead of the default text').check();
    await press('Save text');
    await says(/Saved/);
    const stored = await gatewright.management('GET', 'email-templates/verify_email');
    assert.deepEqual([stored.subject, stored.body, stored.enabled], ['Tea for {{ user.name }}', body, true]);

    await fill({ To: 'nobody' });
    await press('Send test');
    await page.locator('#try .error').first().waitFor();
    await fill({ To: to });
    await press('Send test');
    await says(/Sent\./);
    const sent = await gatewright.inbox.newest(to);
    assert.match(JSON.stringify(sent), /Tea for Ada Lovelace/);
    await page.goto(at('/emails'));
    assert.match(await page.locator('tr', { hasText: 'Confirm an address, by link' }).innerText(), /your text/);
    assert.equal((await page.goto(at('/emails/nonsense'))).status(), 404);
  });

  test('previews and remedies work without scripts', async () => {
    const { gatewright, chromium, context } = stage;
    const plain = await chromium.browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
    try {
      const page = await plain.newPage();
      page.setDefaultTimeout(20_000);
      const shown = page.frameLocator('iframe[name="preview"]');
      await page.goto(at('/branding'));
      await page.getByLabel('Colour of buttons and links').fill('#884400');
      await page.getByRole('button', { name: 'Preview' }).click();
      const color = () => shown.locator('button.primary').evaluate((one) => getComputedStyle(one).backgroundColor);
      await waitFor(async () => (await color()) === 'rgb(136, 68, 0)');
      await page.goto(at('/emails/reset_email_by_code'));
      await page.getByRole('button', { name: 'Write your own text' }).click();
      await page.getByLabel('Subject').fill('Without scripts, {{ code }}');
      await page.getByRole('button', { name: 'Preview' }).click();
      await shown.getByText('Without scripts, 123456').waitFor();
      // What is typed is still there.
      assert.equal(await page.getByLabel('Subject').inputValue(), 'Without scripts, {{ code }}');

      await gatewright.management('POST', 'resource-servers', { identifier: 'https://plain.example/', name: 'Plain' });
      const query = new URLSearchParams({ client_id: 'gatewright-playground', audience: 'https://plain.example/', scope: 'openid read:it' });
      await page.goto(at(`/playground?${query}`));
      await page.getByRole('button', { name: 'Apply the remedy' }).click();
      await page.getByRole('button', { name: 'Make this change' }).click();
      await page.getByText('The change is made').waitFor();
    } finally {
      await plain.close();
    }
  });

  test('the look of a gradient stays when a colour beside it is changed', async () => {
    const { page, gatewright } = stage;
    const gradient = { type: 'linear-gradient', start: '#ffffff', end: '#00aaff', angle_deg: 35 };
    await gatewright.management('PATCH', 'branding', { colors: { primary: '#1c6b3c', page_background: gradient } });
    await page.goto(at('/branding'));
    await fill({ 'Colour of buttons and links': '#3552d4' });
    await press('Save look');
    await says(/Saved/);
    const { colors } = await gatewright.management('GET', 'branding');
    assert.deepEqual(colors, { primary: '#3552d4', page_background: gradient });
  });

  test('the settings and the keys', async () => {
    const { page } = stage;
    await page.goto(at('/settings'));
    await fill({ 'Support by e-mail': 'nobody' });
    await press('Save names');
    await page.locator('#basics .wrong .error').waitFor();
    await fill({ Name: 'Tea House', 'Support by e-mail': 'help@tea.example' });
    await press('Save names');
    await says(/Saved/);
    assert.equal(await page.locator('.bar .brand').innerText(), 'Tea House');

    await page.goto(at('/keys'));
    const before = await page.locator('table code').first().innerText();
    await press('Rotate signing key');
    await says(/Saved/);
    assert.ok((await page.locator('main').innerText()).includes(before));
    assert.equal(await page.locator('.badge.good').count(), 1);
  });
});

/** Until it is so; the test's own time ends it. */
async function waitFor(so) {
  for (;;) {
    if (await so().catch(() => false)) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
