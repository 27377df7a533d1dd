// A Next.js application with nextjs-auth0: login on the hosted pages, session, refresh tokens, /auth/profile,
// logout. It is built once, and started for each database with another environment.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import path from 'node:path';
import { engines } from '../harness/engines.js';
import { allowOfflineAccess, enterCodeBySms, enterPassword, newUser, press } from '../harness/hosted.js';
import { decoded } from '../harness/login.js';
import { run } from '../harness/process.js';
import { scenario } from '../harness/scenario.js';
import { openWith } from '../harness/stage.js';
import { freePort, registerWebClient, startWebApp, APPS } from '../harness/web-app.js';

const FOLDER = path.join(APPS, 'nextjs');
const NEXT = path.join(FOLDER, 'node_modules/next/dist/bin/next');
const GRANTED = ['email', 'offline_access', 'openid', 'profile', 'read:orders'];

describe('nextjs-auth0', () => {
  // The build starts the application's modules, which want a configuration, of whatever kind.
  before(() => run(process.execPath, [NEXT, 'build'], { cwd: FOLDER, env: environment('http://localhost:1', 'https://localhost:2', {}) }));

  for (const engine of engines()) {
    describe(`nextjs-auth0, ${engine.name}`, () => {
      let open;
      const stage = () => open;
      before(async () => {
        open = await openWith(engine, async ({ gatewright, opened }) => {
          await allowOfflineAccess(gatewright.management, gatewright.audience);
          return startNext(gatewright, opened);
        });
      });
      after(() => open?.close());
      scenarios(stage);
    });
  }
});

async function startNext(gatewright, opened) {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const client = await registerWebClient(gatewright.management, {
    name: 'nextjs-auth0',
    callbacks: [`${origin}/auth/callback`, `${origin}/par/callback`],
    allowed_logout_urls: [origin, `${origin}/profile`],
    oidc_logout: { backchannel_logout_urls: [`${origin}/auth/backchannel-logout`] },
    refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring' },
  });
  const program = await startWebApp([NEXT, 'start', '--hostname', 'localhost', '--port', String(port)], {
    gatewright,
    cwd: FOLDER,
    env: environment(origin, gatewright.issuer.replace(/\/$/, ''), client),
    ready: /Ready in/,
    seconds: 60,
  });
  opened.push(program.stop);
  return { url: (rest) => `${origin}${rest}`, client, output: program.output };
}

const environment = (origin, domain, { client_id = 'none', client_secret = 'none' }) => ({
  PATH: process.env.PATH,
  NEXT_TELEMETRY_DISABLED: '1',
  APP_BASE_URL: origin,
  AUTH0_DOMAIN: domain,
  AUTH0_CLIENT_ID: client_id,
  AUTH0_CLIENT_SECRET: client_secret,
  AUTH0_SECRET: 'only for these tests'.padEnd(64, '.'),
});

function scenarios(stage) {
  scenario('login, session, profile, access token and its renewal, logout', stage, async ({ page, traffic, stage: open }) => {
    const { url } = open;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('/'));
    await page.getByRole('link', { name: 'Log in' }).click();
    await enterPassword(page, user);
    await page.waitForURL(url('/'));
    assert.equal(await page.locator('#user').innerText(), user.id);

    const profile = await visit(page, url('/auth/profile'));
    assert.deepEqual([profile.sub, profile.email, profile.email_verified], [user.id, user.email, true]);
    await page.goto(url('/profile'));
    const known = JSON.parse(await page.locator('#profile').innerText());
    assert.deepEqual(known, profile);

    const token = await visit(page, url('/auth/access-token'));
    const claims = decoded(token.token);
    assert.deepEqual([claims.iss, claims.sub, claims.azp], [open.gatewright.issuer, user.id, open.client.client_id]);
    assert.deepEqual(claims.aud, [open.gatewright.audience, `${open.gatewright.issuer}userinfo`]);
    assert.deepEqual(claims.scope.split(' ').sort(), GRANTED);
    // Rotating: each renewal needs the token that the one before left in the session.
    for (let time = 1; time <= 2; time += 1) {
      const renewed = await visit(page, url('/api/token?refresh'));
      assert.deepEqual(decoded(renewed.token ?? '..').scope?.split(' ').sort(), GRANTED, JSON.stringify(renewed));
    }
    assert.equal(await exchanges(open, user), 2);

    await page.goto(url('/auth/logout'));
    assert.equal(page.url(), url('/'));
    await page.getByRole('link', { name: 'Log in' }).waitFor();
    const logout = traffic.find(({ url: to }) => to.startsWith(`${open.gatewright.issuer}oidc/logout?`));
    assert.ok(new URL(logout.url).searchParams.has('id_token_hint'));
    assert.equal(await page.evaluate(async () => (await fetch('/auth/profile')).status), 401);
    assert.equal((await visit(page, url('/api/token'))).code, 'missing_session');
    await page.goto(url('/auth/login?prompt=none'));
    assert.deepEqual(await json(page), { code: 'login_required', message: 'Login required' });
  });

  scenario('a page that needs a login, login by SMS; a consent that is declined', stage, async ({ page, stage: open }) => {
    const { url } = open;
    await page.goto(url('/protected'));
    const phone = await enterCodeBySms(page, open.gatewright.inbox);
    await page.waitForURL(url('/protected'));
    assert.equal(await page.locator('#protected').innerText(), phone.e164);
    await page.goto(url('/auth/login?prompt=consent'));
    await press(page, 'deny');
    await page.waitForURL((to) => to.href.startsWith(url('/auth/callback')));
    assert.deepEqual(await json(page), { code: 'access_denied', message: 'User did not authorize the request' });
  });

  scenario('a logout elsewhere is heard over the back channel', stage, async ({ page, stage: open }) => {
    const { url } = open;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('/protected'));
    await enterPassword(page, user);
    await page.waitForURL(url('/protected'));
    // Another browser of the same user has a session of its own.
    const other = await open.browser.newContext();
    try {
      const elsewhere = await other.newPage();
      await elsewhere.goto(url('/protected'));
      await enterPassword(elsewhere, user);
      await elsewhere.waitForURL(url('/protected'));

      await page.goto(`${open.gatewright.issuer}v2/logout`);
      await page.goto(url('/profile'));
      await page.waitForFunction(async () => (await fetch('/auth/profile')).status === 401, null, { polling: 200 });
      await page.goto(url('/'));
      await page.getByRole('link', { name: 'Log in' }).waitFor();
      assert.equal((await visit(elsewhere, url('/auth/profile'))).sub, user.id);
    } finally {
      await other.close();
    }
  });

  scenario('the request is pushed first; a session in a cookie; /v2/logout', stage, async ({ page, traffic, stage: open }) => {
    const { url } = open;
    const user = await newUser(open.gatewright.management);
    await page.goto(url('/par/login'));
    const asked = new URL(traffic.find(({ url: to }) => new URL(to).pathname === '/authorize').url).searchParams;
    assert.deepEqual([...asked.keys()].sort(), ['client_id', 'request_uri']);
    await enterPassword(page, user);
    await page.waitForURL(url('/'));
    assert.equal((await visit(page, url('/par/profile'))).sub, user.id);
    const { token } = await visit(page, url('/par/access-token'));
    assert.deepEqual(decoded(token).scope.split(' ').sort(), GRANTED);
    await page.goto(url('/par/logout'));
    assert.equal(page.url(), url('/'));
    assert.ok(traffic.some(({ url: to }) => to.startsWith(`${open.gatewright.issuer}v2/logout?`)));
    assert.equal(await page.evaluate(async () => (await fetch('/par/profile')).status), 401);
  });
}

/** How often the user's refresh tokens were exchanged, by the tenant's log. */
async function exchanges({ gatewright }, user) {
  const entries = await gatewright.management('GET', 'logs?per_page=50&sort=date:-1');
  return entries.filter(({ type, user_id }) => type === 'sertft' && user_id === user.id).length;
}

async function visit(page, url) {
  await page.goto(url);
  return json(page);
}

const json = async (page) => JSON.parse(await page.locator('body').innerText());
