/* {"kind": "rule", "user": {"user_metadata": null},
    "expect": {"context": {"idToken": {"https://example.com/color": "blue"}},
      "calls": [{"name": "users.updateUserMetadata", "args": {"user_id": "auth0|1", "metadata": {"color": "blue"}}}]}} */
function (user, context, callback) {
  user.user_metadata = user.user_metadata || {};
  user.user_metadata.color = user.user_metadata.color || 'blue';
  context.idToken['https://example.com/color'] = user.user_metadata.color;
  auth0.users.updateUserMetadata(user.user_id, user.user_metadata)
    .then(function () { callback(null, user, context); })
    .catch(function (err) { callback(err); });
}
