// Node's `os`: only what does not tell where the script runs.

module.exports = {
  EOL: '\n', platform: () => 'linux', type: () => 'Linux', arch: () => 'x64', hostname: () => 'localhost',
  release: () => '', tmpdir: () => '/tmp', homedir: () => '/', cpus: () => [], endianness: () => 'LE',
  totalmem: () => 0, freemem: () => 0, uptime: () => 0, networkInterfaces: () => ({}),
};
