// What the methods of `api` check about their arguments.

const { isArray } = Array;

function text(value, name) {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`);
  return value;
}

function filled(value, name) {
  if (text(value, name) === '') throw new TypeError(`${name} must not be empty`);
  return value;
}

function object(value, name) {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || isArray(value)) throw new TypeError(`${name} must be an object`);
  return value;
}

function moment(value, name) {
  const ms = value instanceof Date ? value.getTime() : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms)) {
    throw new TypeError(`${name} must be a point in time, in milliseconds since 1970`);
  }
  return ms;
}

function oneOf(value, allowed, name) {
  if (!allowed.includes(value)) throw new TypeError(`${name} must be one of ${allowed.join(', ')}`);
  return value;
}

function factor(value) {
  if (value === null || typeof value !== 'object') throw new TypeError('A factor must be an object with a type');
  const { type, options } = value;
  return { __proto__: null, type: filled(type, 'The type of a factor'), options };
}

function factors(values, name) {
  if (!isArray(values) || values.length === 0) throw new TypeError(`${name} must be an array of factors`);
  return values.map(factor);
}


module.exports = { factor, factors, filled, moment, object, oneOf, text };
