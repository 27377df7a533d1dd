// api.user

const { filled } = lib('api/checks');

module.exports = ({ api, command }) => {
  const set = (method) => (name, value) => {
    command(`user.${method}`, { __proto__: null, name: filled(name, 'The name'), value: value ?? null });
    return api;
  };
  return { setUserMetadata: set('setUserMetadata'), setAppMetadata: set('setAppMetadata') };
};
