// api.prompt

const { filled, object } = lib('api/checks');

module.exports = ({ api, command }) => ({
  render(formId, options) {
    const given = object(options, 'options');
    command('prompt.render', { __proto__: null, form_id: filled(formId, 'The id of the form'), options: given });
    return api;
  },
});
