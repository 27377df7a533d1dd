// @auth0/rule-utilities: redirects from rules, with a signed token of what the page shall know.

const jwt = lib('jsonwebtoken');

module.exports = function RuleUtilities(user, context, configuration) {
  const secret = () => {
    if (!configuration.SESSION_TOKEN_SECRET) throw new Error('Missing configuration key SESSION_TOKEN_SECRET');
    return configuration.SESSION_TOKEN_SECRET;
  };
  const query = () => context.request?.query ?? {};
  const body = () => context.request?.body ?? {};

  const utilities = {
    createSessionToken(payload = {}, options = {}) {
      const { expiresInSeconds = 300, ...more } = options;
      return jwt.sign({
        ...payload, ip: context.request?.ip, sub: user.user_id, iss: context.request?.hostname, ...more,
      }, secret(), { expiresIn: expiresInSeconds });
    },
    validateSessionToken(options = {}) {
      const { clockTolerance = 5, tokenParameterName = 'session_token' } = options;
      const token = query()[tokenParameterName] ?? body()[tokenParameterName];
      return jwt.verify(token, secret(), { clockTolerance, algorithms: ['HS256'] });
    },
    doRedirect(url, generateSessionToken = false, tokenPayload) {
      const target = new URL(url);
      if (generateSessionToken) target.searchParams.set('session_token', utilities.createSessionToken(tokenPayload));
      context.redirect = { url: target.href };
    },
    canRedirect() {
      const protocols = ['oauth2-resource-owner', 'oauth2-resource-owner-jwt-bearer', 'oauth2-password', 'oauth2-refresh-token'];
      return query().prompt !== 'none' && !protocols.includes(context.protocol) && !utilities.isRedirectCallback();
    },
    isRedirectCallback: () => context.protocol === 'redirect-callback',
    get queryParams() { return query(); },
  };
  return utilities;
};
