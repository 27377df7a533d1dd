import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pick } from './expectations.js';

export default function protection({ api, withoutMethod }) {
  test('attack protection', async () => {
    const { botDetection, breachedPasswordDetection, bruteForceProtection, captcha, suspiciousIpThrottling } = api().attackProtection;
    for (const [resource, change] of [
      [bruteForceProtection, { mode: 'count_per_identifier', max_attempts: 5, allowlist: ['203.0.113.7'] }],
      [suspiciousIpThrottling, { enabled: true, shields: ['block'], stage: { 'pre-login': { max_attempts: 50, rate: 864_000 } } }],
      [breachedPasswordDetection, { enabled: false, method: 'standard', shields: ['block'] }],
      [botDetection, { bot_detection_level: 'high', allowlist: ['203.0.113.7'] }],
      [captcha, { active_provider_id: 'hcaptcha', hcaptcha: { site_key: 'site', secret: 'secret' } }],
    ]) {
      const changed = await resource.update(change);
      const read = await resource.get();
      assert.deepEqual(changed, read);
      const [first] = Object.keys(change);
      assert.deepEqual(read[first], change[first]);
    }
    assert.equal((await captcha.get()).hcaptcha.secret, undefined);
  });

  test('settings of multi-factor authentication', async () => {
    const { factors, policies } = api().guardian;
    await factors.set('otp', { enabled: true });
    assert.ok((await factors.list()).some(({ name, enabled }) => name === 'otp' && enabled));
    assert.deepEqual(await policies.set(['all-applications']), ['all-applications']);
    assert.deepEqual(await policies.list(), ['all-applications']);
    await policies.set([]);

    const { duo, phone, pushNotification, sms } = factors;
    const key = { ikey: 'key', skey: 'a secret', host: 'duo.example' };
    await duo.settings.set(key);
    await duo.settings.update({ host: 'api.duo.example' });
    assert.equal((await duo.settings.get()).host, 'api.duo.example');

    const messages = { enrollment_message: 'Your code is {{code}}', verification_message: '{{code}} is your code' };
    const twilio = { from: '+15550100', sid: 'AC1', auth_token: 'a secret' };
    await phone.setMessageTypes({ message_types: ['sms', 'voice'] });
    assert.deepEqual((await phone.getMessageTypes()).message_types, ['sms', 'voice']);
    for (const one of [phone, sms]) {
      await one.setTwilioProvider(twilio);
      assert.deepEqual(pick(await one.getTwilioProvider(), 'from', 'sid'), { from: '+15550100', sid: 'AC1' });
      await one.setProvider({ provider: 'twilio' });
      assert.equal((await one.getSelectedProvider()).provider, 'twilio');
      await one.setTemplates(messages);
      assert.deepEqual(await one.getTemplates(), messages);
    }

    const sns = { aws_access_key_id: 'id', aws_secret_access_key: 'a secret', aws_region: 'eu-west-1' };
    await pushNotification.setSnsProvider(sns);
    await pushNotification.updateSnsProvider({ aws_region: 'us-east-1' });
    assert.equal((await pushNotification.getSnsProvider()).aws_region, 'us-east-1');
    await pushNotification.setApnsProvider({ sandbox: true, bundle_id: 'com.example', p12: 'AA==' });
    await pushNotification.updateApnsProvider({ bundle_id: 'com.example.app' });
    assert.equal((await pushNotification.getApnsProvider()).bundle_id, 'com.example.app');
    await pushNotification.setFcmProvider({ server_key: 'a secret' });
    await pushNotification.updateFcmProvider({ server_key: 'another' });
    await pushNotification.setFcmv1Provider({ server_credentials: '{}' });
    await pushNotification.updateFcmv1Provider({ server_credentials: '{"type":"service_account"}' });
    await pushNotification.setProvider({ provider: 'sns' });
    assert.equal((await pushNotification.getSelectedProvider()).provider, 'sns');
  });

  test('settings of security keys and of the push application, for which the client has no methods', async () => {
    const application = { app_name: 'Acme', apple_app_link: 'https://apps.example/apple', google_app_link: 'https://apps.example/google' };
    await withoutMethod('PATCH', 'prompts/mfa-push', application);
    assert.deepEqual(await withoutMethod('GET', 'prompts/mfa-push'), application);
    const roaming = { userVerification: 'required', overrideRelyingParty: true, relyingPartyIdentifier: 'login.example' };
    for (const [kind, settings] of [['webauthn-roaming', roaming], ['webauthn-platform', pick(roaming, 'overrideRelyingParty', 'relyingPartyIdentifier')]]) {
      const path = `guardian/factors/${kind}/settings`;
      await withoutMethod('PUT', path, settings);
      assert.deepEqual(await withoutMethod('GET', path), settings);
    }
  });
}
