// An express application with express-openid-connect, four times: each configuration under a path of its own.
// Started by ../harness/web-app.js; what is different for each run is in the environment.
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import express from 'express';
import openid from 'express-openid-connect';

const { auth, requiresAuth } = openid;
const { BASE_URL, ISSUER, CLIENT_ID, CLIENT_SECRET, SECRET, AUDIENCE } = process.env;
const { PORT, BACK_CHANNEL_PORT, TLS_PFX, TLS_PASSPHRASE } = process.env;

/** What an `express-session` store does, as far as back-channel logout needs it. */
class LogoutStore {
  entries = new Map();
  get = (id, done) => done(null, this.entries.get(id) ?? null);
  set = (id, entry, done) => done(null, void this.entries.set(id, entry));
  destroy = (id, done) => done(null, void this.entries.delete(id));
}

const code = { response_type: 'code', scope: 'openid profile email offline_access read:orders', audience: AUDIENCE };
const CONFIGURATIONS = {
  // The defaults: an ID token, posted by the browser; Gatewright's own session outlives the logout.
  implicit: {},
  // A code and refresh tokens; the logout is /v2/logout.
  code: { clientSecret: CLIENT_SECRET, authorizationParams: code, idpLogout: true, auth0Logout: true },
  // Code and ID token, posted by the browser; the logout is OpenID Connect's, and it hears of others.
  hybrid: {
    clientSecret: CLIENT_SECRET,
    authorizationParams: { ...code, response_type: 'code id_token' },
    idpLogout: true,
    backchannelLogout: { store: new LogoutStore() },
  },
  // The request goes to the server first.
  pushed: { clientSecret: CLIENT_SECRET, authorizationParams: code, pushedAuthorizationRequests: true },
};

function application(name, configuration) {
  const app = express.Router();
  app.use(
    auth({
      issuerBaseURL: ISSUER,
      baseURL: `${BASE_URL}/${name}`,
      clientID: CLIENT_ID,
      secret: SECRET,
      authRequired: false,
      session: { name: `session_${name}` },
      transactionCookie: { name: `transaction_${name}` },
      ...configuration,
    }),
  );
  app.get('/', (request, reply) => {
    const { user, idTokenClaims, accessToken, refreshToken } = request.oidc;
    reply.json({ user: user ?? null, idTokenClaims, accessToken, refreshToken });
  });
  app.get('/members', requiresAuth(), (request, reply) => reply.json({ members: request.oidc.user.email ?? request.oidc.user.name }));
  app.get('/userinfo', requiresAuth(), async (request, reply) => reply.json(await request.oidc.fetchUserInfo()));
  app.get('/refresh', requiresAuth(), async (request, reply) => {
    const { access_token, expires_in } = await request.oidc.accessToken.refresh();
    reply.json({ access_token, expires_in, refreshToken: request.oidc.refreshToken });
  });
  app.get('/silent', (request, reply) => reply.oidc.login({ authorizationParams: { prompt: 'none' }, returnTo: `/${name}` }));
  app.get('/consent', (request, reply) => reply.oidc.login({ authorizationParams: { prompt: 'consent' }, returnTo: `/${name}` }));
  return app;
}

const app = express();
for (const [name, configuration] of Object.entries(CONFIGURATIONS)) app.use(`/${name}`, application(name, configuration));
app.use((error, request, reply, next) => {
  if (reply.headersSent) return next(error);
  return reply.status(error.status ?? 500).json({ error: error.error, error_description: error.error_description, message: error.message });
});

// Logout tokens come from Gatewright itself, which would not trust the certificate of this test.
createHttpServer(app).listen(Number(BACK_CHANNEL_PORT), '127.0.0.1');
const tls = { pfx: readFileSync(TLS_PFX), passphrase: TLS_PASSPHRASE };
createServer(tls, app).listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${BASE_URL}`));
