/* {"kind": "rule", "user": {"groups": "staff"}, "expect": {"user": {"groups": ["staff"]}}} */
function (user, context, callback) {
  var wanted = 'staff';
  if (user.groups) {
    user.groups = typeof user.groups === 'string' ? [user.groups] : user.groups;
    if (!user.groups.some(function (group) { return group === wanted; })) {
      return callback(new UnauthorizedError('Not for you.'));
    }
  }
  callback(null, user, context);
}
