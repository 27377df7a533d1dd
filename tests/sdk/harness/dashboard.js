// The dashboard's administrator in tests, and a look at every page: picture, axe-core, weight, width, origin.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { startBrowser } from './browser.js';
import { engines } from './engines.js';
import { startGatewright } from './gatewright.js';
import { screenshotPath } from './scenario.js';
import { makeTrust } from './trust.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** No page of the dashboard may be heavier than this, style sheet and script included. */
const MOST_BYTES = 100_000;

const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 360, height: 780 } },
  { name: 'phone-dark', colorScheme: 'dark', viewport: { width: 360, height: 780 } },
];

/** A password that every policy takes. */
export const newPassword = () => `Pw-${randomBytes(9).toString('base64url')}-1a`;

/** Follows an invitation with a new account; `{ email, password }`. The page is then the overview. */
export async function becomeAdministrator(page, invitation, email) {
  const password = newPassword();
  await page.goto(invitation);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return { email, password };
}

/**
 * Declares tests of the dashboard on every database. `declare(stage)` gets what is there when the tests run
 * (`gatewright`, `chromium`, `context`, `page`, `admin`) and how to use a page at once (`at`, `fill`, `press`,
 * `heading`, `says`). Without `admin` nobody has followed the invitation yet.
 */
export function dashboard(name, declare, { admin = true } = {}) {
  for (const engine of engines()) {
    describe(`${name} on ${engine.name}`, () => {
      const stage = onPage();
      before(async () => {
        stage.gatewright = await startGatewright(engine, { more: ['--tenant', 'acme'] });
        stage.trust = await makeTrust(stage.gatewright.ca);
        stage.chromium = await startBrowser(stage.trust.home);
        stage.context = await stage.chromium.browser.newContext({ viewport: { width: 1280, height: 900 } });
        stage.page = await stage.context.newPage();
        stage.page.setDefaultTimeout(20_000);
        if (admin) stage.admin = await becomeAdministrator(stage.page, stage.gatewright.invitation, 'ada@example.org');
      });
      after(async () => {
        await stage.chromium?.stop();
        stage.trust?.remove();
        await stage.gatewright?.stop();
      });
      declare(stage);
    });
  }
}

function onPage() {
  const stage = {
    at: (path) => `${stage.gatewright.issuer}dashboard${path}`,
    async fill(values) {
      for (const [label, value] of Object.entries(values)) await stage.page.getByLabel(label, { exact: true }).fill(value);
    },
    press: (name) => stage.page.getByRole('button', { name, exact: true }).click(),
    async heading(name) {
      await stage.page.getByRole('heading', { name, level: 1 }).waitFor().catch(async (error) => {
        const picture = screenshotPath(`failed-dashboard-${name}`);
        await stage.page.screenshot({ path: picture, fullPage: true });
        throw new Error(`no heading "${name}" at ${stage.page.url()}, see ${picture}`, { cause: error });
      });
    },
    says: async (text) => assert.match(await stage.page.locator('main').innerText(), text),
  };
  return stage;
}

/**
 * Declares a test for each look that goes through `pages` (`{ name: () => path }`) and then `more(page, shown)`.
 * `browser`, `state` and `base` are functions, because they are there only when the tests run.
 */
export function looks({ browser, state, base, pages, more = async () => {} }) {
  for (const look of LOOKS) {
    test(`every page, ${look.name}`, { timeout: 240_000 }, async (t) => {
      const context = await browser().newContext({
        colorScheme: look.colorScheme, viewport: look.viewport, storageState: state(),
      });
      try {
        const page = await context.newPage();
        page.setDefaultTimeout(20_000);
        const traffic = [];
        page.on('response', (response) => traffic.push(response));
        const shown = (name) => picture(page, look, name);
        for (const [name, path] of Object.entries(pages)) {
          traffic.length = 0;
          const answer = await page.goto(`${base()}${path()}`, { waitUntil: 'load' });
          assert.equal(answer.status(), 200, name);
          await shown(name);
          if (look.name === 'light') t.diagnostic(`${name}: ${await weight(traffic, base(), name)} bytes`);
        }
        await more(page, shown);
      } finally {
        await context.close();
      }
    });
  }
}

/** What a page and all it loads weigh; nothing may come from elsewhere. */
async function weight(traffic, base, name) {
  let bytes = 0;
  for (const response of traffic) {
    if (response.url().startsWith('data:')) continue;
    assert.equal(new URL(response.url()).origin, new URL(base).origin, name);
    bytes += (await response.body().catch(() => Buffer.alloc(0))).length;
  }
  assert.ok(bytes < MOST_BYTES, `${name}: ${bytes} bytes`);
  return bytes;
}

async function picture(page, look, name) {
  await page.waitForLoadState('load');
  await page.screenshot({ path: screenshotPath(`dashboard-${name}-${look.name}`), fullPage: true });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= look.viewport.width, `${name}: ${width} px wide`);
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
  assert.deepEqual(serious, [], name);
}
