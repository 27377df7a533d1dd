// The premise of the other tests: this browser blocks third-party cookies, and the layouts are what they say.
// A plain server on https://localhost stands where Gatewright stands; nothing of Gatewright runs here.
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { startBrowser } from '../harness/browser.js';
import { LAYOUTS } from '../harness/layouts.js';
import { startApp } from '../harness/pages.js';
import { makeTrust } from '../harness/trust.js';

let trust;
let chromium;
let server;
let seen;

before(async () => {
  trust = await makeTrust();
  chromium = await startBrowser(trust.home);
  server = await startCookieServer(trust.tls);
});

after(async () => {
  await chromium?.stop();
  await server?.close();
  trust?.remove();
});

// `POST /set` sets a cookie pair as a login step does; every other path answers a page and notes what it was sent.
async function startCookieServer(tls) {
  const listener = createServer(tls, (request, reply) => {
    reply.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
    reply.setHeader('access-control-allow-credentials', 'true');
    reply.setHeader('content-type', 'text/html');
    if (request.url === '/set') {
      reply.setHeader('set-cookie', [
        'plain=1; Path=/; HttpOnly; Secure; SameSite=None',
        'partitioned=1; Path=/; HttpOnly; Secure; SameSite=None; Partitioned',
      ]);
    } else {
      seen.push({
        path: request.url,
        cookies: (request.headers.cookie ?? '').split('; ').filter(Boolean).map((pair) => pair.split('=')[0]).sort(),
        referer: request.headers.referer ?? null,
      });
    }
    reply.end('<!doctype html><title>seen</title><link rel="icon" href="data:,">');
  });
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    origin: `https://localhost:${listener.address().port}`,
    close() {
      listener.closeAllConnections();
      return new Promise((resolve) => listener.close(resolve));
    },
  };
}

for (const layout of LAYOUTS) {
  describe(`cookies, ${layout.name}`, () => {
    test('a request with credentials sets the pair; an iframe and a top-level navigation come afterwards', async () => {
      seen = [];
      const app = await startApp(layout, trust.tls);
      const context = await chromium.browser.newContext();
      try {
        const page = await context.newPage();
        await page.goto(app.url('empty'));
        await page.evaluate((url) => fetch(url, { method: 'POST', credentials: 'include' }), `${server.origin}/set`);
        await page.evaluate(
          (url) =>
            new Promise((resolve) => {
              const frame = document.createElement('iframe');
              frame.addEventListener('load', resolve);
              frame.src = url;
              document.body.append(frame);
            }),
          `${server.origin}/frame`,
        );
        await page.evaluate((url) => window.location.assign(url), `${server.origin}/top`);
        await page.waitForURL(`${server.origin}/top`);

        const referer = `${app.origin}/`;
        assert.deepEqual(
          seen,
          layout.crossSite
            ? [
                { path: '/frame', cookies: ['partitioned'], referer },
                { path: '/top', cookies: [], referer },
              ]
            : [
                { path: '/frame', cookies: ['partitioned', 'plain'], referer },
                { path: '/top', cookies: ['partitioned', 'plain'], referer },
              ],
        );
      } finally {
        await context.close();
        await app.close();
      }
    });
  });
}
