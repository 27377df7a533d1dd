/* {"kind": "rule", "secrets": {"LICENSE": "abc"},
    "answers": [{"url": "https://fraud.example.com/score", "body": "riskScore=0.9;country=AU"}],
    "expect": {"error": {"message": "Too risky"}, "console": ["*"]}} */
function (user, context, callback) {
  const querystring = require('querystring');
  const request = require('request');
  const crypto = require('crypto');
  const form = {
    i: context.request.ip,
    license_key: configuration.LICENSE,
    emailMD5: crypto.createHash('md5').update(user.email).digest('hex')
  };
  request.post('https://fraud.example.com/score', { form: form, timeout: 3000 }, (err, res, body) => {
    if (!err && res.statusCode === 200) {
      const result = querystring.parse(body, ';');
      console.log(`score: ${JSON.stringify(result, null, 2)}`);
      if (result.riskScore && result.riskScore * 100 > 20) {
        return callback(new UnauthorizedError('Too risky'));
      }
    }
    return callback(null, user, context);
  });
}
