// What api.session and api.refreshToken have in common.

const { filled, moment, object, text } = lib('api/checks');

module.exports = (what, { api, command }) => {
  const give = (method, members) => {
    command(`${what}.${method}`, members);
    return api;
  };
  return {
    revoke: (reason, options) =>
      give('revoke', { __proto__: null, reason: text(reason, 'The reason'), options: object(options, 'options') }),
    setExpiresAt: (at) => give('setExpiresAt', { __proto__: null, at_ms: moment(at, 'The expiry') }),
    setIdleExpiresAt: (at) => give('setIdleExpiresAt', { __proto__: null, at_ms: moment(at, 'The expiry') }),
    setMetadata: (name, value) =>
      give('setMetadata', { __proto__: null, name: filled(name, 'The name'), value: value ?? null }),
    deleteMetadata: (name) => give('deleteMetadata', { __proto__: null, name: filled(name, 'The name') }),
    evictMetadata: () => give('evictMetadata', { __proto__: null }),
  };
};
