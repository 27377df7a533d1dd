// Node's `assert`.

const { inspect } = lib('format');

class AssertionError extends Error {
  constructor({ message, actual, expected, operator }) {
    super(message ?? `${inspect(actual)} ${operator} ${inspect(expected)}`);
    this.name = 'AssertionError';
    this.code = 'ERR_ASSERTION';
    Object.assign(this, { actual, expected, operator, generatedMessage: message === undefined });
  }
}

function check(holds, message, actual, expected, operator) {
  if (holds) return;
  if (message instanceof Error) throw message;
  throw new AssertionError({ message, actual, expected, operator });
}

function same(a, b, strict, seen = new Map()) {
  if (Object.is(a, b) || (!strict && (a == b || (a !== a && b !== b)))) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b);
  if (a instanceof Error && b instanceof Error && (a.message !== b.message || a.name !== b.name)) return false;
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([k, v]) => b.has(k) && same(v, b.get(k), strict, seen));
  }
  if (a instanceof Set && b instanceof Set) {
    return a.size === b.size && [...a].every((v) => b.has(v) || [...b].some((w) => same(v, w, strict, seen)));
  }
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  return keys.length === others.length && keys.every((k) => Object.hasOwn(b, k) && same(a[k], b[k], strict, seen));
}

function matches(error, expected, message) {
  if (expected === undefined || typeof expected === 'string') return;
  if (expected instanceof RegExp) check(expected.test(String(error)), message, error, expected, 'throws');
  else if (typeof expected === 'function' && expected.prototype !== undefined && error instanceof expected) return;
  else if (typeof expected === 'function') check(expected.call({}, error) === true, message, error, expected, 'throws');
  else for (const key of Object.keys(expected)) check(same(error[key], expected[key], true), message, error, expected, 'throws');
}

const assert = (value, message) => check(value, message, value, true, '==');

module.exports = Object.assign(assert, {
  AssertionError,
  ok: assert,
  fail: (message = 'Failed') => check(false, message, undefined, undefined, 'fail'),
  equal: (a, b, message) => check(a == b || (a !== a && b !== b), message, a, b, '=='),
  notEqual: (a, b, message) => check(a != b, message, a, b, '!='),
  strictEqual: (a, b, message) => check(Object.is(a, b), message, a, b, 'strictEqual'),
  notStrictEqual: (a, b, message) => check(!Object.is(a, b), message, a, b, 'notStrictEqual'),
  deepEqual: (a, b, message) => check(same(a, b, false), message, a, b, 'deepEqual'),
  notDeepEqual: (a, b, message) => check(!same(a, b, false), message, a, b, 'notDeepEqual'),
  deepStrictEqual: (a, b, message) => check(same(a, b, true), message, a, b, 'deepStrictEqual'),
  notDeepStrictEqual: (a, b, message) => check(!same(a, b, true), message, a, b, 'notDeepStrictEqual'),
  match: (text, pattern, message) => check(pattern.test(text), message, text, pattern, 'match'),
  doesNotMatch: (text, pattern, message) => check(!pattern.test(text), message, text, pattern, 'doesNotMatch'),
  ifError(value) { if (value !== null && value !== undefined) throw value; },
  throws(work, expected, message) {
    let thrown;
    try {
      work();
    } catch (error) {
      thrown = { error };
    }
    check(thrown !== undefined, message ?? 'Missing expected exception.', undefined, expected, 'throws');
    matches(thrown.error, expected, message);
  },
  doesNotThrow(work) { work(); },
  async rejects(work, expected, message) {
    let thrown;
    try {
      await (typeof work === 'function' ? work() : work);
    } catch (error) {
      thrown = { error };
    }
    check(thrown !== undefined, message ?? 'Missing expected rejection.', undefined, expected, 'rejects');
    matches(thrown.error, expected, message);
  },
  async doesNotReject(work) { await (typeof work === 'function' ? work() : work); },
});
assert.strict = assert;
