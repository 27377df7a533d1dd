// The playground: predicted, run, explained, and remedies pressed.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { becomeAdministrator, dashboard } from '../harness/dashboard.js';
import { request } from '../harness/https.js';
import { newPhone } from '../harness/sdks.js';

dashboard('dashboard playground', (stage) => {
  const { at, press, heading, says } = stage;

  const row = (scope) => stage.page.locator('.why tr', { has: stage.page.locator(`th code:text-is("${scope}")`) });
  const claims = async () => stage.page.locator('section.claims').last().innerText();

  /** Runs the request and logs in by a code; the id of its message. */
  const run = async (phone, after) => {
    await press('Run it');
    await stage.page.locator('input[name="username"]').fill(phone.e164);
    await stage.page.locator('button[name="action"][value="default"]').click();
    await stage.page.locator('input[name="code"]').waitFor();
    const message = await stage.gatewright.inbox.code(phone.e164, after);
    await stage.page.locator('input[name="code"]').fill(message.code);
    await heading('What came back');
    return message.id;
  };

  test('a stranger\'s path: the printed link, the forum\'s scopes, the reason, the remedy, granted', async () => {
    const { page, gatewright } = stage;
    await becomeAdministrator(page, gatewright.invitation, 'ada@example.org');
    await page.getByRole('link', { name: 'Playground', exact: true }).click();
    await heading('Playground');
    assert.match(await row('user_metadata').innerText(), /dropped[\s\S]*not_defined_on_api/);
    assert.match(await row('read:users').innerText(), /dropped[\s\S]*end_user_token_limit/);
    assert.match(await page.locator('#url').innerText(), /authorize\?client_id=gatewright-playground&audience=/);
    const phone = newPhone();
    const first = await run(phone);
    assert.match(await row('read:users').innerText(), /dropped[\s\S]*end_user_token_limit[\s\S]*Remedy/);
    assert.match(await claims(), /scope\s+openid profile email\s/);

    // The remedy, pressed; the administrator's own session is not the one that logged in.
    await page.getByRole('link', { name: 'Ask for read:current_user instead' }).click();
    await heading('Playground');
    assert.match(await row('read:current_user').innerText(), /granted/);
    await run(phone, first);
    assert.match(await row('read:current_user').innerText(), /granted[\s\S]*current_user_scope/);
    assert.match(await claims(), /scope\s+openid profile email read:current_user/);
    assert.match(await page.locator('section.claims').first().innerText(), /name\s+\S+\s+scope profile/);
    await page.reload();
    await says(/Nothing to show/);
  });

  test('a remedy that changes a setting is pressed: shown as its call, made, and the next login has the scope', async () => {
    const { page, gatewright } = stage;
    const identifier = `https://${randomUUID()}.example/`;
    const api = await gatewright.management('POST', 'resource-servers', { identifier, name: 'Tea' });
    const query = new URLSearchParams({
      client_id: 'gatewright-playground', audience: identifier, scope: 'openid read:tea', connection: 'sms', response_type: 'code',
    });
    await page.goto(at(`/playground?${query}`));
    assert.match(await row('read:tea').innerText(), /dropped[\s\S]*not_defined_on_api/);
    const phone = newPhone();
    const first = await run(phone);
    assert.match(await row('read:tea').innerText(), /dropped[\s\S]*Remedy/);

    await row('read:tea').getByRole('button', { name: 'Apply the remedy' }).click();
    await heading('Apply the remedy');
    await says(new RegExp(`PATCH /api/v2/resource-servers/${api.id}[\\s\\S]*read:tea`));
    // Nothing has happened yet, and there is a way back.
    assert.equal((await gatewright.management('GET', `resource-servers/${api.id}`)).scopes?.length ?? 0, 0);
    await page.getByRole('link', { name: 'Back, without the change' }).click();
    await heading('Playground');
    await row('read:tea').getByRole('button', { name: 'Apply the remedy' }).click();
    await press('Make this change');
    await heading('Playground');
    await says(/The change is made/);
    assert.match(await row('read:tea').innerText(), /granted[\s\S]*defined_on_api/);
    assert.deepEqual((await gatewright.management('GET', `resource-servers/${api.id}`)).scopes, [{ value: 'read:tea' }]);

    const second = await run(phone, first);
    assert.match(await claims(), /scope\s+openid read:tea/);

    // With role-based access control it is the user who lacks something; the log entry has the same button.
    await gatewright.management('PATCH', `resource-servers/${api.id}`, { enforce_policies: true });
    await page.goto(at(`/playground?${query}`));
    assert.equal(await row('read:tea').getByRole('button', { name: 'Apply the remedy' }).count(), 0);
    const third = await run(phone, second);
    await page.goto(at('/logs?q=type%3As'));
    await page.locator('a.open').first().click();
    await heading('Login');
    assert.match(await row('read:tea').innerText(), /dropped[\s\S]*permission_missing/);
    await row('read:tea').getByRole('button', { name: 'Apply the remedy' }).click();
    await says(/POST \/api\/v2\/users\/sms%7C\w+\/permissions/);
    await press('Make this change');
    await says(/The change is made/);
    await page.goto(at(`/playground?${query}`));
    await run(phone, third);
    assert.match(await claims(), /scope\s+openid read:tea/);
  });

  test('a remedy of two changes is one button: step by step, and the entry decided again says what is other now', async () => {
    const { page, gatewright } = stage;
    const identifier = `https://${randomUUID()}.example/`;
    await gatewright.management('POST', 'resource-servers', { identifier, name: 'Coffee', enforce_policies: true });
    const query = new URLSearchParams({
      client_id: 'gatewright-playground', audience: identifier, scope: 'openid read:beans', connection: 'sms', response_type: 'code',
    });
    await page.goto(at(`/playground?${query}`));
    const phone = newPhone();
    const first = await run(phone);
    await page.goto(at('/logs?q=type%3As'));
    await page.locator('a.open').first().click();
    await heading('Login');
    await row('read:beans').getByRole('button', { name: 'Apply the remedy' }).click();
    await says(/Step 1 of 2[\s\S]*PATCH \/api\/v2\/resource-servers/);
    await press('Make this change');
    await says(/Step 2 of 2[\s\S]*POST \/api\/v2\/users\/sms%7C\w+\/permissions/);
    await press('Make this change');
    await says(/The change is made/);
    await page.getByRole('link', { name: 'Decide it again' }).click();
    await says(/Decided again, with the settings of now/);
    assert.match(await row('read:beans').innerText(), /dropped[\s\S]*granted[\s\S]*Then not_defined_on_api/);
    await says(/Not decided again: What the browser had then/);
    await page.goto(at(`/playground?${query}`));
    await run(phone, first);
    assert.match(await claims(), /scope\s+openid read:beans/);
  });

  test('an API that does not exist is made by its remedy, and a remedy of another session is not taken', async () => {
    const { page, gatewright, context } = stage;
    const identifier = `https://${randomUUID()}.example/`;
    await page.goto(at(`/playground?client_id=gatewright-playground&scope=openid&audience=${encodeURIComponent(identifier)}`));
    const old = await context.newPage();
    await old.goto(page.url());
    const change = await page.locator('.why input[name="changes"]').first().inputValue();
    await page.getByRole('button', { name: 'Apply the remedy' }).first().click();
    await says(/POST \/api\/v2\/resource-servers/);
    await press('Make this change');
    await says(/The change is made/);
    // Pressed once more on a page from before, the API's refusal is told.
    await old.getByRole('button', { name: 'Apply the remedy' }).first().click();
    await old.getByRole('button', { name: 'Make this change' }).click();
    await old.locator('.fields > .error').waitFor();

    const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    for (const path of ['/remedy', '/remedy/apply']) {
      const forged = await request(at(path), {
        ca: gatewright.ca, method: 'POST', body: new URLSearchParams({ changes: change, back: '/dashboard/' }).toString(),
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      });
      assert.equal(forged.status, 403, path);
    }
  });

  test('the playground of dev needs no administrator, and shows tokens of every response type', async () => {
    const { gatewright, chromium } = stage;
    const other = await chromium.browser.newContext();
    try {
      const visitor = await other.newPage();
      visitor.setDefaultTimeout(20_000);
      await visitor.goto(`${gatewright.issuer}playground`);
      await visitor.getByLabel('Response type').selectOption('token id_token');
      await visitor.getByRole('button', { name: 'Run it' }).click();
      const phone = newPhone();
      await visitor.locator('input[name="username"]').fill(phone.e164);
      await visitor.locator('button[name="action"][value="default"]').click();
      await visitor.locator('input[name="code"]').waitFor();
      const { code } = await gatewright.inbox.code(phone.e164);
      await visitor.locator('input[name="code"]').fill(code);
      await visitor.getByRole('heading', { name: 'What came back' }).waitFor();
      assert.equal(await visitor.locator('section.claims').count(), 2);
      assert.match(await visitor.locator('section.claims').first().innerText(), /nonce/);
    } finally {
      await other.close();
    }
  });
}, { admin: false });
