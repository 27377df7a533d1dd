// api.notification

const { text } = lib('api/checks');

module.exports = ({ api, command }) => {
  const end = (method) => (reason) => {
    command(`notification.${method}`, { __proto__: null, reason: text(reason, 'The reason') });
    return api;
  };
  return { drop: end('drop'), retry: end('retry') };
};
