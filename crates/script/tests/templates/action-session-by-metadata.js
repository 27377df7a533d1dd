/* {"kind": "post-login", "event": {"client": {"metadata": {"session_hours": "2"}}, "session": {"created_at": "2026-11-30T10:00:00.000Z"}},
    "expect": {"commands": [{"type": "session.setExpiresAt", "at_ms": 1796040000000}, {"type": "session.setCookieMode", "mode": "non-persistent"}]}} */
exports.onExecutePostLogin = async (event, api) => {
  const hours = Number(event.client.metadata.session_hours);
  if (!hours || !event.session) return;
  api.session.setExpiresAt(new Date(event.session.created_at).getTime() + hours * 3_600_000);
  api.session.setCookieMode('non-persistent');
};
