// An express application with passport-auth0 and express-session, as the documentation shows it.
// Started by ../harness/web-app.js; what is different for each run is in the environment.
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import Auth0Strategy from 'passport-auth0';

const { BASE_URL, DOMAIN, CLIENT_ID, CLIENT_SECRET, SECRET, AUDIENCE, PORT, TLS_PFX, TLS_PASSPHRASE } = process.env;
const SCOPE = 'openid profile email offline_access read:orders';

passport.use(
  new Auth0Strategy(
    { domain: DOMAIN, clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: `${BASE_URL}/callback` },
    (accessToken, refreshToken, extraParams, profile, done) => done(null, { accessToken, refreshToken, extraParams, profile }),
  ),
);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, cookie: { secure: true } }));
app.use(passport.initialize());
app.use(passport.session());
app.get('/', (request, reply) => reply.json({ user: request.user ?? null }));
app.get('/login', passport.authenticate('auth0', { scope: SCOPE, audience: AUDIENCE }));
app.get('/silent', passport.authenticate('auth0', { scope: SCOPE, audience: AUDIENCE, prompt: 'none' }));
app.get('/callback', (request, reply, next) => {
  passport.authenticate('auth0', (error, user, info) => {
    if (error) return next(error);
    if (!user) return reply.status(401).json({ refused: info });
    return request.logIn(user, (failed) => (failed ? next(failed) : reply.redirect('/')));
  })(request, reply, next);
});
app.get('/logout', (request, reply, next) => {
  request.logout((error) => {
    if (error) return next(error);
    const query = new URLSearchParams({ client_id: CLIENT_ID, returnTo: `${BASE_URL}/` });
    return reply.redirect(`https://${DOMAIN}/v2/logout?${query}`);
  });
});
app.use((error, request, reply, next) => {
  if (reply.headersSent) return next(error);
  return reply.status(500).json({ name: error.name, message: error.message, code: error.code });
});

const tls = { pfx: readFileSync(TLS_PFX), passphrase: TLS_PASSPHRASE };
createServer(tls, app).listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${BASE_URL}`));
