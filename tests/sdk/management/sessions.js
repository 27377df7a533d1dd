import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { DATABASE, registerApplication } from '../harness/applications.js';
import { request } from '../harness/https.js';
import { Visitor } from '../harness/visitor.js';
import { all, refused } from './expectations.js';

const { NotFoundError } = Management;
const CALLBACK = 'http://localhost:3000/callback';
const PASSWORD = 'Correct-horse-7';

export default function sessions({ api, server }) {
  test('sessions, refresh tokens, devices and consents of a user', async () => {
    const grace = await api().users.create({ connection: DATABASE, email: 'grace@example.com', password: PASSWORD });
    const logIn = await application();
    const { refresh_token } = (await logIn(grace.email)).json;
    const [session] = (await api().users.sessions.list(grace.user_id)).data;
    assert.equal((await api().sessions.get(session.id)).user_id, grace.user_id);
    const [token] = (await api().users.refreshToken.list(grace.user_id)).data;
    assert.equal((await api().refreshTokens.get(token.id)).session_id, session.id);
    assert.deepEqual((await api().userGrants.list({ user_id: grace.user_id })).data, [], 'nobody was asked');
    const session_metadata = { device: 'laptop' };
    assert.deepEqual((await api().sessions.update(session.id, { session_metadata })).session_metadata, session_metadata);
    const refresh_token_metadata = { device: 'laptop' };
    const noted = await api().refreshTokens.update(token.id, { refresh_token_metadata });
    assert.deepEqual(noted.refresh_token_metadata, refresh_token_metadata);

    await api().refreshTokens.delete(token.id);
    await assert.rejects(api().refreshTokens.get(token.id), refused(NotFoundError, 404));
    assert.equal((await logIn.exchange({ grant_type: 'refresh_token', refresh_token })).status, 403);
    await api().sessions.delete(session.id);
    await assert.rejects(api().sessions.get(session.id), refused(NotFoundError, 404));

    const again = (await logIn(grace.email)).json;
    const [device] = await all(await api().deviceCredentials.list({ user_id: grace.user_id }));
    assert.equal(device.type, 'refresh_token');
    await api().deviceCredentials.delete(device.id);
    assert.equal((await logIn.exchange({ grant_type: 'refresh_token', refresh_token: again.refresh_token })).status, 403);
    const [second] = (await api().users.sessions.list(grace.user_id)).data;
    await api().sessions.revoke(second.id);
    await assert.rejects(api().sessions.get(second.id), refused(NotFoundError, 404));

    await logIn(grace.email);
    await api().users.sessions.delete(grace.user_id);
    await api().users.refreshToken.delete(grace.user_id);
    assert.deepEqual((await api().users.sessions.list(grace.user_id)).data, []);
    assert.deepEqual((await api().users.refreshToken.list(grace.user_id)).data, []);

    await logIn(grace.email, { prompt: 'consent' });
    const [consent] = await all(await api().userGrants.list({ user_id: grace.user_id }));
    assert.ok(consent.scope.includes('openid'), JSON.stringify(consent));
    await api().userGrants.delete(consent.id);
    await logIn(grace.email, { prompt: 'consent' });
    await api().userGrants.deleteByUserId({ user_id: grace.user_id });
    assert.deepEqual((await api().userGrants.list({ user_id: grace.user_id })).data, []);
  });

  /** A web application: what it gives logs somebody in on the hosted page, and exchanges grants. */
  async function application() {
    const { client_id, client_secret } = await registerApplication(
      server().management,
      { name: 'Web', app_type: 'regular_web', callbacks: [CALLBACK], grant_types: ['authorization_code', 'refresh_token'] },
      [DATABASE],
    );
    const exchange = (grant) => {
      const body = { client_id, client_secret, ...grant };
      return request(`${server().issuer}oauth/token`, { ca: server().ca, method: 'POST', body });
    };
    async function logIn(username, more = {}) {
      const asked = { response_type: 'code', redirect_uri: CALLBACK, scope: 'openid offline_access', state: 'x', ...more };
      const visitor = new Visitor(server().ca);
      const page = await visitor.open(`${server().issuer}authorize?${new URLSearchParams({ client_id, ...asked })}`);
      let next = await visitor.submit(page, { username, password: PASSWORD });
      if (more.prompt) next = await visitor.submit(next, {}, 'accept');
      assert.ok(next.left, next.text);
      const code = next.left.searchParams.get('code');
      assert.ok(code, next.left.href);
      return exchange({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK });
    }
    return Object.assign(logIn, { exchange });
  }
}
