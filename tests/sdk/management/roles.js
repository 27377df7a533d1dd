import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { DATABASE } from '../harness/applications.js';
import { all, pick, refused } from './expectations.js';

const { NotFoundError } = Management;
const API = 'https://library.example/';

export default function roles({ api }) {
  test('roles, their permissions and their members', async () => {
    await api().resourceServers.create({
      identifier: API,
      name: 'Library',
      scopes: ['read:books', 'lend:books'].map((value) => ({ value, description: value })),
    });
    const permission = (permission_name) => ({ resource_server_identifier: API, permission_name });
    const made = await api().roles.create({ name: 'Librarian', description: 'Lends books' });
    assert.match(made.id, /^rol_/);
    assert.deepEqual(await api().roles.get(made.id), made);
    assert.equal((await api().roles.update(made.id, { description: 'Lends and returns' })).description, 'Lends and returns');
    assert.deepEqual(await all(await api().roles.list({ per_page: 1, name_filter: 'librar' }), 'id'), [made.id]);

    await api().roles.permissions.add(made.id, { permissions: [permission('read:books'), permission('lend:books')] });
    await api().roles.permissions.delete(made.id, { permissions: [permission('lend:books')] });
    const [held] = await all(await api().roles.permissions.list(made.id));
    assert.deepEqual(pick(held, 'permission_name', 'resource_server_name'), { permission_name: 'read:books', resource_server_name: 'Library' });

    const people = await Promise.all(
      ['ben', 'cleo'].map((name) => api().users.create({ connection: DATABASE, email: `${name}@example.com`, password: 'Correct-horse-7' })),
    );
    const [ben, cleo] = people.map(({ user_id }) => user_id);
    await api().roles.users.assign(made.id, { users: [ben] });
    await api().users.roles.assign(cleo, { roles: [made.id] });
    assert.deepEqual((await all(await api().roles.users.list(made.id, { take: 1 }), 'user_id')).sort(), [ben, cleo].sort());
    assert.deepEqual(await all(await api().users.roles.list(cleo, { per_page: 1 }), 'name'), ['Librarian']);
    await api().users.roles.delete(cleo, { roles: [made.id] });
    assert.deepEqual(await all(await api().users.roles.list(cleo)), []);

    await api().users.permissions.create(ben, { permissions: [permission('lend:books')] });
    const sources = await all(await api().users.permissions.list(ben));
    assert.deepEqual(sources.map((one) => [one.permission_name, one.sources.map(({ source_type }) => source_type)]).sort(), [
      ['lend:books', ['DIRECT']],
      ['read:books', ['ROLE']],
    ]);
    await api().users.permissions.delete(ben, { permissions: [permission('lend:books')] });
    assert.deepEqual(await all(await api().users.permissions.list(ben), 'permission_name'), ['read:books']);

    await api().roles.delete(made.id);
    await assert.rejects(api().roles.get(made.id), refused(NotFoundError, 404));
    assert.deepEqual(await all(await api().users.permissions.list(ben)), []);
  });
}
