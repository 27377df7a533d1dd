// console: a line of the run's log for each call. Text alone needs no formatter.

const { log } = machine;

function write(args) {
  log(args.length === 1 && typeof args[0] === 'string' ? args[0] : lib('format').format(...args));
}

const counts = { __proto__: null };
const times = { __proto__: null };

const console = {
  log(...args) { write(args); },
  info(...args) { write(args); },
  warn(...args) { write(args); },
  error(...args) { write(args); },
  debug(...args) { write(args); },
  dir(value, options) { log(lib('format').inspect(value, options)); },
  table(value) { log(lib('format').inspect(value)); },
  trace(...args) {
    const { stack } = new Error();
    write([`Trace: ${lib('format').format(...args)}\n${String(stack).split('\n').slice(1).join('\n')}`]);
  },
  assert(condition, ...args) {
    if (!condition) write(args.length > 0 ? ['Assertion failed:', ...args] : ['Assertion failed']);
  },
  count(label = 'default') {
    counts[label] = (counts[label] ?? 0) + 1;
    log(`${label}: ${counts[label]}`);
  },
  countReset(label = 'default') { delete counts[label]; },
  time(label = 'default') { times[label] = Date.now(); },
  timeEnd(label = 'default') { console.timeLog(label); delete times[label]; },
  timeLog(label = 'default') { if (label in times) log(`${label}: ${Date.now() - times[label]}ms`); },
  group(...args) { if (args.length > 0) write(args); },
  groupEnd() {},
};

module.exports = console;
