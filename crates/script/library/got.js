// The package `got`: promises of responses, with `.json()`, `.text()` and `.buffer()`.

const { exchange } = lib('fetch');
const { Buffer } = lib('buffer');

class RequestError extends Error {
  constructor(message, code, options) {
    super(message);
    this.name = 'RequestError';
    Object.assign(this, { code, options });
  }
}

class HTTPError extends RequestError {
  constructor(response, options) {
    super(`Response code ${response.statusCode} (${response.statusMessage})`, 'ERR_NON_2XX_3XX_RESPONSE', options);
    this.name = 'HTTPError';
    this.response = response;
  }
}

async function send(input, options) {
  const base = options.prefixUrl ? `${String(options.prefixUrl).replace(/\/$/, '')}/${input}` : input;
  const url = new URL(base);
  for (const [name, value] of new URLSearchParams(options.searchParams ?? '')) url.searchParams.set(name, value);
  const headers = new Headers(options.headers);
  let body = options.body === undefined ? null : Buffer.from(options.body);
  if (options.json !== undefined) {
    body = Buffer.from(JSON.stringify(options.json));
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
  } else if (options.form !== undefined) {
    body = Buffer.from(new URLSearchParams(options.form).toString());
    if (!headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded');
  }
  let answer;
  try {
    const redirect = options.followRedirect === false ? 'manual' : 'follow';
    answer = await exchange({ url: url.href, method: (options.method ?? 'GET').toUpperCase(), headers, body, redirect });
  } catch (error) {
    throw new RequestError(error.message, error.code ?? 'ERR_GOT_REQUEST_ERROR', options);
  }
  const raw = Buffer.from(answer.body);
  const response = {
    statusCode: answer.status, statusMessage: answer.status_text, url: answer.url ?? url.href, rawBody: raw,
    headers: Object.fromEntries(answer.headers.map(([name, value]) => [name.toLowerCase(), value])),
    ok: answer.status < 300,
    body: options.responseType === 'json' ? JSON.parse(raw.toString() || '""')
      : options.responseType === 'buffer' ? raw : raw.toString(),
  };
  if (answer.status >= 400 && options.throwHttpErrors !== false) throw new HTTPError(response, options);
  return response;
}

function make(defaults) {
  const merged = (options = {}) => ({ ...defaults, ...options, headers: { ...defaults.headers, ...options.headers } });
  function got(input, options) {
    const [url, given] = typeof input === 'object' && !(input instanceof URL) ? [input.url, input] : [input, options];
    const promise = send(url, merged(given));
    return Object.assign(promise, {
      json: () => promise.then(({ rawBody }) => JSON.parse(rawBody.toString())),
      text: () => promise.then(({ rawBody }) => rawBody.toString()),
      buffer: () => promise.then(({ rawBody }) => rawBody),
    });
  }
  for (const method of ['get', 'post', 'put', 'patch', 'delete', 'head']) {
    got[method] = (url, options) => got(url, { ...options, method });
  }
  got.extend = (options) => make(merged(options));
  return Object.assign(got, { HTTPError, RequestError, default: got, got });
}

module.exports = make({});
