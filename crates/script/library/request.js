// The package `request`, which rules and database scripts were written with: callbacks, and with
// `request-promise` promises.

const { exchange } = lib('fetch');
const { Buffer } = lib('buffer');
const querystring = lib('querystring');

class StatusCodeError extends Error {
  constructor(response, options) {
    super(`${response.statusCode} - ${JSON.stringify(response.body)}`);
    this.name = 'StatusCodeError';
    Object.assign(this, { statusCode: response.statusCode, error: response.body, options, response });
  }
}

class RequestError extends Error {
  constructor(cause, options) {
    super(String(cause));
    this.name = 'RequestError';
    Object.assign(this, { cause, error: cause, options });
  }
}

function headersOf(options) {
  const headers = new Headers(options.headers);
  const auth = options.auth;
  if (auth) {
    const bearer = typeof auth.bearer === 'function' ? auth.bearer() : auth.bearer;
    const basic = `${auth.user ?? auth.username ?? ''}:${auth.pass ?? auth.password ?? ''}`;
    headers.set('authorization', bearer !== undefined ? `Bearer ${bearer}` : `Basic ${Buffer.from(basic).toString('base64')}`);
  }
  return headers;
}

function bodyOf(options, headers) {
  const typed = (type, text) => {
    if (!headers.has('content-type')) headers.set('content-type', type);
    return Buffer.from(text);
  };
  if (options.form !== undefined) {
    const form = typeof options.form === 'string' ? options.form : querystring.stringify(options.form);
    return typed('application/x-www-form-urlencoded', form);
  }
  if (options.formData !== undefined) {
    const form = new FormData();
    for (const [name, value] of Object.entries(options.formData)) form.append(name, value);
    const { bytes, type } = lib('fetch').readBody(form);
    headers.set('content-type', type);
    return bytes;
  }
  if (options.json !== undefined && options.json !== false) {
    if (!headers.has('accept')) headers.set('accept', 'application/json');
    if (options.json !== true) return typed('application/json', JSON.stringify(options.json));
    if (options.body !== undefined) return typed('application/json', JSON.stringify(options.body));
    return null;
  }
  if (options.body === undefined || options.body === null) return null;
  return Buffer.from(options.body);
}

function parsed(bytes, options) {
  if (options.encoding === null) return Buffer.from(bytes);
  const text = Buffer.from(bytes).toString(options.encoding ?? 'utf8');
  if (options.json === undefined || options.json === false) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function send(options) {
  const address = typeof (options.uri ?? options.url) === 'object' ? (options.uri ?? options.url).href : options.uri ?? options.url;
  if (address === undefined) throw new Error('options.uri is a required argument');
  const url = new URL(options.baseUrl ? options.baseUrl.replace(/\/$/, '') + '/' + String(address).replace(/^\//, '') : address);
  const query = typeof options.qs === 'object' && options.qs !== null ? querystring.stringify(options.qs) : '';
  if (query !== '') url.search += (url.search === '' ? '?' : '&') + query;
  const headers = headersOf(options);
  const body = bodyOf(options, headers);
  const limit = options.timeout > 0 ? new Promise((_, reject) => {
    setTimeout(() => reject(Object.assign(new Error('ETIMEDOUT'), { code: 'ETIMEDOUT', connect: false })), options.timeout);
  }) : null;
  const method = (options.method ?? 'GET').toUpperCase();
  // As in the package: redirects of GET and HEAD are followed, others only when asked for.
  const follows = options.followAllRedirects || ((options.followRedirect ?? true) && ['GET', 'HEAD'].includes(method));
  const asked = exchange({ url: url.href, method, headers, body, redirect: follows ? 'follow' : 'manual' });
  const answer = await (limit === null ? asked : Promise.race([asked, limit]));
  const received = {};
  for (const [name, value] of answer.headers) {
    const known = received[name.toLowerCase()];
    if (name.toLowerCase() === 'set-cookie') received['set-cookie'] = [...(known ?? []), value];
    else received[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`;
  }
  const content = parsed(answer.body, options);
  return {
    statusCode: answer.status, statusMessage: answer.status_text, headers: received, body: content,
    request: { uri: url, method: options.method ?? 'GET', headers: Object.fromEntries(headers) },
    toJSON() { return { statusCode: answer.status, body: content, headers: received }; },
  };
}

function settings(uri, options, callback, defaults) {
  const last = [uri, options, callback].findLast((value) => typeof value === 'function');
  const given = { ...(typeof uri === 'object' && uri !== null ? uri : { uri }), ...(typeof options === 'object' ? options : {}) };
  return {
    options: { ...defaults, ...given, headers: { ...defaults.headers, ...given.headers } },
    callback: last ?? given.callback,
  };
}

function make(defaults, promises) {
  function request(uri, options, callback) {
    const set = settings(uri, options, callback, defaults);
    const done = send(set.options);
    if (set.callback !== undefined) {
      done.then((response) => set.callback(null, response, response.body), (error) => set.callback(error)).catch(machine.fail);
      return undefined;
    }
    const simple = set.options.simple ?? true;
    const promise = done.then((response) => {
      if (promises && simple && !/^2/.test(String(response.statusCode))) throw new StatusCodeError(response, set.options);
      return set.options.resolveWithFullResponse || !promises ? response : response.body;
    }, (error) => { throw promises ? new RequestError(error, set.options) : error; });
    return Object.assign(promise, { promise: () => promise, on: () => promise });
  }
  for (const method of ['get', 'post', 'put', 'patch', 'delete', 'del', 'head', 'options']) {
    request[method] = (uri, options, callback) => {
      const set = settings(uri, options, callback, defaults);
      return request({ ...set.options, method: (method === 'del' ? 'delete' : method).toUpperCase() }, set.callback);
    };
  }
  request.defaults = (more) => make({ ...defaults, ...more, headers: { ...defaults.headers, ...more.headers } }, promises);
  request.jar = () => ({ setCookie() {}, getCookies: () => [] });
  request.forVersion = (_, name) => (name.startsWith('request-promise') ? make(defaults, true) : request);
  return request;
}

module.exports = make({}, false);
