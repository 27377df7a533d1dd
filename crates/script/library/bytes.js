// Bytes on their way to the worker's own functions (as base64) and back (as an ArrayBuffer).

const toBase64 = Uint8Array.prototype.toBase64;
const encode = machine.native('utf8Encode');
const decode = machine.native('utf8Decode');
const { apply } = Reflect;
const { toWellFormed } = String.prototype;

function isBytes(value) {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

// A Uint8Array on the same memory.
function view(value) {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new TypeError('The value must be bytes: a Buffer, a typed array or an ArrayBuffer');
}

// Text stands for its UTF-8 bytes.
function base64(value) {
  if (typeof value === 'string') return apply(toBase64, fromText(value), []);
  return apply(toBase64, view(value), []);
}

function fromText(text) {
  return new Uint8Array(encode(apply(toWellFormed, String(text), [])));
}

function toText(bytes, fatal = false) {
  return decode(base64(bytes), fatal);
}

module.exports = { base64, fromText, isBytes, toText, view };
