import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DATABASE } from '../harness/applications.js';
import { all } from './expectations.js';

export default function access({ api, answered }) {
  test('what hangs on a user: blocks, factors, enrolments, tokens', async () => {
    const email = 'mia@example.com';
    const { user_id } = await api().users.create({ connection: DATABASE, email, password: 'Correct-horse-7' });
    const { users, userBlocks } = api();
    assert.deepEqual((await userBlocks.list(user_id)).blocked_for, []);
    assert.deepEqual((await userBlocks.listByIdentifier({ identifier: email })).blocked_for, []);
    await userBlocks.delete(user_id);
    await userBlocks.deleteByIdentifier({ identifier: email });
    assert.deepEqual(await all(await users.authenticationMethods.list(user_id)), []);
    const secret = { type: 'totp', totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', name: 'app' };
    const method = await users.authenticationMethods.create(user_id, secret);
    assert.equal((await users.authenticationMethods.get(user_id, method.id)).name, 'app');
    assert.equal((await api().guardian.enrollments.get(method.id)).status, 'confirmed');
    assert.match((await users.regenerateRecoveryCode(user_id)).recovery_code, /^[A-Z0-9]{24}$/);
    assert.equal((await users.authenticationMethods.update(user_id, method.id, { name: 'work' })).name, 'work');
    await users.authenticationMethods.delete(user_id, method.id);
    const [set] = await users.authenticationMethods.set(user_id, [secret]);
    assert.equal(set.type, 'totp');
    const phone = { type: 'phone', phone_number: '+61400000000' };
    await api().guardian.enrollments.delete((await users.authenticationMethods.create(user_id, phone)).id);
    await users.authenticationMethods.deleteAll(user_id);
    await users.authenticators.deleteAll(user_id);
    assert.deepEqual(await users.enrollments.get(user_id), []);
    await users.multifactor.invalidateRememberBrowser(user_id);
    await users.multifactor.deleteProvider(user_id, 'duo');
    assert.deepEqual((await api().refreshTokens.list({ user_id })).data, []);
    await api().refreshTokens.revoke({ user_id });
    await users.revokeAccess(user_id, {});
    const [database] = (await api().connections.list({ name: DATABASE })).data;
    await api().connections.users.deleteByEmail(database.id, { email });
    assert.deepEqual(await users.listUsersByEmail({ email }), []);
  });

  test('statistics, addresses, connections of a client', async () => {
    assert.equal(typeof (await api().stats.getActiveUsersCount()), 'number');
    assert.ok(Array.isArray(await api().stats.getDaily()));
    await assert.rejects(api().anomaly.blocks.checkIp('203.0.113.9'), { statusCode: 404 });
    answered('GET', '/anomaly/blocks/ips/203.0.113.9');
    await api().anomaly.blocks.unblockIp('203.0.113.9');
    const [client] = (await api().clients.list({ app_type: 'spa' })).data;
    assert.ok((await all(await api().clients.connections.get(client.client_id), 'name')).includes('sms'));
  });
}
