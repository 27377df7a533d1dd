import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { all, refused } from './expectations.js';

const { ConflictError, NotFoundError } = Management;

export default function apis({ api }) {
  test('resource servers and client grants', async () => {
    const identifier = 'https://orders.example/';
    const made = await api().resourceServers.create({ identifier, name: 'Orders', scopes: [{ value: 'read:it', description: 'Read' }] });
    assert.deepEqual([made.identifier, made.signing_alg, made.token_lifetime], [identifier, 'RS256', 86400]);
    assert.equal((await api().resourceServers.get(identifier)).id, made.id, 'by its identifier too');
    await api().resourceServers.update(made.id, { token_lifetime: 600 });
    assert.equal((await api().resourceServers.get(made.id)).token_lifetime, 600);
    assert.ok((await all(await api().resourceServers.list({ per_page: 1 }), 'identifier')).includes(identifier));

    const { client_id } = await api().clients.create({ name: 'Machine', app_type: 'non_interactive' });
    const grant = await api().clientGrants.create({ client_id, audience: identifier, scope: ['read:it'] });
    assert.deepEqual((await api().clientGrants.list({ client_id })).data, [await api().clientGrants.get(grant.id)]);
    const changed = await api().clientGrants.update(grant.id, { scope: [] });
    assert.deepEqual(changed.scope, []);
    assert.ok((await all(await api().clientGrants.list({ take: 1 }), 'id')).includes(grant.id));
    await assert.rejects(api().clientGrants.create({ client_id, audience: identifier, scope: [] }), refused(ConflictError, 409));
    await api().clientGrants.delete(grant.id);
    assert.deepEqual((await api().clientGrants.list({ client_id })).data, []);

    await assert.rejects(api().resourceServers.create({ identifier, name: 'Again' }), refused(ConflictError, 409));
    await api().resourceServers.delete(made.id);
    await assert.rejects(api().resourceServers.get(made.id), refused(NotFoundError, 404));
  });
}
