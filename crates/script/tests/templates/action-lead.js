/* {"kind": "post-login", "secrets": {"DOMAIN": "sales.example.com", "ID": "i", "SECRET": "s"},
    "answers": [{"url": "https://sales.example.com/oauth2/token", "body": {"access_token": "t"}}, {"url": "https://sales.example.com/leads", "status": 201, "body": {"id": 1}}],
    "expect": {"commands": [{"type": "user.setAppMetadata", "name": "recordedAsLead", "value": true}],
      "calls": [{"name": "cache.get"}, {"name": "fetch"}, {"name": "cache.set", "args": {"key": "token", "value": "t"}}, {"name": "fetch", "args": {"method": "POST"}}]}} */
exports.onExecutePostLogin = async (event, api) => {
  if (event.user.app_metadata.recordedAsLead) return;
  const { DOMAIN, ID, SECRET } = event.secrets;
  const token = async () => {
    const known = api.cache.get('token');
    if (known) return known.value;
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: ID, client_secret: SECRET });
    const answer = await fetch(`https://${DOMAIN}/oauth2/token`, { method: 'POST', body });
    if (!answer.ok) throw new Error('No token');
    const { access_token } = await answer.json();
    api.cache.set('token', access_token, { expires_at: Date.now() + 3_600_000 });
    return access_token;
  };
  const answer = await fetch(`https://${DOMAIN}/leads`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${await token()}` },
    body: JSON.stringify({ LastName: event.user.name || event.user.email }),
  });
  if (answer.status === 201) api.user.setAppMetadata('recordedAsLead', true);
};
