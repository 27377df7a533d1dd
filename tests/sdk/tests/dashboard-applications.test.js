// Applications, APIs, roles and connections in the dashboard: made, changed, refused and deleted.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { dashboard } from '../harness/dashboard.js';

dashboard('dashboard applications', (stage) => {
  const { at, fill, press, heading, says } = stage;

  test('an application is made, changed, refused and deleted', async () => {
    const { page, gatewright } = stage;
    await page.goto(at('/applications/new'));
    await press('Create application');
    await page.locator('.wrong .error').waitFor();
    assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'name');
    const name = `Tea ${randomUUID().slice(0, 8)}`;
    await page.getByLabel('Type').selectOption('regular_web');
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
    await page.getByRole('link', { name: 'Show secret' }).click();
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

  test('an API, its scopes, a role and its permissions', async () => {
    const { page, gatewright } = stage;
    const identifier = `https://${randomUUID()}.example/`;
    await page.goto(at('/apis/new'));
    await press('Create API');
    assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'identifier');
    await fill({ Name: 'Tea', Identifier: identifier });
    await press('Create API');
    await heading('Tea');
    await page.getByRole('link', { name: 'Scopes', exact: true }).click();
    await fill({ Scope: 'read:tea', Description: 'Read tea' });
    await press('Add scope');
    await fill({ Scope: 'drink:tea' });
    await press('Add scope');
    await page.getByRole('button', { name: 'Remove drink:tea' }).click();
    await says(/Removed/);
    const apis = await gatewright.management('GET', `resource-servers?identifiers=${encodeURIComponent(identifier)}`);
    const api = (apis.resource_servers ?? apis)[0];
    assert.deepEqual(api.scopes, [{ value: 'read:tea', description: 'Read tea' }]);

    await page.goto(at('/roles/new'));
    const role = `Drinker ${randomUUID().slice(0, 8)}`;
    await fill({ Name: role });
    await press('Create role');
    await heading(role);
    await page.getByRole('link', { name: 'Permissions', exact: true }).click();
    await page.getByLabel('API', { exact: true }).selectOption({ label: 'Tea' });
    await fill({ 'Scope of the API': 'eat:tea' });
    await press('Add permission');
    assert.match(await page.locator('.wrong .error, .fields > .error').first().innerText(), /does not define eat:tea/);
    await fill({ 'Scope of the API': 'read:tea' });
    await press('Add permission');
    await says(/Added/);
    await says(/Read tea/);
    await page.getByRole('link', { name: 'Settings', exact: true }).click();
    await page.getByRole('link', { name: 'Delete role…' }).click();
    await page.locator('#name').fill(role);
    await press('Delete role');
    await page.goto(at(`/apis/${api.id}/delete`));
    await page.locator('#name').fill('Tea');
    await press('Delete API');
    await says(/Deleted/);
  });

  test('a connection is made, refused, changed, turned on and deleted', async () => {
    const { page, gatewright } = stage;
    const name = `text-${randomUUID().slice(0, 8)}`;
    await page.goto(at('/connections/new'));
    await fill({ Name: 'no good name!' });
    await press('Create connection');
    assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'name');
    await fill({ Name: name });
    await page.getByLabel('Strategy').selectOption('sms');
    await press('Create connection');
    await heading(name);
    await fill({ options: '{"totp": {"length": 99}}' });
    await press('Save options');
    await page.locator('#options .error').waitFor();
    await fill({ options: '{"totp": {"length": 6, "time_step": 180}}' });
    await press('Save options');
    await says(/Saved/);
    await page.getByRole('link', { name: 'Applications', exact: true }).last().click();
    await page.getByRole('button', { name: 'Turn on Gatewright Dashboard' }).click();
    await says(/Saved/);
    const [connection] = await gatewright.management('GET', `connections?name=${name}`);
    assert.deepEqual(connection.enabled_clients, ['gatewright-dashboard']);
    await page.goto(at(`/connections/${connection.id}/delete`));
    await page.locator('#name').fill(name);
    await press('Delete connection');
    await says(/Deleted/);
  });
});
