/* {"kind": "rule", "secrets": {"CRM_TOKEN": "t"}, "answers": [{"url": "https://crm.example.com/users", "body": {}}],
    "expect": {"calls": [{"name": "fetch", "args": {"method": "POST"}}]}} */
function (user, context, callback) {
  const request = require('request');
  const moment = require('moment');
  const data = {
    user_id: user.user_id,
    signed_up_at: moment(user.created_at).unix(),
    last_seen_user_agent: context.request.userAgent
  };
  request.post({
    url: 'https://crm.example.com/users',
    headers: { Authorization: 'Bearer ' + configuration.CRM_TOKEN, Accept: 'application/json' },
    json: data
  });
  callback(null, user, context);
}
