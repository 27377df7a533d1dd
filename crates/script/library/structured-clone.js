// structuredClone: values, collections, dates, errors and bytes, with cycles.

function refuse(value) {
  throw new DOMException(`${typeof value === 'symbol' ? String(value) : value} could not be cloned.`, 'DataCloneError');
}

module.exports = function structuredClone(value) {
  const seen = new Map();

  function copy(source) {
    if (typeof source === 'function' || typeof source === 'symbol') refuse(source);
    if (source === null || typeof source !== 'object') return source;
    const known = seen.get(source);
    if (known !== undefined) return known;
    const remember = (target) => { seen.set(source, target); return target; };

    if (source instanceof Date) return remember(new Date(source.getTime()));
    if (source instanceof RegExp) return remember(new RegExp(source.source, source.flags));
    if (source instanceof String || source instanceof Number || source instanceof Boolean) {
      return remember(Object(source.valueOf()));
    }
    if (source instanceof ArrayBuffer) return remember(source.slice(0));
    if (ArrayBuffer.isView(source)) {
      const buffer = copy(source.buffer);
      const Type = lib('buffer').Buffer.isBuffer(source) ? Uint8Array : source.constructor;
      return remember(new Type(buffer, source.byteOffset, source.length ?? source.byteLength));
    }
    if (source instanceof Map) {
      const target = remember(new Map());
      for (const [key, entry] of source) target.set(copy(key), copy(entry));
      return target;
    }
    if (source instanceof Set) {
      const target = remember(new Set());
      for (const entry of source) target.add(copy(entry));
      return target;
    }
    if (source instanceof Error) {
      const Type = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }[source.name] ?? Error;
      const target = remember(new Type(source.message));
      target.stack = source.stack;
      if ('cause' in source) target.cause = copy(source.cause);
      return target;
    }
    if (source instanceof Promise || source instanceof WeakMap || source instanceof WeakSet) refuse(source);
    const target = remember(Array.isArray(source) ? new Array(source.length) : {});
    for (const name of Object.keys(source)) target[name] = copy(source[name]);
    return target;
  }

  return copy(value);
};
