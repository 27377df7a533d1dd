// Reads the scope report that a tenant log entry carries, as an administrator sees it through the Management API.

/**
 * Waits for the successful-login entry of a user and returns its report's lines by scope:
 * `{ openid: { outcome, reason, … }, … }`.
 */
export async function scopeReport(management, userId) {
  for (let tries = 0; tries < 50; tries += 1) {
    const entries = await management('GET', 'logs?per_page=50&sort=date:-1');
    const login = entries.find((entry) => entry.type === 's' && entry.user_id === userId);
    if (login) return linesByScope(login);
    // The log may be written after the answer; each look is a request, so this needs no clock of its own.
  }
  throw new Error(`no successful login of ${userId} in the tenant's log`);
}

function linesByScope(login) {
  const lines = {};
  const visit = (value) => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (value && typeof value === 'object') {
      if (typeof value.scope === 'string' && typeof value.reason === 'string') lines[value.scope] = value;
      Object.values(value).forEach(visit);
    }
  };
  visit(login.details);
  if (Object.keys(lines).length === 0) throw new Error(`no scope report in the log entry: ${JSON.stringify(login)}`);
  return lines;
}
