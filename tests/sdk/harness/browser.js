// Headless Chromium as a user has it: nothing about storage or cookies is relaxed for testing.
// It is started here and not by Playwright, whose default switches turn third-party storage partitioning off.
import path from 'node:path';
import { chromium } from 'playwright-core';
import { startProgram } from './process.js';

const SWITCHES = [
  '--headless',
  '--no-sandbox', // the tests run as root in containers
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-search-engine-choice-screen',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--password-store=basic',
  '--hide-scrollbars',
  // What Chromium does for users who block third-party cookies; third-party-cookies.test.js proves that it bites.
  '--test-third-party-cookie-phaseout',
  // Nothing outside this machine is ever asked: Lock's CDN files fail at once, as in a closed network.
  '--host-resolver-rules=MAP app.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
];

/** Starts Chromium with a home folder of its own; `{ browser, version, stop }`. */
export async function startBrowser(home) {
  const program = await startProgram(
    process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
    [...SWITCHES, `--user-data-dir=${path.join(home, 'profile')}`, '--remote-debugging-port=0', 'about:blank'],
    {
      env: { ...process.env, HOME: home, XDG_CONFIG_HOME: path.join(home, 'config') },
      ready: (line) => /DevTools listening on (ws:\S+)/.exec(line)?.[1],
    },
  );
  const browser = await chromium.connectOverCDP(program.value);
  return {
    browser,
    version: browser.version(),
    async stop() {
      await browser.close();
      await program.stop();
    },
  };
}
