// The Terraform provider for Auth0, the program itself: what it makes it finds again as it made it.
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { engines } from '../harness/engines.js';
import { startGatewright } from '../harness/gatewright.js';
import { program, workbench } from './programs.js';

const TERRAFORM = program('TERRAFORM_BIN', 'terraform');
const PROVIDER = program('TERRAFORM_PROVIDER_AUTH0_BIN', 'terraform-provider-auth0');
const RESOURCES = fileURLToPath(new URL('main.tf', import.meta.url));

/** Imported and compared with what was written. The rest hold what no server shows, or are settings without an id. */
const IMPORTED = [
  'auth0_client.web', 'auth0_resource_server.orders', 'auth0_connection.staff', 'auth0_role.clerk', 'auth0_organization.branch',
  'auth0_custom_domain.login',
];

for (const engine of engines()) {
  describe(`Terraform, ${engine.name}`, () => {
    let server, bench;

    before(async () => {
      server = await startGatewright(engine);
      bench = workbench(TERRAFORM, server, {
        AUTH0_DOMAIN: server.domain,
        AUTH0_CLIENT_ID: server.admin.client_id,
        AUTH0_CLIENT_SECRET: server.admin.client_secret,
        TF_CLI_CONFIG_FILE: 'terraform.rc',
      });
      const overrides = `dev_overrides { "auth0/auth0" = ${JSON.stringify(path.dirname(PROVIDER))} }`;
      writeFileSync(path.join(bench.folder, 'terraform.rc'), `provider_installation {\n  ${overrides}\n  direct {}\n}\n`);
      copyFileSync(RESOURCES, path.join(bench.folder, 'main.tf'));
    });
    after(async () => {
      await server?.stop();
      bench?.close();
    });

    // `-detailed-exitcode` fails when there is something to do.
    const nothingToDo = () => bench.run('plan', '-no-color', '-input=false', '-detailed-exitcode');

    test('resources are made, found unchanged, imported, and destroyed', async () => {
      assert.match(await bench.run('apply', '-auto-approve', '-no-color', '-input=false'), /Apply complete! Resources: 26 added/);
      await nothingToDo();

      const { values } = JSON.parse(await bench.run('show', '-json'));
      for (const address of IMPORTED) {
        const { id } = values.root_module.resources.find((resource) => resource.address === address).values;
        await bench.run('state', 'rm', address);
        await bench.run('import', '-no-color', '-input=false', address, id);
      }
      await nothingToDo();

      assert.match(await bench.run('destroy', '-auto-approve', '-no-color', '-input=false'), /Destroy complete! Resources: 26 destroyed/);
    });
  });
}
