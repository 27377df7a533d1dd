// api.session

const { oneOf } = lib('api/checks');

module.exports = (tools) => ({
  ...lib('api/lifetimes')('session', tools),
  setCookieMode(mode) {
    tools.command('session.setCookieMode', {
      __proto__: null, mode: oneOf(mode, ['persistent', 'non-persistent'], 'The mode'),
    });
    return tools.api;
  },
});
