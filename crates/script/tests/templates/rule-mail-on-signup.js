/* {"kind": "rule", "secrets": {"MAIL_KEY": "m"}, "answers": [{"url": "https://mail.example.net/v3/messages", "body": "ok"}],
    "expect": {"calls": [{"name": "fetch", "args": {"method": "POST"}}, {"name": "users.updateAppMetadata", "args": {"metadata": {"signedUp": true}}}]}} */
function (user, context, callback) {
  user.app_metadata = user.app_metadata || {};
  if (user.app_metadata.signedUp) return callback(null, user, context);
  const request = require('request');
  request.post({
    url: 'https://mail.example.net/v3/messages',
    auth: { user: 'api', pass: configuration.MAIL_KEY },
    form: { to: 'admin@example.com', subject: 'A new user', text: 'It is ' + user.email + '.' }
  }, function (err, response, body) {
    if (err) return callback(err);
    if (response.statusCode !== 200) return callback(new Error('Invalid operation'));
    user.app_metadata.signedUp = true;
    auth0.users.updateAppMetadata(user.user_id, user.app_metadata)
      .then(function () { callback(null, user, context); })
      .catch(function (err) { callback(err); });
  });
}
