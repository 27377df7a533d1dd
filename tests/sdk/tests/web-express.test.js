// Server-side applications with express-openid-connect and passport-auth0: login on the hosted pages, sessions,
// refresh tokens, user information, logout. The applications are on another site than Gatewright.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { allowOfflineAccess, enterCodeBySms, enterPassword, newUser, press } from '../harness/hosted.js';
import { decoded } from '../harness/login.js';
import { scenario } from '../harness/scenario.js';
import { openWith } from '../harness/stage.js';
import { freePort, registerWebClient, startWebApp, APPS } from '../harness/web-app.js';

const GRANTED = ['email', 'offline_access', 'openid', 'profile', 'read:orders'];
const CONFIGURATIONS = ['implicit', 'code', 'hybrid', 'pushed'];

for (const engine of engines()) {
  describe(`express applications, ${engine.name}`, () => {
    let open;
    const stage = () => open;
    before(async () => {
      open = await openWith(engine, async ({ gatewright, trust, opened }) => {
        await allowOfflineAccess(gatewright.management, gatewright.audience);
        const openid = await startOpenid(gatewright, trust, opened);
        const passport = await startPassport(gatewright, trust, opened);
        return { openid, passport };
      });
    });
    after(() => open?.close());

    expressOpenidConnect(stage);
    passportAuth0(stage);
  });
}

async function startOpenid(gatewright, trust, opened) {
  const port = await freePort();
  const backChannelPort = await freePort();
  const origin = `https://app.test:${port}`;
  const client = await registerWebClient(gatewright.management, {
    name: 'express-openid-connect',
    oidc_logout: { backchannel_logout_urls: [`http://127.0.0.1:${backChannelPort}/hybrid/backchannel-logout`] },
    refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring' },
    callbacks: CONFIGURATIONS.map((name) => `${origin}/${name}/callback`),
    allowed_logout_urls: CONFIGURATIONS.map((name) => `${origin}/${name}`),
  });
  const program = await startWebApp([`${APPS}/express-openid-connect.mjs`], {
    gatewright,
    env: {
      ...address(origin, port, trust),
      ...credentials(client),
      BACK_CHANNEL_PORT: String(backChannelPort),
      ISSUER: gatewright.issuer.replace(/\/$/, ''),
    },
  });
  opened.push(program.stop);
  return { url: (rest) => `${origin}/${rest}`, client, output: program.output };
}

async function startPassport(gatewright, trust, opened) {
  const port = await freePort();
  const origin = `https://app.test:${port}`;
  const client = await registerWebClient(gatewright.management, {
    name: 'passport-auth0',
    callbacks: [`${origin}/callback`],
    allowed_logout_urls: [`${origin}/`],
  });
  const program = await startWebApp([`${APPS}/passport-auth0.mjs`], {
    gatewright,
    env: { ...address(origin, port, trust), ...credentials(client), DOMAIN: gatewright.domain },
  });
  opened.push(program.stop);
  return { url: (rest) => `${origin}/${rest}`, client, output: program.output };
}

const address = (origin, port, { pfx }) => ({
  BASE_URL: origin,
  PORT: String(port),
  TLS_PFX: pfx.path,
  TLS_PASSPHRASE: pfx.passphrase,
});
const credentials = ({ client_id, client_secret }) => ({ CLIENT_ID: client_id, CLIENT_SECRET: client_secret });

function expressOpenidConnect(stage) {
  scenario('express-openid-connect: its defaults, an ID token posted by the browser', stage, async ({ page, traffic, stage: open }) => {
    const { url, client } = open.openid;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('implicit/members'));
    assert.equal(asked(traffic).get('response_type'), 'id_token');
    assert.equal(asked(traffic).get('response_mode'), 'form_post');
    await enterPassword(page, user);
    await page.waitForURL(url('implicit/members'));
    assert.deepEqual(await json(page), { members: user.email });
    const state = await visit(page, url('implicit'));
    assert.equal(state.user.sub, user.id);
    assert.equal(state.idTokenClaims.aud, client.client_id);
    assert.equal(state.idTokenClaims.email_verified, true);
    assert.equal(state.accessToken, undefined);

    // The application's own logout leaves Gatewright's session alone.
    assert.deepEqual((await visit(page, url('implicit/logout'))).user, null);
    assert.deepEqual(await visit(page, url('implicit/members')), { members: user.email });
  });

  scenario('express-openid-connect: code, refresh tokens, user information, /v2/logout', stage, async ({ page, traffic, stage: open }) => {
    const { url } = open.openid;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('code/members'));
    await enterPassword(page, user);
    await page.waitForURL(url('code/members'));
    const state = await visit(page, url('code'));
    assert.equal(state.user.email, user.email);
    assert.deepEqual(scopes(state.accessToken.access_token), GRANTED);
    assert.deepEqual(decoded(state.accessToken.access_token).aud, [open.gatewright.audience, `${open.gatewright.issuer}userinfo`]);

    const claims = await visit(page, url('code/userinfo'));
    assert.deepEqual([claims.sub, claims.email, claims.email_verified], [user.id, user.email, true]);

    const renewed = await visit(page, url('code/refresh'));
    assert.notEqual(renewed.refreshToken, state.refreshToken);
    assert.deepEqual(scopes(renewed.access_token), GRANTED);
    const after = await visit(page, url('code'));
    assert.equal(after.accessToken.access_token, renewed.access_token);
    assert.equal(after.idTokenClaims.sub, user.id);

    await visit(page, url('code/logout'));
    assert.equal(page.url(), url('code'));
    assert.ok(traffic.some(({ url: to }) => to.startsWith(`${open.gatewright.issuer}v2/logout?`)));
    assert.equal((await visit(page, url('code/silent'))).error, 'login_required');
  });

  scenario('express-openid-connect: hybrid flow, login by SMS, OpenID Connect logout', stage, async ({ page, traffic, stage: open }) => {
    const { url } = open.openid;
    await page.goto(url('hybrid/members'));
    assert.equal(asked(traffic).get('response_type'), 'code id_token');
    const phone = await enterCodeBySms(page, open.gatewright.inbox);
    await page.waitForURL(url('hybrid/members'));
    assert.deepEqual(await json(page), { members: phone.e164 });
    const state = await visit(page, url('hybrid'));
    assert.match(state.user.sub, /^sms\|[0-9a-f]{24}$/);
    assert.deepEqual(scopes(state.accessToken.access_token), GRANTED);
    assert.equal(typeof state.idTokenClaims.sid, 'string');
    const renewed = await visit(page, url('hybrid/refresh'));
    assert.notEqual(renewed.refreshToken, state.refreshToken);

    await visit(page, url('hybrid/logout'));
    assert.equal(page.url(), url('hybrid'));
    const logout = traffic.find(({ url: to }) => to.startsWith(`${open.gatewright.issuer}oidc/logout?`));
    assert.ok(new URL(logout.url).searchParams.has('id_token_hint'));
    assert.equal((await json(page)).user, null);
    assert.equal((await visit(page, url('hybrid/silent'))).error, 'login_required');
  });

  scenario('express-openid-connect: one login for two configurations, and a consent that is declined', stage, async ({ page, stage: open }) => {
    const { url } = open.openid;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('code/members'));
    await enterPassword(page, user);
    await page.waitForURL(url('code/members'));
    assert.deepEqual(await visit(page, url('hybrid/members')), { members: user.email });
    const sids = [];
    for (const name of ['code', 'hybrid']) sids.push((await visit(page, url(name))).idTokenClaims.sid);
    assert.equal(sids[0], sids[1]);

    await page.goto(url('code/consent'));
    await press(page, 'deny');
    await page.waitForURL((to) => to.href.startsWith(url('code/callback')));
    assert.equal((await json(page)).error, 'access_denied');
  });

  scenario('express-openid-connect: a logout elsewhere is heard over the back channel', stage, async ({ page, stage: open }) => {
    const { url } = open.openid;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('hybrid/members'));
    await enterPassword(page, user);
    await page.waitForURL(url('hybrid/members'));
    await page.goto(`${open.gatewright.issuer}v2/logout`);
    await page.goto(url('hybrid'));
    await page.waitForFunction(async () => (await (await fetch('/hybrid')).json()).user === null, null, { polling: 200 });
  });

  scenario('express-openid-connect: the request is pushed first', stage, async ({ page, traffic, stage: open }) => {
    const { url } = open.openid;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('pushed/members'));
    assert.deepEqual([...asked(traffic).keys()].sort(), ['client_id', 'request_uri']);
    assert.match(asked(traffic).get('request_uri'), /^urn:ietf:params:oauth:request_uri:/);
    await enterPassword(page, user);
    await page.waitForURL(url('pushed/members'));
    assert.deepEqual(await json(page), { members: user.email });
    const state = await visit(page, url('pushed'));
    assert.deepEqual(scopes(state.accessToken.access_token), GRANTED);
  });
}

function passportAuth0(stage) {
  scenario('passport-auth0: login, profile, logout', stage, async ({ page, stage: open }) => {
    const { url } = open.passport;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('login'));
    await enterPassword(page, user);
    await page.waitForURL(url(''));
    const { user: known } = await json(page);
    assert.equal(known.profile.id, user.id);
    assert.equal(known.profile.provider, 'auth0');
    assert.deepEqual(known.profile.emails, [{ value: user.email }]);
    assert.equal(known.profile.nickname, user.email.split('@')[0]);
    assert.equal(known.profile._json.email_verified, true);
    assert.deepEqual(scopes(known.accessToken), GRANTED);
    assert.equal(typeof known.refreshToken, 'string');
    assert.equal(decoded(known.extraParams.id_token).sub, user.id);
    assert.deepEqual([known.extraParams.token_type, known.extraParams.expires_in], ['Bearer', 86400]);

    assert.deepEqual(await visit(page, url('logout')), { user: null });
    assert.equal(page.url(), url(''));
    assert.deepEqual(await visit(page, url('silent')), { refused: 'login_required' });
  });

  scenario('passport-auth0: login by SMS; an answer for another browser is refused', stage, async ({ page, traffic, stage: open }) => {
    const { url } = open.passport;
    await page.goto(url('login'));
    await enterCodeBySms(page, open.gatewright.inbox);
    await page.waitForURL(url(''));
    assert.match((await json(page)).user.profile.id, /^sms\|/);
    const answer = traffic.find(({ url: to }) => to.startsWith(url('callback?'))).url;
    const other = await open.browser.newContext();
    try {
      const victim = await other.newPage();
      const { refused } = await visit(victim, answer);
      assert.match(refused.message, /state/);
      assert.deepEqual(await visit(victim, url('')), { user: null });
    } finally {
      await other.close();
    }
  });
}

/** Opens an address of the application and reads what it answers, after whatever redirects there are. */
async function visit(page, url) {
  await page.goto(url);
  return json(page);
}

const json = async (page) => JSON.parse(await page.locator('body').innerText());
const scopes = (token) => decoded(token).scope.split(' ').sort();

/** The parameters of the newest request to /authorize. */
const asked = (traffic) => new URL(traffic.findLast(({ url }) => new URL(url).pathname === '/authorize').url).searchParams;
