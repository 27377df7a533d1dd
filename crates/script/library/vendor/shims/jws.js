// Signatures of JWTs, for the package `jsonwebtoken`, on our own `crypto`.

const crypto = require('crypto');
const { Buffer } = require('buffer');

const HASHES = { 256: 'sha256', 384: 'sha384', 512: 'sha512' };

function algorithm(name) {
  const [, kind, bits] = /^(HS|RS|PS|ES)(256|384|512)$/.exec(name) ?? [];
  if (kind === undefined && name !== 'none') throw new TypeError(`"${name}" is not a valid algorithm.`);
  return { kind, hash: HASHES[bits] };
}

function options(kind, key) {
  if (kind === 'PS') {
    return { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return kind === 'ES' ? { key, dsaEncoding: 'ieee-p1363' } : key;
}

function encode(value) {
  const text = typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value);
  return Buffer.from(text).toString('base64url');
}

function sign({ header, payload, secret, privateKey, key }) {
  const by = secret ?? privateKey ?? key;
  const signed = `${encode(header)}.${encode(payload)}`;
  const { kind, hash } = algorithm(header.alg);
  if (kind === undefined) return `${signed}.`;
  const signature = kind === 'HS'
    ? crypto.createHmac(hash, by).update(signed).digest('base64url')
    : crypto.createSign(hash).update(signed).sign(options(kind, by), 'base64url');
  return `${signed}.${signature}`;
}

// jsonwebtoken listens to this where it was given a callback.
function createSign(opts) {
  const listeners = {};
  process.nextTick(() => {
    try {
      const token = sign(opts);
      listeners.done?.(token);
    } catch (error) {
      listeners.error?.(error);
    }
  });
  const stream = { once(name, listener) { listeners[name] = listener; return stream; } };
  return stream;
}

const FORM = /^[a-zA-Z0-9\-_]+?\.[a-zA-Z0-9\-_]+?\.([a-zA-Z0-9\-_]+)?$/;

function headerOf(token) {
  return JSON.parse(Buffer.from(token.split('.', 1)[0], 'base64url').toString('utf8'));
}

function isValid(token) {
  if (!FORM.test(token)) return false;
  try {
    return headerOf(token) !== null && typeof headerOf(token) === 'object';
  } catch {
    return false;
  }
}

function verify(token, name, key) {
  const { kind, hash } = algorithm(name);
  const at = token.lastIndexOf('.');
  const signed = token.slice(0, at);
  const signature = Buffer.from(token.slice(at + 1), 'base64url');
  if (kind === undefined) return signature.length === 0;
  if (kind === 'HS') {
    const own = crypto.createHmac(hash, key).update(signed).digest();
    return own.length === signature.length && crypto.timingSafeEqual(own, signature);
  }
  return crypto.createVerify(hash).update(signed).verify(options(kind, key), signature);
}

function decode(token, opts) {
  if (!isValid(token)) return null;
  const header = headerOf(token);
  const [, body, signature] = token.split('.');
  let payload = Buffer.from(body, 'base64url').toString('utf8');
  if (header.typ === 'JWT' || opts?.json) payload = JSON.parse(payload, opts?.encoding);
  return { header, payload, signature };
}

module.exports = {
  ALGORITHMS: ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
  sign, createSign, verify, decode, isValid,
};
