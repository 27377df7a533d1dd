/* {"kind": "rule", "user": {"picture": "https://s.gravatar.com/avatar/1?s=480&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fad.png"},
    "expect": {"user": {"picture": "https://s.gravatar.com/avatar/1?s=480&d=https%3A%2F%2Fexample.com%2Fmine.png"}}} */
function (user, context, callback) {
  if (user.picture.indexOf('cdn.auth0.com') > -1) {
    const url = require('url');
    const parts = url.parse(user.picture, true);
    parts.query.d = 'https://example.com/mine.png';
    delete parts.search;
    user.picture = url.format(parts);
  }
  callback(null, user, context);
}
