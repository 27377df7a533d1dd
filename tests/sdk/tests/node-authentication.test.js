// node-auth0's AuthenticationClient and UserInfoClient: every grant, sign-up, codes, ID tokens checked by the SDK.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { AuthApiError, AuthenticationClient, IdTokenValidatorError, UserInfoClient } from 'auth0-6';
import { DATABASE, PASSWORD_REALM, PASSWORDLESS, registerApplication } from '../harness/applications.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { decoded } from '../harness/login.js';
import { trustHere } from '../harness/own-trust.js';
import { Visitor } from '../harness/visitor.js';

const CALLBACK = 'http://localhost:3000/callback';
const SCOPE = 'openid profile email offline_access';
const PASSWORD = 'Correct-horse-7';
// A busy machine is no fault of anybody's.
const SLOW = 60_000;
const ADA = 'ada@example.com';

for (const engine of engines()) {
  describe(`node-auth0 AuthenticationClient, ${engine.name}`, () => {
    let server, client, auth, userInfo;

    before(async () => {
      server = await startGatewright(engine);
      trustHere(server.ca);
      client = await registerApplication(
        server.management,
        {
          name: 'Node app',
          app_type: 'regular_web',
          callbacks: [CALLBACK],
          grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'password', PASSWORD_REALM, PASSWORDLESS],
        },
        [DATABASE, 'sms', 'email'],
      );
      await server.management('PATCH', 'tenants/settings', { default_directory: DATABASE });
      auth = clientOf({ clientSecret: client.client_secret });
      userInfo = new UserInfoClient({ domain: server.domain, timeoutDuration: SLOW });
      await auth.database.signUp({ email: ADA, password: PASSWORD, connection: DATABASE, name: 'Ada' });
    });
    after(() => server?.stop());

    test('client credentials: what is granted, and refusals with their fields', async () => {
      const audience = server.audience;
      await assert.rejects(auth.oauth.clientCredentialsGrant({ audience }), refusal(403, 'access_denied'));
      await server.management('POST', 'client-grants', {
        client_id: client.client_id,
        audience,
        scope: ['read:orders'],
      });
      const { data, status } = await auth.oauth.clientCredentialsGrant({ audience });
      assert.equal(status, 200);
      assert.deepEqual([data.token_type, data.scope, data.expires_in], ['Bearer', 'read:orders', 86400]);
      const token = decoded(data.access_token);
      assert.deepEqual([token.iss, token.aud, token.gty], [server.issuer, audience, 'client-credentials']);
      const stranger = clientOf({ clientSecret: 'wrong' });
      await assert.rejects(stranger.oauth.clientCredentialsGrant({ audience }), refusal(401, 'access_denied', 'Unauthorized'));
    });

    test('sign-up, its refusals, and a changed password', async () => {
      const email = 'grace@example.com';
      const signUp = (more) => auth.database.signUp({ email, password: PASSWORD, connection: DATABASE, ...more });
      const { data } = await signUp({ given_name: 'Grace', user_metadata: { plan: 'free' } });
      assert.deepEqual([data.email, data.email_verified, data.given_name], [email, false, 'Grace']);
      assert.match(data.id, /^[0-9a-f]{24}$/);
      await assert.rejects(signUp(), refusal(400, 'invalid_signup', 'Invalid sign up'));
      await assert.rejects(signUp({ email: 'joan@example.com', password: 'short' }), refusal(400, 'invalid_password'));

      const welcome = await server.inbox.newest(email);
      const asked = await auth.database.changePassword({ email, connection: DATABASE });
      assert.equal(asked.data, "We've just sent you an email to reset your password.");
      const mail = await server.inbox.newest(email, welcome.id);
      const visitor = new Visitor(server.ca);
      const page = await visitor.open(linkIn(mail, 'u/reset-verify'));
      const fresh = 'Other-horse-8';
      const done = await visitor.submit(page, { password: fresh, 're-enter-password': fresh });
      assert.equal(done.status, 200);
      await assert.rejects(login(email, PASSWORD), refusal(403, 'invalid_grant', 'Wrong email or password.'));
      assert.equal(decoded((await login(email, fresh)).data.id_token).email, email);
    });

    test('password and password-realm; userinfo', async () => {
      for (const realm of [undefined, DATABASE]) {
        const { data } = await login(ADA, PASSWORD, realm && { realm });
        assert.equal(decoded(data.id_token).email, ADA);
        const { data: user } = await userInfo.getUserInfo(data.access_token);
        assert.deepEqual([user.email, user.name, user.sub], [ADA, 'Ada', decoded(data.id_token).sub]);
      }
      const wrong = 'Wrong email or password.';
      await assert.rejects(login(ADA, 'Wrong-horse-7'), refusal(403, 'invalid_grant', wrong));
      await assert.rejects(login('nobody@example.com', PASSWORD, { realm: DATABASE }), refusal(403, 'invalid_grant', wrong));
      await assert.rejects(userInfo.getUserInfo('nothing'), { statusCode: 401 });
    });

    test('authorization code without PKCE, used once', async () => {
      const { code } = await authorize();
      const grant = () => auth.oauth.authorizationCodeGrant({ code, redirect_uri: CALLBACK });
      const { data } = await grant();
      assert.equal(decoded(data.id_token).email, ADA);
      await assert.rejects(grant(), refusal(403, 'invalid_grant', 'Invalid authorization code'));
      await assert.rejects(
        auth.oauth.refreshTokenGrant({ refresh_token: data.refresh_token }),
        refusal(403, 'invalid_grant', 'Unknown or invalid refresh token.'),
        'the code came again, so what it gave is dead',
      );
    });

    test('authorization code with PKCE; the SDK checks nonce, audience and age', async () => {
      const verifier = randomBytes(32).toString('base64url');
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      const asked = { nonce: 'the-nonce', max_age: '60', code_challenge: challenge, code_challenge_method: 'S256' };
      const exchange = async (code_verifier, idTokenValidateOptions) => {
        const { code } = await authorize(asked);
        const body = { code, code_verifier, redirect_uri: CALLBACK };
        return auth.oauth.authorizationCodeGrantWithPKCE(body, { idTokenValidateOptions });
      };
      const { data } = await exchange(verifier, { nonce: 'the-nonce', maxAge: 60 });
      assert.equal(decoded(data.id_token).nonce, 'the-nonce');
      await assert.rejects(exchange(verifier, { nonce: 'another' }), IdTokenValidatorError);
      await assert.rejects(exchange(`${verifier}x`), refusal(403, 'invalid_grant', 'Failed to verify code verifier'));
    });

    test('refresh token, narrowed and revoked', async () => {
      const { data } = await login(ADA, PASSWORD);
      const refresh = (more) => auth.oauth.refreshTokenGrant({ refresh_token: data.refresh_token, ...more });
      const renewed = (await refresh()).data;
      assert.equal(decoded(renewed.id_token).sub, decoded(data.id_token).sub);
      assert.equal((await refresh({ scope: 'openid email' })).data.scope, 'openid email');
      const revoked = await auth.oauth.revokeRefreshToken({ token: data.refresh_token });
      assert.equal(revoked.status, 200);
      await assert.rejects(refresh(), refusal(403, 'invalid_grant', 'Unknown or invalid refresh token.'));
    });

    test('codes by SMS and e-mail, and a link', async () => {
      const phone = '+61400000000';
      await auth.passwordless.sendSMS({ phone_number: phone });
      const sms = (await server.inbox.code(phone)).code;
      const enter = (code) => auth.passwordless.loginWithSMS({ phone_number: phone, code, scope: SCOPE });
      const wrong = 'Wrong phone number or verification code.';
      await assert.rejects(enter(sms === '000000' ? '000001' : '000000'), refusal(403, 'invalid_grant', wrong));
      assert.equal(decoded((await enter(sms)).data.id_token).name, phone);

      const email = 'edith@example.com';
      await auth.passwordless.sendEmail({ email, send: 'code' });
      const mail = await server.inbox.code(email);
      const { data } = await auth.passwordless.loginWithEmail({ email, code: mail.code, scope: SCOPE });
      const sub = decoded(data.id_token).sub;
      assert.match(sub, /^email\|/);
      assert.ok(data.refresh_token);

      const authParams = { response_type: 'code', redirect_uri: CALLBACK, state: 'of-the-link', scope: 'openid email' };
      await auth.passwordless.sendEmail({ email, send: 'link', authParams });
      const link = linkIn(await server.inbox.newest(email, mail.id), 'passwordless/verify_redirect');
      const { left } = await new Visitor(server.ca).open(link);
      assert.equal(left.searchParams.get('state'), 'of-the-link');
      const code = left.searchParams.get('code');
      const linked = await auth.oauth.authorizationCodeGrant({ code, redirect_uri: CALLBACK });
      assert.equal(decoded(linked.data.id_token).sub, sub);
    });

    test('a client with a key pair signs what it sends', async () => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const pem = publicKey.export({ type: 'spki', format: 'pem' });
      const signer = await registerApplication(server.management, {
        name: 'Signer',
        app_type: 'non_interactive',
        grant_types: ['client_credentials'],
        client_authentication_methods: { private_key_jwt: { credentials: [{ credential_type: 'public_key', pem }] } },
      });
      const grant = { client_id: signer.client_id, audience: server.audience, scope: ['read:orders'] };
      await server.management('POST', 'client-grants', grant);
      const signing = (key) => {
        const pkcs8 = key.export({ type: 'pkcs8', format: 'pem' });
        return clientOf({ clientId: signer.client_id, clientAssertionSigningKey: pkcs8 }).oauth;
      };
      const ask = { audience: server.audience };
      assert.equal((await signing(privateKey).clientCredentialsGrant(ask)).data.scope, 'read:orders');
      const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
      await assert.rejects(signing(stranger).clientCredentialsGrant(ask), refusal(401, 'invalid_client'));
    });

    test('a request that was pushed before', async () => {
      const { data: pushed } = await auth.oauth.pushedAuthorization({
        client_id: client.client_id,
        response_type: 'code',
        redirect_uri: CALLBACK,
        scope: SCOPE,
        state: 'pushed',
        nonce: 'the-nonce',
      });
      assert.match(pushed.request_uri, /^urn:ietf:params:oauth:request_uri:/);
      assert.ok(pushed.expires_in > 0);
      const query = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri });
      const { code, state } = await atHostedPage(`${server.issuer}authorize?${query}`);
      assert.equal(state, 'pushed');
      const checked = { idTokenValidateOptions: { nonce: 'the-nonce' } };
      const { data } = await auth.oauth.authorizationCodeGrant({ code, redirect_uri: CALLBACK }, checked);
      assert.equal(decoded(data.id_token).email, ADA);
      const elsewhere = { client_id: client.client_id, response_type: 'code', redirect_uri: 'https://evil.example/' };
      await assert.rejects(auth.oauth.pushedAuthorization(elsewhere), refusal(400, 'invalid_request'));
    });

    const clientOf = (credentials) =>
      new AuthenticationClient({ domain: server.domain, clientId: client.client_id, timeoutDuration: SLOW, ...credentials });

    const login = (username, password, more) => auth.oauth.passwordGrant({ username, password, scope: SCOPE, ...more });

    /** Ada logs in on the hosted page; what comes back to the callback. */
    async function authorize(more = {}) {
      const query = new URLSearchParams({
        client_id: client.client_id,
        response_type: 'code',
        redirect_uri: CALLBACK,
        scope: SCOPE,
        state: 'the-state',
        ...more,
      });
      return atHostedPage(`${server.issuer}authorize?${query}`);
    }

    async function atHostedPage(url) {
      const visitor = new Visitor(server.ca);
      const { left, ...page } = await visitor.submit(await visitor.open(url), { username: ADA, password: PASSWORD });
      assert.ok(left?.href.startsWith(CALLBACK), `${page.status} ${page.text}`);
      return Object.fromEntries(left.searchParams);
    }

    function linkIn(mail, path) {
      const found = new RegExp(`${server.issuer}${path}[^\\s"<)]*`).exec(mail.body);
      assert.ok(found, mail.body);
      return found[0].replace(/#$/, '');
    }
  });
}

/** What the SDK makes of a refused request. */
const refusal = (statusCode, code, description) => (error) => {
  assert.ok(error instanceof AuthApiError, error);
  assert.deepEqual([error.statusCode, error.error], [statusCode, code], error.body);
  if (description) assert.equal(error.error_description, description);
  return true;
};
