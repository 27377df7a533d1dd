// process: what scripts ask about where they run. There is no process to be touched.

function refuse(what) {
  return () => {
    throw new Error(`${what} is not available to scripts`);
  };
}

module.exports = {
  env: {},
  argv: [],
  execArgv: [],
  platform: 'linux',
  arch: 'x64',
  title: 'node',
  pid: 1,
  version: 'v22.0.0',
  versions: { node: '22.0.0' },
  release: { name: 'node' },
  nextTick: lib('timer-globals').nextTick,
  cwd: () => '/',
  uptime: () => performance.now() / 1000,
  hrtime: Object.assign((since) => {
    const ms = performance.now();
    const [seconds, nanos] = since ?? [0, 0];
    const all = Math.floor(ms / 1000) - seconds;
    const rest = (ms % 1000) * 1e6 - nanos;
    return rest < 0 ? [all - 1, rest + 1e9] : [all, rest];
  }, { bigint: () => BigInt(performance.now()) * 1000000n }),
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
  emitWarning: (warning) => console.warn(warning instanceof Error ? warning : `Warning: ${warning}`),
  on() { return this; },
  once() { return this; },
  off() { return this; },
  emit() { return false; },
  removeListener() { return this; },
  exit: refuse('process.exit'),
  abort: refuse('process.abort'),
  kill: refuse('process.kill'),
  chdir: refuse('process.chdir'),
  binding: refuse('process.binding'),
};
