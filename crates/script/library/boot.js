// Runs first in every flow: the globals, and the machine that the worker turns.
//
// Whatever is not used must cost nothing, so globals are getters that load what they name. They sit on an object
// behind the global one, which is cheaper than defining each. What a script does to Map, Array or Promise must
// not matter here: only own properties of objects without a prototype, and nothing called by a name that the
// script could have changed.

export default function boot(native, slot) {
  const { defineProperty, setPrototypeOf } = Object;
  const { apply } = Reflect;
  const PlainPromise = Promise;
  const enqueue = queueMicrotask;
  const load = native('load');
  const writeLine = native('log');
  const outputLeft = native('outputLeft');
  const { slice, toWellFormed } = String.prototype;
  const ask = native('call');
  const arm = native('arm');
  const disarm = native('disarm');

  // A line of the console. One that is too long is cut where it breaks the limit.
  function log(line) {
    writeLine(apply(toWellFormed, apply(slice, line, [0, outputLeft() + 1]), []));
  }

  // The library, by name; see library.rs.
  const loaded = { __proto__: null };
  function lib(name) {
    const known = loaded[name];
    if (known !== undefined) return known.exports;
    const factory = load(name);
    if (factory === undefined) throw new Error(`Cannot find module '${name}'`);
    const module = { __proto__: null, exports: {}, id: name };
    loaded[name] = module;
    factory(module, module.exports, lib, machine, lib);
    return module.exports;
  }

  // A call of the host: a promise that the worker settles when the answer comes.
  const pending = { __proto__: null };
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

  function guarded(callback, args) {
    return () => {
      try {
        apply(callback, undefined, args);
      } catch (error) {
        fail(error);
      }
    };
  }

  function checked(callback, who) {
    if (typeof callback === 'function') return callback;
    const error = new TypeError(`The "callback" argument of ${who} must be of type function`);
    error.code = 'ERR_INVALID_ARG_TYPE';
    throw error;
  }

  // Timers. The worker knows when, this knows what.
  const timers = { __proto__: null };
  let lastTimer = 0;
  class Timeout {
    #id;
    constructor(id) { this.#id = id; }
    ref() { return this; }
    unref() { return this; }
    hasRef() { return this.#id in timers; }
    refresh() {
      const timer = timers[this.#id];
      if (timer) arm(this.#id, timer.delay);
      return this;
    }
    close() { stop(this.#id); return this; }
    [Symbol.toPrimitive]() { return this.#id; }
    static id(value) {
      return typeof value === 'object' && value !== null && #id in value ? value.#id : value;
    }
  }

  function schedule(who, callback, delay, args, repeat) {
    checked(callback, who);
    const id = ++lastTimer;
    const ms = delay >= 1 && delay <= 2147483647 ? +delay : 1;
    timers[id] = { __proto__: null, callback, args, repeat, delay: ms };
    arm(id, ms);
    return new Timeout(id);
  }

  function stop(timer) {
    const id = Timeout.id(timer);
    if (timers[id] === undefined) return;
    delete timers[id];
    disarm(id);
  }

  function fire(id) {
    const timer = timers[id];
    if (timer === undefined) return;
    if (timer.repeat) arm(id, timer.delay);
    else delete timers[id];
    apply(timer.callback, undefined, timer.args);
  }

  // The `require` of one program, made when it is first called.
  function requirer(index) {
    let real;
    const known = () => (real ??= lib('require')(index));
    const require = (name) => known()(name);
    require.resolve = (name) => name;
    require.cache = {};
    return require;
  }

  const machine = { __proto__: null, call, fail, fire, hostError, lib, log, native, requirer, settle, slot };

  function own(name, value) {
    defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    return value;
  }
  machine.own = own;

  delete globalThis.performance; // it would tell microseconds
  const draw = native('random');
  defineProperty(Math, 'random', { value: () => draw(), writable: true, configurable: true });

  setPrototypeOf(globalThis, {
    get global() { return own('global', globalThis); }, set global(v) { own('global', v); },
    get console() { return own('console', lib('console')); }, set console(v) { own('console', v); },
    get process() { return own('process', lib('process')); }, set process(v) { own('process', v); },
    get performance() { return own('performance', lib('performance')); }, set performance(v) { own('performance', v); },
    get Buffer() { return own('Buffer', lib('buffer').Buffer); }, set Buffer(v) { own('Buffer', v); },
    get fetch() { return own('fetch', lib('fetch').fetch); }, set fetch(v) { own('fetch', v); },
    get Headers() { return own('Headers', lib('fetch').Headers); }, set Headers(v) { own('Headers', v); },
    get Request() { return own('Request', lib('fetch').Request); }, set Request(v) { own('Request', v); },
    get Response() { return own('Response', lib('fetch').Response); }, set Response(v) { own('Response', v); },
    get FormData() { return own('FormData', lib('fetch').FormData); }, set FormData(v) { own('FormData', v); },
    get Blob() { return own('Blob', lib('fetch').Blob); }, set Blob(v) { own('Blob', v); },
    get AbortController() { return own('AbortController', lib('abort').AbortController); }, set AbortController(v) { own('AbortController', v); },
    get AbortSignal() { return own('AbortSignal', lib('abort').AbortSignal); }, set AbortSignal(v) { own('AbortSignal', v); },
    get Event() { return own('Event', lib('abort').Event); }, set Event(v) { own('Event', v); },
    get EventTarget() { return own('EventTarget', lib('abort').EventTarget); }, set EventTarget(v) { own('EventTarget', v); },
    get URL() { return own('URL', lib('whatwg-url').URL); }, set URL(v) { own('URL', v); },
    get URLSearchParams() { return own('URLSearchParams', lib('whatwg-url').URLSearchParams); }, set URLSearchParams(v) { own('URLSearchParams', v); },
    get TextEncoder() { return own('TextEncoder', lib('encoding').TextEncoder); }, set TextEncoder(v) { own('TextEncoder', v); },
    get TextDecoder() { return own('TextDecoder', lib('encoding').TextDecoder); }, set TextDecoder(v) { own('TextDecoder', v); },
    get structuredClone() { return own('structuredClone', lib('structured-clone')); }, set structuredClone(v) { own('structuredClone', v); },
    get crypto() { return own('crypto', lib('web-crypto')); }, set crypto(v) { own('crypto', v); },
    setTimeout(callback, delay, ...args) { return schedule('setTimeout', callback, delay, args, false); },
    setInterval(callback, delay, ...args) { return schedule('setInterval', callback, delay, args, true); },
    setImmediate(callback, ...args) { return schedule('setImmediate', callback, 0, args, false); },
    clearTimeout: stop,
    clearInterval: stop,
    clearImmediate: stop,
  });
  own('queueMicrotask', (callback) => enqueue(guarded(checked(callback, 'queueMicrotask'), [])));
  machine.nextTick = (callback, ...args) => enqueue(guarded(checked(callback, 'process.nextTick'), args));

  return machine;
}
