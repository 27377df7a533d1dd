// Users in the dashboard: made, changed, refused, blocked and deleted.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { dashboard, newPassword } from '../harness/dashboard.js';

dashboard('dashboard users', (stage) => {
  const { at, fill, press, heading, says } = stage;

  test('a user is made, refused, changed and deleted', async () => {
    const { page, gatewright } = stage;
    await page.goto(at('/users/new'));
    await page.getByLabel('Connection', { exact: true }).selectOption('Username-Password-Authentication');
    const email = `bea-${randomUUID().slice(0, 8)}@example.org`;
    await fill({ 'E-mail address': 'no address', Password: newPassword() });
    await press('Create user');
    await page.locator('.wrong .error').waitFor();
    assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'email');
    await fill({ 'E-mail address': email, Password: newPassword(), user_metadata: '{"hobby": "surfing", "size": 7}' });
    await press('Create user');
    await heading(email);
    const id = await page.locator('.id code').innerText();
    const user = () => gatewright.management('GET', `users/${encodeURIComponent(id)}`);

    await fill({ user_metadata: '{"hobby": "tea", ' });
    await press('Save metadata');
    assert.match(await page.locator('#metadata .wrong .error').innerText(), /This is not JSON/);
    await fill({ user_metadata: '{"hobby": "tea"}', app_metadata: '{"plan": "gold"}' });
    await press('Save metadata');
    await says(/Saved/);
    assert.deepEqual((await user()).user_metadata, { hobby: 'tea' });
    assert.deepEqual((await user()).app_metadata, { plan: 'gold' });

    await press('Block user');
    await says(/cannot log in any more/);
    assert.equal((await user()).blocked, true);
    await press('Unblock user');
    await says(/Unblocked/);

    await page.getByRole('link', { name: 'Roles and permissions' }).click();
    await page.getByLabel('Role', { exact: true }).selectOption({ label: 'Gatewright Administrator' });
    await press('Give role');
    await says(/Added/);
    assert.equal((await gatewright.management('GET', `users/${encodeURIComponent(id)}/roles`)).length, 1);
    await page.getByRole('button', { name: 'Take away Gatewright Administrator' }).click();
    await says(/Removed/);

    await page.goto(at('/users'));
    await page.keyboard.press('/');
    await page.keyboard.type('bea-');
    await page.keyboard.press('Enter');
    await page.locator('a.open').waitFor();
    assert.equal(await page.locator('a.open').count(), 1);
    await page.keyboard.press('Tab');
    await page.locator('a.open').focus();
    await page.keyboard.press('Enter');
    await heading(email);
    await page.getByRole('link', { name: 'Delete user…' }).click();
    await page.locator('#name').fill(email);
    await press('Delete user');
    await says(/Deleted/);
    await assert.rejects(user(), /404/);
  });

  test('a user gets a link for a new password, a mail that confirms the address, and out of a block', async () => {
    const { page, gatewright, chromium } = stage;
    const email = `cleo-${randomUUID().slice(0, 8)}@example.org`;
    const user = await gatewright.management('POST', 'users', {
      connection: 'Username-Password-Authentication', email, password: newPassword(), email_verified: false, verify_email: false,
    });
    await page.goto(at(`/users/${encodeURIComponent(user.user_id)}`));
    await page.getByRole('link', { name: 'Access', exact: true }).click();
    await press('Make a link');
    const link = await page.locator('#ticket').innerText();
    await press('Send e-mail');
    await says(/Sent\./);
    const message = await gatewright.inbox.newest(email);
    assert.match(JSON.stringify(message), /email-verification/);

    const other = await chromium.browser.newContext();
    try {
      const visitor = await other.newPage();
      visitor.setDefaultTimeout(20_000);
      await visitor.goto(link);
      await visitor.locator('input[name="password"]').waitFor();
      await visitor.goto(at('/login'));
      for (let tries = 0; tries < 11; tries += 1) {
        await visitor.locator('input[name="username"]').fill(email);
        await visitor.locator('input[name="password"]').fill('not the password');
        await visitor.locator('button[name="action"][value="default"]').click();
        await visitor.locator('#alert').waitFor();
      }
    } finally {
      await other.close();
    }
    await page.goto(at(`/users/${encodeURIComponent(user.user_id)}/access`));
    await page.getByRole('heading', { name: 'Blocked after wrong passwords' }).waitFor();
    await press('End these blocks');
    await says(/Unblocked/);
    assert.deepEqual((await gatewright.management('GET', `user-blocks/${encodeURIComponent(user.user_id)}`)).blocked_for, []);
    // An account without a password has nothing to reset: the API's refusal is told.
    const byPhone = await gatewright.management('POST', 'users', { connection: 'sms', phone_number: '+491701234567', phone_verified: true });
    await page.goto(at(`/users/${encodeURIComponent(byPhone.user_id)}/access`));
    await press('Make a link');
    await page.locator('#reset .error').waitFor();
  });
});
