// Auth0Lock with a database connection: embedded in a page of another site, by redirect, and on the tenant's own host.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import {
  DATABASE, enableDatabase, newEmail, newPassword, newUser, ownLoginPage, resetPassword,
} from '../harness/database.js';
import { engines } from '../harness/engines.js';
import { CROSS_SITE } from '../harness/layouts.js';
import { authenticated, firstEvent } from '../harness/login.js';
import { scenario } from '../harness/scenario.js';
import { LOCK_11, LOCK_14, LOCK_DATABASE as FORM } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const SCOPE = 'openid profile email';

for (const engine of engines()) {
  describe(`Lock with a database, ${engine.name}`, () => {
    let open;
    const stage = () => open;
    before(async () => {
      open = await openStage(engine, CROSS_SITE);
      await enableDatabase(open);
    });
    after(() => open?.close());

    /** What the page gives Lock, besides what every page gives it. */
    const options = (more) => ({
      domain: open.gatewright.domain, clientId: open.client.client_id, database: DATABASE, audience: `${open.gatewright.issuer}api/v2/`, scope: SCOPE, redirect: false, ...more,
    });
    const openPage = async (page, sdk, more = {}) => {
      await page.goto('about:blank');
      await page.goto(open.app.url(sdk.page));
      // A page that was open before remembers what it gave Lock.
      await page.evaluate((all) => void (window.app.lock ?? window.app.open(all)), options(more));
      await FORM.ready(page);
    };

    for (const sdk of [LOCK_14, LOCK_11]) {
      scenario(`${sdk.name}: sign-up with a field of the application's own`, stage, async ({ page, traffic }) => {
        const [email, password] = [newEmail(), newPassword()];
        await openPage(page, sdk);
        await FORM.signUp(page, { email, password, nickname: 'Annie', favourite_colour: 'green' });
        const { idToken } = await authenticated(page);
        assert.equal(idToken.email, email);
        assert.equal(idToken.email_verified, false);
        if (sdk.rootFields) assert.equal(idToken.nickname, 'Annie');
        const [user] = await open.gatewright.management('GET', `users-by-email?email=${encodeURIComponent(email)}`);
        assert.equal(user.user_id, idToken.sub);
        const metadata = { favourite_colour: 'green', ...(sdk.rootFields ? {} : { nickname: 'Annie' }) };
        assert.deepEqual(user.user_metadata, metadata);

        // The same address again, and a weak password: Lock has words for both.
        await openPage(page, sdk);
        await FORM.signUp(page, { email, password, nickname: 'Annie', favourite_colour: 'red' });
        assert.match(await FORM.complaint(page), /\S/);
        const refused = traffic.filter(({ url, method }) => method === 'POST' && url.endsWith('/dbconnections/signup'));
        assert.deepEqual(refused.map(({ status }) => status), [200, 400]);
      });

      scenario(`${sdk.name}: a wrong password is told, a forgotten one is replaced`, stage, async ({ page, traffic }) => {
        const user = await newUser(open);
        const chosen = newPassword();
        await openPage(page, sdk);
        await FORM.logIn(page, user.email, 'Wrong-horse-7');
        assert.match(await FORM.complaint(page), /wrong/i);
        if (sdk.emitsErrors) {
          const told = await firstEvent(page, ['authorization_error']);
          assert.equal(told.detail.code, 'invalid_user_password');
        }
        await FORM.forgotPassword(page, user.email);
        await resetPassword(open, user.email, chosen);

        await openPage(page, sdk);
        await FORM.logIn(page, user.email, user.password);
        await FORM.complaint(page);
        await page.evaluate(() => window.app.events.splice(0));
        await FORM.logIn(page, user.email, chosen);
        const { idToken } = await authenticated(page);
        assert.equal(idToken.sub, user.userId);
        const tries = traffic.filter(({ url, method }) => method === 'POST' && url.endsWith('/co/authenticate'));
        assert.deepEqual(tries.map(({ status }) => status), [403, 403, 200]);
      });

      scenario(`${sdk.name}: by redirect`, stage, async ({ page }) => {
        const user = await newUser(open);
        await openPage(page, sdk, { redirect: true });
        await FORM.logIn(page, user.email, user.password);
        const { idToken } = await authenticated(page);
        assert.equal(idToken.sub, user.userId);
        assert.equal(new URL(page.url()).origin, open.app.origin);
      });

      scenario(`${sdk.name}: as the login page on the tenant's own host`, stage, async ({ page, traffic }) => {
        const user = await newUser(open);
        const arrived = await ownLoginPage(page, open, sdk.page);
        // The application is another one's page: it has the state and nonce that the answer must match.
        await page.goto(open.app.url('auth0js-10'));
        const app = { plain: true, domain: open.gatewright.domain, clientId: open.client.client_id, scope: SCOPE };
        await page.evaluate((all) => {
          window.app.open(all);
          window.app.webAuth.authorize({});
        }, app);
        const state = await arrived();
        await page.evaluate((all) => window.app.open(all), options({ redirectUri: open.app.url('auth0js-10'), login: { state } }));
        await FORM.ready(page);
        await FORM.logIn(page, user.email, 'Wrong-horse-7');
        assert.match(await FORM.complaint(page), /wrong/i);
        await FORM.logIn(page, user.email, user.password);
        await page.waitForURL((url) => url.origin === open.app.origin);
        const outcome = await page.evaluate(() => window.app.settled((done) => window.app.webAuth.parseHash({}, done)));
        assert.equal(outcome.error, null);
        assert.equal(outcome.result.idTokenPayload.sub, user.userId);
        const posts = traffic.filter(({ method }) => method === 'POST').map(({ url, status }) => [new URL(url).pathname, status]);
        const ours = posts.filter(([path]) => /usernamepassword\/login|login\/callback/.test(path));
        assert.deepEqual(ours, [
          ['/usernamepassword/login', 401], ['/usernamepassword/login', 200], ['/login/callback', 302],
        ]);
      });
    }
  });
}
