// One test in one fresh browser context (no cookies, no storage), with an account of what happened when it fails.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCREENSHOTS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../screenshots');

/** The path for a screenshot in the git-ignored folder. */
export function screenshotPath(name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  return path.join(SCREENSHOTS, `${name.replaceAll(/[^\w.-]+/g, '-')}.png`);
}

/**
 * Declares a test. `stage()` gives the open stage, `play({ page, traffic, stage })` is the test itself.
 * `traffic` lists the requests of the page so far as `{ method, url, status, failure, request }`.
 */
export function scenario(name, stage, play, contextOptions = {}) {
  test(name, { timeout: 90_000 }, async (t) => {
    const open = stage();
    const context = await open.browser.newContext(contextOptions);
    const account = [];
    const traffic = [];
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      listen(page, account, traffic);
      try {
        await play({ page, traffic, stage: open });
      } catch (error) {
        await report(t, page, account, open);
        throw error;
      }
    } finally {
      await context.close();
    }
  });
}

// Lock asks for its logo and its words at a CDN that does not exist here, and says at length which words it misses.
const EXPECTED = /^language does not have property|net::ERR_NAME_NOT_RESOLVED/;

function listen(page, account, traffic) {
  page.on('console', (message) => {
    if (!EXPECTED.test(message.text())) account.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => account.push(`page error: ${error.message}`));
  const entries = new Map();
  page.on('request', (request) => {
    const entry = { method: request.method(), url: request.url(), status: null, failure: null, request };
    entries.set(request, entry);
    traffic.push(entry);
  });
  page.on('response', (response) => {
    const entry = entries.get(response.request());
    if (!entry) return;
    entry.status = response.status();
    account.push(`${entry.status} ${entry.method} ${shortened(entry.url)}`);
  });
  page.on('requestfailed', (request) => {
    const entry = entries.get(request);
    if (!entry) return;
    entry.failure = request.failure()?.errorText ?? 'failed';
    if (!EXPECTED.test(entry.failure)) account.push(`${entry.failure} ${entry.method} ${shortened(entry.url)}`);
  });
}

const shortened = (url) => (url.length > 400 ? `${url.slice(0, 400)}…` : url);

async function report(t, page, account, open) {
  const picture = screenshotPath(`failed-${open.name}-${t.name}`.slice(0, 150));
  await page.screenshot({ path: picture }).catch(() => {});
  const events = await page.evaluate(() => window.app?.events ?? []).catch(() => []);
  t.diagnostic(`screenshot: ${picture}`);
  for (const line of account) t.diagnostic(line);
  for (const event of events) t.diagnostic(`event ${event.name}: ${shortened(JSON.stringify(event.detail))}`);
  t.diagnostic(`server's last lines:\n${open.gatewright.output().split('\n').slice(-30).join('\n')}`);
}
