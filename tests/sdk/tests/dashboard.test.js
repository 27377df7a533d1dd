// The dashboard in a browser, on every database: the first administrator by the printed link, applications and
// users made, changed, refused and deleted, logs that say why.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startBrowser } from '../harness/browser.js';
import { becomeAdministrator, looks, newPassword } from '../harness/dashboard.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { request } from '../harness/https.js';
import { screenshotPath } from '../harness/scenario.js';
import { newPhone } from '../harness/sdks.js';
import { makeTrust } from '../harness/trust.js';

for (const engine of engines()) {
  describe(`dashboard on ${engine.name}`, () => {
    let gatewright, trust, chromium, context, page, admin;
    const at = (path) => `${gatewright.issuer}dashboard${path}`;
    before(async () => {
      gatewright = await startGatewright(engine, { more: ['--tenant', 'acme'] });
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
    const heading = async (name) => {
      await page.getByRole('heading', { name, level: 1 }).waitFor().catch(async (error) => {
        const picture = screenshotPath(`failed-dashboard-${name}`);
        await page.screenshot({ path: picture, fullPage: true });
        throw new Error(`no heading "${name}" at ${page.url()}, see ${picture}`, { cause: error });
      });
    };
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

    test('a user is made, refused, changed and deleted', async () => {
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

    test('an API, its scopes, a role and its permissions', async () => {
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

    test('an action is written, tried, given a secret, deployed and bound', async () => {
      const name = `add-tea-${randomUUID().slice(0, 8)}`;
      await page.goto(at('/actions/new'));
      await press('Create action');
      assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'name');
      await fill({ Name: name, Code: 'exports.onExecutePostLogin = async (event, api) => { api.nonsense(); };' });
      await press('Create action');
      await heading(name);
      await page.getByRole('link', { name: 'Test run' }).click();
      await press('Run');
      await page.getByRole('heading', { name: 'It failed' }).waitFor();
      await page.getByRole('link', { name: 'Draft', exact: true }).click();
      await fill({ Code: `exports.onExecutePostLogin = async (event, api) => {
  api.idToken.setCustomClaim("https://tea.example/hobby", event.secrets.HOBBY ?? "none");
};` });
      await press('Save draft');
      await says(/Saved/);
      await page.getByRole('link', { name: 'Secrets', exact: true }).click();
      await fill({ Name: 'HOBBY', Value: 'surfing' });
      await press('Set secret');
      await says(/HOBBY/);
      await page.getByRole('link', { name: 'Test run' }).click();
      await press('Run');
      await page.getByRole('heading', { name: 'It ran' }).waitFor();
      await says(/tea\.example\/hobby/);
      await page.getByRole('link', { name: 'Versions and deploy' }).click();
      await press('Deploy');
      await says(/Version 1\s+deployed/);
      await page.goto(at('/triggers'));
      await fill({ 'Names of actions': 'no such action' });
      await press('Save order');
      await page.locator('#order .error').waitFor();
      await fill({ 'Names of actions': name });
      await press('Save order');
      await says(/runs, number 1/);

      // A login in the playground has the claim, and says which action it comes from.
      await page.goto(at('/playground?client_id=gatewright-playground&scope=openid&response_type=code&connection=Username-Password-Authentication&prompt=login'));
      await press('Run it');
      await page.locator('input[name="username"]').fill(admin.email);
      await page.locator('input[name="password"]').fill(admin.password);
      await page.locator('button[name="action"][value="default"]').click();
      await heading('What came back');
      const claim = page.locator('section.claims tr', { hasText: 'https://tea.example/hobby' }).first();
      assert.match(await claim.innerText(), new RegExp(`surfing\\s+Action ${name}`));

      await page.goto(at('/triggers'));
      await fill({ 'Names of actions': '' });
      await press('Save order');
      await says(/not bound/);
      await page.getByRole('link', { name: name }).click();
      await page.getByRole('link', { name: 'Delete action…' }).click();
      await page.locator('#name').fill(name);
      await press('Delete action');
      await says(/Deleted/);
    });

    test('a rule, the look, the settings and the keys', async () => {
      await page.goto(at('/rules/new'));
      await fill({ Name: 'tea rule', Script: 'function (user, context, callback) { callback(null, user, context); }' });
      await press('Create rule');
      await heading('tea rule');
      await page.getByLabel('Runs').uncheck();
      await press('Save rule');
      await says(/Saved/);
      const [rule] = await gatewright.management('GET', 'rules');
      assert.equal(rule.enabled, false);
      await page.goto(at(`/rules/${rule.id}/delete`));
      await page.locator('#name').fill('tea rule');
      await press('Delete rule');
      await says(/Deleted/);

      await page.goto(at('/branding'));
      await fill({ 'Colour of buttons and links': 'greenish' });
      await press('Save look');
      assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'colors.primary');
      await fill({ 'Colour of buttons and links': '#1c6b3c' });
      await press('Save look');
      await says(/Saved/);
      assert.equal((await gatewright.management('GET', 'branding')).colors.primary, '#1c6b3c');

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

    test('a login is in the logs, and its entry says why each scope was granted', async () => {
      await page.goto(at('/logs?q=type%3As'));
      await page.locator('a.open').first().click();
      await heading('Login');
      const rows = await page.locator('.why tbody tr').allInnerTexts();
      assert.ok(rows.some((row) => /openid[\s\S]*granted[\s\S]*oidc_standard/.test(row)), rows.join('\n'));
      await page.goto(at('/logs?q=date%3Atoday'));
      await says(/date is a date such as/);
    });

    test('a stranger\'s path: the forum\'s scopes in the playground, the reason, the remedy, granted', async () => {
      await page.goto(at('/playground'));
      const row = (scope) => page.locator('.why tr', { has: page.locator(`th code:text-is("${scope}")`) });
      assert.match(await row('user_metadata').innerText(), /dropped[\s\S]*not_defined_on_api/);
      assert.match(await row('read:users').innerText(), /dropped[\s\S]*end_user_token_limit/);
      assert.match(await page.locator('#url').innerText(), /authorize\?client_id=gatewright-playground&audience=/);
      await press('Run it');
      const phone = newPhone();
      await page.locator('input[name="username"]').fill(phone.e164);
      await page.locator('button[name="action"][value="default"]').click();
      await page.locator('input[name="code"]').waitFor();
      const first = await gatewright.inbox.code(phone.e164);
      await page.locator('input[name="code"]').fill(first.code);
      await heading('What came back');
      assert.match(await row('read:users').innerText(), /dropped[\s\S]*end_user_token_limit[\s\S]*Remedy/);
      const claims = async () => page.locator('section.claims').last().innerText();
      assert.match(await claims(), /scope\s+openid profile email\s/);

      // The remedy, pressed; the administrator's own session is not the one that logged in.
      await page.getByRole('link', { name: 'Ask for read:current_user instead' }).click();
      await heading('Playground');
      assert.match(await row('read:current_user').innerText(), /granted/);
      await press('Run it');
      await page.locator('input[name="username"]').fill(phone.e164);
      await page.locator('button[name="action"][value="default"]').click();
      await page.locator('input[name="code"]').waitFor();
      const again = await gatewright.inbox.code(phone.e164, first.id);
      await page.locator('input[name="code"]').fill(again.code);
      await heading('What came back');
      assert.match(await row('read:current_user').innerText(), /granted[\s\S]*current_user_scope/);
      assert.match(await claims(), /scope\s+openid profile email read:current_user/);
      assert.match(await page.locator('section.claims').first().innerText(), /name\s+\S+\s+scope profile/);
      await page.reload();
      await says(/Nothing to show/);
    });

    test('the playground of dev needs no administrator, and shows tokens of every response type', async () => {
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

    test('what is another tenant\'s does not exist here', async () => {
      const other = gatewright.tenants.find(({ id }) => id === 'acme');
      for (const path of ['', '/settings', '/connections', '/apis', '/delete']) {
        const answer = await page.goto(at(`/applications/${other.client_id}${path}`));
        assert.equal(answer.status(), 404, path);
      }
      // The session is of this tenant's host only.
      await page.goto(`${other.issuer}dashboard/logs`);
      assert.match(page.url(), /acme\.localhost:\d+\/u\/login/);
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
  });
}

describe('looks of the dashboard', () => {
  let gatewright, trust, chromium, state, client, user, api, connection, role, action;
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
    const names = ['Grace Hopper', 'نور الهدى', `Somebody with a name that is ${'very '.repeat(8)}long`];
    for (const [index, name] of names.entries()) {
      await management('POST', 'users', { connection: 'Username-Password-Authentication', email: `user${index}@example.org`, password: newPassword(), name });
    }
    const [ada] = await management('GET', 'users-by-email?email=ada%40example.org');
    await management('PATCH', `users/${encodeURIComponent(ada.user_id)}`, { name: 'Ada Lovelace', user_metadata: { hobby: 'numbers' } });
    user = encodeURIComponent(ada.user_id);
    api = (await management('GET', 'resource-servers')).find((one) => one.identifier === gatewright.audience);
    [connection] = await management('GET', 'connections?name=sms');
    [role] = await management('GET', 'roles');
    action = await management('POST', 'actions/actions', {
      name: 'add-hobby', supported_triggers: [{ id: 'post-login', version: 'v3' }],
      code: 'exports.onExecutePostLogin = async (event, api) => {\n  api.idToken.setCustomClaim("https://tea.example/hobby", event.user.user_metadata.hobby);\n};',
      secrets: [{ name: 'KEY', value: 'secret' }],
    });
    for (let tries = 0; tries < 2; tries += 1) await management('POST', `actions/actions/${action.id}/deploy`);
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
    playground: () => '/playground',
    users: () => '/users',
    'user-new': () => '/users/new',
    user: () => `/users/${user}`,
    'user-roles': () => `/users/${user}/roles`,
    'user-sessions': () => `/users/${user}/sessions`,
    'user-grants': () => `/users/${user}/grants`,
    'user-logs': () => `/users/${user}/logs`,
    apis: () => '/apis',
    api: () => `/apis/${api.id}`,
    'api-scopes': () => `/apis/${api.id}/scopes`,
    connections: () => '/connections',
    connection: () => `/connections/${connection.id}`,
    'connection-applications': () => `/connections/${connection.id}/applications`,
    'connection-try': () => `/connections/${connection.id}/try`,
    roles: () => '/roles',
    'role-permissions': () => `/roles/${role.id}/permissions`,
    'role-users': () => `/roles/${role.id}/users`,
    actions: () => '/actions',
    action: () => `/actions/${action.id}`,
    'action-test': () => `/actions/${action.id}/test`,
    'action-secrets': () => `/actions/${action.id}/secrets`,
    'action-versions': () => `/actions/${action.id}/versions`,
    triggers: () => '/triggers',
    rules: () => '/rules',
    'rule-new': () => '/rules/new',
    branding: () => '/branding',
    keys: () => '/keys',
    settings: () => '/settings',
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
