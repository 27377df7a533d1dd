/* {"kind": "rule", "context": {"request": {"ip": "198.51.100.7"}},
    "expect": {"error": {"name": "Error", "message": "Access denied from this address."}}} */
function (user, context, callback) {
  const blocked = ['198.51.100.7'];
  if (blocked.some((ip) => context.request.ip === ip)) {
    return callback(new Error('Access denied from this address.'));
  }
  return callback(null, user, context);
}
