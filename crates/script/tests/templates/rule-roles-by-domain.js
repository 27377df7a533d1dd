/* {"kind": "rule", "expect": {"context": {"idToken": {"https://example.com/roles": ["admin"]}},
      "calls": [{"name": "users.updateAppMetadata", "args": {"metadata": {"roles": ["admin"]}}}]}} */
function (user, context, callback) {
  if (!user.email || !user.email_verified) return callback(null, user, context);
  user.app_metadata = user.app_metadata || {};
  const staff = _.endsWith(user.email, '@example.com');
  user.app_metadata.roles = staff ? ['admin'] : ['user'];
  auth0.users.updateAppMetadata(user.user_id, user.app_metadata)
    .then(function () {
      context.idToken['https://example.com/roles'] = user.app_metadata.roles;
      callback(null, user, context);
    })
    .catch(callback);
}
