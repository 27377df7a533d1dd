/* {"kind": "rule", "context": {"request": {"ip": "203.0.113.9"}},
    "expect": {"context": {"multifactor": {"provider": "guardian", "allowRememberBrowser": false}}}} */
function (user, context, callback) {
  const ipaddr = require('ipaddr.js');
  const office = '192.168.1.134/26';
  const current = ipaddr.parse(context.request.ip);
  if (!current.match(ipaddr.parseCIDR(office))) {
    context.multifactor = { provider: 'guardian', allowRememberBrowser: false };
  }
  callback(null, user, context);
}
