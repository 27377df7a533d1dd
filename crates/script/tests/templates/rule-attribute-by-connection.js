/* {"kind": "rule", "context": {"connection": "company.com"},
    "expect": {"context": {"idToken": {"https://example.com/vip": true}}}} */
function (user, context, callback) {
  if (context.connection === 'company.com') {
    context.idToken['https://example.com/vip'] = true;
  }
  callback(null, user, context);
}
