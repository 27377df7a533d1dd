// The `api` of Actions. Every method leaves a command; what commands mean is decided elsewhere.
//
// A command is made with own properties only, on an object without a prototype, so nothing that a script does to
// Object.prototype changes one. Each group of methods is a file in api/, loaded when a script first uses it.

const { native } = machine;
const methods = native('methods');
const command = native('command');
const nativeError = Error;

// Of what ends up in a token it is told which line of the script asked for it. A script may change how stacks are
// written, for itself and those after it: then the line is not known, and nothing else changes.
function commandOfLine(name, members) {
  let stack;
  try {
    ({ stack } = new nativeError());
  } catch { /* By the script's own doing. */ }
  command(name, members, typeof stack === 'string' ? stack : '');
}

module.exports = function makeApi(setting) {
  const named = { __proto__: null };
  const transactionMetadata = { __proto__: null };
  let isNoted = false;

  // What an Action put into the transaction is seen by it and by those after it at once.
  function showMetadata(event) {
    const { transaction } = event;
    if (transaction === undefined || transaction === null) return;
    transaction.metadata = { ...transaction.metadata, ...transactionMetadata };
  }

  function noteMetadata(event, name, value) {
    isNoted = true;
    transactionMetadata[name] = value;
    showMetadata(event);
  }

  // Only what the trigger has: `api.redirect` of credentials-exchange is undefined, as at Auth0.
  function makeGroup(api, event, name) {
    const names = (named[name] ??= methods(name));
    if (names === undefined) return undefined;
    const all = lib(`api/${name}`)({ __proto__: null, ...setting, api, command, commandOfLine, event, names, noteMetadata });
    const group = {};
    for (let i = 0; i < names.length; i++) {
      const method = names[i];
      group[method] = all[method];
    }
    return group;
  }

  return {
    prepare(event) { if (isNoted) showMetadata(event); },

    make(event) {
      const api = new Proxy({}, {
        __proto__: null,
        get(made, name) {
          if (typeof name === 'symbol') return undefined;
          const known = made[name];
          if (known !== undefined) return known;
          return (made[name] = makeGroup(api, event, name));
        },
      });
      return api;
    },
  };
};
