// The pages that people see: the inbox, the error page, Lock's two steps. Pictures of them go to screenshots/.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { LAYOUTS } from '../harness/layouts.js';
import { openLogin } from '../harness/login.js';
import { scenario, screenshotPath } from '../harness/scenario.js';
import { LOCK_11, LOCK_14, newPhone } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const LOOKS = [
  { name: 'light', options: { colorScheme: 'light', viewport: { width: 1280, height: 800 } } },
  { name: 'dark', options: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } } },
  { name: 'phone', options: { colorScheme: 'light', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 } },
];

describe('screens', () => {
  let open;
  const stage = () => open;
  before(async () => {
    open = await openStage(engines()[0], LAYOUTS[0]);
    await sendMessage(open);
  });
  after(() => open?.close());

  for (const look of LOOKS) {
    scenario(`inbox, ${look.name}`, stage, async ({ page }) => {
      const reply = await page.goto(open.gatewright.inbox.url);
      assert.equal(reply.status(), 200);
      const { to, code } = await sendMessage(open);
      await page.reload();
      const text = await page.locator('body').innerText();
      assert.ok(text.includes(code), 'the code is on the page');
      assert.ok(text.replaceAll(/\s/g, '').includes(to), 'and whom it went to');
      await assertReadable(page, look);
      await page.screenshot({ path: screenshotPath(`inbox-${look.name}`), fullPage: true });
    }, look.options);

    scenario(`error page for an unregistered redirect_uri, ${look.name}`, stage, async ({ page }) => {
      const query = new URLSearchParams({
        client_id: open.client.client_id,
        response_type: 'token id_token',
        redirect_uri: 'https://evil.test/callback',
        scope: 'openid',
        nonce: 'n',
        state: 's',
      });
      const reply = await page.goto(`${open.gatewright.issuer}authorize?${query}`);
      assert.ok(reply.status() >= 400 && reply.status() < 500, `status ${reply.status()}`);
      assert.equal(new URL(page.url()).host, open.gatewright.domain, 'never a redirect');
      assert.match(await page.locator('body').innerText(), /redirect_uri|callback/i);
      await assertReadable(page, look);
      await page.screenshot({ path: screenshotPath(`error-${look.name}`), fullPage: true });
    }, look.options);
  }

  for (const sdk of [LOCK_14, LOCK_11]) {
    scenario(`${sdk.name}: two steps`, stage, async ({ page }) => {
      await openLogin(page, open, sdk, { scope: 'openid profile email' });
      await settled(page);
      await page.screenshot({ path: screenshotPath(`${sdk.page}-step-1`) });
      await sdk.sendCode(page, newPhone());
      await settled(page);
      assert.equal(await page.locator('input[name="phoneNumber"]').count(), 0);
      await page.screenshot({ path: screenshotPath(`${sdk.page}-step-2`) });
    });
  }
});

/** Has a code sent, as any page would. */
async function sendMessage(open) {
  const { e164 } = newPhone();
  const context = await open.browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(open.app.url(LOCK_14.page));
    const started = await page.evaluate(
      ([url, body]) => window.app.fetch(url, { method: 'POST', body }),
      [
        `${open.gatewright.issuer}passwordless/start`,
        { client_id: open.client.client_id, connection: 'sms', phone_number: e164, send: 'code' },
      ],
    );
    assert.equal(started.status, 200, started.text);
  } finally {
    await context.close();
  }
  return { to: e164, ...(await open.gatewright.inbox.code(e164)) };
}

async function assertReadable(page, look) {
  assert.match(await page.title(), /\S/);
  assert.match((await page.locator('html').getAttribute('lang')) ?? '', /^[a-z]/);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= look.options.viewport.width, `no sideways scrolling: ${width} px wide`);
}

/** Waits until nothing on the page moves any more. */
const settled = (page) =>
  page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
