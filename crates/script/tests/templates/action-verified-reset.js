/* {"kind": "password-reset-post-challenge", "event": {"user": {"email_verified": false}},
    "expect": {"commands": [{"type": "access.deny", "reason": "Please confirm your address first."}]}} */
exports.onExecutePostChallenge = async (event, api) => {
  if (!event.user.email_verified) api.access.deny('Please confirm your address first.');
};
