/* {"kind": "custom-token-exchange", "secrets": {"KEY": "shared-secret-of-both"},
    "event": {"transaction": {"subject_token": "not a token", "subject_token_type": "https://legacy.example.com/token", "requested_scopes": []}},
    "expect": {"commands": [{"type": "access.rejectInvalidSubjectToken", "reason": "Invalid token"}], "ended": "early"}} */
const jwt = require('jsonwebtoken');
exports.onExecuteCustomTokenExchange = async (event, api) => {
  try {
    const claims = jwt.verify(event.transaction.subject_token, event.secrets.KEY, { algorithms: ['HS256'] });
    api.authentication.setUserById(claims.sub);
  } catch (error) {
    api.access.rejectInvalidSubjectToken('Invalid token');
  }
};
