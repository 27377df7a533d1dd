// An SMS login through unmodified SDKs, from each layout, and what the tokens may then do.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { request } from '../harness/https.js';
import { authenticated, decoded, firstEvent, logIn, openLogin } from '../harness/login.js';
import { scenario } from '../harness/scenario.js';
import { scopeReport } from '../harness/scope-report.js';
import { SDKS, newPhone } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const SEED_SCOPE = 'openid profile email user_metadata read:users';
const OWN_PROFILE_SCOPE = 'openid profile email read:current_user update:current_user_metadata';
const scopes = (text) => text.split(' ').sort();

/** Declares the login tests of one layout, for every engine and SDK. Each layout is a test file, so that two can run at once. */
export function loginTests(layout) {
  for (const engine of engines()) {
    describe(`${engine.name}, ${layout.name}`, () => {
      let stage;
      before(async () => {
        stage = await openStage(engine, layout);
      });
      after(() => stage?.close());

      for (const sdk of SDKS) {
        describe(sdk.name, () => {
          seedRequest(sdk, () => stage);
          ownProfile(sdk, () => stage);
          redirect(sdk, () => stage);
          wrongCode(sdk, () => stage);
        });
      }
    });
  }
}

/** The request of the page that all this began with: two of its scopes cannot be had, and the report says why. */
function seedRequest(sdk, stage) {
  scenario(`${SEED_SCOPE} gives openid profile email, and the log says why not more`, stage, async ({ page, stage: open }) => {
    const { gatewright, client } = open;
    const session = await logIn(page, open, sdk, { scope: SEED_SCOPE });
    assertTokens(session, gatewright, client, ['email', 'openid', 'profile']);

    const report = await scopeReport(gatewright.management, session.accessToken.sub);
    assert.deepEqual(Object.keys(report).sort(), scopes(SEED_SCOPE), 'each requested scope exactly once');
    for (const name of ['user_metadata', 'read:users']) {
      for (const field of ['reason', 'remedy']) {
        assert.match(String(report[name][field] ?? ''), /\S/, `${name}: ${field} in ${JSON.stringify(report[name])}`);
      }
      assert.doesNotMatch(JSON.stringify(report[name]), /granted/, `${name} was not granted`);
    }
    assert.match(report['read:users'].remedy, /read:current_user/);
    for (const name of ['openid', 'profile', 'email']) assert.match(JSON.stringify(report[name]), /granted/);
  });
}

function assertTokens({ result, accessToken, idToken, phone }, gatewright, client, granted) {
  assert.match(accessToken.sub, /^sms\|[0-9a-f]{24}$/);
  assert.equal(accessToken.iss, gatewright.issuer);
  assert.deepEqual(accessToken.aud, [`${gatewright.issuer}api/v2/`, `${gatewright.issuer}userinfo`]);
  assert.equal(accessToken.azp, client.client_id);
  assert.deepEqual(scopes(accessToken.scope), granted);
  assert.equal(accessToken.exp - accessToken.iat, 7200);
  assert.deepEqual(scopes(result.scope), granted);
  assert.equal(Number(result.expiresIn), 7200);
  assert.equal(result.tokenType, 'Bearer');

  assert.equal(idToken.sub, accessToken.sub);
  assert.equal(idToken.aud, client.client_id);
  assert.equal(idToken.name, phone.e164);
  assert.equal(typeof idToken.at_hash, 'string');
  assert.equal(typeof idToken.nonce, 'string');
  assert.equal('email' in idToken, false);
}

/** The scopes a browser may have: what they open, and what stays shut. */
function ownProfile(sdk, stage) {
  scenario('current_user scopes open the own user_metadata and nothing else', stage, async ({ page, stage: open }) => {
    const { gatewright, client } = open;
    const session = await logIn(page, open, sdk, { scope: OWN_PROFILE_SCOPE });
    assertTokens(session, gatewright, client, scopes(OWN_PROFILE_SCOPE));
    const token = session.result.accessToken;
    const userId = session.accessToken.sub;
    const api = `${gatewright.issuer}api/v2/`;
    const own = `${api}users/${encodeURIComponent(userId)}`;
    const send = (url, call) => page.evaluate(([to, how]) => window.app.fetch(to, how), [url, { token, ...call }]);

    // Through auth0.Management, then a plain fetch; the two merge.
    const patched = await page.evaluate(
      ([options, id]) => window.app.management(options, 'patchUserMetadata', id, { theme: 'dark', plan: 'free' }),
      [{ domain: gatewright.domain, token }, userId],
    );
    assert.equal(patched.error, null);
    assert.deepEqual(patched.result.user_metadata, { theme: 'dark', plan: 'free' });
    const merged = await send(own, { method: 'PATCH', body: { user_metadata: { theme: 'light' } } });
    assert.equal(merged.status, 200, merged.text);
    assert.deepEqual(merged.json.user_metadata, { theme: 'light', plan: 'free' });
    const read = await page.evaluate(
      ([options, id]) => window.app.management(options, 'getUser', id),
      [{ domain: gatewright.domain, token }, userId],
    );
    assert.equal(read.error, null);
    assert.deepEqual(read.result.user_metadata, { theme: 'light', plan: 'free' });
    assert.equal(read.result.user_id, userId);

    const stored = await gatewright.management('GET', `users/${encodeURIComponent(userId)}`);
    const forbidden = (reply, message) => {
      assert.equal(reply.status, 403, reply.text);
      assert.equal(reply.json?.statusCode, 403, reply.text);
      assert.equal(reply.json?.error, 'Forbidden', reply.text);
      assert.match(reply.json?.message ?? '', message);
    };
    for (const [field, body] of [
      ['app_metadata', { app_metadata: { role: 'admin' } }],
      ['app_metadata', { user_metadata: { theme: 'x' }, app_metadata: { role: 'admin' } }],
      ['email_verified', { email_verified: true }],
      ['blocked', { blocked: false }],
    ]) {
      forbidden(await send(own, { method: 'PATCH', body }), new RegExp(`cannot update the following fields: .*${field}`));
    }
    const other = await gatewright.management('POST', 'users', {
      connection: 'sms', phone_number: newPhone().e164, phone_verified: true,
    });
    const otherUrl = `${api}users/${encodeURIComponent(other.user_id)}`;
    const mismatch = /does not match subject|Insufficient scope/;
    forbidden(await send(otherUrl, { method: 'GET' }), mismatch);
    forbidden(await send(otherUrl, { method: 'PATCH', body: { user_metadata: { theme: 'x' } } }), mismatch);
    forbidden(await send(`${api}users`, { method: 'GET' }), /^Insufficient scope, expected any of: .*read:users/);
    forbidden(await send(own, { method: 'DELETE' }), /^Insufficient scope, expected any of: /);

    // userinfo reads and never writes.
    const userinfo = `${gatewright.issuer}userinfo`;
    const written = { user_metadata: { theme: 'x' }, name: 'x' };
    for (const method of ['PATCH', 'PUT']) {
      // The page is stopped by CORS already; a program is refused by the server.
      await assert.rejects(send(userinfo, { method, body: written }), /Failed to fetch/);
      const headers = { authorization: `Bearer ${token}` };
      const refused = await request(userinfo, { ca: gatewright.ca, method, headers, body: written });
      assert.ok([404, 405].includes(refused.status), `${method} /userinfo: ${refused.status} ${refused.text}`);
    }
    const claims = await send(userinfo, { method: 'POST', body: written });
    assert.equal(claims.status, 200, claims.text);
    assert.equal(claims.json.sub, userId);

    const now = await gatewright.management('GET', `users/${encodeURIComponent(userId)}`);
    for (const field of ['user_metadata', 'app_metadata', 'email_verified', 'blocked', 'name', 'phone_number']) {
      assert.deepEqual(now[field], stored[field], `${field} is unchanged`);
    }
  });
}

/** The other mode: the whole page goes to the server and comes back with a fragment. */
function redirect(sdk, stage) {
  scenario('redirect mode comes back with tokens', stage, async ({ page, stage: open }) => {
    const session = await logIn(page, open, sdk, { scope: SEED_SCOPE, redirect: true });
    assertTokens(session, open.gatewright, open.client, ['email', 'openid', 'profile']);
    assert.equal(new URL(page.url()).origin, open.app.origin);
  });
}

function wrongCode(sdk, stage) {
  scenario('a wrong code is told, and the right one still works', stage, async ({ page, traffic, stage: open }) => {
    const phone = newPhone();
    await openLogin(page, open, sdk, { scope: SEED_SCOPE });
    await sdk.sendCode(page, phone);
    const { code } = await open.gatewright.inbox.code(phone.e164);
    await sdk.enterCode(page, code === '000000' ? '000001' : '000000');
    assert.match(await sdk.complaint(page), /\S/);
    const { status } = traffic.find((entry) => entry.method === 'POST' && entry.url.endsWith('/co/authenticate'));
    assert.equal(status, 403);
    if (sdk.emitsErrors) {
      const told = await firstEvent(page, ['authorization_error']);
      assert.match(told.detail.error ?? told.detail.code, /^(invalid_user_password|access_denied)$/);
    }

    await page.evaluate(() => window.app.events.splice(0));
    await sdk.enterCode(page, code);
    const session = await authenticated(page);
    assert.equal(decoded(session.result.idToken).name, phone.e164);
  });
}
