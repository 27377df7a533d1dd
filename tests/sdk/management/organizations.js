import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { DATABASE } from '../harness/applications.js';
import { all, pick, refused } from './expectations.js';

const { NotFoundError } = Management;

export default function organizations({ api }) {
  test('organizations, their connections, members and client grants', async () => {
    const made = await api().organizations.create({ name: 'guild', display_name: 'The Guild' });
    assert.match(made.id, /^org_/);
    assert.deepEqual(await api().organizations.getByName('guild'), made);
    await api().organizations.update(made.id, { metadata: { plan: 'gold' } });
    assert.deepEqual((await api().organizations.get(made.id)).metadata, { plan: 'gold' });
    assert.deepEqual(await all(await api().organizations.list({ take: 1 }), 'name'), ['guild']);

    const { data: [{ id: connection_id }] } = await api().connections.list({ name: DATABASE });
    const { connections, enabledConnections } = api().organizations;
    assert.equal((await connections.create(made.id, { connection_id })).connection.name, DATABASE);
    assert.equal((await connections.update(made.id, connection_id, { show_as_button: false })).show_as_button, false);
    assert.equal((await connections.get(made.id, connection_id)).is_enabled, true);
    assert.deepEqual(await all(await connections.list(made.id), 'connection_id'), [connection_id]);
    await connections.delete(made.id, connection_id);
    await enabledConnections.add(made.id, { connection_id, assign_membership_on_login: true });
    await enabledConnections.update(made.id, connection_id, { assign_membership_on_login: false });
    assert.equal((await enabledConnections.get(made.id, connection_id)).assign_membership_on_login, false);
    assert.deepEqual(await all(await enabledConnections.list(made.id), 'connection_id'), [connection_id]);
    await enabledConnections.delete(made.id, connection_id);

    const { user_id } = await api().users.create({ connection: DATABASE, email: 'dora@example.com', password: 'Correct-horse-7' });
    const role = await api().roles.create({ name: 'Guild master' });
    const { members } = api().organizations;
    await members.create(made.id, { members: [user_id] });
    assert.deepEqual(await all(await members.list(made.id, { take: 1 }), 'user_id'), [user_id]);
    await members.roles.assign(made.id, user_id, { roles: [role.id] });
    assert.deepEqual(await all(await members.roles.list(made.id, user_id), 'name'), ['Guild master']);
    await members.roles.delete(made.id, user_id, { roles: [role.id] });
    assert.deepEqual(await all(await api().users.organizations.list(user_id), 'name'), ['guild']);
    await members.delete(made.id, { members: [user_id] });

    const { client_id } = await api().clients.create({ name: 'Of the guild' });
    await api().resourceServers.create({ identifier: 'https://guild.example/', name: 'Guild' });
    const grant = await api().clientGrants.create({ client_id, audience: 'https://guild.example/', scope: [], organization_usage: 'allow' });
    await api().organizations.clientGrants.create(made.id, { grant_id: grant.id });
    const [used] = await all(await api().organizations.clientGrants.list(made.id));
    assert.deepEqual(pick(used, 'id', 'client_id'), { id: grant.id, client_id });
    assert.deepEqual(await all(await api().clientGrants.organizations.list(grant.id), 'name'), ['guild']);
    await api().organizations.clientGrants.delete(made.id, grant.id);

    await api().organizations.delete(made.id);
    await assert.rejects(api().organizations.get(made.id), refused(NotFoundError, 404));
  });
}
