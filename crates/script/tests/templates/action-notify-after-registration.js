/* {"kind": "post-user-registration", "secrets": {"HOOK": "https://chat.example.com/hook"}, "answers": [{"url": "https://chat.example.com/hook", "body": "ok"}],
    "expect": {"calls": [{"name": "fetch", "args": {"method": "POST"}}]}} */
exports.onExecutePostUserRegistration = async (event) => {
  const axios = require('axios');
  await axios.post(event.secrets.HOOK, { text: `A new user: ${event.user.email}` });
};
