// Buffer: the npm package, with base64url, and with the engine's own functions where they are faster.

const core = lib('buffer-core');
const { Buffer } = core;
const { base64, fromText, toText } = lib('bytes');
const { from, isEncoding, byteLength } = Buffer;
const { toString, write, equals } = Buffer.prototype;
const { fromBase64, fromHex } = Uint8Array;
const { toHex, toBase64 } = Uint8Array.prototype;

function encodingOf(name) {
  return name === undefined || name === null ? 'utf8' : String(name).toLowerCase();
}

function ofBytes(bytes) {
  return from(bytes.buffer, bytes.byteOffset, bytes.length);
}

// Node takes either alphabet for either name, and stops at what is of none.
function ofBase64(text) {
  const normal = text.replace(/-/g, '+').replace(/_/g, '/');
  const end = normal.search(/[^A-Za-z0-9+/\s]/);
  let body = (end < 0 ? normal : normal.slice(0, end)).replace(/\s+/g, '');
  if (body.length % 4 === 1) body = body.slice(0, -1);
  return ofBytes(fromBase64(body));
}

Buffer.from = function (value, encoding, length) {
  if (typeof value !== 'string') return from(value, encoding, length);
  switch (encodingOf(encoding)) {
    case 'utf8': case 'utf-8': return ofBytes(fromText(value));
    case 'base64': case 'base64url': return ofBase64(value);
    case 'hex': return ofBytes(fromHex(/^(?:[0-9a-fA-F]{2})*/.exec(value)[0]));
    default: return from(value, encoding);
  }
};

Buffer.isEncoding = (name) => encodingOf(name) === 'base64url' || isEncoding(name);

Buffer.byteLength = (value, encoding) => {
  if (typeof value === 'string' && /^base64/.test(encodingOf(encoding))) return Buffer.from(value, encoding).length;
  return byteLength(value, encoding);
};

Buffer.prototype.toString = function (encoding, start = 0, end = this.length) {
  const part = start === 0 && end === this.length ? this : this.subarray(start, end);
  switch (encodingOf(encoding)) {
    case 'utf8': case 'utf-8': return toText(part);
    case 'base64': return base64(part);
    case 'base64url': return toBase64.call(part, { alphabet: 'base64url', omitPadding: true });
    case 'hex': return toHex.call(part);
    default: return toString.call(this, encoding, start, end);
  }
};
Buffer.prototype.toLocaleString = Buffer.prototype.toString;

Buffer.prototype.write = function (text, ...rest) {
  const encoding = rest.find((value) => typeof value === 'string');
  if (encodingOf(encoding) !== 'base64url') return write.call(this, text, ...rest);
  const bytes = Buffer.from(text, 'base64url');
  const offset = typeof rest[0] === 'number' ? rest[0] : 0;
  return bytes.copy(this, offset);
};

Buffer.prototype.equals = function (other) {
  return equals.call(this, Buffer.isBuffer(other) ? other : Buffer.from(other));
};

module.exports = { ...core, Buffer, atob, btoa, constants: { MAX_LENGTH: core.kMaxLength, MAX_STRING_LENGTH: 2 ** 29 } };
