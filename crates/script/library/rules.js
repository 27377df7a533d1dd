// How rules, hooks, database and social scripts are called: `function (..., callback)`.

const { hasOwn } = Object;

module.exports = function rules({ kind }) {
  const { slot } = machine;
  const { apply } = Reflect;
  let input;
  let user;
  let context;
  const shared = {};

  // The callback of one script. The first call counts, as at Auth0; a second one is noted.
  function answer(accept) {
    let called = false;
    return (...results) => {
      if (called) {
        lib('console').warn('callback was called more than once; only the first call counts');
        return;
      }
      called = true;
      if (slot.state !== 0) return;
      const [error] = results;
      if (error !== undefined && error !== null && error !== false && error !== 0 && error !== '') {
        slot.value = error;
        slot.state = 2;
      } else {
        slot.value = accept(results);
        slot.state = 1;
      }
    };
  }

  // What a rule changes the next one sees: they work on the same objects, as at Auth0.
  function beginRule(fn) {
    const callback = answer(([, nextUser, nextContext]) => {
      if (nextUser !== null && typeof nextUser === 'object') user = nextUser;
      if (nextContext !== null && typeof nextContext === 'object') context = nextContext;
      return undefined;
    });
    return fn.call(globalThis, user, context, callback);
  }

  function beginCallback(fn, secrets) {
    const args = [...input.args];
    if (kind === 'hook') withSecrets(args, secrets);
    const callback = answer(([, result]) => result);
    return apply(fn, globalThis, [...args, callback]);
  }

  return {
    open(flow) {
      machine.auth0 = flow.auth0;
      ({ input } = flow);
      ({ user, context } = input);
    },
    begin(factory, index, name, secrets, require) {
      let fn;
      if (kind === 'hook') {
        const module = { exports: {}, id: name, filename: name, loaded: false, children: [], paths: [] };
        factory.call(module.exports, module.exports, require, module, name, '.');
        fn = module.exports;
      } else {
        fn = factory.call(globalThis, secrets, require, shared);
      }
      if (typeof fn !== 'function') {
        const wanted = kind === 'hook' ? 'module.exports must be a function' : 'The script must be a function';
        return machine.native('invalid')(`${wanted}: function (..., callback) { ... }`);
      }
      return kind === 'rule' ? beginRule(fn) : beginCallback(fn, secrets);
    },
    result: () => (kind === 'rule' ? told(user, context, input.told) : slot.value),
  };
};

// What rules left behind; of that only members with these names, if some are given.
function told(user, context, names) {
  if (names === undefined) return { __proto__: null, user, context };
  return { __proto__: null, user: part(user, names.user), context: part(context, names.context) };
}

function part(whole, names) {
  const part = { __proto__: null };
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (hasOwn(whole, name)) part[name] = whole[name];
  }
  return part;
}

// Hooks find their secrets in their context, the last argument before the callback.
function withSecrets(args, secrets) {
  const context = args[args.length - 1];
  if (context === null || typeof context !== 'object') return;
  context.webtask = { ...context.webtask, secrets };
}
