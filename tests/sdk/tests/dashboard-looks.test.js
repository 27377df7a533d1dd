// Every page of the dashboard, as it looks: light, dark and on a telephone, with axe-core, weight and width.
import { after, before, describe } from 'node:test';
import { startBrowser } from '../harness/browser.js';
import { becomeAdministrator, looks, newPassword } from '../harness/dashboard.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { makeTrust } from '../harness/trust.js';

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
    await management('POST', 'email-templates', {
      template: 'verify_email', subject: 'Tea for {{ user.name }}', body: '<p>Drink <a href="{{ url }}">this</a>.</p>', from: null, syntax: 'liquid', enabled: true,
    });
    await management('POST', 'resource-servers', { identifier: 'https://tea.example/', name: 'Tea' });
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
    'rule-settings': () => '/rule-settings',
    'user-access': () => `/users/${user}/access`,
    branding: () => '/branding',
    emails: () => '/emails',
    email: () => '/emails/reset_email',
    'email-own': () => '/emails/verify_email',
    'logs-live': () => '/logs?live=on',
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
      await page.getByRole('link', { name: 'Decide it again' }).click();
      await page.getByRole('heading', { name: 'Decided again' }).waitFor();
      await shown('log-entry-now');
      const query = new URLSearchParams({ client_id: 'gatewright-playground', audience: 'https://tea.example/', scope: 'openid read:tea' });
      await page.goto(`${gatewright.issuer}dashboard/playground?${query}`);
      await shown('playground-remedy');
      await page.getByRole('button', { name: 'Apply the remedy' }).click();
      await page.getByRole('heading', { name: 'Apply the remedy' }).waitFor();
      await shown('remedy');
      await page.goto(`${gatewright.issuer}dashboard/applications/new`);
      await page.getByRole('button', { name: 'Create application' }).click();
      await page.locator('.wrong .error').waitFor();
      await shown('application-error');
      await page.goto(`${gatewright.issuer}dashboard/emails/verify_email`);
      await page.getByLabel('Body').fill('{% if %}');
      await page.getByRole('button', { name: 'Save text' }).click();
      await page.locator('.wrong .error').waitFor();
      await shown('email-error');
      const theme = page.getByRole('button', { name: 'Begin a theme' });
      await page.goto(`${gatewright.issuer}dashboard/branding`);
      if (await theme.count()) await theme.click();
      await page.getByRole('button', { name: 'Save theme' }).waitFor();
      await shown('branding-theme');
    },
  });
});
