/* {"kind": "post-login", "secrets": {"DOMAIN": "tenant.example.com", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "ROLE": "rol_1"}, "event": {"authorization": {"roles": []}},
    "answers": [{"url": "https://tenant.example.com/oauth/token", "body": {"access_token": "t", "expires_in": 60, "token_type": "Bearer"}},
                {"url": "https://tenant.example.com/api/v2/users/auth0%7C1/roles", "status": 204, "body": ""}],
    "expect": {"calls": [{"name": "fetch"}, {"name": "fetch", "args": {"method": "POST"}}]}} */
const { ManagementClient } = require('auth0');
exports.onExecutePostLogin = async (event, api) => {
  if (event.authorization && event.authorization.roles.length > 0) return;
  const { DOMAIN, CLIENT_ID, CLIENT_SECRET, ROLE } = event.secrets;
  const management = new ManagementClient({ domain: DOMAIN, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });
  await management.users.assignRoles({ id: event.user.user_id }, { roles: [ROLE] });
};
