// The global object, under the name that it has in Node.

module.exports = globalThis;
