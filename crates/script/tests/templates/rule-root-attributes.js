/* {"kind": "rule", "user": {"user_metadata": {"given_name": "Ada"}},
    "answers": [{"url": "https://tenant.example.com/api/v2/users/auth0%7C1", "body": {"user_id": "auth0|1", "given_name": "Ada"}}],
    "expect": {"user": {"given_name": "Ada", "user_metadata": {}}, "calls": [{"name": "fetch", "args": {"method": "PATCH"}}]}} */
function (user, context, callback) {
  var ManagementClient = require('auth0@2.9.1').ManagementClient;
  var management = new ManagementClient({ domain: auth0.domain, token: auth0.accessToken });
  if (!user.user_metadata || !user.user_metadata.given_name) return callback(null, user, context);
  var change = { given_name: user.user_metadata.given_name, user_metadata: { given_name: null } };
  management.updateUser({ id: user.user_id }, change, function (err, updated) {
    if (err) return callback(err);
    user.given_name = updated.given_name;
    delete user.user_metadata.given_name;
    callback(null, user, context);
  });
}
