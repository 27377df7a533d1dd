/* {"kind": "rule", "context": {"protocol": "oauth2-resource-owner"},
    "expect": {"error": {"name": "UnauthorizedError"}}} */
function (user, context, callback) {
  if (context.protocol === 'oauth2-resource-owner') {
    return callback(new UnauthorizedError('Use a browser.'));
  }
  callback(null, user, context);
}
