import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { refused } from './expectations.js';

const { NotFoundError } = Management;
const font = { bold: false, size: 100 };
const INKS = ['body_text', 'error', 'header', 'icons', 'input_background', 'input_border', 'input_filled_text',
  'input_labels_placeholders', 'links_focused_components', 'primary_button_label', 'secondary_button_border',
  'secondary_button_label', 'success', 'widget_background', 'widget_border'];

/** A whole theme, as the API wants it. */
function theme(primary) {
  return {
    borders: { button_border_radius: 3, button_border_weight: 1, buttons_style: 'rounded', input_border_radius: 3,
      input_border_weight: 1, inputs_style: 'rounded', show_widget_shadow: true, widget_border_weight: 0, widget_corner_radius: 5 },
    colors: { ...Object.fromEntries(INKS.map((name) => [name, '#334455'])), primary_button: primary },
    fonts: { body_text: font, buttons_text: font, font_url: '', input_labels: font, links: font, links_style: 'normal',
      reference_text_size: 16, subtitle: font, title: font },
    page_background: { background_color: '#ffffff', background_image_url: '', page_layout: 'center' },
    widget: { header_text_alignment: 'center', logo_height: 52, logo_position: 'center', logo_url: '', social_buttons_layout: 'bottom' },
  };
}

export default function look({ api }) {
  test('themes, page templates and partials', async () => {
    const { themes, templates } = api().branding;
    await assert.rejects(themes.getDefault(), refused(NotFoundError, 404, 'theme_not_found'));
    const { themeId } = await themes.create(theme('#0059d6'));
    const changed = await themes.update(themeId, theme('#d60059'));
    assert.equal(changed.colors.primary_button, '#d60059');
    assert.deepEqual(await themes.get(themeId), changed);
    assert.deepEqual(await themes.getDefault(), changed);
    await themes.delete(themeId);

    const template = '<html><head>{%- auth0:head -%}</head><body>{%- auth0:widget -%}</body></html>';
    await templates.updateUniversalLogin({ template });
    assert.deepEqual(await templates.getUniversalLogin(), { body: template });
    await templates.deleteUniversalLogin();
    await assert.rejects(templates.getUniversalLogin(), refused(NotFoundError, 404, 'inexistent_templates_universal_login'));

    const partials = { login: { 'form-content-start': '<p>Welcome</p>' } };
    await api().prompts.partials.set('login', partials);
    assert.deepEqual(await api().prompts.partials.get('login'), partials);
  });

  test('phone providers and templates', async () => {
    const { providers, templates } = api().branding.phone;
    const configuration = { sid: 'AC1', default_from: '+1', delivery_methods: ['text'] };
    const made = await providers.create({ name: 'twilio', configuration, credentials: { auth_token: 'hidden' } });
    assert.deepEqual([made.channel, made.credentials], ['phone', undefined]);
    const changed = await providers.update(made.id, { disabled: true });
    assert.deepEqual(await providers.get(made.id), changed);
    assert.deepEqual(await providers.list({ disabled: true }), { providers: [changed] });
    await providers.delete(made.id);

    const template = await templates.create({ type: 'otp_enroll', content: { body: { text: '{{ code }}' } } });
    await templates.update(template.id, { disabled: true });
    assert.equal((await templates.get(template.id)).disabled, true);
    assert.notEqual((await templates.reset(template.id)).content.body.text, '{{ code }}');
    assert.equal((await templates.list()).templates.length, 1);
    await templates.delete(template.id);
  });
}
