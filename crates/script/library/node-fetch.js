// The package `node-fetch`: the global fetch under its other name.

const { fetch, Headers, Request, Response, Blob, FormData } = lib('fetch');

class FetchError extends Error {
  constructor(message, cause) {
    super(message);
    this.name = 'FetchError';
    this.type = 'system';
    this.code = this.errno = cause?.code;
  }
}

async function nodeFetch(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error.message !== 'fetch failed') throw error;
    throw new FetchError(`request to ${url} failed, reason: ${error.cause?.message}`, error.cause);
  }
}

module.exports = Object.assign(nodeFetch, {
  default: nodeFetch, FetchError, Headers, Request, Response, Blob, FormData, __esModule: true,
});
