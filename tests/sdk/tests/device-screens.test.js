// The pages of the device flow, as the user of a television sees them. Pictures of them go to screenshots/.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { DATABASE, enableConnections, enterPassword, newUser, press } from '../harness/hosted.js';
import { request } from '../harness/https.js';
import { scenario, screenshotPath } from '../harness/scenario.js';
import { openWith } from '../harness/stage.js';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const LOOKS = [
  { name: 'light', options: { colorScheme: 'light', viewport: WIDE } },
  { name: 'dark', options: { colorScheme: 'dark', viewport: WIDE } },
  { name: 'phone', options: { colorScheme: 'light', viewport: PHONE, deviceScaleFactor: 2 } },
  { name: 'phone-dark', options: { colorScheme: 'dark', viewport: PHONE, deviceScaleFactor: 2 } },
];

describe('device screens', () => {
  let open;
  const stage = () => open;
  before(async () => {
    open = await openWith(engines()[0], async ({ gatewright: { management } }) => {
      await management('PATCH', 'tenants/settings', { enabled_locales: ['en', 'de', 'fr', 'es', 'ja'] });
      const client = await management('POST', 'clients', {
        name: 'Living room TV',
        app_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: [GRANT],
      });
      await enableConnections(management, client.client_id, [DATABASE]);
      return { client, user: await newUser(management) };
    });
  });
  after(() => open?.close());

  for (const look of LOOKS) {
    scenario(`from the code to the end, ${look.name}`, stage, async ({ page }) => {
      const picture = async (screen) => {
        await readable(page, screen, look);
        await page.screenshot({ path: screenshotPath(`${screen}-${look.name}`), fullPage: true });
      };
      const codes = await ask(open);
      assert.equal((await poll(open, codes)).json.error, 'authorization_pending');
      await page.goto(codes.verification_uri);
      await picture('device-code-activation');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'code', 'typing can begin at once');
      // With the keyboard alone, in small letters.
      await page.keyboard.type('bcdfghjk');
      await page.keyboard.press('Enter');
      await page.locator('[role=alert]').waitFor();
      await page.screenshot({ path: screenshotPath(`device-code-activation-wrong-${look.name}`), fullPage: true });
      await page.locator('#code').fill(codes.user_code.toLowerCase().replace('-', ''));
      await page.keyboard.press('Enter');
      await page.locator('#device-code-confirmation').waitFor();
      await picture('device-code-confirmation');
      assert.equal(await page.locator('.shown strong').innerText(), codes.user_code);
      await press(page, 'confirm');
      await enterPassword(page, open.user);
      await page.locator('#device-code-activation-allowed').waitFor();
      await picture('device-code-activation-allowed');
      assert.ok((await poll(open, codes)).json.access_token, 'the television is connected');

      // Again, signed in now, by the address that holds the code; and no.
      const again = await ask(open);
      await page.goto(again.verification_uri_complete);
      await page.locator('#device-code-confirmation').waitFor();
      assert.ok((await page.locator('main').innerText()).includes(open.user.email), 'whose account it would be');
      await picture('device-code-confirmation');
      await press(page, 'cancel');
      await page.locator('#device-code-activation-denied').waitFor();
      await picture('device-code-activation-denied');
      assert.equal((await poll(open, again)).json.error, 'access_denied');
    }, look.options);
  }

  for (const locale of ['de', 'fr', 'es', 'ja']) {
    scenario(`without scripts, in the language ${locale}`, stage, async ({ page }) => {
      const look = { options: { viewport: PHONE } };
      const codes = await ask(open);
      await page.goto(codes.verification_uri_complete);
      assert.equal(await page.locator('html').getAttribute('lang'), locale);
      await readable(page, 'device-code-confirmation', look);
      await page.screenshot({ path: screenshotPath(`device-code-confirmation-${locale}`), fullPage: true });
      await press(page, 'confirm');
      await enterPassword(page, open.user);
      await page.locator('#device-code-activation-allowed').waitFor();
      await readable(page, 'device-code-activation-allowed', look);
      assert.ok((await poll(open, codes)).json.access_token);
    }, { locale, javaScriptEnabled: false, viewport: PHONE, deviceScaleFactor: 2 });
  }
});

/** The television asks for its codes. */
async function ask({ gatewright, client }) {
  const url = `${gatewright.issuer}oauth/device/code`;
  const reply = await request(url, { ca: gatewright.ca, method: 'POST', body: { client_id: client.client_id, scope: 'openid' } });
  assert.equal(reply.status, 200, reply.text);
  return reply.json;
}

/** The television asks what has become of them. */
const poll = ({ gatewright, client }, { device_code }) =>
  request(`${gatewright.issuer}oauth/token`, {
    ca: gatewright.ca,
    method: 'POST',
    body: { grant_type: GRANT, client_id: client.client_id, device_code },
  });

async function readable(page, screen, look) {
  await page.locator(`main#${screen}`).waitFor();
  assert.match(await page.title(), /\S/);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= look.options.viewport.width, `no sideways scrolling: ${width} px wide`);
}
