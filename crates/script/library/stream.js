// Node's `stream`: the npm package, with what it has in Node only.

const stream = lib('stream-core');
const { Readable } = stream;

Readable.from = (iterable, options) => {
  const source = typeof iterable === 'string' || ArrayBuffer.isView(iterable) ? [iterable] : iterable;
  const iterator = (source[Symbol.asyncIterator] ?? source[Symbol.iterator]).call(source);
  return new Readable({
    objectMode: true,
    ...options,
    read() {
      Promise.resolve(iterator.next()).then(
        ({ done, value }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
  });
};

stream.promises = {
  pipeline: (...streams) => new Promise((resolve, reject) => {
    stream.pipeline(...streams, (error) => (error ? reject(error) : resolve()));
  }),
  finished: (one, options) => new Promise((resolve, reject) => {
    stream.finished(one, options ?? {}, (error) => (error ? reject(error) : resolve()));
  }),
};

module.exports = stream;
