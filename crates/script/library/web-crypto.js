// The global `crypto`: random values and SubtleCrypto.

const { native } = machine;
const { base64, view } = lib('bytes');

function refuse(name, message) { throw new DOMException(message, name); }

function normal(algorithm) {
  return typeof algorithm === 'string' ? { name: algorithm } : algorithm;
}

function hashOf(hash) {
  const name = normal(hash)?.name;
  const found = /^SHA-(1|256|384|512)$/i.exec(name ?? '');
  return found === null ? refuse('NotSupportedError', `Unrecognized hash name: ${name}`) : `sha${found[1]}`;
}

const internal = Symbol('key');

class CryptoKey {
  constructor(type, algorithm, extractable, usages, key) {
    Object.assign(this, { type, algorithm, extractable, usages: [...usages] });
    Object.defineProperty(this, internal, { value: key });
  }
  get [Symbol.toStringTag]() { return 'CryptoKey'; }
}

// What each algorithm's keys are.
const FAMILIES = {
  __proto__: null,
  'hmac': { name: 'HMAC', kind: 'secret' },
  'aes-gcm': { name: 'AES-GCM', kind: 'secret' },
  'aes-cbc': { name: 'AES-CBC', kind: 'secret' },
  'pbkdf2': { name: 'PBKDF2', kind: 'secret' },
  'hkdf': { name: 'HKDF', kind: 'secret' },
  'rsassa-pkcs1-v1_5': { name: 'RSASSA-PKCS1-v1_5', kind: 'rsa', scheme: 'pkcs1' },
  'rsa-pss': { name: 'RSA-PSS', kind: 'rsa', scheme: 'pss' },
  'ecdsa': { name: 'ECDSA', kind: 'ec', scheme: 'fixed' },
  'ed25519': { name: 'Ed25519', kind: 'ed25519', scheme: 'pure' },
};

function family(algorithm) {
  const name = String(normal(algorithm)?.name);
  return FAMILIES[name.toLowerCase()] ?? refuse('NotSupportedError', `Unrecognized algorithm name: ${name}`);
}

function secretAlgorithm(given, raw) {
  const { name } = family(given);
  if (name === 'HMAC') return { name, hash: { name: normal(given.hash).name }, length: raw.length * 8 };
  if (name.startsWith('AES')) {
    if (![16, 24, 32].includes(raw.length)) refuse('DataError', 'Invalid key length');
    return { name, length: raw.length * 8 };
  }
  return { name };
}

function asymmetricKey(description, algorithm, extractable, usages) {
  const { name, kind } = family(algorithm);
  if (description.kty !== kind) refuse('DataError', 'The key is of another kind');
  const own = { name };
  if (kind === 'rsa') {
    own.hash = { name: normal(algorithm.hash).name };
    own.modulusLength = description.bits;
    own.publicExponent = new Uint8Array([1, 0, 1]);
  } else if (kind === 'ec') {
    if (description.curve !== algorithm.namedCurve) refuse('DataError', 'The key is on another curve');
    own.namedCurve = description.curve;
  }
  return new CryptoKey(description.type, own, extractable, usages, description.der);
}

function need(key, usage, name) {
  if (!(key instanceof CryptoKey)) throw new TypeError('The key must be a CryptoKey');
  if (!key.usages.includes(usage)) refuse('InvalidAccessError', `The key cannot be used to ${usage}`);
  if (name !== key.algorithm.name) refuse('InvalidAccessError', 'The key is of another algorithm');
}

function reading(work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof DOMException) throw error;
    return refuse('DataError', error.message);
  }
}

const EC_HASHES = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' };

// The hash of a signature by this key.
function signingHash(key, algorithm) {
  if (key.algorithm.name === 'ECDSA') {
    const hash = hashOf(algorithm.hash);
    return EC_HASHES[key.algorithm.namedCurve] === hash ? hash
      : refuse('NotSupportedError', `ECDSA on ${key.algorithm.namedCurve} is supported with its own hash only`);
  }
  return key.algorithm.hash === undefined ? '' : hashOf(key.algorithm.hash);
}

function crypt(encrypts, algorithm, key, data) {
  const { name } = family(algorithm);
  need(key, encrypts ? 'encrypt' : 'decrypt', name);
  const iv = base64(algorithm.iv);
  try {
    if (name === 'AES-CBC') return native('aesCbc')(encrypts, key[internal], iv, base64(data));
    if (name !== 'AES-GCM') refuse('NotSupportedError', `${name} does not encrypt`);
    if ((algorithm.tagLength ?? 128) !== 128) refuse('OperationError', 'The tag must have 128 bits');
    const aad = algorithm.additionalData === undefined ? '' : base64(algorithm.additionalData);
    return native('aesGcm')(encrypts, key[internal], iv, aad, base64(data));
  } catch (error) {
    return refuse('OperationError', error.message);
  }
}

const subtle = {
  async digest(algorithm, data) { return native('hash')(hashOf(algorithm), base64(view(data))); },

  async importKey(format, data, algorithm, extractable, usages) {
    const { kind } = family(algorithm);
    if (kind === 'secret') {
      if (format !== 'raw' && format !== 'jwk') refuse('NotSupportedError', `Unable to import a secret as ${format}`);
      const raw = format === 'raw' ? view(data).slice()
        : Uint8Array.fromBase64(String(data.k), { alphabet: 'base64url' });
      return new CryptoKey('secret', secretAlgorithm(normal(algorithm), raw), extractable, usages, base64(raw));
    }
    const description = reading(() => {
      if (format === 'jwk') return native('keyFromJwk')(data);
      if (format === 'raw') {
        const raw = view(data);
        const text = (part) => part.toBase64({ alphabet: 'base64url', omitPadding: true });
        if (kind === 'ed25519') return native('keyFromJwk')({ kty: 'OKP', crv: 'Ed25519', x: text(raw) });
        const half = (raw.length - 1) / 2;
        return native('keyFromJwk')({
          kty: 'EC', crv: algorithm.namedCurve, x: text(raw.slice(1, 1 + half)), y: text(raw.slice(1 + half)),
        });
      }
      return native('keyFromDer')(base64(data));
    });
    return asymmetricKey(description, normal(algorithm), extractable, usages);
  },

  async exportKey(format, key) {
    if (!key.extractable) refuse('InvalidAccessError', 'The key is not extractable');
    if (key.type === 'secret') {
      const raw = Uint8Array.fromBase64(key[internal]);
      if (format === 'raw') return raw.buffer;
      if (format !== 'jwk') refuse('NotSupportedError', `Unable to export a secret as ${format}`);
      const k = raw.toBase64({ alphabet: 'base64url', omitPadding: true });
      return { kty: 'oct', k, ext: true, key_ops: key.usages };
    }
    if (format === 'jwk') return { ...reading(() => native('keyToJwk')(key[internal])), ext: true, key_ops: key.usages };
    const wanted = key.type === 'private' ? 'pkcs8' : 'spki';
    if (format === 'raw' && key.type === 'public' && key.algorithm.name !== 'RSA-PSS') {
      const { x, y = '' } = native('keyToJwk')(key[internal]);
      const part = (text) => [...Uint8Array.fromBase64(text, { alphabet: 'base64url' })];
      return new Uint8Array(y === '' ? part(x) : [4, ...part(x), ...part(y)]).buffer;
    }
    if (format !== wanted) refuse('NotSupportedError', `Unable to export a ${key.type} key as ${format}`);
    return Uint8Array.fromBase64(key[internal]).buffer;
  },

  async generateKey(given, extractable, usages) {
    const algorithm = normal(given);
    const { name, kind } = family(algorithm);
    if (kind === 'secret') {
      const blocks = { sha1: 512, sha256: 512, sha384: 1024, sha512: 1024 };
      const bits = algorithm.length ?? (name === 'HMAC' ? blocks[hashOf(algorithm.hash)] : 0);
      const raw = new Uint8Array(native('randomBytes')(bits / 8));
      return new CryptoKey('secret', secretAlgorithm(algorithm, raw), extractable, usages, base64(raw));
    }
    const description = reading(() => native('keyGenerate')(kind === 'ec' ? algorithm.namedCurve : kind, algorithm.modulusLength ?? 0));
    const secret = usages.filter((usage) => usage === 'sign');
    const open = usages.filter((usage) => usage === 'verify');
    return {
      privateKey: asymmetricKey(description, algorithm, extractable, secret),
      publicKey: asymmetricKey(native('keyPublic')(description.der), algorithm, true, open),
    };
  },

  async sign(given, key, data) {
    const algorithm = normal(given);
    const { name, scheme } = family(algorithm);
    need(key, 'sign', name);
    if (name === 'HMAC') return native('hmac')(hashOf(key.algorithm.hash), key[internal], base64(data));
    return native('keySign')(key[internal], scheme, signingHash(key, algorithm), base64(data));
  },

  async verify(given, key, signature, data) {
    const algorithm = normal(given);
    const { name, scheme } = family(algorithm);
    need(key, 'verify', name);
    if (name === 'HMAC') {
      const own = native('hmac')(hashOf(key.algorithm.hash), key[internal], base64(data));
      return native('sameBytes')(base64(own), base64(signature));
    }
    return native('keyVerify')(key[internal], scheme, signingHash(key, algorithm), base64(data), base64(signature));
  },

  async encrypt(algorithm, key, data) { return crypt(true, algorithm, key, data); },
  async decrypt(algorithm, key, data) { return crypt(false, algorithm, key, data); },

  async deriveBits(algorithm, key, length) {
    const { name } = family(algorithm);
    if (!key.usages.includes('deriveBits') && !key.usages.includes('deriveKey')) {
      refuse('InvalidAccessError', 'The key cannot be used to derive bits');
    }
    const hash = hashOf(algorithm.hash);
    if (name === 'PBKDF2') return native('pbkdf2')(hash, key[internal], base64(algorithm.salt), algorithm.iterations, length / 8);
    if (name === 'HKDF') return native('hkdf')(hash, key[internal], base64(algorithm.salt), base64(algorithm.info), length / 8);
    return refuse('NotSupportedError', `${name} derives nothing`);
  },

  async deriveKey(algorithm, key, derived, extractable, usages) {
    const { name } = family(derived);
    const bits = derived.length ?? (name === 'HMAC' ? 512 : 256);
    return subtle.importKey('raw', await subtle.deriveBits(algorithm, key, bits), derived, extractable, usages);
  },
};

module.exports = {
  subtle,
  CryptoKey,
  randomUUID: () => lib('crypto').randomUUID(),
  getRandomValues(target) {
    if (!ArrayBuffer.isView(target) || target instanceof Float32Array || target instanceof Float64Array) {
      refuse('TypeMismatchError', 'The data argument must be an integer-type TypedArray');
    }
    if (target.byteLength > 65536) refuse('QuotaExceededError', 'More than 65536 bytes were asked for');
    view(target).set(new Uint8Array(native('randomBytes')(target.byteLength)));
    return target;
  },
  toKeyObject(key) {
    const crypto = lib('crypto');
    const raw = lib('buffer').Buffer.from(key[internal], 'base64');
    if (key.type === 'secret') return crypto.createSecretKey(raw);
    return crypto[key.type === 'private' ? 'createPrivateKey' : 'createPublicKey']({ key: raw, format: 'der' });
  },
};
