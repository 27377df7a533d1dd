// A custom social connection: auth0.js and Lock send the browser to the provider, the hosted page has a button.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { DATABASE, enableDatabase } from '../harness/database.js';
import { engines } from '../harness/engines.js';
import { SAME_SITE } from '../harness/layouts.js';
import { authenticated } from '../harness/login.js';
import { startProvider } from '../harness/provider.js';
import { scenario, screenshotPath } from '../harness/scenario.js';
import { LOCK_14 } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const NAME = 'acme';
const PROFILE = { user_id: '42', name: 'Ann of Acme', email: 'ann@acme.example', email_verified: true };
const SUB = 'oauth2|acme|42';

for (const engine of engines()) {
  describe(`a social connection, ${engine.name}`, () => {
    let open;
    let provider;
    const stage = () => open;
    before(async () => {
      open = await openStage(engine, SAME_SITE);
      provider = await startProvider(PROFILE);
      await enableDatabase(open);
      await provider.attach(open.gatewright.management, NAME, open.client.client_id);
    });
    after(async () => {
      await open?.close();
      await provider?.close();
    });

    const options = () => ({
      plain: true, domain: open.gatewright.domain, clientId: open.client.client_id, scope: 'openid profile email',
    });
    const authorize = async (page, more) => {
      const address = open.app.url('auth0js-10');
      await page.goto(address);
      await page.evaluate((all) => window.app.open(all), options());
      await page.evaluate((asked) => window.app.webAuth.authorize(asked), more);
    };
    const parsed = async (page) => {
      await page.waitForURL((url) => url.href.startsWith(open.app.url('auth0js-10')) && url.hash !== '');
      // The page has opened itself again with what it remembers.
      await page.waitForFunction(() => window.app?.webAuth);
      return page.evaluate(
        () => new Promise((resolve) => window.app.webAuth.parseHash((error, result) => resolve({ error, result }))),
      );
    };

    scenario('auth0.js authorize({ connection }) goes to the provider and back', stage, async ({ page }) => {
      await authorize(page, { connection: NAME });
      await page.locator('#yes').click();
      const { error, result } = await parsed(page);
      assert.equal(error, null);
      const { sub, name, email } = result.idTokenPayload;
      assert.deepEqual([sub, name, email], [SUB, PROFILE.name, PROFILE.email]);
    });

    scenario('who says no at the provider is told so at the application', stage, async ({ page }) => {
      await authorize(page, { connection: NAME });
      await page.locator('#no').click();
      const { error } = await parsed(page);
      assert.deepEqual([error.error, error.errorDescription], ['access_denied', 'The user said no']);
    });

    for (const [colorScheme, width] of [['light', 1280], ['dark', 360]]) {
      scenario(`the hosted page has a button, ${colorScheme}`, stage, async ({ page }) => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        await authorize(page, {});
        const button = page.getByRole('link', { name: 'Continue with Acme' });
        await button.waitFor();
        await page.screenshot({ path: screenshotPath(`social-${engine.name}-${colorScheme}`), fullPage: true });
        await button.press('Enter');
        await page.locator('#yes').click();
        const { result } = await parsed(page);
        assert.equal(result.idTokenPayload.sub, SUB);
      });
    }

    scenario('Lock shows the connection, and comes back from it', stage, async ({ page }) => {
      await page.goto(open.app.url(LOCK_14.page));
      const more = { redirect: true, audience: `${open.gatewright.issuer}api/v2/`, database: DATABASE, social: [NAME] };
      await page.evaluate((all) => window.app.open(all), { ...options(), ...more });
      await page.locator('.auth0-lock-social-button').click();
      await page.locator('#yes').click();
      const { idToken } = await authenticated(page);
      assert.equal(idToken.sub, SUB);
    });
  });
}
