/* {"kind": "rule", "answers": [{"url": "https://lists.example.com/allowed.txt", "body": "bob@example.com\nada@example.com"}],
    "expect": {"calls": [{"name": "fetch", "args": {"method": "GET", "url": "https://lists.example.com/allowed.txt"}}]}} */
function (user, context, callback) {
  const request = require('request');
  if (!user.email || !user.email_verified) return callback(new UnauthorizedError('Access denied.'));
  request.get({ url: 'https://lists.example.com/allowed.txt' }, (err, response, body) => {
    if (err) return callback(err);
    const allowed = body.split('\n').some((line) => line === user.email);
    return allowed ? callback(null, user, context) : callback(new UnauthorizedError('Access denied.'));
  });
}
