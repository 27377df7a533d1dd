/* {"kind": "post-login", "secrets": {"MAX_DAYS": "30"}, "event": {"user": {"last_password_reset": "2020-01-01T00:00:00.000Z"}},
    "expect": {"commands": [{"type": "access.deny", "reason": "Choose a new password"}]}} */
exports.onExecutePostLogin = async (event, api) => {
  const most = Number(event.secrets.MAX_DAYS);
  if (!most) return api.access.deny('Invalid configuration');
  const changed = new Date(event.user.last_password_reset || event.user.created_at);
  if ((Date.now() - changed) / 86_400_000 > most) return api.access.deny('Choose a new password');
};
