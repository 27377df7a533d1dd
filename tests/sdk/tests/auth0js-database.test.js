// auth0.js with a database connection, from a page of the server's site: what applications without Lock call.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe } from 'node:test';
import { DATABASE, enableDatabase, newEmail, newPassword, newUser, ownLoginPage, resetPassword } from '../harness/database.js';
import { engines } from '../harness/engines.js';
import { SAME_SITE } from '../harness/layouts.js';
import { decoded } from '../harness/login.js';
import { scenario } from '../harness/scenario.js';
import { newPhone } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const SCOPE = 'openid profile email';
const REALM_GRANT = 'http://auth0.com/oauth/grant-type/password-realm';

for (const engine of engines()) {
  describe(`auth0.js with a database, ${engine.name}`, () => {
    let open;
    let address;
    const stage = () => open;
    before(async () => {
      open = await openStage(engine, SAME_SITE);
      address = open.app.url('auth0js-10');
      await enableDatabase(open, ['password', REALM_GRANT]);
      await open.gatewright.management('PATCH', 'tenants/settings', { default_directory: DATABASE });
      await open.gatewright.management('PATCH', `clients/${open.client.client_id}`, { allowed_logout_urls: [address] });
    });
    after(() => open?.close());

    const options = (more) => ({
      plain: true, domain: open.gatewright.domain, clientId: open.client.client_id, scope: SCOPE, ...more,
    });
    const openPage = async (page, more) => {
      await page.goto(address);
      await page.evaluate((all) => window.app.open(all), options(more));
    };

    scenario('sign-up, login by redirect, parseHash, userInfo, checkSession, logout', stage, async ({ page }) => {
      const user = { connection: DATABASE, email: newEmail(), password: newPassword() };
      await openPage(page);
      const made = await call(page, 'signup', { ...user, user_metadata: { plan: 'free' } });
      assert.equal(made.error, null);
      assert.deepEqual([made.result.email, made.result.emailVerified], [user.email, false]);
      const again = await call(page, 'signup', user);
      assert.deepEqual([again.error.code, again.error.statusCode], ['invalid_signup', 400]);
      const weak = await call(page, 'signup', { ...user, email: newEmail(), password: 'short' });
      assert.deepEqual([weak.error.code, weak.error.name], ['invalid_password', 'PasswordStrengthError']);
      assert.match(weak.error.policy, /At least 8 characters/);

      const wrong = await call(page, 'login', { realm: DATABASE, username: user.email, password: 'Wrong-horse-7' });
      assert.deepEqual([wrong.error.code, wrong.error.description], ['access_denied', 'Wrong email or password.']);
      const hash = await leave(page, 'login', { realm: DATABASE, username: user.email, password: user.password });
      const parsed = await call(page, 'parseHash', {});
      assert.equal(parsed.error, null);
      const { idTokenPayload, accessToken, state } = parsed.result;
      assert.equal(idTokenPayload.email, user.email);

      // What is not the answer to this page's request is refused by the SDK; our tokens are such that it can tell.
      const spent = await call(page, 'parseHash', { hash });
      assert.equal(spent.error.errorDescription, '`state` does not match.');
      const other = await call(page, 'parseHash', { hash, state, nonce: 'another' });
      assert.equal(other.error.error, 'invalid_token');
      assert.match(other.error.errorDescription, /[Nn]once/);
      const right = await call(page, 'parseHash', { hash, state, nonce: idTokenPayload.nonce });
      assert.equal(right.error, null);

      const profile = await call(page, 'client.userInfo', accessToken);
      assert.deepEqual([profile.error, profile.result.sub], [null, idTokenPayload.sub]);
      const renewed = await call(page, 'checkSession', {});
      assert.deepEqual([renewed.error, renewed.result.idTokenPayload.sub], [null, idTokenPayload.sub]);

      await page.evaluate((returnTo) => window.app.webAuth.logout({ returnTo }), address);
      await page.waitForURL(address);
      const ended = await call(page, 'checkSession', {});
      assert.equal(ended.error.code, 'login_required');
      // A request that may ask nothing comes back with the reason.
      await leave(page, 'authorize', { prompt: 'none' });
      const refused = await call(page, 'parseHash', {});
      assert.deepEqual([refused.error.error, refused.error.errorDescription], ['login_required', 'Login required']);
      assert.match(refused.error.state, /\S/);
    });

    scenario('each response type: token, id_token, code', stage, async ({ page }) => {
      const user = await newUser(open);
      const proof = { connection: DATABASE, username: user.email, password: user.password };
      await openPage(page, { responseType: 'token' });
      await leave(page, 'redirect.loginWithCredentials', proof);
      const token = await call(page, 'parseHash', {});
      assert.deepEqual([token.error, token.result.idToken, token.result.tokenType], [null, null, 'Bearer']);
      assert.equal((await call(page, 'client.userInfo', token.result.accessToken)).result.sub, user.userId);

      await openPage(page, { responseType: 'id_token' });
      await leave(page, 'redirect.loginWithCredentials', proof);
      const idToken = await call(page, 'parseHash', {});
      assert.deepEqual([idToken.error, idToken.result.accessToken], [null, null]);
      assert.equal(idToken.result.idTokenPayload.sub, user.userId);

      const codeVerifier = randomBytes(32).toString('base64url');
      const challenge = createHash('sha256').update(codeVerifier).digest('base64url');
      await openPage(page, { responseType: 'code' });
      await leave(page, 'redirect.loginWithCredentials', {
        ...proof, code_challenge: challenge, code_challenge_method: 'S256',
      });
      const code = new URL(page.url()).searchParams.get('code');
      const exchanged = await call(page, 'client.oauthToken', {
        grantType: 'authorization_code', code, redirectUri: address, codeVerifier,
      });
      assert.equal(exchanged.error, null);
      assert.equal(decoded(exchanged.result.idToken).sub, user.userId);
    });

    scenario('passwords without a redirect: in a frame, at the token endpoint, after a change', stage, async ({ page }) => {
      const user = await newUser(open);
      await openPage(page);
      const wrong = { connection: DATABASE, username: user.email, password: 'Wrong-horse-7' };
      assert.equal((await call(page, 'popup.loginWithCredentials', wrong)).error.code, 'access_denied');
      const framed = await call(page, 'popup.loginWithCredentials', { ...wrong, password: user.password });
      assert.equal(framed.error, null);
      assert.equal(framed.result.idTokenPayload.sub, user.userId);

      const changed = await call(page, 'changePassword', { connection: DATABASE, email: user.email });
      assert.deepEqual(changed, { error: null, result: "We've just sent you an email to reset your password." });
      const nobody = await call(page, 'changePassword', { connection: DATABASE, email: newEmail() });
      assert.deepEqual(nobody, changed);
      const password = newPassword();
      await resetPassword(open, user.email, password);
      // The login in the frame is over with the old password.
      assert.equal((await call(page, 'checkSession', {})).error.code, 'login_required');

      const old = await call(page, 'client.login', { realm: DATABASE, username: user.email, password: user.password });
      assert.deepEqual([old.error.code, old.error.description], ['invalid_grant', 'Wrong email or password.']);
      const granted = await call(page, 'client.login', { realm: DATABASE, username: user.email, password });
      assert.equal(decoded(granted.result.idToken).sub, user.userId);
      const byDefault = await call(page, 'client.loginWithDefaultDirectory', { username: user.email, password });
      assert.equal(decoded(byDefault.result.idToken).sub, user.userId);

      const email = newEmail();
      const signedUp = await call(page, 'signupAndAuthorize', { connection: DATABASE, email, password });
      assert.equal(signedUp.error, null);
      assert.equal(decoded(signedUp.result.idToken).email, email);

      const sms = { connection: 'sms', phoneNumber: newPhone().e164 };
      assert.equal((await call(page, 'passwordlessStart', { ...sms, send: 'code' })).error, null);
      const { code: verificationCode } = await open.gatewright.inbox.code(sms.phoneNumber);
      const verified = await call(page, 'popup.passwordlessVerify', { ...sms, verificationCode });
      assert.equal(verified.error, null);
      assert.equal(decoded(verified.result.idToken).name, sms.phoneNumber);
    });

    scenario('a pop-up comes back to a page of the application, or answers by itself', stage, async ({ page }) => {
      const user = await newUser(open);
      for (const owp of [false, true]) {
        await page.context().clearCookies();
        await openPage(page);
        const popup = await openPopup(page, { owp });
        const closed = popup.waitForEvent('close');
        await popup.locator('input[name="username"]').fill(user.email);
        await popup.locator('input[name="password"]').fill(user.password);
        await popup.locator('button[type="submit"]').first().click();
        const { error, result } = await outcome(page);
        assert.equal(error, null, `owp: ${owp}`);
        assert.equal(decoded(result.idToken).sub, user.userId);
        assert.match(result.accessToken, /\S/);
        await closed;
      }
      // Signed in, nothing is asked; and an error comes the same way.
      await openPopup(page, { owp: true });
      assert.equal(decoded((await outcome(page)).result.idToken).sub, user.userId);
      await openPopup(page, { owp: true, connection: 'nowhere', prompt: 'login' });
      assert.equal((await outcome(page)).error.code, 'invalid_request');
    });

    scenario('on the tenant’s own host: a password, and a code by SMS', stage, async ({ page, traffic }) => {
      const user = await newUser(open);
      const arrived = await ownLoginPage(page, open, 'auth0js-10');
      const begin = async () => {
        await openPage(page);
        await page.evaluate(() => window.app.webAuth.authorize({ prompt: 'login' }));
        const state = await arrived();
        await page.evaluate((all) => window.app.open(all), options({ redirectUri: address, login: { state } }));
      };
      await begin();
      const wrong = await call(page, 'login', { realm: DATABASE, username: user.email, password: 'Wrong-horse-7' });
      assert.deepEqual(
        [wrong.error.code, wrong.error.description, wrong.error.statusCode],
        ['invalid_user_password', 'Wrong email or password.', 401],
      );
      await leave(page, 'login', { realm: DATABASE, username: user.email, password: user.password });
      const byPassword = await call(page, 'parseHash', {});
      assert.deepEqual([byPassword.error, byPassword.result.idTokenPayload.sub], [null, user.userId]);

      const phone = newPhone();
      await begin();
      const { error } = await call(page, 'passwordlessStart', { connection: 'sms', send: 'code', phoneNumber: phone.e164 });
      assert.equal(error, null);
      const { code } = await open.gatewright.inbox.code(phone.e164);
      const sms = { connection: 'sms', phoneNumber: phone.e164 };
      const guess = await call(page, 'passwordlessLogin', { ...sms, verificationCode: code === '000000' ? '000001' : '000000' });
      assert.deepEqual([guess.error.code, guess.error.statusCode], ['invalid_user_password', 401]);
      await leave(page, 'passwordlessLogin', { ...sms, verificationCode: code });
      const byCode = await call(page, 'parseHash', {});
      assert.equal(byCode.error, null);
      assert.equal(byCode.result.idTokenPayload.name, phone.e164);
      assert.ok(traffic.some(({ url }) => url.includes('/passwordless/verify_redirect?')));
    });

    /** Sends the whole page away and resolves to the fragment with which it comes back. */
    async function leave(page, method, ...args) {
      await page.evaluate(([path, all]) => {
        window.app.left = true;
        const [owner, name] = path.includes('.') ? [window.app.webAuth[path.split('.')[0]], path.split('.')[1]] : [window.app.webAuth, path];
        owner[name](...all, (error) => window.app.record('refused', error));
      }, [method, args]);
      await page.waitForFunction(
        (home) => window.app && !window.app.left && window.app.webAuth && window.location.href.startsWith(home) && /[#?]/.test(window.location.href),
        address,
        { polling: 50 },
      );
      return page.evaluate(() => window.location.hash);
    }

    /** Presses the page's button, which opens a pop-up with these options; resolves to the pop-up. */
    async function openPopup(page, request) {
      await page.evaluate((all) => {
        window.app.answer = undefined;
        window.app.go = () => {
          window.app.answer = window.app.settled((done) => window.app.webAuth.popup.authorize(all, done));
        };
      }, request);
      const opened = page.waitForEvent('popup');
      await page.locator('#go').first().click();
      return opened;
    }
  });
}

/** The outcome of the pop-up that the page opened. */
const outcome = (page) => page.evaluate(() => window.app.answer);

/** Calls a method of WebAuth, or of a part of it (`client.login`), and waits for its callback. */
const call = (page, method, ...args) =>
  page.evaluate(([path, all]) => {
    const [owner, name] = path.includes('.') ? [window.app.webAuth[path.split('.')[0]], path.split('.')[1]] : [window.app.webAuth, path];
    return window.app.settled((done) => owner[name](...all, done));
  }, [method, args]);
