// api.accessToken

const { filled } = lib('api/checks');

module.exports = ({ api, command }) => ({
  setCustomClaim(name, value) {
    command('accessToken.setCustomClaim', { __proto__: null, name: filled(name, 'The name'), value: value ?? null });
    return api;
  },
  addScope(scope) {
    command('accessToken.addScope', { __proto__: null, scope: filled(scope, 'The scope') });
    return api;
  },
  removeScope(scope) {
    command('accessToken.removeScope', { __proto__: null, scope: filled(scope, 'The scope') });
    return api;
  },
});
