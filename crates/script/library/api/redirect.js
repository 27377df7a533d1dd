// api.redirect

const { object } = lib('api/checks');

// Protocols in which no browser is there to be sent anywhere.
const WITHOUT_BROWSER = [
  'oauth2-password', 'oauth2-refresh-token', 'oauth2-resource-owner', 'oauth2-resource-owner-jwt-bearer',
  'oauth2-device-code', 'oauth2-access-token', 'oauth2-token-exchange', 'oidc-ciba', 'delegation',
  'wstrust-usernamemixed',
];

module.exports = ({ api, command, event, redirect }) => ({
  canRedirect() {
    const { transaction } = event;
    if (transaction === undefined || transaction === null) return false;
    if ((transaction.prompt ?? []).includes('none')) return false;
    return !WITHOUT_BROWSER.includes(transaction.protocol);
  },
  sendUserTo(url, options) {
    command('redirect.sendUserTo', { __proto__: null, url: lib('api/address')(url, options) });
    return api;
  },
  encodeToken: (options) => lib('api/redirect-token').encode(object(options, 'options'), event, redirect),
  validateToken: (options) => lib('api/redirect-token').validate(object(options, 'options'), event, redirect),
});
