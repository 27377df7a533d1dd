/* {"kind": "rule", "context": {"request": {"query": {"audience_kind": "press"}}},
    "expect": {"context": {"idToken": {"https://example.com/kind": "press"}}}} */
function (user, context, callback) {
  if (context.request.query.audience_kind === 'press') {
    context.idToken['https://example.com/kind'] = 'press';
  }
  callback(null, user, context);
}
