// What a page meets when the user is already logged in: Lock's silent probe at load, checkSession, a second user.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { LAYOUTS } from '../harness/layouts.js';
import { authenticated, decoded, logIn, openLogin } from '../harness/login.js';
import { scenario } from '../harness/scenario.js';
import { AUTH0JS, LOCK_11, LOCK_14, newPhone } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const SCOPE = 'openid profile email read:current_user';
const PROBE = /\/authorize\?.*prompt=none/;

for (const layout of LAYOUTS) {
  describe(`sessions, ${layout.name}`, () => {
    let open;
    const stage = () => open;
    before(async () => {
      open = await openStage(engines()[0], layout);
    });
    after(() => open?.close());

    for (const sdk of [LOCK_14, LOCK_11]) {
      scenario(`${sdk.name}: the probe at load is quiet without a session`, stage, async ({ page, traffic }) => {
        await openLogin(page, open, sdk, { scope: SCOPE });
        const probe = traffic.find(({ url }) => PROBE.test(url));
        assert.ok(probe, 'Lock probes');
        assert.equal(probe.status, 200);
        await answered(page, probe);
        assert.deepEqual(await events(page), []);
      });

      scenario(`${sdk.name}: with a live session, and a second user on top of it`, stage, async ({ page }) => {
        const first = await logIn(page, open, sdk, { scope: SCOPE });
        await page.reload();
        const login = page.locator('input[name="phoneNumber"]');
        const lastTime = page.locator('.auth0-lock-last-login-pane');
        await (layout.crossSite ? login : lastTime).waitFor();
        assert.deepEqual(await events(page), [], 'nobody is logged in before the user does something');
        if (!layout.crossSite) {
          // Lock offers the account of the session; one click takes it, without a code.
          assert.match(await lastTime.innerText(), new RegExp(first.phone.national.slice(-9)));
          await lastTime.locator('.auth0-lock-social-button').click();
          const again = await authenticated(page);
          assert.equal(again.accessToken.sub, first.accessToken.sub);
          await page.reload();
          await page.locator('.auth0-lock-alternative-link').click();
        }
        const phone = newPhone();
        await page.evaluate(() => window.app.events.splice(0));
        await sdk.sendCode(page, phone);
        await sdk.enterCode(page, (await open.gatewright.inbox.code(phone.e164)).code);
        const second = await authenticated(page);
        assert.equal(second.idToken.name, phone.e164);
        assert.notEqual(second.accessToken.sub, first.accessToken.sub);
      });
    }

    scenario('auth0.js: checkSession renews where the browser sends the session', stage, async ({ page }) => {
      const first = await logIn(page, open, AUTH0JS, { scope: SCOPE });
      const renewed = await checkSession(page);
      if (layout.crossSite) {
        assert.equal(renewed.error?.error ?? renewed.error?.code, 'login_required');
        return;
      }
      assert.equal(renewed.error, null);
      const token = decoded(renewed.result.accessToken);
      assert.equal(token.sub, first.accessToken.sub);
      assert.deepEqual(token.scope.split(' ').sort(), SCOPE.split(' ').sort());

      // Logging out ends it.
      await page.goto(`${open.gatewright.issuer}v2/logout?client_id=${open.client.client_id}`);
      await page.goto(open.app.url(AUTH0JS.page));
      await AUTH0JS.ready(page);
      const ended = await checkSession(page);
      assert.equal(ended.error?.error ?? ended.error?.code, 'login_required');
    });
  });
}

const checkSession = (page) =>
  page.evaluate(() => window.app.settled((done) => window.app.webAuth.checkSession({}, done)));

const events = (page) => page.evaluate(() => window.app.events.filter(({ name }) => name !== 'hash_parsed'));

/** Lock has finished with its probe when it has removed the frame. */
const answered = (page) => page.waitForFunction(() => document.querySelectorAll('iframe').length === 0);
