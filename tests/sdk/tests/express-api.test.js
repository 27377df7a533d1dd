// An Express API behind express-oauth2-jwt-bearer: discovery, signature, issuer, audience and scopes of our tokens.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import { auth, claimIncludes, requiredScopes } from 'express-oauth2-jwt-bearer';
import { registerApplication } from '../harness/applications.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { request } from '../harness/https.js';
import { trustHere } from '../harness/own-trust.js';

const OTHER = 'https://other.example/';

for (const engine of engines()) {
  describe(`express-oauth2-jwt-bearer, ${engine.name}`, () => {
    let server, machine, api;

    before(async () => {
      server = await startGatewright(engine);
      trustHere(server.ca);
      const { management, audience } = server;
      machine = await registerApplication(management, { name: 'Machine', app_type: 'non_interactive' });
      await management('POST', 'resource-servers', { identifier: OTHER, name: 'Other' });
      for (const [identifier, scope] of [[audience, ['read:orders']], [OTHER, []]]) {
        await management('POST', 'client-grants', { client_id: machine.client_id, audience: identifier, scope });
      }
      api = await startApi(auth({ issuerBaseURL: server.issuer, audience }));
    });
    after(async () => {
      await api?.close();
      await server?.stop();
    });

    test('a token for the API opens what its scopes allow', async () => {
      const token = await tokenFor(server.audience);
      const orders = await api.get('/orders', token);
      assert.deepEqual([orders.status, (await orders.json()).sub], [200, `${machine.client_id}@clients`]);
      assert.equal((await api.get('/machines', token)).status, 200);
      await assertRefused(await api.get('/admin', token), 403, 'insufficient_scope');
    });

    test('nothing else does', async () => {
      await assertRefused(await api.get('/orders', await tokenFor(OTHER)), 401, 'invalid_token');
      const [header, claims, signature] = (await tokenFor(server.audience)).split('.');
      const more = JSON.parse(Buffer.from(claims, 'base64url'));
      const forged = Buffer.from(JSON.stringify({ ...more, scope: 'write:orders' })).toString('base64url');
      await assertRefused(await api.get('/admin', `${header}.${forged}.${signature}`), 401, 'invalid_token');
      assert.equal((await api.get('/orders')).status, 401);
    });

    async function tokenFor(audience) {
      const { client_id, client_secret } = machine;
      const body = { grant_type: 'client_credentials', client_id, client_secret, audience };
      const reply = await request(`${server.issuer}oauth/token`, { ca: server.ca, method: 'POST', body });
      assert.equal(reply.status, 200, reply.text);
      return reply.json.access_token;
    }
  });
}

async function startApi(guard) {
  const app = express();
  app.use(guard);
  const answer = (request_, reply) => reply.json(request_.auth.payload);
  app.get('/orders', requiredScopes('read:orders'), answer);
  app.get('/machines', claimIncludes('gty', 'client-credentials'), answer);
  app.get('/admin', requiredScopes('write:orders'), answer);
  app.use((error, _request, reply, _next) => {
    reply.status(error.status ?? 500).set(error.headers ?? {}).json({ code: error.code, message: error.message });
  });
  const listener = app.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => listener.once('listening', resolve).once('error', reject));
  return {
    get: (path, token) =>
      fetch(`http://127.0.0.1:${listener.address().port}${path}`, token && { headers: { authorization: `Bearer ${token}` } }),
    close() {
      listener.closeAllConnections();
      return new Promise((resolve) => listener.close(resolve));
    },
  };
}

async function assertRefused(reply, status, code) {
  assert.deepEqual([reply.status, (await reply.json()).code], [status, code]);
  assert.match(reply.headers.get('www-authenticate'), new RegExp(`error="${code}"`));
}
