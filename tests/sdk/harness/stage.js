// Everything one layout needs, up and running: Gatewright, the app, Chromium, and an application registered for it.
import { startBrowser } from './browser.js';
import { startGatewright } from './gatewright.js';
import { startApp } from './pages.js';
import { makeTrust } from './trust.js';

const GRANTS = ['implicit', 'authorization_code', 'http://auth0.com/oauth/grant-type/passwordless/otp'];

/** Opens a stage for an engine and a layout; `close` ends and deletes all of it. */
export function openStage(engine, layout) {
  return openWith(engine, async ({ gatewright, trust, opened }) => {
    const app = await startApp(layout, trust.tls);
    opened.push(app.close);
    const client = await registerClient(gatewright.management, app);
    return { name: `${engine.name} ${layout.name}`, layout, app, client };
  });
}

/**
 * Gatewright and Chromium, and what `more({ gatewright, trust, opened })` adds; it pushes to `opened` how to close it.
 */
export async function openWith(engine, more) {
  const opened = [];
  const close = async () => {
    while (opened.length > 0) await opened.pop()();
  };
  try {
    const gatewright = await startGatewright(engine);
    opened.push(gatewright.stop);
    const trust = await makeTrust(gatewright.ca);
    opened.push(trust.remove);
    const { browser, version, stop } = await startBrowser(trust.home);
    opened.push(stop);
    const added = await more({ gatewright, trust, opened });
    return { name: engine.name, gatewright, trust, browser, version, close, ...added };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A single-page application as a developer registers it, with the `sms` connection enabled. */
async function registerClient(management, app) {
  const client = await management('POST', 'clients', {
    name: 'SDK test app',
    app_type: 'spa',
    token_endpoint_auth_method: 'none',
    oidc_conformant: true,
    cross_origin_authentication: true,
    grant_types: GRANTS,
    jwt_configuration: { alg: 'RS256' },
    callbacks: app.names.map(app.url),
    allowed_origins: [app.origin],
    web_origins: [app.origin],
  });
  const [sms] = await management('GET', 'connections?strategy=sms');
  await management('PATCH', `connections/${sms.id}`, {
    enabled_clients: [...(sms.enabled_clients ?? []), client.client_id],
  });
  return client;
}
