/* {"kind": "rule", "secrets": {"API_SECRET": "c2VjcmV0", "API_ID": "the-api"},
    "expect": {"context": {"idToken": {"https://example.com/sub": "auth0|1", "https://example.com/aud": "the-api"}}}} */
function (user, context, callback) {
  const jwt = require('jsonwebtoken');
  const key = Buffer.from(configuration.API_SECRET, 'base64');
  const token = jwt.sign({ email: user.email }, key, {
    subject: user.user_id, expiresIn: '10h', audience: configuration.API_ID, issuer: 'https://example.com/'
  });
  const read = jwt.verify(token, key, { audience: configuration.API_ID });
  context.idToken['https://example.com/sub'] = read.sub;
  context.idToken['https://example.com/aud'] = read.aud;
  callback(null, user, context);
}
