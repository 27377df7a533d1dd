/* {"kind": "rule", "user": {"secret_attribute": "x"}, "expect": {"user": {"secret_attribute": "<absent>"}}} */
function (user, context, callback) {
  const hidden = ['secret_attribute'];
  Object.keys(user).forEach(function (key) {
    if (hidden.indexOf(key) > -1) delete user[key];
  });
  callback(null, user, context);
}
