// node-auth0's ManagementClient over every resource that is built, a file of `management/` for each group of them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ManagementClient } from 'auth0';
import { recorder } from '../harness/coverage.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { trustHere } from '../harness/own-trust.js';
import access from '../management/access.js';
import apis from '../management/apis.js';
import clients from '../management/clients.js';
import connections from '../management/connections.js';
import domains from '../management/domains.js';
import extensibility from '../management/extensibility.js';
import jobs from '../management/jobs.js';
import look from '../management/look.js';
import messages from '../management/messages.js';
import organizations from '../management/organizations.js';
import protection from '../management/protection.js';
import refusals from '../management/refusals.js';
import roles from '../management/roles.js';
import sessions from '../management/sessions.js';
import settings from '../management/settings.js';
import users from '../management/users.js';

const GROUPS = {
  clients, connections, apis, roles, users, access, sessions, messages, look, settings, organizations, extensibility, domains,
  jobs, protection, refusals,
};

for (const engine of engines()) {
  describe(`node-auth0 ManagementClient, ${engine.name}`, () => {
    const calls = recorder();
    let server, api;

    before(async () => {
      server = await startGatewright(engine);
      trustHere(server.ca);
      const { client_id: clientId, client_secret: clientSecret } = server.admin;
      api = new ManagementClient({ domain: server.domain, clientId, clientSecret, fetch: calls.fetch });
    });
    after(() => server?.stop());

    /** Calls an operation for which this version of the client has no method. */
    async function withoutMethod(method, path, body) {
      const answer = await server.management(method, path, body);
      calls.succeeded(method, `/${path}`);
      return answer;
    }

    for (const [name, declare] of Object.entries(GROUPS)) {
      describe(name, () => {
        before(() => calls.enter(`tests/sdk/management/${name}.js`));
        declare({ api: () => api, server: () => server, withoutMethod, answered: calls.succeeded });
      });
    }

    test('every operation that is built was called, and succeeded', () => {
      assert.deepEqual(calls.missed(), []);
    });

    test('the table of operations says which file calls each', () => calls.agreesWithTable());
  });
}
