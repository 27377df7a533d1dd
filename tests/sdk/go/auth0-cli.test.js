// The auth0 CLI, the program itself, logged in as a machine.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { program, workbench } from './programs.js';

const AUTH0 = program('AUTH0_CLI_BIN', 'auth0');
const DATABASE = 'Username-Password-Authentication';
const API = 'https://cli.example/';

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

for (const engine of engines()) {
  describe(`auth0 CLI, ${engine.name}`, () => {
    let server, bench;

    /** Runs a command that prints JSON. */
    const json = async (...args) => JSON.parse(await bench.run(...args, '--json', '--no-input', '--no-color'));

    before(async () => {
      server = await startGatewright(engine);
      bench = workbench(AUTH0, server, { AUTH0_CLI_ANALYTICS: 'false' });
      const { client_id, client_secret } = server.admin;
      await bench.run('login', '--domain', server.domain, '--client-id', client_id, '--client-secret', client_secret, '--no-input');
    });
    after(async () => {
      await server?.stop();
      bench?.close();
    });

    test('applications, an API, and a token for it', async () => {
      const made = await json('apps', 'create', '--name', 'Robot', '--type', 'm2m', '--description', 'Works');
      assert.equal((await json('apps', 'show', made.client_id)).name, 'Robot');
      assert.equal((await json('apps', 'update', made.client_id, '--description', 'Rests')).description, 'Rests');
      await json('apis', 'create', '--name', 'Library', '--identifier', API, '--scopes', 'read:books,lend:books');
      assert.ok((await json('apis', 'list')).some(({ identifier }) => identifier === API));
      await server.management('POST', 'client-grants', { client_id: made.client_id, audience: API, scope: ['read:books'] });
      const token = await json('test', 'token', made.client_id, '--audience', API, '--scopes', 'read:books', '--force');
      assert.deepEqual([claimsOf(token.access_token).aud, claimsOf(token.access_token).scope], [API, 'read:books']);
      await bench.run('apps', 'delete', made.client_id, '--force', '--no-input');
      assert.ok(!(await json('apps', 'list')).some(({ client_id }) => client_id === made.client_id));
    });

    test('users, their roles, and what the log says', async () => {
      const person = ['--connection-name', DATABASE, '--email', 'ida@example.com', '--password', 'Correct-horse-7'];
      const user = await json('users', 'create', ...person, '--name', 'Ida');
      assert.equal((await json('users', 'search', '--query', 'name:Id*'))[0].user_id, user.user_id);
      const role = await json('roles', 'create', '--name', 'Librarian', '--description', 'Lends books');
      await bench.run('users', 'roles', 'assign', user.user_id, '--roles', role.id, '--no-input');
      assert.deepEqual((await json('users', 'roles', 'show', user.user_id)).map(({ name }) => name), ['Librarian']);
      assert.ok((await json('logs', 'list', '--number', '5')).length > 0);
      await bench.run('users', 'delete', user.user_id, '--force', '--no-input');
    });

    test('an action', async () => {
      const code = 'exports.onExecutePostLogin = async (event, api) => {};';
      const made = await json('actions', 'create', '--name', 'Nothing', '--trigger', 'post-login', '--code', code);
      await bench.run('actions', 'deploy', made.id, '--no-input');
      assert.deepEqual((await json('actions', 'list')).map(({ name }) => name), ['Nothing']);
      await bench.run('actions', 'delete', made.id, '--force', '--no-input');
    });
  });
}
