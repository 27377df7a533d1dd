import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management, ManagementClient } from 'auth0';
import { refused } from './expectations.js';

const { ForbiddenError, UnauthorizedError } = Management;

export default function refusals({ api, server }) {
  test('what is not built says so, and a token must be good', async () => {
    const calls = [() => api().forms.list(), () => api().networkAcls.list(), () => api().eventStreams.list()];
    for (const call of calls) {
      await assert.rejects(call, (error) => {
        refused(ForbiddenError, 403, 'insufficient_scope')(error);
        assert.ok(error.rawResponse.headers.get('x-gatewright-not-built'));
        return true;
      });
    }
    const { domain, admin } = server();
    const stranger = new ManagementClient({ domain, token: 'nothing' });
    await assert.rejects(stranger.clients.list(), refused(UnauthorizedError, 401));
    const wrong = new ManagementClient({ domain, clientId: admin.client_id, clientSecret: 'wrong' });
    await assert.rejects(wrong.clients.list(), { statusCode: 401 });
  });
}
