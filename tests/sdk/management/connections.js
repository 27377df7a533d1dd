import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { DATABASE } from '../harness/applications.js';
import { all, refused } from './expectations.js';

const { ConflictError, NotFoundError } = Management;

export default function connections({ api }) {
  test('connections', async () => {
    const { client_id } = await api().clients.create({ name: 'Of the connection' });
    const made = await api().connections.create({
      name: 'staff',
      strategy: 'auth0',
      options: { passwordPolicy: 'excellent' },
      enabled_clients: [client_id],
    });
    assert.match(made.id, /^con_/);
    assert.equal((await api().connections.get(made.id)).options.passwordPolicy, 'excellent');
    const changed = await api().connections.update(made.id, { options: { passwordPolicy: 'good' } });
    assert.equal(changed.options.passwordPolicy, 'good');
    assert.deepEqual((await api().connections.list({ name: 'staff' })).data.map(({ id }) => id), [made.id]);
    assert.deepEqual((await all(await api().connections.list({ take: 2 }), 'name')).sort(), ['email', 'sms', 'staff', DATABASE].sort());
    assert.deepEqual((await api().connections.clients.get(made.id)).data, [{ client_id }]);
    await api().connections.clients.update(made.id, [{ client_id, status: false }]);
    assert.deepEqual((await api().connections.clients.get(made.id)).data, []);
    await assert.rejects(api().connections.create({ name: 'staff', strategy: 'auth0' }), refused(ConflictError, 409));
    await api().connections.delete(made.id);
    await assert.rejects(api().connections.get(made.id), refused(NotFoundError, 404));
  });
}
