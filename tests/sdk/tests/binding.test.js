// A login ticket works in the browser, and for the page, that earned it. Third-party cookies are blocked here, so
// two signs have to do: a partitioned cookie (frames), and the Referer of the page (frames and redirects).
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { LAYOUTS } from '../harness/layouts.js';
import { authenticated, openLogin } from '../harness/login.js';
import { scenario } from '../harness/scenario.js';
import { AUTH0JS, LOCK_14, newPhone } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const SCOPE = 'openid profile email';
const TICKET = /\/authorize\?.*login_ticket=/;

for (const layout of LAYOUTS) {
  describe(`login ticket, ${layout.name}`, () => {
    let open;
    const stage = () => open;
    before(async () => {
      open = await openStage(engines()[0], layout);
    });
    after(() => open?.close());

    scenario('an app that sends no Referer still logs in through the frame', stage, async ({ page, traffic }) => {
      const phone = newPhone();
      await openLogin(page, open, LOCK_14, { scope: SCOPE, referrer: 'no-referrer' });
      await LOCK_14.sendCode(page, phone);
      await LOCK_14.enterCode(page, (await open.gatewright.inbox.code(phone.e164)).code);
      const { idToken } = await authenticated(page);
      assert.equal(idToken.name, phone.e164);
      const { request } = traffic.find(({ url }) => TICKET.test(url));
      assert.equal((await request.allHeaders()).referer, undefined);
    });

    scenario('a ticket carried to another browser is worth nothing', stage, async ({ page }) => {
      const address = await heldTicket(page, open);
      const thief = await open.browser.newContext();
      try {
        const other = await thief.newPage();
        await other.goto(address).catch(() => {});
        assert.doesNotMatch(other.url(), /access_token|id_token/);
      } finally {
        await thief.close();
      }
    });

    scenario('a ticket used from a page of another origin is worth nothing', stage, async ({ page }) => {
      const address = await heldTicket(page, open);
      const thief = await open.browser.newContext();
      try {
        const other = await thief.newPage();
        await other.goto(address, { referer: 'https://evil.test/' }).catch(() => {});
        assert.doesNotMatch(other.url(), /access_token|id_token/);
      } finally {
        await thief.close();
      }
    });

    scenario('a ticket is used once', stage, async ({ page }) => {
      const address = await heldTicket(page, open);
      await page.goto(address, { referer: `${open.app.origin}/` });
      assert.match(page.url(), /#.*access_token=/, 'the page that earned it gets tokens');
      await page.context().clearCookies();
      await page.goto('about:blank');
      await page.goto(address, { referer: `${open.app.origin}/` }).catch(() => {});
      assert.doesNotMatch(page.url(), /access_token|id_token/);
    });
  });
}

/** Logs in up to the point where the browser would go to /authorize with its ticket, and returns that address unused. */
async function heldTicket(page, open) {
  const phone = newPhone();
  await openLogin(page, open, AUTH0JS, { scope: SCOPE, redirect: true });
  await AUTH0JS.sendCode(page, phone);
  const held = new Promise((resolve) => {
    page.route(TICKET, async (route) => {
      await route.abort();
      resolve(route.request().url());
    });
  });
  await AUTH0JS.enterCode(page, (await open.gatewright.inbox.code(phone.e164)).code);
  const address = await held;
  await page.unroute(TICKET);
  return address;
}
