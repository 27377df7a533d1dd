// TextEncoder and TextDecoder. UTF-8, and the two one-byte and two-byte encodings that still turn up.

const { fromText, toText, view } = lib('bytes');

class TextEncoder {
  get encoding() { return 'utf-8'; }
  encode(text = '') { return fromText(text); }
  encodeInto(text, target) {
    const bytes = fromText(text);
    let length = Math.min(bytes.length, target.length);
    while (length > 0 && length < bytes.length && (bytes[length] & 0xc0) === 0x80) length--;
    target.set(bytes.subarray(0, length));
    return { read: toText(bytes.subarray(0, length)).length, written: length };
  }
}

const LABELS = {
  __proto__: null, 'utf-8': 'utf-8', utf8: 'utf-8', 'unicode-1-1-utf-8': 'utf-8', latin1: 'windows-1252',
  ascii: 'windows-1252', 'iso-8859-1': 'windows-1252', 'us-ascii': 'windows-1252', 'windows-1252': 'windows-1252',
  'utf-16le': 'utf-16le', 'utf-16': 'utf-16le', 'ucs-2': 'utf-16le',
};

class TextDecoder {
  #encoding;
  #options;
  #rest = new Uint8Array(0);
  constructor(label = 'utf-8', options = {}) {
    this.#encoding = LABELS[String(label).trim().toLowerCase()];
    if (this.#encoding === undefined) throw new RangeError(`The "${label}" encoding is not supported`);
    this.#options = options;
  }
  get encoding() { return this.#encoding; }
  get fatal() { return this.#options.fatal === true; }
  get ignoreBOM() { return this.#options.ignoreBOM === true; }

  decode(input, options) {
    let bytes = input === undefined ? new Uint8Array(0) : view(input);
    if (this.#rest.length > 0) {
      const both = new Uint8Array(this.#rest.length + bytes.length);
      both.set(this.#rest);
      both.set(bytes, this.#rest.length);
      bytes = both;
    }
    const end = options?.stream ? this.#whole(bytes) : bytes.length;
    this.#rest = bytes.slice(end);
    const text = this.#text(bytes.subarray(0, end));
    return !this.ignoreBOM && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  #text(bytes) {
    if (this.#encoding === 'utf-8') return toText(bytes, this.fatal);
    let text = '';
    const step = this.#encoding === 'utf-16le' ? 2 : 1;
    for (let i = 0; i + step <= bytes.length; i += step) {
      text += String.fromCharCode(step === 2 ? bytes[i] | (bytes[i + 1] << 8) : bytes[i]);
    }
    return text;
  }

  // Where the last whole character ends.
  #whole(bytes) {
    if (this.#encoding === 'utf-16le') return bytes.length & ~1;
    if (this.#encoding !== 'utf-8') return bytes.length;
    for (let back = 1; back <= Math.min(3, bytes.length); back++) {
      const byte = bytes[bytes.length - back];
      if ((byte & 0xc0) === 0x80) continue;
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      return length > back ? bytes.length - back : bytes.length;
    }
    return bytes.length;
  }
}

module.exports = { TextDecoder, TextEncoder };
