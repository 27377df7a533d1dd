/* {"kind": "custom-email-provider", "secrets": {"KEY": "k"}, "event": {"notification": {"to": "ada@example.com", "from": "x@example.com", "subject": "Hi", "html": "<p>Hi</p>", "text": "Hi", "message_type": "verify_email", "locale": "en"}},
    "answers": [{"url": "https://mail.example.net/send", "status": 429, "body": "slow"}],
    "expect": {"commands": [{"type": "notification.retry", "reason": "busy"}]}} */
exports.onExecuteCustomEmailProvider = async (event, api) => {
  const { to, from, subject, html } = event.notification;
  const answer = await fetch('https://mail.example.net/send', {
    method: 'POST',
    headers: { authorization: `Bearer ${event.secrets.KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ to, from, subject, html }),
  });
  if (answer.status === 429) return api.notification.retry('busy');
  if (!answer.ok) return api.notification.drop('refused');
};
