import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Management } from 'auth0';
import { refused } from './expectations.js';

const { NotFoundError } = Management;

export default function messages({ api }) {
  test('e-mail provider and templates', async () => {
    await assert.rejects(api().emails.provider.get(), refused(NotFoundError, 404, 'inexistent_email_provider'));
    const credentials = { smtp_host: 'mail.example', smtp_port: 587, smtp_user: 'us', smtp_pass: 'secret' };
    const made = await api().emails.provider.create({ name: 'smtp', enabled: true, default_from_address: 'us@example.com', credentials });
    assert.equal(made.name, 'smtp');
    await api().emails.provider.update({ default_from_address: 'shop@example.com' });
    const read = await api().emails.provider.get({ fields: 'name,default_from_address', include_fields: true });
    assert.deepEqual(read, { name: 'smtp', default_from_address: 'shop@example.com' });
    await api().emails.provider.delete();

    const template = {
      template: 'reset_email',
      body: '<a href="{{ url }}">New password</a>',
      from: 'us@example.com',
      subject: 'New password',
      syntax: 'liquid',
      enabled: true,
    };
    assert.equal((await api().emailTemplates.create(template)).subject, template.subject);
    await api().emailTemplates.update('reset_email', { subject: 'Password' });
    assert.equal((await api().emailTemplates.get('reset_email')).subject, 'Password');
    assert.equal((await api().emailTemplates.set('reset_email', { ...template, subject: 'Whole' })).subject, 'Whole');
  });
}
