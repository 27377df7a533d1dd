/* {"kind": "post-login", "secrets": {"KEY": "color", "DEFAULT": "blue"},
    "expect": {"commands": [{"type": "user.setUserMetadata", "name": "color", "value": "blue"},
                            {"type": "idToken.setCustomClaim", "name": "color", "value": "blue"}]}} */
exports.onExecutePostLogin = async (event, api) => {
  const { KEY, DEFAULT } = event.secrets;
  if (!KEY || !DEFAULT) return api.access.deny('missing configuration');
  if (event.user.user_metadata[KEY]) return;
  api.user.setUserMetadata(KEY, DEFAULT);
  api.idToken.setCustomClaim(KEY, DEFAULT);
};
