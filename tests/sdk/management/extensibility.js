import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Management } from 'auth0';
import { request } from '../harness/https.js';
import { all, pick, refused } from './expectations.js';

const { NotFoundError } = Management;

export default function extensibility({ api, server }) {
  test('actions: written, deployed, bound, taken back to an older version', async () => {
    const actions = api().actions;
    const [trigger] = (await actions.triggers.list()).triggers.filter(({ id, status }) => id === 'post-login' && status === 'CURRENT');
    assert.ok(trigger.runtimes.includes('node22'), JSON.stringify(trigger));
    const code = (n) => `exports.onExecutePostLogin = async () => { return ${n}; };`;
    const made = await actions.create({
      name: 'greet',
      supported_triggers: [pick(trigger, 'id', 'version')],
      code: code(1),
      runtime: 'node22',
      dependencies: [{ name: 'lodash', version: '4.17.21' }],
      secrets: [{ name: 'KEY', value: 'a secret' }],
    });
    assert.deepEqual([made.all_changes_deployed, made.secrets[0].name, made.secrets[0].value], [false, 'KEY', undefined]);

    const first = await deployed(made.id);
    await actions.update(made.id, { code: code(2) });
    await built(made.id);
    const second = await deployed(made.id);
    assert.deepEqual([first.number, second.number], [1, 2]);
    assert.deepEqual((await all(await actions.versions.list(made.id), 'id')).sort(), [first.id, second.id].sort());
    assert.equal((await actions.versions.get(made.id, first.id)).code, code(1));
    const back = await actions.versions.deploy(made.id, first.id, {});
    assert.equal(back.code, code(1));
    assert.deepEqual(await all(await actions.list({ actionName: 'greet' }), 'id'), [made.id]);

    const ref = { type: 'action_id', value: made.id };
    await actions.triggers.bindings.updateMany('post-login', { bindings: [{ ref, display_name: 'Greet' }] });
    assert.deepEqual(await all(await actions.triggers.bindings.list('post-login'), 'display_name'), ['Greet']);
    await assert.rejects(actions.delete(made.id), { statusCode: 409 }, 'while it is bound');
    await actions.triggers.bindings.updateMany('post-login', { bindings: [] });
    await actions.delete(made.id, { force: true });
    await assert.rejects(actions.get(made.id), refused(NotFoundError, 404));
  });

  test('actions: a draft tried out, and what a login left of one', async () => {
    const made = await api().actions.create({
      name: 'try me',
      supported_triggers: [{ id: 'credentials-exchange' }],
      code: `exports.onExecuteCredentialsExchange = async (event, api) => {
        console.log('hello', event.client.name);
        api.accessToken.setCustomClaim('https://example.com/tried', true);
      };`,
    });
    const { payload } = await api().actions.test(made.id, { payload: { event: { client: { name: 'Ann' } } } });
    assert.deepEqual([payload.logs, payload.commands.length], ['hello Ann', 1]);
    assert.ok(payload.stats.action_duration_ms >= 0, JSON.stringify(payload));
    await assert.rejects(api().actions.executions.get('none'), refused(NotFoundError, 404));

    await api().actions.deploy(made.id);
    const bind = (bindings) => api().actions.triggers.bindings.updateMany('credentials-exchange', { bindings });
    await bind([{ ref: { type: 'action_id', value: made.id } }]);
    const body = { grant_type: 'client_credentials', audience: `${server().issuer}api/v2/`, ...server().admin };
    const token = await request(`${server().issuer}oauth/token`, { ca: server().ca, method: 'POST', body });
    assert.equal(token.status, 200, token.text);
    await bind([]);
    const logs = await server().management('GET', 'logs?per_page=50&sort=date:-1');
    const [id] = logs.find((log) => log.details?.actions)?.details.actions.executions ?? [];
    const execution = await api().actions.executions.get(id);
    assert.deepEqual([execution.trigger_id, execution.status], ['credentials-exchange', 'final']);
    assert.equal(execution.results[0].action_name, 'try me');
    await api().actions.delete(made.id);
  });

  test('modules that actions share', async () => {
    const { modules } = api().actions;
    const made = await modules.create({ name: 'greeter', code: 'exports.word = 1;', secrets: [{ name: 'KEY', value: 'a secret' }] });
    assert.deepEqual([made.all_changes_published, made.latest_version_number], [false, undefined]);
    const first = await modules.versions.create(made.id);
    assert.equal(first.version_number, 1);
    const action = await api().actions.create({
      name: 'uses',
      supported_triggers: [{ id: 'post-login' }],
      code: "const { word } = require('actions:greeter');",
      modules: [{ module_id: made.id, module_version_id: first.id }],
    });
    assert.equal(action.modules[0].module_name, 'greeter');
    assert.equal((await modules.update(made.id, { code: 'exports.word = 2;' })).all_changes_published, false);
    assert.equal((await modules.rollback(made.id, { module_version_id: first.id })).code, 'exports.word = 1;');
    assert.equal((await modules.versions.get(made.id, first.id)).code, 'exports.word = 1;');
    assert.deepEqual(await all(await modules.versions.list(made.id), 'version_number'), [1]);
    assert.deepEqual(await all(await modules.listActions(made.id), 'action_id'), [action.id]);
    assert.deepEqual(await all(await modules.list(), 'name'), ['greeter']);
    await assert.rejects(modules.delete(made.id), { statusCode: 412 }, 'while an action uses it');
    await api().actions.delete(action.id);
    assert.equal((await modules.get(made.id)).latest_version.id, first.id);
    await modules.delete(made.id);
    await assert.rejects(modules.get(made.id), refused(NotFoundError, 404));
  });

  test('token exchange profiles', async () => {
    const profiles = api().tokenExchangeProfiles;
    const action = await api().actions.create({
      name: 'judge',
      supported_triggers: [{ id: 'custom-token-exchange' }],
      code: "exports.onExecuteCustomTokenExchange = async (event, api) => { api.authentication.setUserById('auth0|1'); };",
    });
    const made = await profiles.create({ name: 'Legacy', subject_token_type: 'urn:acme:legacy', action_id: action.id, type: 'custom_authentication' });
    assert.match(made.id, /^tep_/);
    await profiles.update(made.id, { name: 'Older', subject_token_type: 'urn:acme:older' });
    const read = await profiles.get(made.id);
    assert.deepEqual(pick(read, 'name', 'subject_token_type', 'action_id', 'type'), {
      name: 'Older', subject_token_type: 'urn:acme:older', action_id: action.id, type: 'custom_authentication',
    });
    assert.deepEqual(await all(await profiles.list(), 'id'), [made.id]);
    await assert.rejects(api().actions.delete(action.id), { statusCode: 409 }, 'while a profile names it');
    await profiles.delete(made.id);
    await assert.rejects(profiles.get(made.id), refused(NotFoundError, 404));
    await api().actions.delete(action.id);
  });

  test('rules, their settings, and hooks', async () => {
    const rule = await api().rules.create({ name: 'greet', script: 'function (user, context, callback) { callback(); }', enabled: false });
    assert.match(rule.id, /^rul_/);
    assert.equal((await api().rules.update(rule.id, { enabled: true })).enabled, true);
    assert.equal((await api().rules.get(rule.id)).name, 'greet');
    assert.deepEqual(await all(await api().rules.list({ enabled: true }), 'id'), [rule.id]);
    await api().rules.delete(rule.id);
    await assert.rejects(api().rules.get(rule.id), refused(NotFoundError, 404));

    await api().rulesConfigs.set('KEY', { value: 'a secret' });
    assert.deepEqual(await api().rulesConfigs.list(), [{ key: 'KEY' }]);
    await api().rulesConfigs.delete('KEY');
    assert.deepEqual(await api().rulesConfigs.list(), []);

    const hook = await api().hooks.create({
      name: 'count',
      triggerId: 'credentials-exchange',
      script: 'module.exports = function (client, scope, audience, context, callback) { callback(); };',
    });
    assert.equal((await api().hooks.update(hook.id, { enabled: true })).enabled, true);
    assert.equal((await api().hooks.get(hook.id)).name, 'count');
    assert.deepEqual(await all(await api().hooks.list(), 'id'), [hook.id]);
    await api().hooks.secrets.create(hook.id, { KEY: 'one' });
    await api().hooks.secrets.update(hook.id, { KEY: 'two' });
    assert.deepEqual(Object.keys(await api().hooks.secrets.get(hook.id)), ['KEY']);
    await api().hooks.secrets.delete(hook.id, ['KEY']);
    await api().hooks.delete(hook.id);
    assert.deepEqual(await all(await api().hooks.list()), []);
  });

  test('log streams', async () => {
    const sink = { httpEndpoint: 'https://logs.example/', httpContentFormat: 'JSONLINES', httpContentType: 'application/json', httpAuthorization: 'a secret' };
    const made = await api().logStreams.create({ name: 'all', type: 'http', sink });
    assert.match(made.id, /^lst_/);
    assert.equal((await api().logStreams.update(made.id, { status: 'paused' })).status, 'paused');
    assert.equal((await api().logStreams.get(made.id)).sink.httpEndpoint, sink.httpEndpoint);
    assert.deepEqual((await api().logStreams.list()).map(({ id }) => id), [made.id]);
    await api().logStreams.delete(made.id);
    await assert.rejects(api().logStreams.get(made.id), refused(NotFoundError, 404));
  });

  /** Waits for the build, as every tool does, then deploys and waits for that: the version. */
  async function deployed(id) {
    await built(id);
    const version = await api().actions.deploy(id);
    for (let tries = 0; tries < 100; tries += 1) {
      if ((await api().actions.get(id)).all_changes_deployed) return version;
      await pause(100);
    }
    throw new Error('the action is never deployed');
  }

  async function built(id) {
    for (let tries = 0; tries < 100; tries += 1) {
      if ((await api().actions.get(id)).status === 'built') return;
      await pause(100);
    }
    throw new Error('the action is never built');
  }
}
