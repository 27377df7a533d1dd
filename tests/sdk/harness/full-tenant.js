// A tenant that holds something of everything that is built, with values that differ from the defaults.
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DATABASE } from './applications.js';
import { THEME } from './theme.js';

/** Fills a tenant through the Management API; `management` is that of `startGatewright`. */
export async function fillTenant(management) {
  for (const part of PARTS) await part(management);
}

/** The key of the client that has one. */
export const PUBLIC_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });

async function apis(management) {
  await management('POST', 'resource-servers', {
    identifier: 'https://orders.example/',
    name: 'Orders of the shop',
    scopes: [
      { value: 'read:orders', description: 'Read orders' },
      { value: 'write:orders', description: 'Write orders' },
    ],
    signing_alg: 'RS256',
    token_lifetime: 3600,
    token_lifetime_for_web: 1800,
    allow_offline_access: true,
    skip_consent_for_verifiable_first_party_clients: true,
    enforce_policies: true,
    token_dialect: 'access_token_authz',
  });
  await management('POST', 'resource-servers', { identifier: 'urn:stock', name: 'Stock' });
}

async function clients(management) {
  await management('POST', 'clients', {
    name: 'Shop',
    description: 'Sells things',
    app_type: 'regular_web',
    logo_uri: 'https://shop.example/logo.png',
    callbacks: ['https://shop.example/callback', 'https://*.shop.example/callback'],
    allowed_logout_urls: ['https://shop.example/'],
    allowed_origins: ['https://shop.example'],
    web_origins: ['https://shop.example'],
    initiate_login_uri: 'https://shop.example/login',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_basic',
    oidc_conformant: true,
    jwt_configuration: { alg: 'RS256', lifetime_in_seconds: 7200, secret_encoded: false },
    client_metadata: { team: 'shop', cost_centre: '42' },
    require_pushed_authorization_requests: true,
    refresh_token: {
      rotation_type: 'rotating',
      expiration_type: 'expiring',
      leeway: 10,
      token_lifetime: 86_400,
      idle_token_lifetime: 3600,
      infinite_token_lifetime: false,
      infinite_idle_token_lifetime: false,
    },
    oidc_logout: {
      backchannel_logout_urls: ['https://shop.example/backchannel'],
      backchannel_logout_initiators: { mode: 'custom', selected_initiators: ['rp-logout', 'idp-logout'] },
    },
  });
  await management('POST', 'clients', {
    name: 'Single page',
    app_type: 'spa',
    callbacks: ['https://spa.example/'],
    cross_origin_authentication: true,
    cross_origin_loc: 'https://spa.example/cross',
    token_endpoint_auth_method: 'none',
    oidc_conformant: true,
    jwt_configuration: { alg: 'RS256' },
  });
  await management('POST', 'clients', {
    name: 'Telephone',
    app_type: 'native',
    callbacks: ['com.example.app://callback'],
    native_social_login: { apple: { enabled: false }, facebook: { enabled: false } },
    mobile: { ios: { team_id: '9JA89QQLNQ', app_bundle_identifier: 'com.example.app' } },
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    oidc_conformant: true,
    jwt_configuration: { alg: 'RS256' },
  });
  const machine = await management('POST', 'clients', {
    name: 'Machine',
    app_type: 'non_interactive',
    grant_types: ['client_credentials'],
    oidc_conformant: true,
    jwt_configuration: { alg: 'RS256' },
  });
  await management('POST', 'client-grants', {
    client_id: machine.client_id,
    audience: 'https://orders.example/',
    scope: ['read:orders', 'write:orders'],
  });
  await management('POST', 'clients', {
    name: 'Machine with a key',
    app_type: 'non_interactive',
    grant_types: ['client_credentials'],
    oidc_conformant: true,
    jwt_configuration: { alg: 'RS256' },
    client_authentication_methods: {
      private_key_jwt: {
        credentials: [{ credential_type: 'public_key', name: 'first', alg: 'RS256', pem: PUBLIC_KEY }],
      },
    },
  });
  const { clients: [all] } = await management('GET', 'clients?is_global=true&include_totals=true');
  await management('PATCH', `clients/${all.client_id}`, {
    custom_login_page: '<html><body>Log in</body></html>',
    custom_login_page_on: true,
  });
}

async function connections(management) {
  const list = await management('GET', 'clients?fields=client_id,name');
  const id = (name) => list.find((client) => client.name === name).client_id;
  await management('POST', 'connections', {
    name: 'customers',
    strategy: 'auth0',
    display_name: 'Customers',
    enabled_clients: [id('Shop'), id('Single page')],
    realms: ['customers', 'shoppers'],
    metadata: { owner: 'shop' },
    options: {
      passwordPolicy: 'excellent',
      password_complexity_options: { min_length: 12 },
      password_history: { enable: true, size: 5 },
      password_no_personal_info: { enable: true },
      password_dictionary: { enable: true, dictionary: ['gatewright'] },
      requires_username: true,
      validation: { username: { min: 3, max: 20 } },
      brute_force_protection: true,
      disable_signup: true,
    },
  });
  await management('POST', 'connections', {
    name: 'partners',
    strategy: 'oidc',
    display_name: 'Partners',
    enabled_clients: [id('Shop')],
    options: {
      type: 'back_channel',
      discovery_url: 'https://login.partner.example/.well-known/openid-configuration',
      issuer: 'https://login.partner.example/',
      authorization_endpoint: 'https://login.partner.example/authorize',
      token_endpoint: 'https://login.partner.example/token',
      jwks_uri: 'https://login.partner.example/jwks',
      client_id: 'partner-client',
      client_secret: 'partner-secret',
      scope: 'openid profile email',
      attribute_map: { mapping_mode: 'basic_profile', attributes: {} },
      connection_settings: { pkce: 'auto' },
      set_user_root_attributes: 'on_each_login',
    },
  });
  await management('POST', 'connections', {
    name: 'google-oauth2',
    strategy: 'google-oauth2',
    enabled_clients: [id('Single page')],
    options: { client_id: 'google-client', client_secret: 'google-secret', scope: ['email', 'profile'], email: true, profile: true },
  });
  await management('POST', 'connections', {
    name: 'staff',
    strategy: 'samlp',
    options: {
      signInEndpoint: 'https://saml.example/login',
      signingCert: Buffer.from('a certificate').toString('base64'),
      signatureAlgorithm: 'rsa-sha256',
      digestAlgorithm: 'sha256',
      fieldsMap: { email: 'mail' },
      tenant_domain: 'saml.example',
      domain_aliases: ['example.org'],
    },
  });
  const [database] = await management('GET', `connections?name=${DATABASE}`);
  await management('PATCH', `connections/${database.id}`, {
    options: { ...database.options, passwordPolicy: 'fair' },
    enabled_clients: [...database.enabled_clients, id('Shop')],
  });
  for (const [name, own] of [
    ['sms', { template: 'Code: @@password@@', from: '+15550100', syntax: 'md_with_macros', totp: { length: 8, time_step: 300 } }],
    ['email', { email: { from: 'shop@example.com', subject: 'Your code', body: '<p>{{ code }}</p>', syntax: 'liquid' } }],
  ]) {
    const [connection] = await management('GET', `connections?name=${name}`);
    await management('PATCH', `connections/${connection.id}`, { options: { ...connection.options, ...own } });
  }
}

async function roles(management) {
  const role = await management('POST', 'roles', { name: 'Clerk', description: 'Handles orders' });
  await management('POST', `roles/${role.id}/permissions`, {
    permissions: ['read:orders', 'write:orders'].map((permission_name) => ({
      resource_server_identifier: 'https://orders.example/',
      permission_name,
    })),
  });
  await management('POST', 'roles', { name: 'Visitor', description: 'Looks around' });
}

async function messages(management) {
  await management('POST', 'emails/provider', {
    name: 'smtp',
    enabled: true,
    default_from_address: 'shop@example.com',
    credentials: { smtp_host: 'mail.example', smtp_port: 587, smtp_user: 'shop', smtp_pass: 'mail-secret' },
  });
  for (const [template, subject] of [['verify_email', 'Is it you?'], ['reset_email', 'A new password'], ['welcome_email', 'Hello']]) {
    await management('POST', 'email-templates', {
      template,
      subject,
      from: 'shop@example.com',
      body: `<p>${subject} <a href="{{ url }}">here</a></p>\n`,
      syntax: 'liquid',
      enabled: true,
      resultUrl: 'https://shop.example/done',
      urlLifetimeInSeconds: 3600,
    });
  }
}

async function looks(management) {
  await management('PATCH', 'branding', {
    colors: { primary: '#123456', page_background: '#fedcba' },
    logo_url: 'https://shop.example/logo.png',
    favicon_url: 'https://shop.example/favicon.ico',
    font: { url: 'https://shop.example/font.woff2' },
  });
  await management('PATCH', 'prompts', { universal_login_experience: 'new', identifier_first: true });
  await management('PUT', 'prompts/login/custom-text/en', { login: { title: 'Shop', description: 'Log in to the shop' } });
  await management('PUT', 'prompts/login/custom-text/de', { login: { title: 'Laden' } });
  await management('PUT', 'prompts/login/partials', { login: { 'form-content-start': '<p>Welcome</p>' } });
  await management('POST', 'branding/themes', THEME);
  await management('POST', 'branding/phone/templates', {
    type: 'otp_verify',
    content: { from: '+15550100', body: { text: 'Code: {{code}}', voice: 'Code {{code}}' } },
  });
}

async function settings(management) {
  await management('PATCH', 'tenants/settings', {
    friendly_name: 'The shop',
    picture_url: 'https://shop.example/logo.png',
    support_email: 'help@shop.example',
    support_url: 'https://shop.example/help',
    enabled_locales: ['en', 'de'],
    session_lifetime: 240,
    idle_session_lifetime: 24,
    default_redirection_uri: 'https://shop.example/',
    allowed_logout_urls: ['https://shop.example/bye'],
    session_cookie: { mode: 'non-persistent' },
    flags: { revoke_refresh_token_grant: true },
    change_password: { enabled: true, html: '<html><body>New password</body></html>' },
    guardian_mfa_page: { enabled: true, html: '<html><body>Second factor</body></html>' },
    error_page: { html: '<html><body>Sorry</body></html>', show_log_link: false, url: 'https://shop.example/error' },
    device_flow: { charset: 'digits', mask: '***-***-***' },
  });
}

async function extensibility(management) {
  const action = async (name, trigger, code) => {
    const { id } = await management('POST', 'actions/actions', {
      name,
      supported_triggers: [trigger],
      code,
      runtime: 'node22',
      dependencies: [{ name: 'lodash', version: '4.17.21' }],
      secrets: [{ name: 'KEY', value: 'a secret' }],
    });
    for (let tries = 0; (await management('GET', `actions/actions/${id}`)).status !== 'built'; tries += 1) {
      if (tries === 100) throw new Error(`${name} is never built`);
      await pause(100);
    }
    await management('POST', `actions/actions/${id}/deploy`);
    return { ref: { type: 'action_id', value: id }, display_name: name };
  };
  const afterLogin = { id: 'post-login', version: 'v3' };
  const bindings = [
    await action('second', afterLogin, 'exports.onExecutePostLogin = async (event, api) => {};\n'),
    await action('first', afterLogin, 'exports.onExecutePostLogin = async (event, api) => {};\n'),
  ];
  await management('PATCH', 'actions/triggers/post-login/bindings', { bindings });
  await action('lone', { id: 'credentials-exchange', version: 'v2' }, 'exports.onExecuteCredentialsExchange = async () => {};\n');

  for (const [order, name] of ['one', 'two'].entries()) {
    const script = `function ${name}(user, context, callback) { callback(null, user, context); }\n`;
    await management('POST', 'rules', { name, script, order: order + 1, enabled: order === 0 });
  }
  await management('PUT', 'rules-configs/RULES_KEY', { value: 'a secret' });
  const hook = await management('POST', 'hooks', {
    name: 'count',
    triggerId: 'credentials-exchange',
    script: 'module.exports = function (client, scope, audience, context, callback) { callback(); };\n',
    enabled: true,
  });
  await management('POST', `hooks/${hook.id}/secrets`, { HOOK_KEY: 'a secret' });
  await management('POST', 'log-streams', {
    name: 'to our log',
    type: 'http',
    sink: {
      httpEndpoint: 'https://logs.example/',
      httpContentType: 'application/json',
      httpContentFormat: 'JSONLINES',
      httpAuthorization: 'a secret',
    },
    filters: [{ type: 'category', name: 'auth.login.fail' }],
  });
}

async function protection(management) {
  const part = (name, body) => management('PATCH', `attack-protection/${name}`, body);
  await part('brute-force-protection', { mode: 'count_per_identifier', max_attempts: 7, allowlist: ['203.0.113.7'] });
  await part('suspicious-ip-throttling', { enabled: true, shields: ['block'], stage: { 'pre-login': { max_attempts: 50, rate: 864_000 } } });
  await part('breached-password-detection', { enabled: false, method: 'standard', shields: ['block'] });
  await part('bot-detection', { bot_detection_level: 'high', allowlist: ['203.0.113.7'] });
  await part('captcha', { active_provider_id: 'hcaptcha', hcaptcha: { site_key: 'site', secret: 'a secret' } });

  await management('PUT', 'guardian/factors/otp', { enabled: true });
  await management('PUT', 'guardian/factors/sms', { enabled: true });
  await management('PUT', 'guardian/policies', ['all-applications']);
  await management('PUT', 'guardian/factors/phone/selected-provider', { provider: 'twilio' });
  await management('PUT', 'guardian/factors/phone/message-types', { message_types: ['sms', 'voice'] });
  await management('PUT', 'guardian/factors/sms/templates', {
    enrollment_message: '{{code}} enrolls you',
    verification_message: '{{code}} is your code',
  });
}

const PARTS = [apis, clients, connections, roles, messages, looks, settings, extensibility, protection];
