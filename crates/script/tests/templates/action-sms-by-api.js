/* {"kind": "custom-phone-provider", "event": {"notification": {"recipient": "+61400000000", "as_text": "Your code is 123456", "as_voice": "1 2 3", "code": "123456", "delivery_method": "text", "message_type": "otp_verify"}},
    "answers": [{"url": "https://sms.example.net/send", "body": {"id": "m1"}}],
    "expect": {"calls": [{"name": "fetch", "args": {"method": "POST"}}]}} */
const axios = require('axios');
exports.onExecuteCustomPhoneProvider = async (event, api) => {
  const { recipient, as_text } = event.notification;
  try {
    await axios({ method: 'post', url: 'https://sms.example.net/send', data: { to: recipient, text: as_text } });
  } catch (error) {
    api.notification.drop(error.message);
  }
};
