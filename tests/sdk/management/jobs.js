import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { DATABASE } from '../harness/applications.js';

export default function jobs({ api, server }) {
  const connectionId = async () => (await server().management('GET', `connections?name=${DATABASE}`))[0].id;

  /** The job once it is over. */
  async function over({ id }) {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const job = await api().jobs.get(id);
      if (['completed', 'failed'].includes(job.status)) return job;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`job ${id} does not end`);
  }

  test('users are imported, exported, and asked to verify their addresses', async () => {
    const rows = [{ email: 'imported@example.com', given_name: 'Ida' }, { email: 'no address' }];
    const file = new Blob([JSON.stringify(rows)], { type: 'application/json' });
    const connection_id = await connectionId();
    const queued = await api().jobs.usersImports.create({ users: file, connection_id });
    assert.equal(queued.type, 'users_import');
    const { summary } = await over(queued);
    assert.deepEqual(summary, { total: 2, inserted: 1, updated: 0, failed: 1 });
    const errors = await api().jobs.errors.get(queued.id);
    assert.equal(errors[0].errors[0].path, 'email');

    const exported = await over(await api().jobs.usersExports.create({ connection_id, format: 'json', fields: [{ name: 'email' }] }));
    const reply = await fetch(exported.location);
    const lines = gunzipSync(Buffer.from(await reply.arrayBuffer())).toString();
    assert.match(lines, /"email":"imported@example.com"/);

    const [user] = await api().users.listUsersByEmail({ email: 'imported@example.com' });
    const mail = await api().jobs.verificationEmail.create({ user_id: user.user_id });
    assert.equal(mail.type, 'verification_email');
    const verify = await api().tickets.verifyEmail({ user_id: user.user_id });
    assert.match(verify.ticket, /^https:/);
    const change = await api().tickets.changePassword({ user_id: user.user_id });
    assert.match(change.ticket, /^https:/);
  });
}
