/* {"kind": "rule", "context": {"authentication": {"methods": [{"name": "mfa", "timestamp": 1}]}},
    "expect": {"context": {"multifactor": "<absent>"}}} */
function (user, context, callback) {
  let methods = [];
  if (context.authentication && Array.isArray(context.authentication.methods)) {
    methods = context.authentication.methods;
  }
  if (methods.find((method) => method.name === 'mfa')) return callback(null, user, context);
  context.multifactor = { provider: 'any', allowRememberBrowser: false };
  callback(null, user, context);
}
