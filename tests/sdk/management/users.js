import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { DATABASE } from '../harness/applications.js';
import { all, refused } from './expectations.js';

const { ConflictError, NotFoundError } = Management;
const PASSWORD = 'Correct-horse-7';

export default function users({ api }) {
  test('users, and what the log says of them', async () => {
    const person = { connection: DATABASE, email: 'ada@example.com', password: PASSWORD };
    const made = await api().users.create({ ...person, app_metadata: { plan: 'gold' }, user_metadata: { theme: 'dark' } });
    assert.match(made.user_id, /^auth0\|/);
    assert.equal(made.password, undefined);
    const found = await api().users.get(made.user_id);
    assert.deepEqual([found.app_metadata, found.user_metadata], [{ plan: 'gold' }, { theme: 'dark' }]);
    const changed = await api().users.update(made.user_id, { user_metadata: { size: 'L' }, app_metadata: { plan: null } });
    assert.deepEqual([changed.app_metadata, changed.user_metadata], [{}, { theme: 'dark', size: 'L' }]);
    assert.equal((await api().users.listUsersByEmail({ email: person.email }))[0].user_id, made.user_id);
    await Promise.all([1, 2].map((n) => api().users.create({ ...person, email: `joan${n}@example.com` })));
    const listed = await all(await api().users.list({ per_page: 2, sort: 'email:1' }), 'email');
    assert.deepEqual(listed.filter((email) => /^(ada|joan)/.test(email)), ['ada@example.com', 'joan1@example.com', 'joan2@example.com']);
    const search = await api().users.list({ q: 'email:"joan1@example.com"', search_engine: 'v3' });
    assert.deepEqual(search.data.map(({ email }) => email), ['joan1@example.com']);
    await assert.rejects(api().users.create(person), refused(ConflictError, 409));

    const [newest] = (await api().logs.list({ q: 'type:sapi', sort: 'date:-1', per_page: 1 })).data;
    assert.equal((await api().logs.get(newest.log_id)).log_id, newest.log_id);
    assert.ok(Array.isArray((await api().users.logs.list(made.user_id)).data));
    await api().users.delete(made.user_id);
    await assert.rejects(api().users.get(made.user_id), refused(NotFoundError, 404, 'inexistent_user'));
  });

  test('two accounts of one person', async () => {
    const [one, two] = await Promise.all(
      ['lin', 'lin2'].map((name) => api().users.create({ connection: DATABASE, email: `${name}@example.com`, password: PASSWORD })),
    );
    const linked = await api().users.identities.link(one.user_id, { provider: 'auth0', user_id: two.user_id });
    assert.deepEqual(linked.map(({ user_id }) => `auth0|${user_id}`), [one.user_id, two.user_id]);
    await assert.rejects(api().users.get(two.user_id), refused(NotFoundError, 404));
    const left = await api().users.identities.delete(one.user_id, 'auth0', linked[1].user_id);
    assert.deepEqual(left.map(({ user_id }) => `auth0|${user_id}`), [one.user_id]);
    assert.equal((await api().users.get(two.user_id)).email, 'lin2@example.com');
  });
}
