// fetch and its classes. The request itself is made by the server, which decides where requests may go.

const { base64, fromText, isBytes, toText, view } = lib('bytes');
const { fromBase64 } = Uint8Array;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

class Headers {
  #map = new Map();
  constructor(init) {
    if (init === undefined || init === null) return;
    const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }
  static #name(name) {
    if (!TOKEN.test(name)) throw new TypeError(`Headers: ${name} is an invalid header name.`);
    return String(name).toLowerCase();
  }
  static #value(value) {
    const text = String(value).trim();
    if (/[\0\r\n]/.test(text)) throw new TypeError('Headers: the value is an invalid header value.');
    return text;
  }
  append(name, value) {
    const known = Headers.#name(name);
    this.#map.set(known, [...(this.#map.get(known) ?? []), Headers.#value(value)]);
  }
  set(name, value) { this.#map.set(Headers.#name(name), [Headers.#value(value)]); }
  get(name) { return this.#map.get(Headers.#name(name))?.join(', ') ?? null; }
  has(name) { return this.#map.has(Headers.#name(name)); }
  delete(name) { this.#map.delete(Headers.#name(name)); }
  getSetCookie() { return this.#map.get('set-cookie') ?? []; }
  forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
  *entries() { for (const name of [...this.#map.keys()].sort()) yield [name, this.get(name)]; }
  *keys() { for (const [name] of this.entries()) yield name; }
  *values() { for (const [, value] of this.entries()) yield value; }
  [Symbol.iterator]() { return this.entries(); }
  get [Symbol.toStringTag]() { return 'Headers'; }
  [Symbol.for('nodejs.util.inspect.custom')]() { return `Headers ${lib('format').inspect(Object.fromEntries(this))}`; }
}

class Blob {
  #bytes;
  constructor(parts = [], options = {}) {
    const all = parts.map((part) => (part instanceof Blob ? part.#bytes : isBytes(part) ? view(part) : fromText(part)));
    this.#bytes = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of all) { this.#bytes.set(part, at); at += part.length; }
    this.type = String(options.type ?? '').toLowerCase();
  }
  get size() { return this.#bytes.length; }
  async arrayBuffer() { return this.#bytes.slice().buffer; }
  async bytes() { return this.#bytes.slice(); }
  async text() { return toText(this.#bytes); }
  slice(start, end, type) { return new Blob([this.#bytes.slice(start, end)], { type }); }
  static bytesOf(blob) { return blob.#bytes; }
}

class FormData {
  #pairs = [];
  append(name, value, filename) { this.#pairs.push([String(name), value instanceof Blob ? value : String(value), filename]); }
  set(name, value, filename) { this.delete(name); this.append(name, value, filename); }
  delete(name) { this.#pairs = this.#pairs.filter(([n]) => n !== String(name)); }
  get(name) { return this.#pairs.find(([n]) => n === String(name))?.[1] ?? null; }
  getAll(name) { return this.#pairs.filter(([n]) => n === String(name)).map(([, v]) => v); }
  has(name) { return this.#pairs.some(([n]) => n === String(name)); }
  *entries() { for (const [name, value] of this.#pairs) yield [name, value]; }
  *keys() { for (const [name] of this.#pairs) yield name; }
  *values() { for (const [, value] of this.#pairs) yield value; }
  forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
  [Symbol.iterator]() { return this.entries(); }
  get [Symbol.toStringTag]() { return 'FormData'; }
  static encode(form) {
    const boundary = `----form${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
    const escape = (text) => text.replace(/\r/g, '%0D').replace(/\n/g, '%0A').replace(/"/g, '%22');
    const parts = [];
    for (const [name, value, filename] of form.#pairs) {
      const file = value instanceof Blob;
      parts.push(`--${boundary}\r\ncontent-disposition: form-data; name="${escape(name)}"${file ? `; filename="${escape(filename ?? 'blob')}"` : ''}\r\n`);
      if (file) parts.push(`content-type: ${value.type || 'application/octet-stream'}\r\n`);
      parts.push('\r\n', value, '\r\n');
    }
    parts.push(`--${boundary}--\r\n`);
    return { bytes: Blob.bytesOf(new Blob(parts)), type: `multipart/form-data; boundary=${boundary}` };
  }
}

// A body as bytes, and the type it has by its nature.
function readBody(body) {
  if (body === undefined || body === null) return { bytes: null, type: null };
  if (typeof body === 'string') return { bytes: fromText(body), type: 'text/plain;charset=UTF-8' };
  if (isBytes(body)) return { bytes: view(body).slice(), type: null };
  if (body instanceof Blob) return { bytes: Blob.bytesOf(body), type: body.type || null };
  if (body instanceof FormData) return FormData.encode(body);
  if (body instanceof URLSearchParams) {
    return { bytes: fromText(body.toString()), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  }
  return { bytes: fromText(String(body)), type: 'text/plain;charset=UTF-8' };
}

// What requests and responses have in common.
class Body {
  #bytes;
  #used = false;
  constructor(bytes) { this.#bytes = bytes; }
  get bodyUsed() { return this.#used; }
  get body() { return this.#bytes === null ? null : stream(() => this.#take()); }
  static peek(body) { return body.#bytes; }
  #take() {
    if (this.#used) throw new TypeError('Body is unusable: Body has already been read');
    this.#used = this.#bytes !== null;
    return this.#bytes ?? new Uint8Array(0);
  }
  async arrayBuffer() { return this.#take().slice().buffer; }
  async bytes() { return this.#take().slice(); }
  async blob() { return new Blob([this.#take()], { type: this.headers.get('content-type') ?? '' }); }
  async text() { return toText(this.#take()).replace(/^\ufeff/, ''); }
  async json() { return JSON.parse(await this.text()); }
  // For node-fetch.
  async buffer() { return lib('buffer').Buffer.from(this.#take()); }
  async formData() {
    const form = new FormData();
    for (const [name, value] of new URLSearchParams(await this.text())) form.append(name, value);
    return form;
  }
}

// A body read in one piece: what `for await` and `getReader` see of a stream.
function stream(take) {
  return {
    async *[Symbol.asyncIterator]() { yield take(); },
    getReader() {
      let done = false;
      return {
        async read() {
          if (done) return { done: true, value: undefined };
          done = true;
          return { done: false, value: take() };
        },
        releaseLock() {},
        async cancel() { done = true; },
      };
    },
  };
}

const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'];

class Request extends Body {
  constructor(input, init = {}) {
    const other = input instanceof Request ? input : null;
    const method = String(init.method ?? other?.method ?? 'GET');
    const upper = METHODS.includes(method.toUpperCase()) ? method.toUpperCase() : method;
    const given = init.body === undefined && other !== null ? { bytes: Body.peek(other), type: null } : readBody(init.body);
    if (given.bytes !== null && (upper === 'GET' || upper === 'HEAD')) {
      throw new TypeError('Request with GET/HEAD method cannot have body.');
    }
    super(given.bytes);
    let url;
    try {
      url = new URL(other?.url ?? input);
    } catch (error) {
      throw new TypeError(`Failed to parse URL from ${input}`, { cause: error });
    }
    if (url.username !== '' || url.password !== '') {
      throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${url.href}`);
    }
    this.url = url.href;
    this.method = upper;
    this.headers = new Headers(init.headers ?? other?.headers);
    if (given.type !== null && !this.headers.has('content-type')) this.headers.set('content-type', given.type);
    this.signal = init.signal ?? other?.signal ?? null;
    this.redirect = init.redirect ?? other?.redirect ?? 'follow';
  }
  clone() { return new Request(this); }
}

class Response extends Body {
  constructor(body = null, init = {}) {
    const given = readBody(body);
    super(given.bytes);
    this.status = init.status ?? 200;
    this.statusText = init.statusText ?? '';
    this.headers = new Headers(init.headers);
    if (given.type !== null && !this.headers.has('content-type')) this.headers.set('content-type', given.type);
    this.type = 'default';
    this.url = '';
    this.redirected = false;
  }
  get ok() { return this.status >= 200 && this.status <= 299; }
  clone() { return Object.assign(new Response(Body.peek(this), this), { url: this.url, type: this.type }); }
  static json(data, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return new Response(JSON.stringify(data), { ...init, headers });
  }
  static error() { return Object.assign(new Response(null, { status: 200 }), { status: 0, type: 'error' }); }
  static redirect(url, status = 302) { return new Response(null, { status, headers: { location: new URL(url).href } }); }
}

// One request as the server takes it, and its answer with the body as bytes.
function exchange({ url, method, headers, body, redirect = 'follow' }) {
  const pairs = [...headers];
  return machine.call('fetch', {
    __proto__: null, url, method, headers: pairs, redirect, body_base64: body === null ? null : base64(body),
  }).then((answer) => ({ ...answer, body: fromBase64(answer.body_base64 ?? '') }));
}

function aborted(signal) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

async function fetch(input, init) {
  const request = new Request(input, init);
  request.signal?.throwIfAborted();
  const answering = exchange({
    url: request.url, method: request.method, headers: request.headers, body: Body.peek(request),
    redirect: request.redirect,
  }).catch((cause) => {
    throw new TypeError('fetch failed', { cause });
  });
  const answer = await (request.signal ? Promise.race([answering, aborted(request.signal)]) : answering);
  const { status, status_text: statusText, headers } = answer;
  const response = new Response([101, 204, 205, 304].includes(status) ? null : answer.body, { status, statusText, headers });
  response.url = answer.url ?? request.url;
  response.redirected = response.url !== request.url;
  response.type = 'basic';
  return response;
}

module.exports = { Blob, FormData, Headers, Request, Response, exchange, fetch, readBody };
