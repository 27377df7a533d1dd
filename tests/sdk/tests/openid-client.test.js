// openid-client, a certified relying party that checks every answer strictly: discovery, all flows, client
// authentication, pushed requests, refresh, revocation, logout, devices.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import { DATABASE, registerApplication } from '../harness/applications.js';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { newUser } from '../harness/hosted.js';
import { trustHere } from '../harness/own-trust.js';
import { Visitor } from '../harness/visitor.js';

const CALLBACK = 'https://app.example/callback';
const GOODBYE = 'https://app.example/goodbye';
const SCOPE = 'openid profile email offline_access';
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const GRANTS = ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'];

for (const engine of engines()) {
  describe(`openid-client, ${engine.name}`, () => {
    let server, user, web;

    before(async () => {
      server = await startGatewright(engine);
      trustHere(server.ca);
      user = await newUser(server.management);
      web = await register({ name: 'Web' });
    });
    after(() => server?.stop());

    const register = (settings) =>
      registerApplication(
        server.management,
        {
          app_type: 'regular_web',
          callbacks: [CALLBACK],
          allowed_logout_urls: [GOODBYE],
          grant_types: GRANTS,
          ...settings,
        },
        [DATABASE],
      );
    /** What the SDK makes of discovery; without a method it sends the secret in the body. */
    const configured = (client, authentication) =>
      oidc.discovery(new URL(server.issuer), client.client_id, client.client_secret, authentication);

    /** Sends somebody to an address, logs them in there, and resolves to the address that they come back to. */
    async function logIn(url, visitor = new Visitor(server.ca)) {
      const page = await visitor.open(url.href);
      const end = page.left ? page : await visitor.submit(page, { username: user.email, password: user.password });
      assert.ok(end.left?.href.startsWith(CALLBACK), `${end.status} ${end.url} ${end.left}\n${end.text}`);
      return end.left;
    }

    /** The parameters of a code flow, and what the answer has to match. */
    async function codeFlow(more) {
      const verifier = oidc.randomPKCECodeVerifier();
      const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
      const asked = {
        redirect_uri: CALLBACK,
        scope: SCOPE,
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...more,
      };
      return { asked, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce } };
    }

    test('discovery says how to authenticate and where', async () => {
      const config = await configured(web);
      const found = config.serverMetadata();
      assert.equal(found.issuer, server.issuer);
      assert.ok(found.token_endpoint_auth_methods_supported.includes('private_key_jwt'));
      assert.deepEqual(found.token_endpoint_auth_signing_alg_values_supported, ['RS256', 'RS384', 'PS256']);
      for (const name of ['pushed_authorization_request', 'revocation', 'userinfo', 'end_session', 'device_authorization']) {
        assert.ok(found[`${name}_endpoint`]?.startsWith(server.issuer), name);
      }
    });

    test('code with PKCE, userinfo, refresh, revocation, logout', async () => {
      const config = await configured(web, oidc.ClientSecretBasic(web.client_secret));
      const visitor = new Visitor(server.ca);
      const { asked, checks } = await codeFlow();
      const back = await logIn(oidc.buildAuthorizationUrl(config, asked), visitor);
      const tokens = await oidc.authorizationCodeGrant(config, back, checks);
      assert.deepEqual([tokens.claims().sub, tokens.claims().email], [user.id, user.email]);
      const info = await oidc.fetchUserInfo(config, tokens.access_token, user.id);
      assert.equal(info.email, user.email);

      const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
      assert.equal(renewed.claims().sub, user.id);
      await oidc.tokenRevocation(config, tokens.refresh_token);
      await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), refusal(403, 'invalid_grant'));
      await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), refusal(403, 'invalid_grant'));

      const leave = oidc.buildEndSessionUrl(config, {
        id_token_hint: renewed.id_token,
        post_logout_redirect_uri: GOODBYE,
        state: 'bye',
      });
      assert.equal((await visitor.open(leave.href)).left?.href, `${GOODBYE}?state=bye`);
      const silent = (await codeFlow({ prompt: 'none' })).asked;
      const asleep = await visitor.open(oidc.buildAuthorizationUrl(config, silent).href);
      assert.equal(asleep.left.searchParams.get('error'), 'login_required');
    });

    test('implicit and hybrid: the ID token of the front channel', async () => {
      const implicit = await configured(web);
      oidc.useIdTokenResponseType(implicit);
      const [nonce, state] = [oidc.randomNonce(), oidc.randomState()];
      const asked = { redirect_uri: CALLBACK, scope: 'openid email', nonce, state };
      const back = await logIn(oidc.buildAuthorizationUrl(implicit, asked));
      const claims = await oidc.implicitAuthentication(implicit, back, nonce, { expectedState: state });
      assert.equal(claims.email, user.email);

      const hybrid = await configured(web);
      oidc.useCodeIdTokenResponseType(hybrid);
      const flow = await codeFlow();
      const both = await logIn(oidc.buildAuthorizationUrl(hybrid, flow.asked));
      const tokens = await oidc.authorizationCodeGrant(hybrid, both, flow.checks);
      assert.equal(tokens.claims().sub, user.id);
    });

    test('pushed requests, which a client may have to use', async () => {
      const pushing = await register({ name: 'Pushing', require_pushed_authorization_requests: true });
      const config = await configured(pushing, oidc.ClientSecretPost(pushing.client_secret));
      const { asked, checks } = await codeFlow();
      const url = await oidc.buildAuthorizationUrlWithPAR(config, asked);
      assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
      const back = await logIn(url);
      const tokens = await oidc.authorizationCodeGrant(config, back, checks);
      assert.equal(tokens.claims().sub, user.id);

      const again = await new Visitor(server.ca).open(url.href);
      assert.deepEqual([again.status, again.left], [400, undefined]);
      const plain = await new Visitor(server.ca).open(oidc.buildAuthorizationUrl(config, asked).href);
      assert.equal(plain.left.searchParams.get('error'), 'invalid_request');
      const elsewhere = { ...asked, redirect_uri: 'https://evil.example/' };
      await assert.rejects(oidc.buildAuthorizationUrlWithPAR(config, elsewhere), refusal(400, 'invalid_request'));
    });

    for (const [alg, algorithm] of [['RS256', 'RSASSA-PKCS1-v1_5'], ['PS256', 'RSA-PSS']]) {
      test(`private_key_jwt with ${alg} at every endpoint`, async () => {
        const keys = await newKeys(algorithm);
        const credential = { credential_type: 'public_key', pem: keys.pem, alg };
        const client = await register({
          name: `Key ${alg}`,
          client_authentication_methods: { private_key_jwt: { credentials: [credential] } },
        });
        const [{ kid }] = await server.management('GET', `clients/${client.client_id}/credentials`);
        const config = await configured(client, oidc.PrivateKeyJwt({ key: keys.privateKey, kid }));
        const { asked, checks } = await codeFlow();
        const back = await logIn(await oidc.buildAuthorizationUrlWithPAR(config, asked));
        const tokens = await oidc.authorizationCodeGrant(config, back, checks);
        assert.equal(tokens.claims().sub, user.id);
        const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
        assert.equal(renewed.claims().sub, user.id);
        await oidc.tokenRevocation(config, tokens.refresh_token);
        await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), refusal(403, 'invalid_grant'));

        await server.management('POST', 'client-grants', {
          client_id: client.client_id,
          audience: server.audience,
          scope: ['read:orders'],
        });
        const machine = await oidc.clientCredentialsGrant(config, { audience: server.audience });
        assert.equal(machine.scope, 'read:orders');

        const stranger = await newKeys(algorithm);
        const wrong = await configured(client, oidc.PrivateKeyJwt({ key: stranger.privateKey, kid }));
        await assert.rejects(
          oidc.clientCredentialsGrant(wrong, { audience: server.audience }),
          refusal(401, 'invalid_client'),
        );
      });
    }

    test('a device whose user logs in elsewhere', async () => {
      const tv = await register({
        name: 'TV',
        app_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: [DEVICE_CODE, 'refresh_token'],
      });
      const config = await oidc.discovery(new URL(server.issuer), tv.client_id, undefined, oidc.None());
      const codes = await oidc.initiateDeviceAuthorization(config, { scope: 'openid email' });
      const tokens = oidc.pollDeviceAuthorizationGrant(config, codes);
      const visitor = new Visitor(server.ca);
      const asked = await visitor.open(codes.verification_uri_complete);
      const login = await visitor.submit(asked, {}, 'confirm');
      const done = await visitor.submit(login, { username: user.email, password: user.password });
      assert.equal(done.status, 200, done.text);
      assert.equal((await tokens).claims().email, user.email);
    });
  });
}

/** The refusal that the SDK throws. */
const refusal = (status, error) => (thrown) => {
  assert.deepEqual([thrown.status, thrown.error], [status, error], thrown);
  return true;
};

/** A key pair: the private key for the SDK, the public one in PEM for the server. */
async function newKeys(name) {
  const algorithm = { name, hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const der = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64');
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.match(/.{1,64}/g).join('\n')}\n-----END PUBLIC KEY-----\n`;
  return { privateKey, pem };
}
