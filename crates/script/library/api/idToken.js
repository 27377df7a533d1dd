// api.idToken

const { filled } = lib('api/checks');

module.exports = ({ api, command }) => ({
  setCustomClaim(name, value) {
    command('idToken.setCustomClaim', { __proto__: null, name: filled(name, 'The name'), value: value ?? null });
    return api;
  },
});
