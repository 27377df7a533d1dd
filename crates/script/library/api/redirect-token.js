// The tokens with which an Action and the page that it sends the browser to tell each other things.

const sign = machine.native('signHs256');
const verify = machine.native('verifyHs256');

function secretOf(options) {
  if (typeof options.secret !== 'string' || options.secret === '') throw new TypeError('secret must be a string');
  return options.secret;
}

exports.encode = function encode(options, event, redirect) {
  const secret = secretOf(options);
  const { payload, expiresInSeconds = 900 } = options;
  if (payload === null || typeof payload !== 'object') throw new TypeError('payload must be an object');
  if (typeof expiresInSeconds !== 'number' || !(expiresInSeconds > 0)) {
    throw new TypeError('expiresInSeconds must be a number above 0');
  }
  const iat = redirect.now ?? Math.floor(Date.now() / 1000);
  return sign({
    ...payload,
    iat,
    iss: redirect.iss,
    sub: event.user?.user_id,
    exp: iat + Math.floor(expiresInSeconds),
    ip: event.request?.ip,
  }, secret);
};

exports.validate = function validate(options, event, redirect) {
  const secret = secretOf(options);
  const name = options.tokenParameterName ?? 'session_token';
  const token = event.request?.query?.[name] ?? event.request?.body?.[name];
  if (typeof token !== 'string' || token === '') throw new Error(`There is no parameter called '${name}'`);
  const payload = verify(token, secret);
  const now = redirect.now ?? Math.floor(Date.now() / 1000);
  if (typeof payload.exp !== 'number') throw new Error('The session token has no expiry (exp)');
  if (payload.exp <= now) throw new Error('The session token is expired');
  if (typeof payload.state !== 'string' || payload.state !== redirect.state) {
    throw new Error('The state in the session token does not match the transaction');
  }
  return payload;
};
