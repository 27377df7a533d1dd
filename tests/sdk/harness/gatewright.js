// A running `gatewright dev` with an empty data folder, and the administrator's view of it.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from './https.js';
import { startProgram, temporaryFolder } from './process.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const BINARY = process.env.GATEWRIGHT_BIN ?? path.join(ROOT, 'target/debug/gatewright');

/** Starts Gatewright on any free port and resolves once it listens. */
export async function startGatewright(engine, { more = [] } = {}) {
  if (!existsSync(BINARY)) throw new Error(`no gatewright at ${BINARY}: run \`cargo build -p gatewright\` first`);
  const data = temporaryFolder('data');
  const database = await engine.open();
  const admin = { client_id: 'sdk-tests-admin', client_secret: randomBytes(32).toString('base64url') };
  const clear = async () => {
    await database.close();
    data.remove();
  };
  const program = await startProgram(
    BINARY,
    ['dev', '--port', '0', '--ops-port', '0', '--data-dir', data.path, '--json', ...database.args, ...more],
    {
      env: {
        ...environmentWithoutSettings(),
        GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_ID: admin.client_id,
        GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_SECRET: admin.client_secret,
      },
      ready: (line) => (line.startsWith('{"') && line.includes('"ca_certificate"') ? JSON.parse(line) : undefined),
    },
  ).catch(async (error) => {
    await clear();
    throw error;
  });
  const started = program.value;
  const ca = readFileSync(started.ca_certificate, 'utf8');
  return {
    ...started,
    ca,
    admin,
    management: managementApi(started.issuer, ca, admin),
    inbox: inboxOf(started.inbox, ca),
    output: program.output,
    async stop() {
      await program.stop();
      await clear();
    },
  };
}

// Gatewright reads GATEWRIGHT_* variables and refuses unknown ones; the tests' own are not for it.
const environmentWithoutSettings = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GATEWRIGHT_')));

/** Management API calls with the bootstrap administrator's token; throws on any status but 2xx. */
function managementApi(issuer, ca, admin) {
  let token;
  return async function call(method, resource, body) {
    token ??= await administratorToken(issuer, ca, admin);
    const reply = await request(`${issuer}api/v2/${resource}`, {
      ca,
      method,
      body,
      headers: { authorization: `Bearer ${token}` },
    });
    if (reply.status < 200 || reply.status > 299) {
      throw new Error(`${method} /api/v2/${resource}: ${reply.status} ${reply.text.slice(0, 500)}`);
    }
    return reply.json;
  };
}

async function administratorToken(issuer, ca, admin) {
  const reply = await request(`${issuer}oauth/token`, {
    ca,
    method: 'POST',
    body: { grant_type: 'client_credentials', audience: `${issuer}api/v2/`, ...admin },
  });
  if (!reply.json?.access_token) throw new Error(`no administrator token: ${reply.status} ${reply.text}`);
  return reply.json.access_token;
}

/** The dev inbox: `code(phone, after)` waits for the newest message to a number that is newer than `after`. */
function inboxOf(url, ca) {
  return {
    url,
    async newest(phone, after) {
      const query = new URLSearchParams({ to: phone, wait: '20', ...(after ? { after } : {}) });
      const reply = await request(`${url}.json?${query}`, { ca });
      const message = reply.json?.messages?.[0];
      if (!message) throw new Error(`no message to ${phone} in the inbox: ${reply.status} ${reply.text}`);
      return message;
    },
    /** `{ id, code }` of the newest message to that number. */
    async code(phone, after) {
      const message = await this.newest(phone, after);
      const found = /\b\d{6}\b/.exec(message.body);
      if (!found) throw new Error(`no six digits in the message: ${message.body}`);
      return { id: message.id, code: found[0] };
    },
  };
}
