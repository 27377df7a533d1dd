/* {"kind": "rule", "secrets": {"KEY": "key", "SECRET": "secret"},
    "context": {"request": {"query": {"channel": "c", "socket_id": "1.2"}}},
    "expect": {"context": {"idToken": {"https://example.com/auth": "key:f715171df05ef09b9d96f1b0fdc4183bb2d1e47386a8a2208159a356684d1a8b"}}}} */
function (user, context, callback) {
  const crypto = require('crypto');
  const query = context.request.query;
  if (query.channel && query.socket_id) {
    const text = query.socket_id + ':' + query.channel;
    const signed = crypto.createHmac('sha256', configuration.SECRET).update(text).digest('hex');
    context.idToken['https://example.com/auth'] = configuration.KEY + ':' + signed;
  }
  callback(null, user, context);
}
