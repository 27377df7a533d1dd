// performance: milliseconds since the flow began, no finer.

const began = Date.now();

module.exports = {
  timeOrigin: began,
  now: () => Date.now() - began,
  mark() {},
  measure() {},
  toJSON: () => ({ timeOrigin: began }),
};
