/* {"kind": "rule", "secrets": {"TOKEN": "t"}, "answers": [{"url": "https://events.example.com/track/?data=", "body": "1"}],
    "expect": {"calls": [{"name": "fetch", "args": {"method": "GET"}}]}} */
function (user, context, callback) {
  const request = require('request');
  const event = { event: 'Sign In', properties: { distinct_id: user.user_id, token: configuration.TOKEN } };
  const data = Buffer.from(JSON.stringify(event)).toString('base64');
  request.get({ url: 'https://events.example.com/track/', qs: { data: data } }, (err, res, body) => {
    callback(null, user, context);
  });
}
