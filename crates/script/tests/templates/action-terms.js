/* {"kind": "post-login", "secrets": {"SHARED": "0123456789abcdef0123456789abcdef"},
    "event": {"transaction": {"protocol": "oidc-basic-profile"}},
    "expect": {"commands": [{"type": "redirect.sendUserTo", "url": "*"}], "ended": "early"}} */
exports.onExecutePostLogin = async (event, api) => {
  if (event.user.app_metadata.terms || !api.redirect.canRedirect()) return;
  const token = api.redirect.encodeToken({ secret: event.secrets.SHARED, payload: { asks: 'terms' }, expiresInSeconds: 300 });
  api.redirect.sendUserTo('https://forms.example.com/terms', { query: { session_token: token } });
};
exports.onContinuePostLogin = async (event, api) => {
  const payload = api.redirect.validateToken({ secret: event.secrets.SHARED, tokenParameterName: 'session_token' });
  if (payload.accepted) api.user.setAppMetadata('terms', true);
  else api.access.deny('The terms were not accepted.');
};
