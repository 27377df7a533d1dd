// `require` as scripts see it: the program's own modules, then the library.

// Names under which the library's modules are known besides their own.
const ALIASES = {
  __proto__: null,
  bcryptjs: 'bcrypt', 'bcrypt-nodejs': 'bcrypt',
  'request-promise': 'request', 'request-promise-native': 'request',
  'isomorphic-fetch': 'node-fetch', 'cross-fetch': 'node-fetch',
  '@auth0/rule-utilities': 'rule-utilities', https: 'http', ip: 'ipaddr.js', underscore: 'lodash',
  'assert/strict': 'assert', 'path/posix': 'path', 'util/types': 'util', 'timers/promises': 'timers',
  perf_hooks: 'performance',
};

// Parts of the library's modules that have names of their own.
const PARTS = {
  __proto__: null,
  'util/types': ({ types }) => types,
  'timers/promises': ({ promises }) => promises,
  perf_hooks: (performance) => ({ performance }),
};

const { native } = machine;
const hasModule = native('hasModule');
const moduleFactory = native('moduleFactory');
const libraryHas = native('libraryHas');
const libraryNames = native('libraryNames');

module.exports = function makeRequire(program) {
  const cache = { __proto__: null };
  const modules = {
    has: (name) => hasModule(program, name),
    factory: (name) => moduleFactory(program, name),
  };

  function require(name) {
    if (typeof name !== 'string' || name === '') {
      const error = new TypeError('The "id" argument must be a non-empty string');
      error.code = 'ERR_INVALID_ARG_VALUE';
      throw error;
    }
    const bare = name.startsWith('node:') ? name.slice(5) : name;
    for (const own of [name, bare, withoutVersion(bare)]) {
      if (modules.has(own)) return requireOwn(own);
    }
    const found = library(bare);
    if (found !== undefined) return found;
    const error = new Error(
      `Cannot find module '${name}'\nThe library has: ${libraryNames()}.\n` +
      'Others have to be brought along: bundle the package into one CommonJS file and add it as a module of that name.',
    );
    error.code = 'MODULE_NOT_FOUND';
    error.requireStack = [];
    throw error;
  }

  function requireOwn(name) {
    const known = cache[name];
    if (known !== undefined) return known.exports;
    const module = { exports: {}, id: name, filename: name, loaded: false, children: [], paths: [] };
    cache[name] = module;
    try {
      const factory = modules.factory(name);
      factory.call(module.exports, module.exports, requireFrom(name), module, name, '.');
      module.loaded = true;
    } catch (error) {
      delete cache[name];
      throw error;
    }
    return module.exports;
  }

  // A module may ask for its neighbour by a relative path: ./signin beside lib/index.
  function requireFrom(base) {
    const from = (name) => {
      if (typeof name === 'string' && name.startsWith('.')) {
        for (const ending of ['', '.js', '.json', '/index.js', '/index']) {
          const path = resolve(base, name) + ending;
          if (modules.has(path)) return requireOwn(path);
        }
      }
      return require(name);
    };
    from.resolve = (name) => name;
    from.cache = {};
    return from;
  }

  function library(name) {
    const { bare, version } = split(name);
    // Parts of lodash are packages and files: lodash.get, lodash/get.
    const [, part] = /^lodash[./]([a-zA-Z]+)$/.exec(bare) ?? [];
    if (part !== undefined) return lib('lodash')[part];
    const known = ALIASES[bare] ?? bare;
    if (!libraryHas(known)) return undefined;
    const found = lib(known);
    if (bare in PARTS) return PARTS[bare](found);
    return typeof found === 'function' && found.forVersion ? found.forVersion(version, bare) : found;
  }

  return requireFrom('');
};

// 'auth0@2.40.0' is auth0; '@auth0/rule-utilities@0.1.0' has a scope in front. Paths within a package stay.
function split(name) {
  const at = name.indexOf('@', 1);
  if (at < 0) return { bare: name, version: undefined };
  const end = name.indexOf('/', at);
  const version = end < 0 ? name.slice(at + 1) : name.slice(at + 1, end);
  return { bare: name.slice(0, at) + (end < 0 ? '' : name.slice(end)), version };
}

function withoutVersion(name) {
  return split(name).bare;
}

function resolve(base, name) {
  const parts = base.split('/').slice(0, -1);
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}
