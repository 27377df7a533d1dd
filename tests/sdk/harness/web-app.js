// Applications with a server of their own: each a program in ../apps, registered as a regular web application.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { enableConnections, DATABASE } from './hosted.js';
import { startProgram } from './process.js';

export const APPS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../apps');

/** A port that nobody listens on; the address must be known before the application is registered. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** A regular web application as a developer registers it, with a secret; database and SMS connections enabled. */
export async function registerWebClient(management, settings) {
  const client = await management('POST', 'clients', {
    app_type: 'regular_web',
    oidc_conformant: true,
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    jwt_configuration: { alg: 'RS256' },
    ...settings,
  });
  await enableConnections(management, client.client_id, [DATABASE, 'sms']);
  return client;
}

/** Starts a program of ../apps and waits until it says that it listens; the CA is the only one it gets beside Node's. */
export function startWebApp(args, { gatewright, env, cwd, ready = /listening on/, seconds }) {
  return startProgram(process.execPath, args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_EXTRA_CA_CERTS: gatewright.ca_certificate,
      SECRET: randomBytes(32).toString('hex'),
      AUDIENCE: gatewright.audience,
      ...env,
    },
    ready: (line) => (ready.test(line) ? line : undefined),
    seconds,
  });
}
