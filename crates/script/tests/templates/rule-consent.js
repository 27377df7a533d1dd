/* {"kind": "rule", "user": {"user_metadata": null},
    "expect": {"user": {"user_metadata": {"consentGiven": true}}, "calls": [{"name": "users.updateUserMetadata"}]}} */
function (user, context, callback) {
  user.user_metadata = user.user_metadata || {};
  if (user.user_metadata.consentGiven) return callback(null, user, context);
  user.user_metadata.consentGiven = true;
  user.user_metadata.consentTimestamp = Date.now();
  auth0.users.updateUserMetadata(user.user_id, user.user_metadata)
    .then(function () { callback(null, user, context); })
    .catch(function (err) { callback(err); });
}
