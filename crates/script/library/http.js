// Node's `http` and `https`, as far as one request and its answer go.

const { exchange } = lib('fetch');
const { Buffer } = lib('buffer');
const { Readable, Writable } = lib('stream');

class ClientRequest extends Writable {
  constructor(options, callback) {
    super();
    this.chunks = [];
    this.options = options;
    this.headers = new Headers(options.headers);
    if (callback) this.once('response', callback);
  }
  setHeader(name, value) { this.headers.set(name, value); return this; }
  getHeader(name) { return this.headers.get(name) ?? undefined; }
  removeHeader(name) { this.headers.delete(name); }
  setTimeout(ms, callback) {
    if (callback) this.once('timeout', callback);
    this.timer = setTimeout(() => this.emit('timeout'), ms);
    return this;
  }
  setNoDelay() { return this; }
  setSocketKeepAlive() { return this; }
  abort() { this.destroy(); }
  _write(chunk, encoding, callback) {
    this.chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    callback();
  }
  _final(callback) {
    const { url, method, auth } = this.options;
    if (auth && !this.headers.has('authorization')) {
      this.headers.set('authorization', `Basic ${Buffer.from(auth).toString('base64')}`);
    }
    this.headers.delete('content-length');
    const body = this.chunks.length > 0 ? Buffer.concat(this.chunks) : null;
    exchange({ url, method, headers: this.headers, body, redirect: 'manual' }).then((answer) => {
      clearTimeout(this.timer);
      if (!this.destroyed) this.emit('response', incoming(answer));
    }, (error) => {
      clearTimeout(this.timer);
      if (!this.destroyed) this.emit('error', error);
    }).catch(machine.fail);
    callback();
  }
}

function incoming(answer) {
  const message = Readable.from(answer.body.length > 0 ? [Buffer.from(answer.body)] : [], { objectMode: false });
  const headers = {};
  for (const [name, value] of answer.headers) {
    const key = name.toLowerCase();
    if (key === 'set-cookie') headers[key] = [...(headers[key] ?? []), value];
    else headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  return Object.assign(message, {
    statusCode: answer.status, statusMessage: answer.status_text, headers, httpVersion: '1.1',
    rawHeaders: answer.headers.flat(), complete: true,
  });
}

function optionsOf(input, more, scheme) {
  const base = typeof input === 'string' || input instanceof URL ? lib('url').urlToHttpOptions(new URL(input)) : { ...input };
  const options = { ...base, ...more };
  const protocol = options.protocol ?? scheme;
  const host = options.hostname ?? options.host ?? 'localhost';
  const port = options.port ? `:${options.port}` : '';
  return {
    ...options,
    method: (options.method ?? 'GET').toUpperCase(),
    url: `${protocol}//${host.includes(':') && !options.hostname ? host : host + port}${options.path ?? '/'}`,
  };
}

function make(scheme) {
  function request(input, ...rest) {
    const callback = rest.find((value) => typeof value === 'function');
    const more = rest.find((value) => value !== null && typeof value === 'object');
    return new ClientRequest(optionsOf(input, more, scheme), callback);
  }
  class Agent {}
  return {
    request,
    get(...args) {
      const made = request(...args);
      made.end();
      return made;
    },
    Agent, ClientRequest, globalAgent: new Agent(),
    METHODS: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
    createServer() { throw new Error('A script cannot be a server'); },
  };
}

// `require('https')` comes here too: see require.js.
module.exports = Object.assign(() => {}, { forVersion: (_, name) => make(`${name}:`) });
