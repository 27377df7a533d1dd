// The hosted pages as people see them: every one in light and dark, wide and on a phone. Pictures go to
// screenshots/. Each page is checked with axe-core, fits its window, and does not move while it loads.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { startBrowser } from '../harness/browser.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { DATABASE, enableConnections, enterPassword, newUser, press } from '../harness/hosted.js';
import { enterAppCode, MULTI_FACTOR, shownCode } from '../harness/otp.js';
import { screenshotPath } from '../harness/scenario.js';
import { newPhone } from '../harness/sdks.js';
import { makeTrust } from '../harness/trust.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const NEW_PASSWORD = 'Correct-horse-battery-9';

const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
  { name: 'phone-dark', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
];

describe('hosted pages', () => {
  let gatewright, trust, chromium, client, partner, application, callback;
  before(async () => {
    application = createServer((_, reply) => reply.end('callback'));
    await new Promise((listening) => application.listen(0, 'localhost', listening));
    callback = `http://localhost:${application.address().port}/`;
    gatewright = await startGatewright(engines()[0]);
    trust = await makeTrust(gatewright.ca);
    chromium = await startBrowser(trust.home);
    const { management } = gatewright;
    const spa = {
      app_type: 'spa', token_endpoint_auth_method: 'none', grant_types: ['implicit'], callbacks: [callback],
      oidc_conformant: true,
    };
    client = await management('POST', 'clients', { ...spa, name: 'Tea House' });
    partner = await management('POST', 'clients', { ...spa, name: 'Partner App', is_first_party: false });
    await enableConnections(management, client.client_id, [DATABASE, 'sms', 'email']);
    await enableConnections(management, partner.client_id, [DATABASE]);
    await management('POST', 'client-grants', {
      client_id: partner.client_id, audience: gatewright.audience, subject_type: 'user', scope: ['read:orders', 'write:orders'],
    });
    await management('PATCH', 'tenants/settings', { friendly_name: 'Acme' });
    for (const factor of ['otp', 'sms', 'recovery-code']) await management('PUT', `guardian/factors/${factor}`, { enabled: true });
  });
  after(async () => {
    await chromium?.stop();
    trust?.remove();
    await gatewright?.stop();
    application?.close();
  });

  const authorize = (more = {}, id = client.client_id) => {
    const query = new URLSearchParams({
      client_id: id, response_type: 'id_token', redirect_uri: callback, scope: 'openid', nonce: 'n', state: 's', ...more,
    });
    return `${gatewright.issuer}authorize?${query}`;
  };

  /** Whoever comes here gets a page and a function that looks at what it shows. */
  const everyLook = (name, play, looks = LOOKS) => {
    for (const look of looks) {
      test(`${name}, ${look.name}`, { timeout: 120_000 }, async () => {
        const context = await chromium.browser.newContext({ colorScheme: look.colorScheme, viewport: look.viewport });
        try {
          const page = await context.newPage();
          page.setDefaultTimeout(20_000);
          const shown = (screen) => picture(page, look, screen);
          await play(page, shown);
        } finally {
          await context.close();
        }
      });
    }
  };

  everyLook('login, sign-up and the code for it', async (page, shown) => {
    await page.goto(authorize({ login_hint: 'ada@example.com' }));
    await shown('login');
    await page.locator('input[name="password"]').fill('wrong');
    await press(page, 'default');
    await page.locator('[role="alert"]').waitFor();
    await shown('login-error');
    await page.locator('a[href^="/u/signup"]').click();
    await shown('signup');
    await page.locator('input[name="password"]').pressSequentially('Correct');
    await shown('signup-typing');
    await press(page, 'default');
    await page.locator('li.missing').first().waitFor();
    await shown('signup-error');
    const email = `new-${randomUUID()}@example.org`;
    await page.locator('input[name="email"]').fill(email);
    await page.locator('input[name="password"]').fill(NEW_PASSWORD);
    assert.match(await page.locator('.said').innerText(), /strong/);
    assert.equal(await page.locator('li[data-rule="lengthAtLeast"].held').count(), 1);
    await press(page, 'default');
    await page.locator('input[name="code"]').waitFor();
    await shown('email-identifier-challenge');
    const { code } = await gatewright.inbox.code(email);
    await page.locator('input[name="code"]').fill(code);
    await page.waitForURL(`${callback}**`);
  });

  everyLook('codes by SMS and e-mail', async (page, shown) => {
    await page.goto(authorize({ connection: 'sms' }));
    await shown('identifier-sms');
    await page.locator('input[name="username"]').fill(newPhone().e164);
    await press(page, 'default');
    await page.locator('input[name="code"]').waitFor();
    await shown('code-sms');
    await page.locator('input[name="code"]').fill('12');
    await press(page, 'default');
    await page.locator('[role="alert"]').first().waitFor();
    await shown('code-error');
    await page.goto(authorize({ connection: 'email' }));
    await page.locator('input[name="username"]').fill(`somebody.with.a.long.name-${randomUUID()}@subdomain.example.org`);
    await press(page, 'default');
    await page.locator('input[name="code"]').waitFor();
    await shown('code-email');
  });

  everyLook('a forgotten password', async (page, shown) => {
    const user = await newUser(gatewright.management);
    await page.goto(authorize({ login_hint: user.email }));
    await page.locator('a[href^="/u/reset-password/request"]').click();
    await shown('reset-password-request');
    await press(page, 'default');
    await page.locator('#reset-password-email').waitFor();
    await shown('reset-password-email');
    const message = await gatewright.inbox.newest(user.email);
    const [, link] = /(https:\/\/\S+?)#/.exec(message.body);
    await page.goto(link);
    await shown('reset-password');
    await page.locator('input[name="password"]').fill(NEW_PASSWORD);
    await page.locator('input[name="re-enter-password"]').fill(NEW_PASSWORD);
    await press(page, 'default');
    await page.locator('#reset-password-success').waitFor();
    await shown('reset-password-success');
    await page.goto(link);
    await shown('reset-password-error');
    await page.goto(`${gatewright.issuer}u/email-verification?ticket=none`);
    await shown('email-verification-error');
  });

  everyLook('consent, confirmation, logout and errors', async (page, shown) => {
    const user = await newUser(gatewright.management);
    const orders = { audience: gatewright.audience, scope: 'read:orders write:orders', response_type: 'token' };
    await page.goto(authorize(orders, partner.client_id));
    await page.locator('input[name="username"]').fill(user.email);
    await page.locator('input[name="password"]').fill(user.password);
    await press(page, 'default');
    await page.locator('#consent').waitFor();
    await shown('consent');
    await press(page, 'accept');
    await page.waitForURL(`${callback}**`);
    await page.goto(authorize(orders, partner.client_id));
    await shown('confirmation');
    await page.goto(`${gatewright.issuer}oidc/logout`);
    await shown('logout');
    await press(page, 'confirm');
    await page.locator('#logout-complete').waitFor();
    await shown('logout-complete');
    await page.goto(authorize({ redirect_uri: 'https://evil.test/' }));
    await shown('error');
    await page.goto(`${gatewright.issuer}u/login?state=none`);
    await shown('lost');
  });

  // Light and dark, wide and narrow: seven pages in two looks show as much as in four.
  everyLook('second factors', async (page, shown) => {
    const user = await newUser(gatewright.management);
    const asking = authorize({ acr_values: MULTI_FACTOR });
    const toPassword = async () => {
      await page.context().clearCookies();
      await page.goto(asking);
      await enterPassword(page, user);
    };
    await toPassword();
    await page.locator('#mfa-otp-enrollment-qr').waitFor();
    await shown('mfa-otp-enrollment');
    const secret = await shownCode(page);
    await page.locator('input[name="code"]').fill('12');
    await press(page, 'default');
    await page.locator('[role="alert"]').waitFor();
    await shown('mfa-otp-enrollment-error');
    await page.getByText('Try another method').click();
    await page.locator('#mfa-begin-enroll-options').waitFor();
    await shown('mfa-begin-enroll-options');
    await page.getByText('Text message to a phone').click();
    await page.locator('#mfa-sms-enrollment').waitFor();
    await page.getByText('Try another method').click();
    await page.getByText('Authenticator app').click();
    await page.locator('#mfa-otp-enrollment-qr').waitFor();
    // A code is good once, so each login takes the next one.
    await enterAppCode(page, secret, -1);
    await page.locator('#mfa-recovery-code-enrollment').waitFor();
    await shown('mfa-recovery-code-enrollment');
    const recovery = await shownCode(page);
    await press(page, 'default');
    await page.waitForURL(`${callback}**`);
    await toPassword();
    await page.locator('#mfa-otp-challenge').waitFor();
    await shown('mfa-otp-challenge');
    await page.getByText('Try another method').click();
    await page.locator('#mfa-login-options').waitFor();
    await page.getByText('Recovery code').click();
    await page.locator('#mfa-recovery-code-challenge').waitFor();
    await shown('mfa-recovery-code-challenge');
    await page.locator('input[name="code"]').fill(recovery);
    await press(page, 'default');
    await page.locator('#mfa-recovery-code-challenge-new-code').waitFor();
    await shown('mfa-recovery-code-new');
    await press(page, 'default');
    await page.waitForURL(`${callback}**`);
  }, LOOKS.filter(({ name }) => ['light', 'phone-dark'].includes(name)));

  // The tenant's settings hold for all of its pages, so these come last.
  describe('as the tenant wants them', () => {
    before(async () => {
      await gatewright.management('PATCH', 'prompts', { identifier_first: true });
      await gatewright.management('PATCH', 'branding', {
        colors: {
          primary: '#ffd400',
          page_background: { type: 'linear-gradient', start: '#fff7d6', end: '#ffe3ea', angle_deg: 135 },
        },
      });
    });

    everyLook('the identifier first, in the tenant\'s colours', async (page, shown) => {
      await page.goto(authorize());
      await shown('login-id');
      await page.locator('input[name="username"]').fill('ada@example.com');
      await press(page, 'default');
      await page.locator('#login-password').waitFor();
      await shown('login-password');
      await page.locator('a[href^="/u/signup"]').click();
      await shown('signup-id');
      await press(page, 'default');
      await page.locator('#signup-password').waitFor();
      await shown('signup-password');
    });
  });
});

/** Takes a picture of the page and checks what can be checked of its looks. */
async function picture(page, look, screen) {
  await page.waitForLoadState('load');
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
  await page.screenshot({ path: screenshotPath(`hosted-${screen}-${look.name}`), fullPage: true });
  assert.match((await page.locator('html').getAttribute('lang')) ?? '', /^[a-z]/);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= look.viewport.width, `${screen}: ${width} px wide`);
  // The page's policy lets no script in; what a debugger evaluates is not bound by it.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: AXE });
  await session.detach();
  const serious = await page.evaluate(async () => {
    const found = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return found.violations
      .filter((violation) => ['serious', 'critical'].includes(violation.impact))
      .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(' ')}`);
  });
  assert.deepEqual(serious, [], screen);
}
