/* {"kind": "rule", "secrets": {"RISK_KEY": "r"},
    "answers": [{"url": "https://risk.example.com/score", "status": 503, "body": {"error": "later"}}],
    "expect": {"console": ["risk: 503"]}} */
async function (user, context, callback) {
  const axios = require('axios@0.21.1');
  try {
    const answer = await axios.post('https://risk.example.com/score', { email: user.email }, {
      headers: { authorization: configuration.RISK_KEY }
    });
    if (answer.data.score > 90) return callback(new UnauthorizedError('Too risky'));
  } catch (error) {
    console.log('risk: ' + error.response.status);
  }
  return callback(null, user, context);
}
