// @auth0/rule-utilities: redirects from rules, with a signed token of what the page shall know, and metadata of users.

const jwt = lib('jsonwebtoken');

// Flows without a page that could be left.
const WITHOUT_PAGE = ['oauth2-resource-owner', 'oauth2-resource-owner-jwt-bearer', 'oauth2-password', 'oauth2-refresh-token'];

class Auth0RedirectRuleUtilities {
  #user;
  #context;
  #secret;

  constructor(user, context, configuration) {
    if (!configuration || !configuration.SESSION_TOKEN_SECRET) {
      throw new Error('Missing required configuration: SESSION_TOKEN_SECRET');
    }
    this.#user = user;
    this.#context = context;
    this.#secret = configuration.SESSION_TOKEN_SECRET;
  }

  get queryParams() { return this.#context.request?.query ?? {}; }

  get isRedirectCallback() { return this.#context.protocol === 'redirect-callback'; }

  get canRedirect() {
    return this.queryParams.prompt !== 'none' && !WITHOUT_PAGE.includes(this.#context.protocol) && !this.isRedirectCallback;
  }

  createSessionToken(payload = {}, expiresIn = '3 days') {
    const { request } = this.#context;
    const claims = { ip: request?.ip, iss: request?.hostname, sub: this.#user.user_id, ...payload };
    return jwt.sign(claims, this.#secret, { expiresIn });
  }

  validateSessionToken() {
    const token = this.queryParams.session_token ?? this.#context.request?.body?.session_token;
    return jwt.verify(token, this.#secret, { algorithms: ['HS256'], subject: this.#user.user_id });
  }

  doRedirect(url, sessionToken) {
    if (!this.canRedirect) throw new Error('Redirects are not possible in this flow');
    const target = new URL(url);
    target.searchParams.set('session_token', sessionToken ?? this.createSessionToken());
    this.#context.redirect = { url: target.href };
  }
}

class Auth0UserUpdateUtilities {
  #user;
  #auth0;
  #namespace;

  constructor(user, auth0, namespace) {
    this.#user = user;
    this.#auth0 = auth0;
    this.#namespace = namespace;
    user.app_metadata = user.app_metadata || {};
    user.user_metadata = user.user_metadata || {};
  }

  #place(metadata) {
    if (!this.#namespace) return metadata;
    metadata[this.#namespace] = metadata[this.#namespace] || {};
    return metadata[this.#namespace];
  }

  getAppMeta(key) { return this.#place(this.#user.app_metadata)[key]; }

  getUserMeta(key) { return this.#place(this.#user.user_metadata)[key]; }

  setAppMeta(key, value) { this.#place(this.#user.app_metadata)[key] = value; }

  setUserMeta(key, value) { this.#place(this.#user.user_metadata)[key] = value; }

  updateAppMeta() { return this.#auth0.users.updateAppMetadata(this.#user.user_id, this.#user.app_metadata); }

  updateUserMeta() { return this.#auth0.users.updateUserMetadata(this.#user.user_id, this.#user.user_metadata); }
}

module.exports = { Auth0RedirectRuleUtilities, Auth0UserUpdateUtilities };
