/* {"kind": "pre-user-registration", "event": {"user": {"email": "eve@elsewhere.example"}},
    "expect": {"commands": [{"type": "access.deny", "reason": "not_ours", "user_message": "Use your company address."}]}} */
exports.onExecutePreUserRegistration = async (event, api) => {
  const domain = event.user.email.split('@')[1];
  if (domain !== 'example.com') return api.access.deny('not_ours', 'Use your company address.');
  api.user.setAppMetadata('domain', domain);
};
