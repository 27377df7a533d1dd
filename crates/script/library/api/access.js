// api.access

const { filled, oneOf, text } = lib('api/checks');

module.exports = ({ api, command, trigger }) => ({
  deny(first, second) {
    if (trigger === 'pre-user-registration') {
      command('access.deny', {
        __proto__: null, reason: text(first, 'The reason'),
        user_message: second === undefined ? undefined : text(second, 'The message to the user'),
      });
    } else if (trigger === 'credentials-exchange' || trigger === 'custom-token-exchange') {
      const code = trigger === 'credentials-exchange'
        ? oneOf(first, ['invalid_scope', 'invalid_request', 'server_error'], 'The code') : filled(first, 'The code');
      command('access.deny', { __proto__: null, code, reason: text(second, 'The reason') });
    } else {
      command('access.deny', { __proto__: null, reason: text(first, 'The reason') });
    }
    return api;
  },
  rejectInvalidSubjectToken(reason) {
    command('access.rejectInvalidSubjectToken', { __proto__: null, reason: text(reason, 'The reason') });
    return api;
  },
});
