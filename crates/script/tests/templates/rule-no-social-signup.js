/* {"kind": "rule", "context": {"connection": "google-oauth2", "connectionStrategy": "google-oauth2", "stats": {"loginsCount": 1}},
    "expect": {"error": {"message": "No sign-ups"},
      "calls": [{"name": "users.updateAppMetadata", "args": {"metadata": {"is_signup": true}}}]}} */
function (user, context, callback) {
  user.app_metadata = user.app_metadata || {};
  const social = context.connectionStrategy === context.connection;
  if (context.stats.loginsCount === 1 && social) {
    user.app_metadata.is_signup = true;
    auth0.users.updateAppMetadata(user.user_id, user.app_metadata)
      .then(() => callback(new Error('No sign-ups')))
      .catch((err) => callback(err));
    return;
  }
  if (user.app_metadata.is_signup) return callback(new Error('No sign-ups'));
  callback(null, user, context);
}
