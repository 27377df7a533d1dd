import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all } from './expectations.js';

export default function settings({ api }) {
  test('tenant settings, prompts and their texts, branding', async () => {
    const changed = await api().tenants.settings.update({ friendly_name: 'Acme', session_lifetime: 24 });
    assert.deepEqual([changed.friendly_name, changed.session_lifetime], ['Acme', 24]);
    assert.equal((await api().tenants.settings.get({ fields: 'friendly_name' })).friendly_name, 'Acme');

    await api().prompts.updateSettings({ identifier_first: true });
    assert.equal((await api().prompts.getSettings()).identifier_first, true);
    const texts = { login: { title: 'Acme' } };
    assert.deepEqual(await api().prompts.customText.get('login', 'en'), {});
    await api().prompts.customText.set('login', 'en', texts);
    assert.deepEqual(await api().prompts.customText.get('login', 'en'), texts);
    assert.deepEqual(await all(await api().prompts.rendering.list()), []);

    const look = await api().branding.update({ colors: { primary: '#0059d6' }, logo_url: 'https://acme.example/logo.png' });
    assert.equal(look.colors.primary, '#0059d6');
    assert.deepEqual(await api().branding.get(), look);
  });
}
