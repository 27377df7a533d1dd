// api.cache: answers at once, as at Auth0, so the worker waits for the host.

const ask = machine.native('callSync');

function failure(error) {
  return { type: 'error', code: error.code ?? 'CacheUnavailable', message: error.message };
}

module.exports = () => ({
  get(key) {
    let found;
    try {
      found = ask('cache.get', { __proto__: null, key: String(key) });
    } catch (error) {
      throw machine.hostError(error);
    }
    return found === null ? undefined : found;
  },

  set(key, value, options) {
    if (typeof value !== 'string') throw new TypeError('The value must be a string');
    const { ttl, expires_at } = options ?? {};
    try {
      const record = ask('cache.set', { __proto__: null, key: String(key), value, ttl, expires_at });
      return { type: 'success', record: record ?? undefined };
    } catch (error) {
      return failure(error);
    }
  },

  delete(key) {
    try {
      ask('cache.delete', { __proto__: null, key: String(key) });
      return { type: 'success' };
    } catch (error) {
      return failure(error);
    }
  },
});
