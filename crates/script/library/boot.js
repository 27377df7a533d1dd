// Runs first: the machine that the worker turns. It is made once for the scripts of a flow, and each flow finds it as
// it was made.
//
// Whatever is not used must cost nothing, so globals are getters that load what they name. What a script does to Map, Array or Promise must not
// matter here: only own properties of objects without a prototype, and nothing called by a name that the script
// could have changed.

export default function boot(natives, slot, parts) {
  const { defineProperty, hasOwn } = Object;
  const { apply } = Reflect;
  const PlainPromise = Promise;
  const { slice, toWellFormed } = String.prototype;

  // The worker's functions, by name.
  function native(name) {
    const found = natives[name];
    if (found === undefined) throw new ReferenceError(`There is no native function ${name}`);
    return found;
  }

  // The library, by name; see library.rs. What most flows need comes with this file.
  const load = native('load');
  const loaded = { __proto__: null };
  function lib(name) {
    const known = loaded[name];
    if (known !== undefined) return known.exports;
    const factory = parts[name] ?? load(name);
    if (factory === undefined) throw new Error(`Cannot find module '${name}'`);
    const module = { __proto__: null, exports: {}, id: name };
    loaded[name] = module;
    try {
      factory(module, module.exports, lib, machine, lib);
      module.isLoaded = true;
    } catch (error) {
      delete loaded[name];
      throw error;
    }
    return module.exports;
  }

  // A line of the console. One that is too long is cut where it breaks the limit.
  const outputLeft = native('outputLeft');
  const writeLine = native('log');
  function log(line) {
    writeLine(apply(toWellFormed, apply(slice, line, [0, outputLeft() + 1]), []));
  }

  // A call of the host: a promise that the worker settles when the answer comes.
  const pending = { __proto__: null };
  const ask = native('call');
  function call(name, args) {
    return new PlainPromise((resolve, reject) => {
      pending[ask(name, args)] = { __proto__: null, resolve, reject };
    });
  }

  function settle(id, failed, value) {
    const waiting = pending[id];
    delete pending[id];
    if (waiting === undefined) return;
    if (failed) waiting.reject(hostError(value));
    else waiting.resolve(value);
  }

  function hostError(value) {
    const error = new Error(value.message);
    if (value.code) error.code = value.code;
    return error;
  }

  // What a script throws where nobody can catch it ends the script.
  function fail(error) {
    if (slot.state !== 0) return;
    slot.value = error;
    slot.state = 2;
  }

  function own(name, value) {
    defineProperty(globalThis, name, { __proto__: null, value, writable: true, configurable: true, enumerable: false });
    return value;
  }

  // A global of the library: the module it comes from, and which member of it, or all of it.
  function provide(name, module, member) {
    // One that the language has stays.
    if (hasOwn(globalThis, name) && name !== 'queueMicrotask') return;
    defineProperty(globalThis, name, {
      __proto__: null,
      configurable: true,
      get() {
        const found = lib(module);
        // As it is loaded, lodash looks for a `_` that was there before.
        if (!loaded[module].isLoaded) return undefined;
        return own(name, member === '' ? found : found[member]);
      },
      set(value) { own(name, value); },
    });
  }

  // The `require` of one program. What finds modules is loaded when it is first called.
  function requirer(index) {
    let real;
    const require = (name) => {
      real ??= lib('require')(index);
      return real(name);
    };
    require.resolve = (name) => name;
    require.cache = {};
    return require;
  }

  const fire = (id) => lib('timer-globals').fire(id);

  const machine = {
    __proto__: null, call, enqueue: queueMicrotask, fail, fire, hostError, lib, log, native, own, provide, requirer, settle, slot,
  };

  delete globalThis.performance; // it would tell microseconds
  const draw = native('random');
  defineProperty(Math, 'random', {
    __proto__: null, value: () => draw(), writable: true, configurable: true,
  });

  return machine;
}
