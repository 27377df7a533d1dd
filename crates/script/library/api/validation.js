// api.validation

const { filled, text } = lib('api/checks');

module.exports = ({ api, command }) => ({
  error(code, message) {
    command('validation.error', {
      __proto__: null, code: filled(code, 'The code'), message: text(message, 'The message'),
    });
    return api;
  },
});
