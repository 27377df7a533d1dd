/* {"kind": "credentials-exchange", "secrets": {"ALLOWED": "192.0.2.1,192.0.2.2"}, "event": {"request": {"ip": "203.0.113.9"}},
    "expect": {"commands": [{"type": "access.deny", "code": "invalid_request", "reason": "Access denied from this address."}]}} */
exports.onExecuteCredentialsExchange = async (event, api) => {
  const allowed = event.secrets.ALLOWED.split(',').map((ip) => ip.trim());
  if (!allowed.includes(event.request.ip)) {
    return api.access.deny('invalid_request', 'Access denied from this address.');
  }
};
