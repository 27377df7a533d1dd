/* {"kind": "rule", "expect": {"context": {"accessToken": {"https://example.com/email": "ada@example.com"}}}} */
function (user, context, callback) {
  var namespace = 'https://example.com/';
  context.accessToken[namespace + 'email'] = user.email;
  return callback(null, user, context);
}
