// axios itself, with requests made by the server.

const axios = lib('axios-core');
const { exchange, readBody } = lib('fetch');
const { toText } = lib('bytes');

// The answer as the config wants it.
function dataOf(bytes, type) {
  switch (type) {
    case 'arraybuffer': return lib('buffer').Buffer.from(bytes);
    case 'blob': return new Blob([bytes]);
    case 'stream': return lib('stream').Readable.from([lib('buffer').Buffer.from(bytes)]);
    default: return toText(bytes).replace(/^\ufeff/, '');
  }
}

function headersOf(config, body) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(config.headers.toJSON?.() ?? config.headers)) {
    if (value === undefined || value === null || value === false) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  // The boundary of a form is known only now.
  const generic = (headers.get('content-type') ?? 'multipart/form-data').startsWith('multipart/form-data');
  if (body.type !== null && (!headers.has('content-type') || (config.data instanceof FormData && generic))) {
    headers.set('content-type', body.type);
  }
  if (config.auth) {
    const { username = '', password = '' } = config.auth;
    headers.set('authorization', `Basic ${lib('buffer').Buffer.from(`${username}:${password}`).toString('base64')}`);
  }
  if (!headers.has('user-agent')) headers.set('user-agent', `axios/${axios.VERSION}`);
  return headers;
}

function adapter(config) {
  const { AxiosError, CanceledError, AxiosHeaders } = axios;
  const request = { path: config.url, method: config.method?.toUpperCase() };
  const fail = (message, code, cause) => Object.assign(new AxiosError(message, code, config, request), { cause });
  return new Promise((resolve, reject) => {
    let url;
    try {
      url = new URL(axios.getUri(config));
    } catch {
      reject(fail('Invalid URL', AxiosError.ERR_INVALID_URL ?? 'ERR_INVALID_URL'));
      return;
    }
    const body = readBody(config.data);
    const cancel = (reason) => reject(reason?.message && reason.name === 'CanceledError' ? reason : new CanceledError(undefined, config, request));
    if (config.signal?.aborted) cancel();
    config.signal?.addEventListener('abort', () => cancel());
    config.cancelToken?.subscribe(cancel);
    const timer = config.timeout > 0 ? setTimeout(
      () => reject(fail(config.timeoutErrorMessage ?? `timeout of ${config.timeout}ms exceeded`, 'ECONNABORTED')),
      config.timeout,
    ) : undefined;
    exchange({
      url: url.href, method: request.method ?? 'GET', headers: headersOf(config, body), body: body.bytes,
      redirect: config.maxRedirects === 0 ? 'manual' : 'follow',
    })
      .then((answer) => {
        const headers = new AxiosHeaders();
        for (const [given, value] of answer.headers) {
          const name = given.toLowerCase();
          const known = headers.get(name);
          headers.set(name, known === undefined || known === null ? value : [known, value].flat());
        }
        const response = {
          data: dataOf(answer.body, config.responseType), status: answer.status, statusText: answer.status_text,
          headers, config, request,
        };
        if (!config.validateStatus || config.validateStatus(answer.status)) {
          resolve(response);
          return;
        }
        const code = answer.status >= 500 ? AxiosError.ERR_BAD_RESPONSE : AxiosError.ERR_BAD_REQUEST;
        reject(new AxiosError(`Request failed with status code ${answer.status}`, code, config, request, response));
      }, (error) => reject(fail(error.message, error.code ?? AxiosError.ERR_NETWORK, error)))
      .finally(() => clearTimeout(timer));
  });
}

axios.defaults.adapter = adapter;
module.exports = axios;
