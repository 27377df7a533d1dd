/* {"kind": "post-login", "secrets": {"NETWORK": "10.0.0.0/8"}, "event": {"request": {"ip": "203.0.113.9"}},
    "expect": {"commands": [{"type": "multifactor.enable", "provider": "any", "options": {"allowRememberBrowser": false}}]}} */
const ipaddr = require('ipaddr.js');
exports.onExecutePostLogin = async (event, api) => {
  const network = ipaddr.parseCIDR(event.secrets.NETWORK);
  const current = ipaddr.parse(event.request.ip);
  if (!current.match(network)) api.multifactor.enable('any', { allowRememberBrowser: false });
};
