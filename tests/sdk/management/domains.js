import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { pick, refused } from './expectations.js';

const { NotFoundError } = Management;

export default function domains({ api }) {
  test('custom domains', async () => {
    assert.deepEqual(await api().customDomains.getDefault(), { domain: 'localhost' });
    const made = await api().customDomains.create({ domain: 'login.localhost', type: 'self_managed_certs' });
    assert.deepEqual(pick(made, 'domain', 'status'), { domain: 'login.localhost', status: 'pending_verification' });
    const id = made.custom_domain_id;
    assert.equal((await api().customDomains.test(id)).success, true);
    assert.equal((await api().customDomains.verify(id)).status, 'ready');
    assert.equal((await api().customDomains.update(id, { tls_policy: 'recommended' })).status, 'ready');
    assert.deepEqual((await api().customDomains.list()).map(({ domain }) => domain), ['login.localhost']);
    assert.equal((await api().customDomains.setDefault({ domain: 'login.localhost' })).is_default, true);
    assert.equal((await api().customDomains.get(id)).is_default, true);
    await api().customDomains.delete(id);
    await assert.rejects(api().customDomains.get(id), refused(NotFoundError, 404, 'inexistent_custom_domain'));
  });

  test('signing keys', async () => {
    const [first] = await api().keys.signing.list();
    assert.ok(first.current);
    await api().keys.signing.rotate();
    const keys = await api().keys.signing.list();
    assert.deepEqual(keys.map(({ next, current, previous }) => [next, current, previous]), [
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ]);
    assert.equal((await api().keys.signing.get(first.kid)).previous, true);
    await assert.rejects(api().keys.signing.revoke(keys[1].kid), { statusCode: 400 });
    // The client goes on with the token that it has: a key that signed it before is revoked when nobody needs it.
    assert.equal((await api().keys.signing.revoke(keys[0].kid)).revoked, true);
  });
}
