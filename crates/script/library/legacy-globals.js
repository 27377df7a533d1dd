// What rules, hooks, database and social scripts find ready besides the globals of every script.

const { own } = machine;

class UnauthorizedError extends Error {
  constructor(message) {
    super(message);
    this.code = 'unauthorized';
  }
}
class ValidationError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
class WrongUsernameOrPasswordError extends Error {
  constructor(user, message) {
    super(message ?? 'Wrong username or password');
    this.code = 'invalid_user_password';
    this.user = user;
  }
}
class PreUserRegistrationError extends Error {
  constructor(message, friendlyMessage) {
    super(message);
    this.friendlyMessage = friendlyMessage;
  }
}
class InvalidScopeError extends Error {}
class InvalidRequestError extends Error {}
class ServerError extends Error {}

const classes = {
  UnauthorizedError, ValidationError, WrongUsernameOrPasswordError, PreUserRegistrationError,
  InvalidScopeError, InvalidRequestError, ServerError,
};
for (const name in classes) {
  Object.defineProperty(classes[name].prototype, 'name', { value: name, writable: true, configurable: true });
  own(name, classes[name]);
}

// Loaded when a script first names them, like the globals of every script.
Object.setPrototypeOf(Object.getPrototypeOf(globalThis), {
  get _() { return own('_', lib('lodash')); }, set _(v) { own('_', v); },
  get async() { return own('async', lib('async')); }, set async(v) { own('async', v); },
  get auth0() { return own('auth0', lib('rule-auth0')); }, set auth0(v) { own('auth0', v); },
  get bcrypt() { return own('bcrypt', lib('bcrypt')); }, set bcrypt(v) { own('bcrypt', v); },
  get jwt() { return own('jwt', lib('jsonwebtoken')); }, set jwt(v) { own('jwt', v); },
  get moment() { return own('moment', lib('moment')); }, set moment(v) { own('moment', v); },
  get querystring() { return own('querystring', lib('querystring')); }, set querystring(v) { own('querystring', v); },
  get request() { return own('request', lib('request')); }, set request(v) { own('request', v); },
  get url() { return own('url', lib('url')); }, set url(v) { own('url', v); },
  get uuid() { return own('uuid', lib('uuid')); }, set uuid(v) { own('uuid', v); },
  get ip() { return own('ip', lib('ipaddr.js')); }, set ip(v) { own('ip', v); },
});
// The one of Node, not that of browsers.
Object.defineProperty(globalThis, 'crypto', {
  get() { return own('crypto', lib('crypto')); }, set(v) { own('crypto', v); }, configurable: true,
});
