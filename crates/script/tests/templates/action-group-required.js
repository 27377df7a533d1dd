/* {"kind": "post-login", "secrets": {"ALLOWED_GROUP": "staff"}, "event": {"user": {"groups": ["guests"]}},
    "expect": {"commands": [{"type": "access.deny", "reason": "Access denied"}]}} */
exports.onExecutePostLogin = async (event, api) => {
  const wanted = event.secrets.ALLOWED_GROUP;
  if (!wanted) return api.access.deny('Invalid configuration');
  const groups = [].concat(event.user.groups || []);
  if (!groups.includes(wanted)) return api.access.deny('Access denied');
};
