// The last piece of the forum question: a Rule, and the same as an Action, puts user_metadata into the ID token of a
// login by SMS code. With a Rule that sends the browser elsewhere first, too.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe } from 'node:test';
import { engines } from '../harness/engines.js';
import { SAME_SITE } from '../harness/layouts.js';
import { logIn } from '../harness/login.js';
import { scenario } from '../harness/scenario.js';
import { SDKS, newPhone } from '../harness/sdks.js';
import { openStage } from '../harness/stage.js';

const CLAIM = 'https://example.com/user_metadata';
const RULE = `function (user, context, callback) {
  const namespace = 'https://example.com/';
  context.idToken[namespace + 'user_metadata'] = user.user_metadata || {};
  context.idToken[namespace + 'name'] = _.upperFirst(user.name) + ' at ' + context.clientName;
  callback(null, user, context);
}`;
const ACTION = `const { createHash } = require('crypto');
exports.onExecutePostLogin = async (event, api) => {
  api.idToken.setCustomClaim('${CLAIM}', event.user.user_metadata);
  api.idToken.setCustomClaim('https://example.com/digest', createHash('sha256').update('a').digest('hex'));
};`;

for (const engine of engines()) {
  describe(`scripts, ${engine.name}`, () => {
    let stage;
    before(async () => {
      stage = await openStage(engine, SAME_SITE);
    });
    after(() => stage?.close());
    afterEach(() => withoutScripts(stage.gatewright.management));

    for (const sdk of SDKS) {
      scenario(`${sdk.name}: a rule adds a claim`, () => stage, async ({ page, stage: open }) => {
        const { management } = open.gatewright;
        const phone = newPhone();
        const first = await logIn(page, open, sdk, { scope: 'openid profile' }, phone);
        assert.equal(CLAIM in first.idToken, false);
        await remember(management, first.idToken.sub, { theme: 'dark' });
        const tab = await startOver(page);
        await management('POST', 'rules', { name: 'Metadata', script: RULE });
        const second = await logIn(tab, open, sdk, { scope: 'openid profile' }, phone);
        assert.deepEqual(second.idToken[CLAIM], { theme: 'dark' });
        assert.equal(second.idToken['https://example.com/name'], `${phone.e164} at SDK test app`);
      });

      scenario(`${sdk.name}: an action adds a claim`, () => stage, async ({ page, stage: open }) => {
        const { management } = open.gatewright;
        const phone = newPhone();
        const first = await logIn(page, open, sdk, { scope: 'openid profile' }, phone);
        await remember(management, first.idToken.sub, { theme: 'light' });
        const tab = await startOver(page);
        const action = await management('POST', 'actions/actions', {
          name: 'Metadata',
          supported_triggers: [{ id: 'post-login', version: 'v3' }],
          code: ACTION,
        });
        await management('POST', `actions/actions/${action.id}/deploy`);
        await management('PATCH', 'actions/triggers/post-login/bindings', {
          bindings: [{ ref: { type: 'action_id', value: action.id } }],
        });
        const second = await logIn(tab, open, sdk, { scope: 'openid profile' }, phone);
        assert.deepEqual(second.idToken[CLAIM], { theme: 'light' });
        assert.match(second.idToken['https://example.com/digest'], /^ca978112ca1bbdca/);
      });
    }
  });
}

/** A new tab of a browser that has forgotten its session, so that the next login asks again. */
async function startOver(page) {
  await page.context().clearCookies();
  return page.context().newPage();
}

async function remember(management, userId, metadata) {
  await management('PATCH', `users/${encodeURIComponent(userId)}`, { user_metadata: metadata });
}

/** Leaves the tenant without scripts for the next scenario. */
async function withoutScripts(management) {
  for (const rule of await management('GET', 'rules')) await management('DELETE', `rules/${rule.id}`);
  await management('PATCH', 'actions/triggers/post-login/bindings', { bindings: [] });
  const { actions } = await management('GET', 'actions/actions');
  for (const action of actions) await management('DELETE', `actions/actions/${action.id}`);
}
