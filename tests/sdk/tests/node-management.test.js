// node-auth0's ManagementClient over every resource that is built: made, read, changed, listed, deleted.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Management, ManagementClient } from 'auth0';
import { DATABASE, registerApplication } from '../harness/applications.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { request } from '../harness/https.js';
import { trustHere } from '../harness/own-trust.js';
import { Visitor } from '../harness/visitor.js';

const CALLBACK = 'http://localhost:3000/callback';
const PASSWORD = 'Correct-horse-7';

const { BadRequestError, ConflictError, ForbiddenError, NotFoundError, UnauthorizedError } = Management;

for (const engine of engines()) {
  describe(`node-auth0 ManagementClient, ${engine.name}`, () => {
    let server, api;

    before(async () => {
      server = await startGatewright(engine);
      trustHere(server.ca);
      const { client_id: clientId, client_secret: clientSecret } = server.admin;
      api = new ManagementClient({ domain: server.domain, clientId, clientSecret });
    });
    after(() => server?.stop());

    test('clients', async () => {
      const made = await api.clients.create({ name: 'Shop', app_type: 'regular_web', callbacks: ['https://shop.example/'] });
      assert.match(made.client_id, /^\w{32}$/);
      assert.deepEqual([made.name, made.token_endpoint_auth_method], ['Shop', 'client_secret_post']);
      assert.deepEqual((await api.clients.get(made.client_id)).callbacks, made.callbacks);
      const some = await api.clients.get(made.client_id, { fields: 'name', include_fields: true });
      assert.deepEqual(some, { name: 'Shop' });
      const changed = await api.clients.update(made.client_id, { description: 'Sells things' });
      assert.deepEqual([changed.description, changed.name], ['Sells things', 'Shop']);
      const rotated = await api.clients.rotateSecret(made.client_id);
      assert.notEqual(rotated.client_secret, made.client_secret);

      const more = await Promise.all([1, 2, 3].map((n) => api.clients.create({ name: `Shop ${n}`, app_type: 'spa' })));
      const page = await api.clients.list({ per_page: 2, app_type: 'spa' });
      assert.equal(page.response.total, 4, 'three, and that of `dev`');
      assert.deepEqual(await names(page, 'client_id'), (await api.clients.list({ app_type: 'spa' })).data.map((c) => c.client_id));
      assert.ok(more.every(({ client_id }) => client_id));

      await assert.rejects(api.clients.create({ name: 'Odd', app_type: 'toaster' }), refused(BadRequestError, 400, 'invalid_body'));
      await api.clients.delete(made.client_id);
      await assert.rejects(api.clients.get(made.client_id), refused(NotFoundError, 404, 'inexistent_client'));
    });

    test('connections', async () => {
      const { client_id } = await api.clients.create({ name: 'Of the connection' });
      const made = await api.connections.create({
        name: 'staff',
        strategy: 'auth0',
        options: { passwordPolicy: 'excellent' },
        enabled_clients: [client_id],
      });
      assert.match(made.id, /^con_/);
      assert.equal((await api.connections.get(made.id)).options.passwordPolicy, 'excellent');
      const changed = await api.connections.update(made.id, { options: { passwordPolicy: 'good' } });
      assert.equal(changed.options.passwordPolicy, 'good');
      assert.deepEqual((await api.connections.list({ name: 'staff' })).data.map(({ id }) => id), [made.id]);
      assert.deepEqual((await names(await api.connections.list({ take: 2 }), 'name')).sort(), ['email', 'sms', 'staff', DATABASE].sort());
      assert.deepEqual((await api.connections.clients.get(made.id)).data, [{ client_id }]);
      await api.connections.clients.update(made.id, [{ client_id, status: false }]);
      assert.deepEqual((await api.connections.clients.get(made.id)).data, []);
      await assert.rejects(api.connections.create({ name: 'staff', strategy: 'auth0' }), refused(ConflictError, 409));
      await api.connections.delete(made.id);
      await assert.rejects(api.connections.get(made.id), refused(NotFoundError, 404));
    });

    test('resource servers and client grants', async () => {
      const identifier = 'https://orders.example/';
      const made = await api.resourceServers.create({ identifier, name: 'Orders', scopes: [{ value: 'read:it', description: 'Read' }] });
      assert.deepEqual([made.identifier, made.signing_alg, made.token_lifetime], [identifier, 'RS256', 86400]);
      assert.equal((await api.resourceServers.get(identifier)).id, made.id, 'by its identifier too');
      await api.resourceServers.update(made.id, { token_lifetime: 600 });
      assert.equal((await api.resourceServers.get(made.id)).token_lifetime, 600);
      assert.ok((await names(await api.resourceServers.list({ per_page: 1 }), 'identifier')).includes(identifier));

      const { client_id } = await api.clients.create({ name: 'Machine', app_type: 'non_interactive' });
      const grant = await api.clientGrants.create({ client_id, audience: identifier, scope: ['read:it'] });
      assert.deepEqual((await api.clientGrants.list({ client_id })).data, [await api.clientGrants.get(grant.id)]);
      const changed = await api.clientGrants.update(grant.id, { scope: [] });
      assert.deepEqual(changed.scope, []);
      assert.ok((await names(await api.clientGrants.list({ take: 1 }), 'id')).includes(grant.id));
      await assert.rejects(api.clientGrants.create({ client_id, audience: identifier, scope: [] }), refused(ConflictError, 409));
      await api.clientGrants.delete(grant.id);
      assert.deepEqual((await api.clientGrants.list({ client_id })).data, []);

      await assert.rejects(api.resourceServers.create({ identifier, name: 'Again' }), refused(ConflictError, 409));
      await api.resourceServers.delete(made.id);
      await assert.rejects(api.resourceServers.get(made.id), refused(NotFoundError, 404));
    });

    test('users, and what the log says of them', async () => {
      const person = { connection: DATABASE, email: 'ada@example.com', password: PASSWORD };
      const made = await api.users.create({ ...person, app_metadata: { plan: 'gold' }, user_metadata: { theme: 'dark' } });
      assert.match(made.user_id, /^auth0\|/);
      assert.equal(made.password, undefined);
      const found = await api.users.get(made.user_id);
      assert.deepEqual([found.app_metadata, found.user_metadata], [{ plan: 'gold' }, { theme: 'dark' }]);
      const changed = await api.users.update(made.user_id, { user_metadata: { size: 'L' }, app_metadata: { plan: null } });
      assert.deepEqual([changed.app_metadata, changed.user_metadata], [{}, { theme: 'dark', size: 'L' }]);
      assert.equal((await api.users.listUsersByEmail({ email: person.email }))[0].user_id, made.user_id);
      await Promise.all([1, 2].map((n) => api.users.create({ ...person, email: `joan${n}@example.com` })));
      const all = await names(await api.users.list({ per_page: 2, sort: 'email:1' }), 'email');
      assert.deepEqual(all, ['ada@example.com', 'joan1@example.com', 'joan2@example.com']);
      const search = await api.users.list({ q: 'email:"joan1@example.com"', search_engine: 'v3' });
      assert.deepEqual(search.data.map(({ email }) => email), ['joan1@example.com']);
      await assert.rejects(api.users.create(person), refused(ConflictError, 409));

      const [newest] = (await api.logs.list({ q: 'type:sapi', sort: 'date:-1', per_page: 1 })).data;
      assert.equal((await api.logs.get(newest.log_id)).log_id, newest.log_id);
      assert.ok(Array.isArray((await api.users.logs.list(made.user_id)).data));
      await api.users.delete(made.user_id);
      await assert.rejects(api.users.get(made.user_id), refused(NotFoundError, 404, 'inexistent_user'));
    });

    test('sessions, refresh tokens and consents of a user', async () => {
      const grace = await api.users.create({ connection: DATABASE, email: 'grace@example.com', password: PASSWORD });
      const { refresh_token } = await logIn(grace.email);
      const [session] = (await api.users.sessions.list(grace.user_id)).data;
      assert.equal((await api.sessions.get(session.id)).user_id, grace.user_id);
      const [token] = (await api.users.refreshToken.list(grace.user_id)).data;
      assert.equal((await api.refreshTokens.get(token.id)).session_id, session.id);
      assert.deepEqual((await api.userGrants.list({ user_id: grace.user_id })).data, [], 'nobody was asked');

      await api.refreshTokens.delete(token.id);
      await assert.rejects(api.refreshTokens.get(token.id), refused(NotFoundError, 404));
      assert.equal((await exchange({ grant_type: 'refresh_token', refresh_token })).status, 403);
      await api.sessions.delete(session.id);
      await assert.rejects(api.sessions.get(session.id), refused(NotFoundError, 404));
      await logIn(grace.email);
      await api.users.sessions.delete(grace.user_id);
      await api.users.refreshToken.delete(grace.user_id);
      assert.deepEqual((await api.users.sessions.list(grace.user_id)).data, []);
    });

    test('e-mail provider and templates', async () => {
      await assert.rejects(api.emails.provider.get(), refused(NotFoundError, 404, 'inexistent_email_provider'));
      const credentials = { smtp_host: 'mail.example', smtp_port: 587, smtp_user: 'us', smtp_pass: 'secret' };
      const made = await api.emails.provider.create({ name: 'smtp', enabled: true, default_from_address: 'us@example.com', credentials });
      assert.equal(made.name, 'smtp');
      await api.emails.provider.update({ default_from_address: 'shop@example.com' });
      const read = await api.emails.provider.get({ fields: 'name,default_from_address', include_fields: true });
      assert.deepEqual(read, { name: 'smtp', default_from_address: 'shop@example.com' });
      await api.emails.provider.delete();

      const template = {
        template: 'reset_email',
        body: '<a href="{{ url }}">New password</a>',
        from: 'us@example.com',
        subject: 'New password',
        syntax: 'liquid',
        enabled: true,
      };
      assert.equal((await api.emailTemplates.create(template)).subject, template.subject);
      await api.emailTemplates.update('reset_email', { subject: 'Password' });
      assert.equal((await api.emailTemplates.get('reset_email')).subject, 'Password');
      const { template: name, ...rest } = template;
      assert.equal((await api.emailTemplates.set(name, { ...rest, template: name, subject: 'Whole' })).subject, 'Whole');
    });

    test('tenant settings and prompts', async () => {
      const changed = await api.tenants.settings.update({ friendly_name: 'Acme', session_lifetime: 24 });
      assert.deepEqual([changed.friendly_name, changed.session_lifetime], ['Acme', 24]);
      assert.equal((await api.tenants.settings.get({ fields: 'friendly_name' })).friendly_name, 'Acme');
      await api.prompts.updateSettings({ identifier_first: true });
      assert.equal((await api.prompts.getSettings()).identifier_first, true);
    });

    test('what is not built says so, and a token must be good', async () => {
      const calls = [() => api.actions.list(), () => api.organizations.list(), () => api.hooks.list()];
      for (const call of calls) {
        await assert.rejects(call, (error) => {
          refused(ForbiddenError, 403, 'insufficient_scope')(error);
          assert.ok(error.rawResponse.headers.get('x-gatewright-not-built'));
          return true;
        });
      }
      const stranger = new ManagementClient({ domain: server.domain, token: 'nothing' });
      await assert.rejects(stranger.clients.list(), refused(UnauthorizedError, 401));
      const { client_id: clientId } = server.admin;
      const wrong = new ManagementClient({ domain: server.domain, clientId, clientSecret: 'wrong' });
      await assert.rejects(wrong.clients.list(), { statusCode: 401 });
    });

    let app;

    /** The tokens of somebody who logs in on the hosted page of a web application. */
    async function logIn(username) {
      app ??= await registerApplication(
        server.management,
        { name: 'Web', app_type: 'regular_web', callbacks: [CALLBACK], grant_types: ['authorization_code', 'refresh_token'] },
        [DATABASE],
      );
      const asked = { response_type: 'code', redirect_uri: CALLBACK, scope: 'openid offline_access', state: 'x' };
      const visitor = new Visitor(server.ca);
      const query = new URLSearchParams({ client_id: app.client_id, ...asked });
      const page = await visitor.open(`${server.issuer}authorize?${query}`);
      const { left, text } = await visitor.submit(page, { username, password: PASSWORD });
      assert.ok(left, text);
      const code = left.searchParams.get('code');
      return (await exchange({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK })).json;
    }

    function exchange(grant) {
      const { client_id, client_secret } = app;
      const body = { client_id, client_secret, ...grant };
      return request(`${server.issuer}oauth/token`, { ca: server.ca, method: 'POST', body });
    }
  });
}

/** One member of every item of a list, page by page as the SDK turns them. */
async function names(page, member) {
  const found = [];
  for await (const item of page) found.push(item[member]);
  return found;
}

/** The SDK's class of error for a status, with the API's own fields in its body. */
const refused = (type, statusCode, errorCode) => (error) => {
  assert.ok(error instanceof type, error);
  assert.deepEqual([error.statusCode, error.body.statusCode], [statusCode, statusCode]);
  assert.ok(error.body.error && error.body.message, JSON.stringify(error.body));
  if (errorCode) assert.equal(error.body.errorCode, errorCode);
  return true;
};
