// URL and URLSearchParams. Addresses are taken apart by the worker, with the parser that the server uses.

const parse = machine.native('urlParse');
const change = machine.native('urlSet');
const toWellFormed = (value) => String(value).toWellFormed();

// Percent-encoding of application/x-www-form-urlencoded.
function encode(text) {
  return encodeURIComponent(toWellFormed(text)).replace(/%20/g, '+')
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text) {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Bytes that are no UTF-8: take each for itself, as the standard has it.
    const bytes = [];
    for (let i = 0; i < spaced.length; i++) {
      const hex = spaced[i] === '%' ? /^[0-9a-fA-F]{2}/.exec(spaced.slice(i + 1, i + 3)) : null;
      if (hex !== null) {
        bytes.push(parseInt(hex[0], 16));
        i += 2;
      } else {
        bytes.push(...lib('bytes').fromText(spaced[i]));
      }
    }
    return lib('bytes').toText(new Uint8Array(bytes));
  }
}

class URLSearchParams {
  #pairs = [];
  #url = null;

  constructor(init = '') {
    if (init === null || init === undefined) return;
    if (typeof init === 'object' || typeof init === 'function') {
      const pairs = typeof init[Symbol.iterator] === 'function' ? [...init] : Object.entries(init);
      for (const pair of pairs) {
        const [name, value, ...more] = pair;
        if (value === undefined && pair.length !== 2 || more.length > 0) {
          throw new TypeError('Each query pair must be an iterable [name, value] tuple');
        }
        this.#pairs.push([toWellFormed(name), toWellFormed(value)]);
      }
    } else {
      this.#read(String(init));
    }
  }

  #read(text) {
    this.#pairs = text.replace(/^\?/, '').split('&').filter((part) => part !== '').map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [decode(part), ''] : [decode(part.slice(0, at)), decode(part.slice(at + 1))];
    });
  }

  // Ties the parameters to an address: what changes here changes there.
  static attach(params, url) { params.#url = url; return params; }
  static renew(params, text) { params.#read(text); }
  #changed() { if (this.#url !== null) this.#url(this.toString()); }

  get size() { return this.#pairs.length; }
  append(name, value) { this.#pairs.push([toWellFormed(name), toWellFormed(value)]); this.#changed(); }
  delete(name, value) {
    this.#pairs = this.#pairs.filter(([n, v]) => n !== String(name) || (value !== undefined && v !== String(value)));
    this.#changed();
  }
  get(name) { return this.#pairs.find(([n]) => n === String(name))?.[1] ?? null; }
  getAll(name) { return this.#pairs.filter(([n]) => n === String(name)).map(([, v]) => v); }
  has(name, value) {
    return this.#pairs.some(([n, v]) => n === String(name) && (value === undefined || v === String(value)));
  }
  set(name, value) {
    const at = this.#pairs.findIndex(([n]) => n === String(name));
    if (at < 0) {
      this.append(name, value);
      return;
    }
    this.#pairs[at][1] = toWellFormed(value);
    this.#pairs = this.#pairs.filter(([n], i) => n !== String(name) || i <= at);
    this.#changed();
  }
  sort() { this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#changed(); }
  forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
  *keys() { for (const [name] of this.#pairs) yield name; }
  *values() { for (const [, value] of this.#pairs) yield value; }
  *entries() { for (const [name, value] of this.#pairs) yield [name, value]; }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'); }
  get [Symbol.toStringTag]() { return 'URLSearchParams'; }
  [Symbol.for('nodejs.util.inspect.custom')]() {
    const pairs = this.#pairs.map(([name, value]) => `'${name}' => '${value}'`);
    return pairs.length > 0 ? `URLSearchParams { ${pairs.join(', ')} }` : 'URLSearchParams {}';
  }
}

class URL {
  #parts;
  #params = null;

  constructor(input, base) {
    const text = toWellFormed(input);
    this.#parts = parse(text, base === undefined ? undefined : toWellFormed(base));
    if (this.#parts === null) {
      const error = new TypeError('Invalid URL');
      error.code = 'ERR_INVALID_URL';
      error.input = text;
      throw error;
    }
  }

  static canParse(input, base) {
    return parse(toWellFormed(input), base === undefined ? undefined : toWellFormed(base)) !== null;
  }
  static parse(input, base) { return URL.canParse(input, base) ? new URL(input, base) : null; }

  #set(part, value) {
    this.#parts = change(this.#parts.href, part, toWellFormed(value)) ?? this.#parts;
    if (this.#params !== null && (part === 'href' || part === 'search')) {
      URLSearchParams.renew(this.#params, this.#parts.search);
    }
  }

  get href() { return this.#parts.href; }
  set href(value) {
    const parts = parse(toWellFormed(value), undefined);
    if (parts === null) throw new TypeError('Invalid URL');
    this.#set('href', value);
  }
  get origin() { return this.#parts.origin; }
  get protocol() { return this.#parts.protocol; }
  set protocol(value) { this.#set('protocol', value); }
  get username() { return this.#parts.username; }
  set username(value) { this.#set('username', value); }
  get password() { return this.#parts.password; }
  set password(value) { this.#set('password', value); }
  get host() { return this.#parts.host; }
  set host(value) { this.#set('host', value); }
  get hostname() { return this.#parts.hostname; }
  set hostname(value) { this.#set('hostname', value); }
  get port() { return this.#parts.port; }
  set port(value) { this.#set('port', value); }
  get pathname() { return this.#parts.pathname; }
  set pathname(value) { this.#set('pathname', value); }
  get search() { return this.#parts.search; }
  set search(value) { this.#set('search', value); }
  get hash() { return this.#parts.hash; }
  set hash(value) { this.#set('hash', value); }
  get searchParams() {
    this.#params ??= URLSearchParams.attach(new URLSearchParams(this.#parts.search), (text) => {
      this.#parts = change(this.#parts.href, 'search', text) ?? this.#parts;
    });
    return this.#params;
  }
  toString() { return this.href; }
  toJSON() { return this.href; }
  get [Symbol.toStringTag]() { return 'URL'; }
  [Symbol.for('nodejs.util.inspect.custom')]() { return `URL { ${this.href} }`; }
}

module.exports = { URL, URLSearchParams };
