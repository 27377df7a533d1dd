// The `api` of Actions. Every method leaves a command; what commands mean is decided elsewhere.
//
// A command is made with own properties only, on an object without a prototype, so nothing that a script does to
// Object.prototype changes one.

const { native, call } = machine;
const command = native('command');
const { isArray } = Array;

function text(value, name) {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`);
  return value;
}

function filled(value, name) {
  if (text(value, name) === '') throw new TypeError(`${name} must not be empty`);
  return value;
}

function object(value, name) {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || isArray(value)) throw new TypeError(`${name} must be an object`);
  return value;
}

function moment(value, name) {
  const ms = value instanceof Date ? value.getTime() : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms)) {
    throw new TypeError(`${name} must be a point in time, in milliseconds since 1970`);
  }
  return ms;
}

function oneOf(value, allowed, name) {
  if (!allowed.includes(value)) throw new TypeError(`${name} must be one of ${allowed.join(', ')}`);
  return value;
}

function factor(value) {
  if (value === null || typeof value !== 'object') throw new TypeError('A factor must be an object with a type');
  const { type, options } = value;
  return { __proto__: null, type: filled(type, 'The type of a factor'), options };
}

function factors(values, name) {
  if (!isArray(values) || values.length === 0) throw new TypeError(`${name} must be an array of factors`);
  return values.map(factor);
}

// An address to send the browser to, with more parameters in its query.
function address(url, options) {
  const { URL } = lib('whatwg-url');
  let parsed;
  try {
    parsed = new URL(text(url, 'The URL'));
  } catch {
    throw new TypeError(`${JSON.stringify(url)} is not an absolute URL`);
  }
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') {
    throw new TypeError('The URL must begin with https:// or http://');
  }
  const { query } = object(options, 'options');
  if (query === undefined) return url;
  for (const [name, value] of Object.entries(object(query, 'options.query'))) {
    if (value !== undefined && value !== null) parsed.searchParams.set(name, String(value));
  }
  return parsed.href;
}

// Protocols in which no browser is there to be sent anywhere.
const WITHOUT_BROWSER = [
  'oauth2-password', 'oauth2-refresh-token', 'oauth2-resource-owner', 'oauth2-resource-owner-jwt-bearer',
  'oauth2-device-code', 'oauth2-access-token', 'oauth2-token-exchange', 'oidc-ciba', 'delegation',
  'wstrust-usernamemixed',
];

module.exports = function makeApi({ trigger, redirect, executedRules, methods }) {
  const transactionMetadata = { __proto__: null };

  // Each group of methods, made when a script first uses it.
  const groups = {
    __proto__: null,

    access: (api) => ({
      deny(first, second) {
        if (trigger === 'pre-user-registration') {
          command('access.deny', {
            __proto__: null, reason: text(first, 'The reason'),
            user_message: second === undefined ? undefined : text(second, 'The message to the user'),
          });
        } else if (trigger === 'credentials-exchange' || trigger === 'custom-token-exchange') {
          const code = trigger === 'credentials-exchange'
            ? oneOf(first, ['invalid_scope', 'invalid_request', 'server_error'], 'The code') : filled(first, 'The code');
          command('access.deny', { __proto__: null, code, reason: text(second, 'The reason') });
        } else {
          command('access.deny', { __proto__: null, reason: text(first, 'The reason') });
        }
        return api;
      },
      rejectInvalidSubjectToken(reason) {
        command('access.rejectInvalidSubjectToken', { __proto__: null, reason: text(reason, 'The reason') });
        return api;
      },
    }),

    accessToken: (api) => ({
      ...claims('accessToken', api),
      addScope(scope) {
        command('accessToken.addScope', { __proto__: null, scope: filled(scope, 'The scope') });
        return api;
      },
      removeScope(scope) {
        command('accessToken.removeScope', { __proto__: null, scope: filled(scope, 'The scope') });
        return api;
      },
    }),

    idToken: (api) => claims('idToken', api),

    authentication: (api, event) => ({
      ...challenges(api, 'challengeWith'),
      ...challenges(api, 'enrollWith'),
      recordMethod(url) {
        command('authentication.recordMethod', { __proto__: null, url: address(url) });
        return api;
      },
      setPrimaryUser(id) {
        const user_id = filled(id, 'The id of the user');
        command('authentication.setPrimaryUser', { __proto__: null, user_id });
        return api;
      },
      setUserById(id) {
        command('authentication.setUserById', { __proto__: null, user_id: filled(id, 'The id of the user') });
        return api;
      },
      setUserByConnection(connection, attributes, options) {
        const given = object(options, 'options');
        filled(object(attributes, 'The attributes').user_id, 'The user_id among the attributes');
        oneOf(given.creationBehavior, ['create_if_not_exists', 'none'], 'options.creationBehavior');
        oneOf(given.updateBehavior, ['replace', 'none'], 'options.updateBehavior');
        command('authentication.setUserByConnection', {
          __proto__: null, connection: filled(connection, 'The connection'), attributes, options: given,
        });
        return api;
      },
      setOrganization(organization) {
        command('authentication.setOrganization', {
          __proto__: null, organization: filled(organization, 'The organization'),
        });
        return api;
      },
      setActor(actor) {
        let depth = 0;
        for (let a = actor; a !== undefined && a !== null; a = a.act) {
          filled(object(a, 'The actor').sub, 'The sub of an actor');
          if (++depth > 5) throw new TypeError('Actors may be nested five deep');
        }
        if (depth === 0) throw new TypeError('The actor must be an object with a sub');
        command('authentication.setActor', { __proto__: null, actor });
        return api;
      },
    }),

    multifactor: (api) => ({
      enable(provider, options) {
        command('multifactor.enable', {
          __proto__: null,
          provider: oneOf(provider, ['any', 'guardian', 'google-authenticator', 'duo', 'none'], 'The provider'),
          options: object(options, 'options'),
        });
        return api;
      },
    }),

    redirect: (api, event) => ({
      canRedirect() {
        const { transaction } = event;
        if (transaction === undefined || transaction === null) return false;
        if ((transaction.prompt ?? []).includes('none')) return false;
        return !WITHOUT_BROWSER.includes(transaction.protocol);
      },
      sendUserTo(url, options) {
        command('redirect.sendUserTo', { __proto__: null, url: address(url, options) });
        return api;
      },
      encodeToken(options) { return lib('redirect-token').encode(object(options, 'options'), event, redirect); },
      validateToken(options) { return lib('redirect-token').validate(object(options, 'options'), event, redirect); },
    }),

    user: (api) => {
      const set = (method) => (name, value) => {
        command(`user.${method}`, { __proto__: null, name: filled(name, 'The name'), value: value ?? null });
        return api;
      };
      return { setUserMetadata: set('setUserMetadata'), setAppMetadata: set('setAppMetadata') };
    },

    validation: (api) => ({
      error(code, message) {
        command('validation.error', {
          __proto__: null, code: filled(code, 'The code'), message: text(message, 'The message'),
        });
        return api;
      },
    }),

    prompt: (api) => ({
      render(formId, options) {
        const given = object(options, 'options');
        command('prompt.render', { __proto__: null, form_id: filled(formId, 'The id of the form'), options: given });
        return api;
      },
    }),

    transaction: (api, event) => {
      const scope = (method) => (value) => {
        command(`transaction.${method}`, { __proto__: null, scope: filled(value, 'The scope') });
        return api;
      };
      return {
        setMetadata(name, value) {
          filled(name, 'The name');
          if (name.length > 64) throw new TypeError('The name must be at most 64 characters long');
          if (!['string', 'number', 'boolean'].includes(typeof value)) {
            throw new TypeError('The value must be a string, a number or a boolean');
          }
          if (typeof value === 'string' && value.length > 8192) throw new TypeError('The value is longer than 8 kB');
          command('transaction.setMetadata', { __proto__: null, name, value });
          transactionMetadata[name] = value;
          showMetadata(event);
          return api;
        },
        setResultUrl(url, options) {
          command('transaction.setResultUrl', { __proto__: null, url: address(url, options) });
          return api;
        },
        addTargetScope: scope('addTargetScope'),
        removeTargetScope: scope('removeTargetScope'),
        setTargetScopes(scopes) {
          if (!isArray(scopes)) throw new TypeError('The scopes must be an array');
          command('transaction.setTargetScopes', {
            __proto__: null, scopes: scopes.map((value) => filled(value, 'A scope')),
          });
          return api;
        },
        clearTargetScopes() {
          command('transaction.clearTargetScopes', { __proto__: null });
          return api;
        },
      };
    },

    session: (api) => ({
      ...lifetimes('session', api),
      setCookieMode(mode) {
        command('session.setCookieMode', {
          __proto__: null, mode: oneOf(mode, ['persistent', 'non-persistent'], 'The mode'),
        });
        return api;
      },
    }),

    refreshToken: (api) => lifetimes('refreshToken', api),

    samlResponse: (api) => {
      const setters = {};
      for (const method of methods('samlResponse')) {
        setters[method] = (...args) => {
          if (args.length === 0) throw new TypeError(`samlResponse.${method} needs a value`);
          command(`samlResponse.${method}`, { __proto__: null, args });
          return api;
        };
      }
      return setters;
    },

    notification: (api) => {
      const end = (method) => (reason) => {
        command(`notification.${method}`, { __proto__: null, reason: text(reason, 'The reason') });
        return api;
      };
      return { drop: end('drop'), retry: end('retry') };
    },

    groups: () => ({
      getUserGroups: (options) => call('groups.getUserGroups', { ...object(options, 'options') }),
      hasGroupMembership: (group, options) =>
        call('groups.hasGroupMembership', { ...object(options, 'options'), group }),
    }),

    roles: () => ({
      getUserEffectiveRoles: (options) => call('roles.getUserEffectiveRoles', { ...object(options, 'options') }),
      getUserEffectiveRolesByIds: (ids) => call('roles.getUserEffectiveRolesByIds', { ids }),
      getUserEffectiveRolesByNames: (names) => call('roles.getUserEffectiveRolesByNames', { names }),
    }),

    rules: () => ({ wasExecuted: (id) => executedRules.includes(id) }),

    cache: () => lib('api-cache'),
  };

  function claims(token, api) {
    return {
      setCustomClaim(name, value) {
        command(`${token}.setCustomClaim`, { __proto__: null, name: filled(name, 'The name'), value: value ?? null });
        return api;
      },
    };
  }

  function challenges(api, method) {
    const give = (name, list, more) => {
      command(`authentication.${name}`, { __proto__: null, factors: list, additional_factors: more });
      return api;
    };
    return {
      [method](first, options) {
        const { additionalFactors } = object(options, 'options');
        const more = additionalFactors === undefined ? undefined : factors(additionalFactors, 'options.additionalFactors');
        return give(method, [factor(first)], more);
      },
      [`${method}Any`]: (list) => give(`${method}Any`, factors(list, 'The factors')),
    };
  }

  function lifetimes(what, api) {
    const give = (method, members) => {
      command(`${what}.${method}`, members);
      return api;
    };
    return {
      revoke: (reason, options) =>
        give('revoke', { __proto__: null, reason: text(reason, 'The reason'), options: object(options, 'options') }),
      setExpiresAt: (at) => give('setExpiresAt', { __proto__: null, at_ms: moment(at, 'The expiry') }),
      setIdleExpiresAt: (at) => give('setIdleExpiresAt', { __proto__: null, at_ms: moment(at, 'The expiry') }),
      setMetadata: (name, value) =>
        give('setMetadata', { __proto__: null, name: filled(name, 'The name'), value: value ?? null }),
      deleteMetadata: (name) => give('deleteMetadata', { __proto__: null, name: filled(name, 'The name') }),
      evictMetadata: () => give('evictMetadata', { __proto__: null }),
    };
  }

  // What an Action put into the transaction is seen by it and by those after it at once.
  function showMetadata(event) {
    const { transaction } = event;
    if (transaction === undefined || transaction === null) return;
    transaction.metadata = { ...transaction.metadata, ...transactionMetadata };
  }

  class Api {
    #made = { __proto__: null };
    #event;
    constructor(event) { this.#event = event; }

    // Only what the trigger has: `api.redirect` of credentials-exchange is undefined, as at Auth0.
    #group(name) {
      const known = this.#made[name];
      if (known !== undefined) return known;
      const allowed = methods(name);
      if (allowed === undefined) return undefined;
      const all = groups[name](this, this.#event);
      const group = {};
      for (let i = 0; i < allowed.length; i++) {
        const method = allowed[i];
        group[method] = all[method];
      }
      this.#made[name] = group;
      return group;
    }

    get access() { return this.#group('access'); }
    get accessToken() { return this.#group('accessToken'); }
    get authentication() { return this.#group('authentication'); }
    get cache() { return this.#group('cache'); }
    get groups() { return this.#group('groups'); }
    get idToken() { return this.#group('idToken'); }
    get multifactor() { return this.#group('multifactor'); }
    get notification() { return this.#group('notification'); }
    get prompt() { return this.#group('prompt'); }
    get redirect() { return this.#group('redirect'); }
    get refreshToken() { return this.#group('refreshToken'); }
    get roles() { return this.#group('roles'); }
    get rules() { return this.#group('rules'); }
    get samlResponse() { return this.#group('samlResponse'); }
    get session() { return this.#group('session'); }
    get transaction() { return this.#group('transaction'); }
    get user() { return this.#group('user'); }
    get validation() { return this.#group('validation'); }
  }

  return {
    prepare(event) { for (const _ in transactionMetadata) return showMetadata(event); },
    make: (event) => new Api(event),
  };
};
