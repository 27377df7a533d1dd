// api.accessToken

const { filled } = lib('api/checks');

module.exports = ({ api, commandOfLine }) => ({
  setCustomClaim(name, value) {
    commandOfLine('accessToken.setCustomClaim', { __proto__: null, name: filled(name, 'The name'), value: value ?? null });
    return api;
  },
  addScope(scope) {
    commandOfLine('accessToken.addScope', { __proto__: null, scope: filled(scope, 'The scope') });
    return api;
  },
  removeScope(scope) {
    commandOfLine('accessToken.removeScope', { __proto__: null, scope: filled(scope, 'The scope') });
    return api;
  },
});
