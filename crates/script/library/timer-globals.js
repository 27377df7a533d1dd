// Timers and jobs. The worker knows when, this knows what.

const { enqueue, fail, native } = machine;
const arm = native('arm');
const disarm = native('disarm');
const { apply } = Reflect;

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

const timers = { __proto__: null };
let last = 0;

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
  const id = ++last;
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

module.exports = {
  fire,
  setTimeout: (callback, delay, ...args) => schedule('setTimeout', callback, delay, args, false),
  setInterval: (callback, delay, ...args) => schedule('setInterval', callback, delay, args, true),
  setImmediate: (callback, ...args) => schedule('setImmediate', callback, 0, args, false),
  clearTimeout: stop,
  clearInterval: stop,
  clearImmediate: stop,
  queueMicrotask: (callback) => enqueue(guarded(checked(callback, 'queueMicrotask'), [])),
  nextTick: (callback, ...args) => enqueue(guarded(checked(callback, 'process.nextTick'), args)),
};
