/* {"kind": "rule", "context": {"request": {"query": {"acr_values": "http://schemas.openid.net/pape/policies/2007/06/multi-factor"}},
      "authentication": {"methods": [{"name": "pwd", "timestamp": 1}]}},
    "expect": {"context": {"multifactor": {"provider": "any"}}}} */
function (user, context, callback) {
  const wanted = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor';
  const methods = (context.authentication && context.authentication.methods) || [];
  if (context.request.query.acr_values === wanted && !methods.some((method) => method.name === 'mfa')) {
    context.multifactor = { provider: 'any', allowRememberBrowser: false };
  }
  callback(null, user, context);
}
