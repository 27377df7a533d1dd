// Node's `crypto`, on the worker's functions.

const { native } = machine;
const { base64, fromText, isBytes } = lib('bytes');
const { Buffer } = lib('buffer');
const nativeHash = native('hash');
const nativeHmac = native('hmac');

function bytes(value, encoding, name = 'data') {
  if (typeof value === 'string') return Buffer.from(value, encoding === 'buffer' ? 'utf8' : encoding ?? 'utf8');
  if (isBytes(value)) return Buffer.from(value.buffer ?? value, value.byteOffset, value.byteLength);
  const error = new TypeError(`The "${name}" argument must be of type string or an instance of Buffer, TypedArray, or DataView.`);
  error.code = 'ERR_INVALID_ARG_TYPE';
  throw error;
}

function out(arrayBuffer, encoding) {
  const buffer = Buffer.from(arrayBuffer);
  return encoding === undefined || encoding === 'buffer' ? buffer : buffer.toString(encoding);
}

// 'RSA-SHA256', 'SHA-256' and 'sha256' are the same.
function hashName(name) {
  return String(name).toLowerCase().replace(/^rsa-/, '').replace(/^sha-(?=\d)/, 'sha').replace(/^rmd160$/, 'ripemd160');
}

// Gathers what `update` is given.
class Gathered {
  #chunks = [];
  #done = false;
  update(data, encoding) {
    if (this.#done) throw finalized();
    this.#chunks.push(bytes(data, encoding));
    return this;
  }
  write(data, encoding) { this.update(data, encoding); return true; }
  end(data, encoding) { if (data !== undefined) this.update(data, encoding); return this; }
  static take(gathered) {
    if (gathered.#done) throw finalized();
    gathered.#done = true;
    return Buffer.concat(gathered.#chunks);
  }
  static peek(gathered) { return Buffer.concat(gathered.#chunks); }
}

function finalized() {
  const error = new Error('Digest already called');
  error.code = 'ERR_CRYPTO_HASH_FINALIZED';
  return error;
}

class Hash extends Gathered {
  #name;
  constructor(name) { super(); this.#name = hashName(name); nativeHash(this.#name, ''); }
  digest(encoding) { return out(nativeHash(this.#name, base64(Gathered.take(this))), encoding); }
  copy() { return new Hash(this.#name).update(Gathered.peek(this)); }
}

class Hmac extends Gathered {
  #name;
  #key;
  constructor(name, key) {
    super();
    this.#name = hashName(name);
    this.#key = base64(key instanceof KeyObject ? key.export() : bytes(key, 'utf8', 'key'));
    nativeHmac(this.#name, this.#key, '');
  }
  digest(encoding) { return out(nativeHmac(this.#name, this.#key, base64(Gathered.take(this))), encoding); }
}

// --- keys ----------------------------------------------------------------------------------------------------

const describe = Symbol('description');

class KeyObject {
  constructor(type, description) {
    this.type = type;
    Object.defineProperty(this, describe, { value: description });
  }
  get asymmetricKeyType() { return this[describe].kty; }
  get asymmetricKeyDetails() {
    const { kty, bits, curve } = this[describe];
    if (kty === 'rsa') return { modulusLength: bits, publicExponent: 65537n };
    const namedCurve = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' }[curve];
    return kty === 'ec' ? { namedCurve } : {};
  }
  get symmetricKeySize() { return this.type === 'secret' ? this[describe].length : undefined; }
  equals(other) { return this.type === other.type && der(this) === der(other); }
  export(options = {}) {
    if (this.type === 'secret') {
      return options.format === 'jwk' ? { kty: 'oct', k: this[describe].toString('base64url') } : Buffer.from(this[describe]);
    }
    if (options.format === 'jwk') return native('keyToJwk')(this[describe].der);
    const wanted = this.type === 'private' ? 'pkcs8' : 'spki';
    if (options.type !== undefined && options.type !== wanted) throw new Error(`Keys can be exported as ${wanted} only`);
    const raw = Buffer.from(this[describe].der, 'base64');
    if (options.format !== 'pem') return raw;
    const label = this.type === 'private' ? 'PRIVATE KEY' : 'PUBLIC KEY';
    return `-----BEGIN ${label}-----\n${raw.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
  }
  static from(key) { return lib('web-crypto').toKeyObject(key); }
}

function der(key) { return key.type === 'secret' ? base64(key[describe]) : key[describe].der; }

function keyOf(description) { return new KeyObject(description.type, description); }

function readKey(input) {
  if (input instanceof KeyObject) return input;
  const given = input !== null && typeof input === 'object' && !isBytes(input) ? input : { key: input };
  const { key, format } = given;
  if (key instanceof KeyObject) return key;
  try {
    if (format === 'jwk') return keyOf(native('keyFromJwk')(key));
    if (typeof key === 'string') return keyOf(native('keyFromPem')(key));
    const raw = bytes(key, undefined, 'key');
    if (format === 'der') return keyOf(native('keyFromDer')(base64(raw)));
    return keyOf(native('keyFromPem')(raw.toString('utf8')));
  } catch (error) {
    error.code ??= 'ERR_OSSL_UNSUPPORTED';
    throw error;
  }
}

function createPrivateKey(input) {
  const key = readKey(input);
  if (key.type !== 'private') throw Object.assign(new TypeError('The key is not a private key'), { code: 'ERR_INVALID_ARG_VALUE' });
  return key;
}

function createPublicKey(input) {
  const key = readKey(input);
  return key.type === 'private' ? keyOf(native('keyPublic')(der(key))) : key;
}

function createSecretKey(key, encoding) { return new KeyObject('secret', Buffer.from(bytes(key, encoding, 'key'))); }

const constants = {
  RSA_PKCS1_PADDING: 1, RSA_PKCS1_OAEP_PADDING: 4, RSA_PKCS1_PSS_PADDING: 6,
  RSA_PSS_SALTLEN_DIGEST: -1, RSA_PSS_SALTLEN_AUTO: -2, RSA_PSS_SALTLEN_MAX_SIGN: -2,
};

// Which way of signing the key and its options mean.
function schemeOf(key, options) {
  const { kty } = key[describe];
  if (kty === 'rsa') return options?.padding === constants.RSA_PKCS1_PSS_PADDING ? 'pss' : 'pkcs1';
  return options?.dsaEncoding === 'ieee-p1363' ? 'fixed' : 'der';
}

function sign(hash, data, input, encoding) {
  const key = createPrivateKey(input);
  const signed = native('keySign')(der(key), schemeOf(key, input), hashName(hash ?? ''), base64(bytes(data)));
  return out(signed, encoding);
}

function verify(hash, data, input, signature, encoding) {
  const key = createPublicKey(input);
  const raw = bytes(signature, encoding, 'signature');
  return native('keyVerify')(der(key), schemeOf(key, input), hashName(hash ?? ''), base64(bytes(data)), base64(raw));
}

class Sign extends Gathered {
  #hash;
  constructor(hash) { super(); this.#hash = hash; }
  sign(key, encoding) { return sign(this.#hash, Gathered.take(this), key, encoding); }
}

class Verify extends Gathered {
  #hash;
  constructor(hash) { super(); this.#hash = hash; }
  verify(key, signature, encoding) { return verify(this.#hash, Gathered.take(this), key, signature, encoding); }
}

function generateKeyPairSync(type, options = {}) {
  const curves = { prime256v1: 'P-256', secp256r1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
  const kind = type === 'ec' ? curves[options.namedCurve] ?? options.namedCurve : type;
  const privateKey = keyOf(native('keyGenerate')(kind, options.modulusLength ?? 2048));
  const publicKey = createPublicKey(privateKey);
  return {
    publicKey: options.publicKeyEncoding ? publicKey.export(options.publicKeyEncoding) : publicKey,
    privateKey: options.privateKeyEncoding ? privateKey.export(options.privateKeyEncoding) : privateKey,
  };
}

// --- AES -----------------------------------------------------------------------------------------------------

const CIPHER = /^aes-?(128|192|256)-(gcm|cbc)$/i;

// The whole text is turned at the end: `update` gives nothing yet, `final` gives all.
class Cipher {
  #mode;
  #encrypts;
  #key;
  #iv;
  #aad = '';
  #tag;
  #gathered = new Gathered();
  #outputEncoding;
  constructor(name, key, iv, encrypts) {
    const [, bits, mode] = CIPHER.exec(name) ?? [];
    if (mode === undefined) throw Object.assign(new Error('Unknown cipher'), { code: 'ERR_CRYPTO_UNKNOWN_CIPHER' });
    const raw = key instanceof KeyObject ? key.export() : bytes(key, 'utf8', 'key');
    if (raw.length * 8 !== Number(bits)) throw Object.assign(new RangeError('Invalid key length'), { code: 'ERR_CRYPTO_INVALID_KEYLEN' });
    const vector = bytes(iv, 'utf8', 'iv');
    if (vector.length !== (mode.toLowerCase() === 'gcm' ? 12 : 16)) {
      throw Object.assign(new TypeError('Invalid initialization vector'), { code: 'ERR_CRYPTO_INVALID_IV' });
    }
    this.#mode = mode.toLowerCase();
    this.#encrypts = encrypts;
    this.#key = base64(raw);
    this.#iv = base64(vector);
  }
  setAAD(data) { this.#aad = base64(bytes(data)); return this; }
  setAuthTag(tag) { this.#tag = bytes(tag, 'hex'); return this; }
  getAuthTag() { return this.#tag; }
  setAutoPadding(pads = true) { if (!pads) throw new Error('CBC without padding is not supported'); return this; }
  update(data, inputEncoding, outputEncoding) {
    this.#gathered.update(data, inputEncoding);
    this.#outputEncoding = outputEncoding;
    return outputEncoding === undefined || outputEncoding === 'buffer' ? Buffer.alloc(0) : '';
  }
  final(encoding = this.#outputEncoding) {
    const data = Gathered.take(this.#gathered);
    if (this.#mode === 'cbc') return out(native('aesCbc')(this.#encrypts, this.#key, this.#iv, base64(data)), encoding);
    if (this.#encrypts) {
      const sealed = Buffer.from(native('aesGcm')(true, this.#key, this.#iv, this.#aad, base64(data)));
      this.#tag = sealed.subarray(sealed.length - 16);
      return out(sealed.subarray(0, sealed.length - 16), encoding);
    }
    if (this.#tag === undefined) throw new Error('Unsupported state or unable to authenticate data');
    return out(native('aesGcm')(false, this.#key, this.#iv, this.#aad, base64(Buffer.concat([data, this.#tag]))), encoding);
  }
}

// --- random values and derived keys --------------------------------------------------------------------------

function randomBytes(size, callback) {
  const made = Buffer.from(native('randomBytes')(size));
  if (typeof callback !== 'function') return made;
  process.nextTick(callback, null, made);
  return undefined;
}

function randomFillSync(target, offset = 0, size = target.length - offset) {
  lib('bytes').view(target).set(randomBytes(size), offset);
  return target;
}

function randomInt(low, high, callback) {
  const [min, max, done] = typeof high === 'number' ? [low, high, callback] : [0, low, high];
  if (!(Number.isSafeInteger(min) && Number.isSafeInteger(max) && min < max)) throw new RangeError('The range is empty');
  const span = max - min;
  const limit = 2 ** 48 - (2 ** 48 % span);
  let drawn;
  do drawn = randomBytes(6).readUIntBE(0, 6); while (drawn >= limit);
  const value = min + (drawn % span);
  if (typeof done !== 'function') return value;
  process.nextTick(done, null, value);
  return undefined;
}

function randomUUID() {
  const b = randomBytes(16);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = b.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function pbkdf2Sync(password, salt, iterations, length, hash) {
  return out(native('pbkdf2')(hashName(hash), base64(bytes(password)), base64(bytes(salt)), iterations, length));
}

function scryptSync(password, salt, length, { N, cost, r, blockSize, p, parallelization } = {}) {
  const costs = [N ?? cost ?? 16384, r ?? blockSize ?? 8, p ?? parallelization ?? 1];
  return out(native('scrypt')(base64(bytes(password)), base64(bytes(salt)), costs, length));
}

function hkdfSync(hash, secret, salt, info, length) {
  const key = secret instanceof KeyObject ? secret.export() : bytes(secret);
  return native('hkdf')(hashName(hash), base64(key), base64(bytes(salt)), base64(bytes(info)), length);
}

// The asynchronous form of a function: it has computed before its callback is called.
function later(work) {
  return (...args) => {
    const callback = args.pop();
    if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function.');
    let result;
    try {
      result = [null, work(...args)];
    } catch (error) {
      result = [error];
    }
    process.nextTick(callback, ...result);
  };
}

function timingSafeEqual(one, other) {
  const [a, b] = [bytes(one), bytes(other)];
  if (a.length !== b.length) {
    const error = new RangeError('Input buffers must have the same byte length');
    error.code = 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH';
    throw error;
  }
  return native('sameBytes')(base64(a), base64(b));
}

module.exports = {
  constants, createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, hkdfSync, Hash, Hmac, KeyObject,
  pbkdf2Sync, randomBytes, randomFillSync, randomInt, randomUUID, scryptSync, sign, Sign, timingSafeEqual, verify, Verify,
  createHash: (name) => new Hash(name),
  createHmac: (name, key) => new Hmac(name, key),
  createSign: (name) => new Sign(name),
  createVerify: (name) => new Verify(name),
  createCipheriv: (name, key, iv) => new Cipher(name, key, iv, true),
  createDecipheriv: (name, key, iv) => new Cipher(name, key, iv, false),
  generateKeyPair: (type, options, callback) => later(() => generateKeyPairSync(type, options))((error, pair) => {
    if (error) callback(error);
    else callback(null, pair.publicKey, pair.privateKey);
  }),
  hash: (name, data, encoding = 'hex') => new Hash(name).update(data).digest(encoding),
  hkdf: later(hkdfSync),
  pbkdf2: later(pbkdf2Sync),
  pseudoRandomBytes: randomBytes,
  randomFill: later(randomFillSync),
  scrypt: later(scryptSync),
  getHashes: () => ['md5', 'ripemd160', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha512-256', 'RSA-SHA256', 'RSA-SHA384', 'RSA-SHA512'],
  getCiphers: () => ['aes-128-cbc', 'aes-128-gcm', 'aes-192-cbc', 'aes-192-gcm', 'aes-256-cbc', 'aes-256-gcm'],
  getCurves: () => ['prime256v1', 'secp384r1', 'secp521r1'],
  getRandomValues: (target) => lib('web-crypto').getRandomValues(target),
  get subtle() { return lib('web-crypto').subtle; },
  get webcrypto() { return lib('web-crypto'); },
};
