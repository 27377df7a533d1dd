/* {"kind": "rule", "user": {"email_verified": false},
    "expect": {"error": {"name": "UnauthorizedError", "message": "Please confirm your address first."}}} */
function (user, context, callback) {
  if (!user.email_verified) {
    return callback(new UnauthorizedError('Please confirm your address first.'));
  } else {
    return callback(null, user, context);
  }
}
