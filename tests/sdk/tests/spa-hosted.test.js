// auth0-spa-js and auth0-react with the hosted pages: redirect and popup, application state, silent renewal,
// the API's scopes, refused logins, logout.
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { allowOfflineAccess, DATABASE, enableConnections, enterCodeBySms, enterPassword, newUser, press } from '../harness/hosted.js';
import { SAME_SITE } from '../harness/layouts.js';
import { decoded, firstEvent } from '../harness/login.js';
import { appCode, enterAppCode, MULTI_FACTOR, shownCode } from '../harness/otp.js';
import { scenario } from '../harness/scenario.js';
import { openStage } from '../harness/stage.js';

const SCOPE = 'openid profile email read:orders';

for (const engine of engines()) {
  describe(`single-page applications and hosted pages, ${engine.name}`, () => {
    let open;
    const stage = () => open;
    before(async () => {
      open = await openStage(engine, SAME_SITE);
      const { management, audience } = open.gatewright;
      await management('PATCH', `clients/${open.client.client_id}`, {
        grant_types: [...open.client.grant_types, 'refresh_token', 'http://auth0.com/oauth/grant-type/mfa-otp'],
        allowed_logout_urls: [open.app.url('spa-js'), open.app.url('react')],
      });
      await enableConnections(management, open.client.client_id, [DATABASE]);
      await allowOfflineAccess(management, audience);
      await management('PUT', 'guardian/factors/otp', { enabled: true });
    });
    after(() => open?.close());

    spaJs(stage);
    react(stage);
  });
}

function spaJs(stage) {
  scenario('auth0-spa-js: redirect, application state, tokens, silent renewal, logout', stage, async ({ page, traffic, stage: open }) => {
    const user = await newUser(open.gatewright.management);
    await openSpa(page, open);
    await redirect(page, { login_hint: user.email }, { cart: [1, 2], returnTo: '/checkout' });
    assert.equal(await page.locator('input[name="username"]').inputValue(), user.email);
    await enterPassword(page, user);
    const back = await firstEvent(page, ['redirected', 'authorization_error']);
    assert.deepEqual([back.name, back.detail.appState], ['redirected', { cart: [1, 2], returnTo: '/checkout' }]);
    assert.equal(page.url(), open.app.url('spa-js'));

    const { result: profile } = await call(page, 'user');
    assert.equal(profile.sub, user.id);
    assert.deepEqual([profile.email, profile.email_verified, profile.nickname], [user.email, true, user.email.split('@')[0]]);
    const { result: claims } = await call(page, 'claims');
    assert.deepEqual([claims.iss, claims.aud], [open.gatewright.issuer, open.client.client_id]);
    assert.equal(typeof claims.sid, 'string');
    const { result: tokens } = await call(page, 'cached');
    assertApiToken(tokens.access_token, open, user.id, SCOPE);

    // The hidden frame: the same session, for this API and for none.
    const { result: renewed } = await call(page, 'token');
    assertApiToken(renewed.access_token, open, user.id, SCOPE);
    assert.equal(decoded(renewed.id_token).sid, claims.sid);
    const narrowed = await call(page, 'token', { authorizationParams: { scope: 'write:orders' } });
    assertApiToken(narrowed.result.access_token, open, user.id, `${SCOPE} write:orders`);
    const codes = traffic.filter(({ request }) => request.postData()?.includes('grant_type=authorization_code'));
    assert.deepEqual(codes.map(({ status }) => status), [200, 200, 200]);

    await leave(page);
    assert.equal(page.url(), open.app.url('spa-js'));
    assert.ok(traffic.some(({ url }) => url.startsWith(`${open.gatewright.issuer}v2/logout?`)));
    await openSpa(page, open);
    assert.equal((await call(page, 'isAuthenticated')).result, false);
    const refused = await call(page, 'token');
    assert.deepEqual([refused.error.code, refused.error.message], ['login_required', 'Login required']);
  });

  scenario('auth0-spa-js: an authenticator app, enrolled and asked for', stage, async ({ page, stage: open }) => {
    const user = await newUser(open.gatewright.management);
    const asking = { login_hint: user.email, acr_values: MULTI_FACTOR };
    await openSpa(page, open);
    await redirect(page, asking);
    await enterPassword(page, user);
    await page.locator('#mfa-otp-enrollment-qr svg[role="img"]').waitFor();
    const secret = await shownCode(page);
    // A code is good once: the next login takes the next one.
    await enterAppCode(page, secret, -1);
    assert.equal((await firstEvent(page, ['redirected', 'authorization_error'])).name, 'redirected');
    const { result: claims } = await call(page, 'claims');
    assert.deepEqual([claims.sub, claims.amr, claims.acr], [user.id, ['mfa'], MULTI_FACTOR]);
    await leave(page);
    await openSpa(page, open);
    await redirect(page, asking);
    await enterPassword(page, user);
    await page.locator('#mfa-otp-challenge').waitFor();
    await enterAppCode(page, secret);
    assert.equal((await firstEvent(page, ['redirected', 'authorization_error'])).name, 'redirected');
    assert.deepEqual((await call(page, 'claims')).result.amr, ['mfa']);
    // In a hidden frame nobody can be asked.
    const silent = await call(page, 'token', { cacheMode: 'off', authorizationParams: { acr_values: MULTI_FACTOR } });
    assert.equal(silent.error.message, 'Multifactor authentication required');
  });

  scenario('auth0-spa-js: a factor at a renewal, listed, challenged and proved by the application', stage, async ({ page, stage: open }) => {
    const { management } = open.gatewright;
    const user = await newUser(management);
    const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
    const { id } = await management('POST', `users/${user.id}/authentication-methods`, { type: 'totp', totp_secret: secret });
    const code = `exports.onExecutePostLogin = async (event, api) => {
      const renewal = event.transaction.protocol === 'oauth2-refresh-token';
      if (renewal && event.user.email === '${user.email}') api.authentication.challengeWith({ type: 'otp' });
    };`;
    const triggers = [{ id: 'post-login', version: 'v3' }];
    const action = await management('POST', 'actions/actions', { name: 'step up', code, supported_triggers: triggers });
    await management('POST', `actions/actions/${action.id}/deploy`);
    const bind = (bindings) => management('PATCH', 'actions/triggers/post-login/bindings', { bindings });
    await bind([{ ref: { type: 'action_id', value: action.id } }]);
    try {
      await openSpa(page, open, { refreshTokens: true });
      await redirect(page, { login_hint: user.email });
      await enterPassword(page, user);
      assert.equal((await firstEvent(page, ['redirected', 'authorization_error'])).name, 'redirected');
      const { error } = await call(page, 'token');
      assert.deepEqual([error.code, error.message], ['mfa_required', 'Multifactor authentication required']);
      assert.deepEqual(error.mfaRequirements, { challenge: [{ type: 'otp' }] });
      const { mfaToken } = error;
      const listed = await call(page, 'mfa', ['getAuthenticators', mfaToken]);
      assert.deepEqual(listed.result.map((one) => [one.id, one.authenticatorType, one.active]), [[id, 'otp', true]]);
      const challenge = await call(page, 'mfa', ['challenge', { mfaToken, challengeType: 'otp', authenticatorId: id }]);
      assert.deepEqual([challenge.error, challenge.result.challengeType], [null, 'otp']);
      const wrong = await call(page, 'mfa', ['verify', { mfaToken, otp: appCode(secret, 9) }]);
      assert.deepEqual([wrong.error.code, wrong.error.message], ['invalid_grant', 'Invalid otp_code.']);
      const { result: tokens } = await call(page, 'mfa', ['verify', { mfaToken, otp: appCode(secret) }]);
      assertApiToken(tokens.access_token, open, user.id, `${SCOPE} offline_access`);
    } finally {
      await bind([]);
    }
  });

  scenario('auth0-spa-js: login by SMS, rotating refresh tokens, a reload', stage, async ({ page, traffic, stage: open }) => {
    await openSpa(page, open, { refreshTokens: true });
    await redirect(page);
    const phone = await enterCodeBySms(page, open.gatewright.inbox);
    assert.equal((await firstEvent(page, ['redirected', 'authorization_error'])).name, 'redirected');
    const { result: profile } = await call(page, 'user');
    assert.equal(profile.name, phone.e164);
    for (const time of [1, 2]) {
      const { result, error } = await call(page, 'token');
      assert.equal(error, null);
      assertApiToken(result.access_token, open, profile.sub, `${SCOPE} offline_access`);
      const exchanged = traffic.filter(({ request }) => request.postData()?.includes('grant_type=refresh_token'));
      assert.deepEqual(exchanged.map(({ status }) => status), Array(time).fill(200));
    }
    await page.reload();
    assert.equal((await call(page, 'check')).error, null);
    assert.equal((await call(page, 'isAuthenticated')).result, true);
    assert.equal((await call(page, 'user')).result.sub, profile.sub);
  });

  scenario('auth0-spa-js: login in a window, and one that is closed', stage, async ({ page, stage: open }) => {
    const user = await newUser(open.gatewright.management);
    await openSpa(page, open);
    const opening = page.waitForEvent('popup');
    await page.locator('#popup').click();
    const popup = await opening;
    const closed = popup.waitForEvent('close');
    await enterPassword(popup, user);
    await closed;
    const done = await firstEvent(page, ['popup']);
    assert.equal(done.detail.error, null);
    const { result: tokens } = await call(page, 'cached');
    assertApiToken(tokens.access_token, open, user.id, SCOPE);
    assert.equal((await call(page, 'user')).result.email, user.email);

    // The window shows the consent page; the user declines.
    await page.evaluate(() => {
      window.app.events.splice(0);
      window.app.popupParams = { prompt: 'consent' };
    });
    const asking = page.waitForEvent('popup');
    await page.locator('#popup').click();
    await press(await asking, 'deny');
    assert.equal((await firstEvent(page, ['popup'])).detail.error.code, 'access_denied');

    await page.evaluate(() => void window.app.events.splice(0));
    const given = page.waitForEvent('popup');
    await page.locator('#popup').click();
    await (await given).close();
    assert.equal((await firstEvent(page, ['popup'])).detail.error.code, 'cancelled');
  });

  scenario('auth0-spa-js: refused logins come back with their reason and the application state', stage, async ({ page, stage: open }) => {
    const user = await newUser(open.gatewright.management);
    const refusal = async (params, act) => {
      await openSpa(page, open);
      await redirect(page, params, { step: 'refused' });
      await act?.();
      const { name, detail } = await firstEvent(page, ['redirected', 'authorization_error']);
      assert.deepEqual([name, detail.appState], ['authorization_error', { step: 'refused' }]);
      return detail;
    };
    assert.equal((await refusal({ prompt: 'none' })).code, 'login_required');
    const declined = await refusal({ prompt: 'consent' }, async () => {
      await enterPassword(page, user);
      await press(page, 'deny');
    });
    assert.deepEqual([declined.code, declined.message], ['access_denied', 'User did not authorize the request']);
    const organization = await refusal({ organization: 'org_0123456789abcdef' });
    assert.equal(organization.code, 'invalid_request');
    assert.match(organization.message, /organizations/i);
    const api = await refusal({ audience: 'https://nobody.example/' }, () => enterPassword(page, user));
    assert.equal(api.code, 'access_denied');
    assert.match(api.message, /https:\/\/nobody\.example\//);
  });
}

function react(stage) {
  scenario('auth0-react: login, user, silent tokens, a reload, logout', stage, async ({ page, stage: open }) => {
    const user = await newUser(open.gatewright.management);
    await openReact(page, open);
    await state(page, 'logged out');
    await page.locator('#login').click();
    await enterPassword(page, user);
    await state(page, 'logged in');
    assert.equal(await page.locator('#user').innerText(), user.email);
    assert.equal(page.url(), `${open.app.url('react')}?view=home`);
    const back = await firstEvent(page, ['redirected']);
    const { returnTo, cart } = back.detail.appState;
    assert.deepEqual([returnTo, cart], ['/react.html?view=home', 7]);
    assert.equal(back.detail.user.sub, user.id);

    await page.locator('#token').click();
    const token = (await firstEvent(page, ['token'])).detail;
    assertApiToken(token.result.access_token, open, user.id, SCOPE);

    // Nothing is kept but a cookie that says that there was a login: the session tells the rest, in a hidden frame.
    await page.reload();
    await state(page, 'logged in');
    assert.equal(await page.locator('#user').innerText(), user.email);

    await page.locator('#logout').click();
    await page.waitForURL(open.app.url('react'));
    await state(page, 'logged out');
    await page.locator('#silent').click();
    await state(page, /^error login_required: Login required/);
  });

  scenario('auth0-react: a page that needs a login, with refresh tokens; login in a window', stage, async ({ page, traffic, stage: open }) => {
    const user = await newUser(open.gatewright.management);
    await openReact(page, open, { refreshTokens: true });
    await page.goto(`${open.app.url('react')}?view=members`);
    await enterPassword(page, user);
    await page.locator('#members', { hasText: user.email }).waitFor();
    assert.equal(page.url(), `${open.app.url('react')}?view=members`);
    assert.equal((await firstEvent(page, ['redirected'])).detail.appState.returnTo, '/react.html?view=members');

    // A fresh start of the application has no refresh token; the window finds the session.
    await page.goto(open.app.url('react'));
    const opening = page.waitForEvent('popup');
    await page.locator('#popup').click();
    await opening;
    assert.equal((await firstEvent(page, ['popup'])).detail.error, undefined);
    await state(page, 'logged in');
    await page.locator('#token').click();
    const token = (await firstEvent(page, ['token'])).detail;
    assertApiToken(token.result.access_token, open, user.id, `${SCOPE} offline_access`);
    assert.ok(traffic.some(({ request, status }) => status === 200 && request.postData()?.includes('grant_type=refresh_token')));
  });
}

async function openPage(page, open, name, options) {
  await page.goto(open.app.url(name));
  await page.evaluate((all) => window.app.open(all), {
    domain: open.gatewright.domain,
    clientId: open.client.client_id,
    audience: open.gatewright.audience,
    scope: SCOPE,
    refreshTokens: false,
    ...options,
  });
}

async function openSpa(page, open, options) {
  await openPage(page, open, 'spa-js', options);
  await page.locator('#ready').first().waitFor();
}

async function openReact(page, open, options) {
  await openPage(page, open, 'react', options);
  await page.locator('#state').waitFor();
}

const state = (page, text) => page.locator('#state', { hasText: text }).waitFor();

/** A method of the page's `app.spa`. */
const call = (page, method, ...args) =>
  page.evaluate(([name, list]) => window.app.spa[name](...list), [method, args]);

/** Leaves the page for the login; the page may be gone before the SDK has said so. */
const redirect = (page, params = {}, appState = undefined) =>
  page.evaluate(([to, keep]) => void window.app.spa.redirect(to, keep), [params, appState]);

/** Logs out; the browser comes back to where it is now. */
async function leave(page) {
  const back = page.waitForEvent('load');
  await page.evaluate(() => void window.app.spa.logout());
  await back;
}

function assertApiToken(token, open, sub, scope) {
  const { gatewright, client } = open;
  const claims = decoded(token);
  assert.deepEqual([claims.iss, claims.sub, claims.azp], [gatewright.issuer, sub, client.client_id]);
  assert.deepEqual(claims.aud, [gatewright.audience, `${gatewright.issuer}userinfo`]);
  assert.deepEqual(claims.scope.split(' ').sort(), scope.split(' ').sort());
}
