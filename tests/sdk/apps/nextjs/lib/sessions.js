// A session store as a database would be, which is what back-channel logout needs. The proxy and the pages are
// bundled apart and run in one process, so they meet in `globalThis`.
const sessions = (globalThis.testSessions ??= new Map());

/** Deletes every session that matches a logout token's `sub`, `sid` or both. */
function deleteByLogoutToken({ sub, sid }) {
  for (const [id, session] of sessions) {
    const sameUser = sub === undefined || session.user.sub === sub;
    const sameSession = sid === undefined || session.internal.sid === sid;
    if (sameUser && sameSession) sessions.delete(id);
  }
}

export const sessionStore = {
  get: async (id) => sessions.get(id) ?? null,
  set: async (id, session) => void sessions.set(id, session),
  delete: async (id) => void sessions.delete(id),
  deleteByLogoutToken: async (claims) => deleteByLogoutToken(claims),
};
