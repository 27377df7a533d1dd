/* {"kind": "rule", "user": {"last_password_reset": "2020-01-01T00:00:00.000Z"},
    "expect": {"error": {"name": "UnauthorizedError", "message": "Choose a new password"}}} */
function (user, context, callback) {
  const days = (from, to) => (to - from) / 86400000;
  const changed = user.last_password_reset || user.created_at;
  if (days(new Date(changed), new Date()) > 30) {
    return callback(new UnauthorizedError('Choose a new password'));
  }
  callback(null, user, context);
}
