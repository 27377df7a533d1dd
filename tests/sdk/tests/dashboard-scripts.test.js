// Actions and rules in the dashboard: written, tried, deployed, bound and deleted.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { dashboard } from '../harness/dashboard.js';

dashboard('dashboard scripts', (stage) => {
  const { at, fill, press, heading, says } = stage;

  test('an action is written, tried, given a secret, deployed and bound', async () => {
    const { page, gatewright, admin } = stage;
    const name = `add-tea-${randomUUID().slice(0, 8)}`;
    await page.goto(at('/actions/new'));
    await press('Create action');
    assert.equal(await page.locator('.wrong').getAttribute('data-name'), 'name');
    await fill({ Name: name, Code: 'exports.onExecutePostLogin = async (event, api) => { api.nonsense(); };' });
    await press('Create action');
    await heading(name);
    await page.getByRole('link', { name: 'Test run' }).click();
    await press('Run');
    await page.getByRole('heading', { name: 'It failed' }).waitFor();
    await page.getByRole('link', { name: 'Draft', exact: true }).click();
    await fill({ Code: `exports.onExecutePostLogin = async (event, api) => {
    api.idToken.setCustomClaim("https://tea.example/hobby", event.secrets.HOBBY ?? "none");
  };` });
    await press('Save draft');
    await says(/Saved/);
    await page.getByRole('link', { name: 'Secrets', exact: true }).click();
    await fill({ Name: 'HOBBY', Value: 'surfing' });
    await press('Set secret');
    await says(/HOBBY/);
    await page.getByRole('link', { name: 'Test run' }).click();
    await press('Run');
    await page.getByRole('heading', { name: 'It ran' }).waitFor();
    await says(/tea\.example\/hobby/);
    await page.getByRole('link', { name: 'Versions and deploy' }).click();
    await press('Deploy');
    await says(/Version 1\s+deployed/);
    await page.goto(at('/triggers'));
    await fill({ 'Names of actions': 'no such action' });
    await press('Save order');
    await page.locator('#order .error').waitFor();
    await fill({ 'Names of actions': name });
    await press('Save order');
    await says(/runs, number 1/);

    // A login in the playground has the claim, and says which action it comes from.
    await page.goto(at('/playground?client_id=gatewright-playground&scope=openid&response_type=code&connection=Username-Password-Authentication&prompt=login'));
    await press('Run it');
    await page.locator('input[name="username"]').fill(admin.email);
    await page.locator('input[name="password"]').fill(admin.password);
    await page.locator('button[name="action"][value="default"]').click();
    await heading('What came back');
    const claim = page.locator('section.claims tr', { hasText: 'https://tea.example/hobby' }).first();
    assert.match(await claim.innerText(), new RegExp(`surfing\\s+Action ${name}, line \\d+`));

    await page.goto(at('/triggers'));
    await fill({ 'Names of actions': '' });
    await press('Save order');
    await says(/not bound/);
    await page.getByRole('link', { name: name }).click();
    await page.getByRole('link', { name: 'Delete action…' }).click();
    await page.locator('#name').fill(name);
    await press('Delete action');
    await says(/Deleted/);
  });

  test('a rule is made, switched off and deleted', async () => {
    const { page, gatewright, context } = stage;
    await page.goto(at('/rules/new'));
    await fill({ Name: 'tea rule', Script: 'function (user, context, callback) { callback(null, user, context); }' });
    await press('Create rule');
    await heading('tea rule');
    await page.getByLabel('Runs').uncheck();
    await press('Save rule');
    await says(/Saved/);
    const [rule] = await gatewright.management('GET', 'rules');
    assert.equal(rule.enabled, false);
    await page.goto(at(`/rules/${rule.id}/delete`));
    await page.locator('#name').fill('tea rule');
    await press('Delete rule');
    await says(/Deleted/);
  });

  test('a setting of rules is set, refused and removed, and never shown', async () => {
    const { page, gatewright } = stage;
    await page.goto(at('/rule-settings'));
    await fill({ Key: 'no key!', Value: 'surfing' });
    await press('Set value');
    await page.locator('#set .error').waitFor();
    await fill({ Key: 'HOBBY', Value: 'surfing' });
    await press('Set value');
    await says(/Saved[\s\S]*HOBBY/);
    assert.ok(!(await page.content()).includes('surfing'));
    assert.deepEqual(await gatewright.management('GET', 'rules-configs'), [{ key: 'HOBBY' }]);
    await page.getByRole('button', { name: 'Remove HOBBY' }).click();
    await says(/Removed[\s\S]*No values/);
  });
});
