/* {"kind": "rule", "secrets": {"DESK_SECRET": "s"}, "expect": {"context": {"idToken": {"https://example.com/desk": "*"}}}} */
function (user, context, callback) {
  const jwt = require('jsonwebtoken');
  const uuid = require('uuid');
  const payload = { iat: Math.floor(new Date().getTime() / 1000), jti: uuid.v4(), email: user.email, external_id: user.user_id };
  context.idToken['https://example.com/desk'] =
    'https://desk.example.com/access/jwt?jwt=' + jwt.sign(payload, configuration.DESK_SECRET);
  callback(null, user, context);
}
