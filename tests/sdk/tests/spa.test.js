// auth0-spa-js beside a login that another page made: code flow with PKCE, silent renewal by iframe, rotating
// refresh tokens, revocation, logout.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { LAYOUTS } from '../harness/layouts.js';
import { decoded, firstEvent, logIn } from '../harness/login.js';
import { scenario } from '../harness/scenario.js';
import { AUTH0JS } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const SCOPE = 'openid profile email';
const PAGE = 'spa-js';

for (const engine of engines()) {
  describe(`auth0-spa-js, ${engine.name}`, () => {
    let open;
    const stage = () => open;
    before(async () => {
      open = await openStage(engine, LAYOUTS[0]);
      await open.gatewright.management('PATCH', `clients/${open.client.client_id}`, {
        grant_types: [...open.client.grant_types, 'refresh_token'],
        allowed_logout_urls: [open.app.url(PAGE)],
      });
    });
    after(() => open?.close());

    scenario('without refresh tokens, a hidden frame renews until the logout', stage, async ({ page, traffic }) => {
      const session = await logIn(page, open, AUTH0JS, { scope: SCOPE });
      await openPage(page, { scope: SCOPE, refreshTokens: false });
      const renewed = await call(page, 'token');
      assert.equal(renewed.error, null);
      assert.equal(decoded(renewed.result.id_token).sub, session.idToken.sub);
      assert.equal(exchanges(traffic, 'authorization_code').length, 1);
      const { result: user } = await call(page, 'user');
      assert.equal(user.name, session.phone.e164);

      await leave(page);
      await openPage(page, { scope: SCOPE, refreshTokens: false });
      assert.equal((await call(page, 'token')).error?.code, 'login_required');
    });

    scenario('refresh tokens rotate; revoked, the frame takes over', stage, async ({ page, traffic }) => {
      const session = await logIn(page, open, AUTH0JS, { scope: SCOPE });
      await openPage(page, { scope: SCOPE, refreshTokens: true, fallback: true });
      await page.evaluate(() => void window.app.spa.redirect({ prompt: 'none' }));
      assert.equal((await firstEvent(page, ['redirected', 'authorization_error'])).name, 'redirected');
      assert.equal(exchanges(traffic, 'authorization_code').length, 1);

      const tokens = new Set([await refreshToken(page)]);
      for (let time = 1; time <= 3; time += 1) {
        const renewed = await call(page, 'token');
        assert.equal(renewed.error, null);
        assert.equal(decoded(renewed.result.id_token).sub, session.idToken.sub);
        assert.equal(exchanges(traffic, 'refresh_token').length, time);
        tokens.add(await refreshToken(page));
      }
      assert.equal(tokens.size, 4, 'every exchange gives a new token');

      // Given up behind the SDK's back: it is refused, and the SDK knows the text and asks in a frame.
      const revoked = await page.evaluate(
        ([url, body]) => window.app.fetch(url, { method: 'POST', body }),
        [`${open.gatewright.issuer}oauth/revoke`, { client_id: open.client.client_id, token: await refreshToken(page) }],
      );
      assert.deepEqual([revoked.status, revoked.text], [200, '']);
      const taken = await call(page, 'token');
      assert.equal(taken.error, null);
      assert.deepEqual(exchanges(traffic, 'refresh_token').map(({ status }) => status), [200, 200, 200, 403]);
      assert.equal(exchanges(traffic, 'authorization_code').length, 2);
    });

    scenario('the SDK gives its refresh token up', stage, async ({ page, traffic }) => {
      await logIn(page, open, AUTH0JS, { scope: SCOPE });
      await openPage(page, { scope: SCOPE, refreshTokens: true });
      await page.evaluate(() => void window.app.spa.redirect({ prompt: 'none' }));
      assert.equal((await firstEvent(page, ['redirected', 'authorization_error'])).name, 'redirected');
      const token = await refreshToken(page);
      assert.equal((await call(page, 'revoke')).error, null);
      assert.equal(traffic.find(({ url, method }) => url.endsWith('/oauth/revoke') && method === 'POST')?.status, 200);
      const used = await page.evaluate(([url, body]) => window.app.fetch(url, { method: 'POST', body }), [
        `${open.gatewright.issuer}oauth/token`,
        { grant_type: 'refresh_token', client_id: open.client.client_id, refresh_token: token },
      ]);
      assert.equal(used.json.error_description, 'Unknown or invalid refresh token.');
      const left = await call(page, 'token');
      assert.match(left.error?.message ?? '', /Missing Refresh Token/i);
    });

    /** Opens the application with these options of the SDK; it waits for calls. */
    async function openPage(page, options) {
      await page.goto(open.app.url(PAGE));
      const { domain } = open.gatewright;
      await page.evaluate((all) => window.app.open(all), { domain, clientId: open.client.client_id, ...options });
      await page.locator('#ready').first().waitFor();
    }

    async function leave(page) {
      const back = page.waitForEvent('load');
      await page.evaluate(() => void window.app.spa.logout());
      await back;
    }
  });
}

const call = (page, method) => page.evaluate((name) => window.app.spa[name](), method);

/** Requests to the token endpoint with this grant type, with their status. */
const exchanges = (traffic, grant) =>
  traffic.filter(
    ({ url, method, request }) =>
      method === 'POST' && url.endsWith('/oauth/token') && new URLSearchParams(request.postData()).get('grant_type') === grant,
  );

/** The refresh token in the SDK's cache. */
const refreshToken = (page) =>
  page.evaluate(() => {
    const entries = Object.values(localStorage).map((text) => {
      try {
        return JSON.parse(text)?.body?.refresh_token;
      } catch {
        return undefined;
      }
    });
    return entries.find((token) => token !== undefined);
  });
