// api.multifactor

const { object, oneOf } = lib('api/checks');

module.exports = ({ api, command }) => ({
  enable(provider, options) {
    command('multifactor.enable', {
      __proto__: null,
      provider: oneOf(provider, ['any', 'guardian', 'google-authenticator', 'duo', 'none'], 'The provider'),
      options: object(options, 'options'),
    });
    return api;
  },
});
