// auth0-deploy-cli, the program itself: a tenant goes out to files and into another tenant, and is the same there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { engines } from '../harness/engines.js';
import { PUBLIC_KEY, fillTenant } from '../harness/full-tenant.js';
import { startGatewright } from '../harness/gatewright.js';
import { temporaryFolder } from '../harness/process.js';

const PROGRAM = fileURLToPath(new URL('../node_modules/.bin/a0deploy', import.meta.url));

/** What the tool asks for and leaves out of an export, because the server does not have it. */
const NOT_BUILT = ['eventStreams', 'flowVaultConnections', 'flows', 'forms', 'riskAssessment', 'selfServiceProfiles'];

// The program checks every file it reads against a schema that takes it half a minute to compile, so each
// form of a tenant is tried on one database.
const forms = [{ form: 'directory', input: '' }, { form: 'yaml', input: 'tenant.yaml' }];
const databases = engines();
for (const [at, { form, input }] of forms.entries()) {
  const engine = databases[at % databases.length];
  describe(`auth0-deploy-cli, ${form}, ${engine.name}`, () => {
    let source, target, folder;

    before(async () => {
      folder = temporaryFolder('deploy-cli');
      [source, target] = await Promise.all([startGatewright(engine), startGatewright(engine)]);
      await fillTenant(source.management);
    });
    after(async () => {
      await Promise.all([source?.stop(), target?.stop()]);
      folder?.remove();
    });

    test('a tenant is exported, imported elsewhere, and exported again without a difference', async () => {
      const first = path.join(folder.path, 'first');
      const exported = await run(source, ['export', '--format', form, '--output_folder', first]);
      assert.deepEqual(leftOut(exported), NOT_BUILT);

      const preview = await run(source, ['import', '--input_file', path.join(first, input), '--dry-run']);
      assert.match(summary(preview), /No changes detected/);

      // The one thing in the files that belongs to a host is the address of its Management API.
      for (const file of files(first)) rewrite(file, source.domain, '##DOMAIN##');
      const before = contents(first);
      // No server shows the keys of clients and the secrets of actions, so whoever imports them adds them.
      for (const file of files(first)) for (const added of SECRETS[form]) rewrite(file, ...added);
      const imported = await run(target, ['import', '--input_file', path.join(first, input)], { AUTH0_ALLOW_DELETE: 'true' });
      assert.match(imported, /Import Successful/);

      const second = path.join(folder.path, 'second');
      await run(target, ['export', '--format', form, '--output_folder', second]);
      for (const file of files(second)) rewrite(file, target.domain, '##DOMAIN##');
      const after = contents(second);
      assert.deepEqual(Object.keys(after), Object.keys(before));
      for (const [name, lines] of Object.entries(after)) assert.deepEqual(lines, before[name], name);
    });
  });
}

/** Where each form of the files takes a client's key and an action's secret. */
const SECRETS = {
  directory: [
    [/"credential_type": "public_key"/g, '$&, "pem": @@PUBLIC_KEY@@'],
    [/"name": "KEY"/g, '$&, "value": "##ACTION_KEY##"'],
  ],
  yaml: [
    [/^( *)credential_type: public_key$/gm, '$&\n$1pem: @@PUBLIC_KEY@@'],
    [/^( *)- name: KEY$/gm, '$&\n$1  value: "##ACTION_KEY##"'],
  ],
};

/** Runs the program against a server, with what an administrator sets in the environment. */
async function run(server, args, more = {}) {
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    NODE_EXTRA_CA_CERTS: server.ca_certificate,
    AUTH0_DOMAIN: server.domain,
    AUTH0_CLIENT_ID: server.admin.client_id,
    AUTH0_CLIENT_SECRET: server.admin.client_secret,
    // For the marks that the tool puts into its files instead of secrets, and for ours.
    DOMAIN: server.domain,
    PUBLIC_KEY,
    ACTION_KEY: 'a secret',
    SMTP_USER: 'shop',
    SMTP_PASS: 'mail-secret',
    CONNECTIONS_OIDC_SECRET: 'partner-secret',
    CAPTCHA_HCAPTCHA_SECRET: 'a secret',
    TWILIO_AUTH_TOKEN: 'a secret',
    LOGSTREAMS_HTTP_SECRET: 'a secret',
    CONNECTIONS_GOOGLE_OAUTH2_SECRET: 'google-secret',
    ...more,
  };
  try {
    const { stdout, stderr } = await promisify(execFile)(PROGRAM, args, { env, maxBuffer: 1 << 26 });
    return stdout + stderr;
  } catch (error) {
    throw new Error(`a0deploy ${args.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`);
  }
}

/** What a dry run says at its end, without the turning wheel before. */
const summary = (output) => output.slice(output.indexOf('Dry Run Preview'));

const leftOut = (output) => [...output.matchAll(/Cannot retrieve (\w+) due to missing scopes/g)].map(([, name]) => name).sort();

const files = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();

const contents = (folder) =>
  Object.fromEntries(files(folder).map((file) => [path.relative(folder, file), readFileSync(file, 'utf8').split('\n')]));

function rewrite(file, from, to) {
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(from, to));
}
