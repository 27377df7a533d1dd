// Node's `timers` and `timers/promises`.

const wait = (ms, value) => new Promise((resolve) => { setTimeout(resolve, ms, value); });

module.exports = {
  setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate,
  promises: { setTimeout: wait, setImmediate: (value) => wait(0, value), scheduler: { wait } },
};
