/* {"kind": "rule", "secrets": {"KEY": "k"},
    "answers": [{"url": "https://people.example.com/v2/person.json?email=ada%40example.com&apiKey=k", "body": {"fullName": "Ada L."}}],
    "expect": {"context": {"idToken": {"https://example.com/person": {"fullName": "Ada L."}}},
      "calls": [{"name": "fetch"}, {"name": "users.updateUserMetadata", "args": {"metadata": {"person": {"fullName": "Ada L."}}}}]}} */
function (user, context, callback) {
  const request = require('request');
  const options = {
    url: 'https://people.example.com/v2/person.json',
    qs: { email: user.email, apiKey: configuration.KEY },
    json: true
  };
  request(options, (error, response, body) => {
    if (error || response.statusCode !== 200) return callback(null, user, context);
    user.user_metadata = user.user_metadata || {};
    user.user_metadata.person = body;
    context.idToken['https://example.com/person'] = body;
    auth0.users.updateUserMetadata(user.user_id, user.user_metadata)
      .then(() => callback(null, user, context))
      .catch(callback);
  });
}
