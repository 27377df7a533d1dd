// api.transaction

const { filled } = lib('api/checks');
const { isArray } = Array;

module.exports = ({ api, command, event, noteMetadata }) => {
  const scope = (method) => (value) => {
    command(`transaction.${method}`, { __proto__: null, scope: filled(value, 'The scope') });
    return api;
  };
  return {
    setMetadata(name, value) {
      filled(name, 'The name');
      if (name.length > 64) throw new TypeError('The name must be at most 64 characters long');
      if (!['string', 'number', 'boolean'].includes(typeof value)) {
        throw new TypeError('The value must be a string, a number or a boolean');
      }
      if (typeof value === 'string' && value.length > 8192) throw new TypeError('The value is longer than 8 kB');
      command('transaction.setMetadata', { __proto__: null, name, value });
      noteMetadata(event, name, value);
      return api;
    },
    setResultUrl(url, options) {
      command('transaction.setResultUrl', { __proto__: null, url: lib('api/address')(url, options) });
      return api;
    },
    addTargetScope: scope('addTargetScope'),
    removeTargetScope: scope('removeTargetScope'),
    setTargetScopes(scopes) {
      if (!isArray(scopes)) throw new TypeError('The scopes must be an array');
      command('transaction.setTargetScopes', {
        __proto__: null, scopes: scopes.map((value) => filled(value, 'A scope')),
      });
      return api;
    },
    clearTargetScopes() {
      command('transaction.clearTargetScopes', { __proto__: null });
      return api;
    },
  };
};
