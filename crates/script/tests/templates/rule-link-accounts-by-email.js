/* {"kind": "rule", "user": {"user_id": "google-oauth2|9"},
    "answers": [{"url": "https://tenant.example.com/api/v2/users-by-email?email=ada%40example.com", "body": [{"user_id": "auth0|1", "email_verified": true}, {"user_id": "google-oauth2|9"}]},
                {"url": "https://tenant.example.com/api/v2/users/auth0%7C1/identities", "status": 201, "body": []}],
    "expect": {"context": {"primaryUser": "auth0|1"}}} */
function (user, context, callback) {
  const request = require('request');
  if (!user.email || !user.email_verified) return callback(null, user, context);
  const headers = { Authorization: 'Bearer ' + auth0.accessToken };
  request({ url: auth0.baseUrl + '/users-by-email', headers: headers, qs: { email: user.email } }, (err, response, body) => {
    if (err) return callback(err);
    if (response.statusCode !== 200) return callback(new Error(body));
    const other = JSON.parse(body).find((known) => known.email_verified && known.user_id !== user.user_id);
    if (!other) return callback(null, user, context);
    const [provider, id] = user.user_id.split('|');
    request.post({
      url: auth0.baseUrl + '/users/' + encodeURIComponent(other.user_id) + '/identities',
      headers: headers,
      json: { provider: provider, user_id: id }
    }, (linkError, linked) => {
      if (linkError || linked.statusCode >= 400) return callback(linkError || new Error('Linking failed'));
      context.primaryUser = other.user_id;
      callback(null, user, context);
    });
  });
}
