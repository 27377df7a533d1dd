import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { Management } from 'auth0';
import { all, refused } from './expectations.js';

const { BadRequestError, NotFoundError } = Management;
const newKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });

export default function clients({ api }) {
  test('clients', async () => {
    const made = await api().clients.create({ name: 'Shop', app_type: 'regular_web', callbacks: ['https://shop.example/'] });
    assert.match(made.client_id, /^\w{32}$/);
    assert.deepEqual([made.name, made.token_endpoint_auth_method], ['Shop', 'client_secret_post']);
    assert.deepEqual((await api().clients.get(made.client_id)).callbacks, made.callbacks);
    const some = await api().clients.get(made.client_id, { fields: 'name', include_fields: true });
    assert.deepEqual(some, { name: 'Shop' });
    const changed = await api().clients.update(made.client_id, { description: 'Sells things' });
    assert.deepEqual([changed.description, changed.name], ['Sells things', 'Shop']);
    const rotated = await api().clients.rotateSecret(made.client_id);
    assert.notEqual(rotated.client_secret, made.client_secret);

    const more = await Promise.all([1, 2, 3].map((n) => api().clients.create({ name: `Shop ${n}`, app_type: 'spa' })));
    const page = await api().clients.list({ per_page: 2, app_type: 'spa' });
    assert.equal(page.response.total, 4, 'three, and that of `dev`');
    assert.deepEqual(await all(page, 'client_id'), (await api().clients.list({ app_type: 'spa' })).data.map((c) => c.client_id));
    assert.ok(more.every(({ client_id }) => client_id));
    assert.equal((await api().clients.list({ is_global: true })).data.length, 1);

    await assert.rejects(api().clients.create({ name: 'Odd', app_type: 'toaster' }), refused(BadRequestError, 400, 'invalid_body'));
    await api().clients.delete(made.client_id);
    await assert.rejects(api().clients.get(made.client_id), refused(NotFoundError, 404, 'inexistent_client'));
  });

  test('keys of a client', async () => {
    const { client_id } = await api().clients.create({ name: 'With keys', app_type: 'non_interactive' });
    const made = await api().clients.credentials.create(client_id, { credential_type: 'public_key', name: 'one', pem: newKey() });
    assert.match(made.id, /^cred_/);
    assert.equal((await api().clients.credentials.get(client_id, made.id)).kid, made.kid);
    assert.deepEqual((await api().clients.credentials.list(client_id)).map(({ id }) => id), [made.id]);
    const expires_at = '2099-01-01T00:00:00.000Z';
    const changed = await api().clients.credentials.update(client_id, made.id, { expires_at });
    assert.equal(new Date(changed.expires_at).toISOString(), expires_at);
    const used = await api().clients.update(client_id, {
      token_endpoint_auth_method: null,
      client_authentication_methods: { private_key_jwt: { credentials: [{ id: made.id }] } },
    });
    assert.deepEqual(used.client_authentication_methods.private_key_jwt.credentials.map(({ id }) => id), [made.id]);
    await api().clients.update(client_id, { client_authentication_methods: null, token_endpoint_auth_method: 'client_secret_post' });
    await api().clients.credentials.delete(client_id, made.id);
    await assert.rejects(api().clients.credentials.get(client_id, made.id), refused(NotFoundError, 404));
  });
}
