// The global `auth0` of rules: changes of a user's metadata, made by the server itself.

const { call } = machine;

function update(name) {
  return (userId, metadata, callback) => {
    const done = call(name, { __proto__: null, user_id: String(userId), metadata });
    if (typeof callback === 'function') {
      done.then((user) => callback(null, user), (error) => callback(error));
      return undefined;
    }
    return done;
  };
}

const { domain, baseUrl, accessToken } = machine.auth0;

module.exports = {
  accessToken,
  domain,
  baseUrl,
  users: {
    updateUserMetadata: update('users.updateUserMetadata'),
    updateAppMetadata: update('users.updateAppMetadata'),
  },
};
