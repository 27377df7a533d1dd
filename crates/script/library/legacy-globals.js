// The errors that rules, hooks, database and social scripts find ready.

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
}

module.exports = classes;
