// api.idToken

const { filled } = lib('api/checks');

module.exports = ({ api, commandOfLine }) => ({
  setCustomClaim(name, value) {
    commandOfLine('idToken.setCustomClaim', { __proto__: null, name: filled(name, 'The name'), value: value ?? null });
    return api;
  },
});
