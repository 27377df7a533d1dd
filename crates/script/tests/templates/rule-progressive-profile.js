/* {"kind": "rule", "secrets": {"SESSION_TOKEN_SECRET": "0123456789abcdef", "FORM_URL": "https://forms.example.com/profile"},
    "user": {"user_metadata": {}}, "context": {"protocol": "oidc-basic-profile", "request": {"query": {}, "hostname": "tenant.example.com"}},
    "expect": {"context": {"redirect": {"url": "*"}}}} */
async function askForMore(user, context, callback) {
  const { Auth0RedirectRuleUtilities } = require('@auth0/rule-utilities@0.2.0');
  const utilities = new Auth0RedirectRuleUtilities(user, context, configuration);
  if (utilities.isRedirectCallback && utilities.queryParams.session_token) {
    utilities.validateSessionToken();
    return callback(null, user, context);
  }
  if (utilities.canRedirect && !user.user_metadata.company) utilities.doRedirect(configuration.FORM_URL);
  return callback(null, user, context);
}
