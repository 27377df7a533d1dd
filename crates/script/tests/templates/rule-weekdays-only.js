/* {"kind": "rule", "context": {"clientName": "Back office"},
    "expect": {"error": {"name": "UnauthorizedError", "message": "Open from Monday to Friday"}}} */
function onlyOnWeekdays(user, context, callback) {
  const saturday = new Date(Date.UTC(2026, 10, 28));
  if (context.clientName === 'Back office' && [0, 6].indexOf(saturday.getUTCDay()) !== -1) {
    return callback(new UnauthorizedError('Open from Monday to Friday'));
  }
  callback(null, user, context);
}
