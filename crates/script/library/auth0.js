// The package `auth0`: the management of users, roles and organizations, and a little authentication.
//
// Compat: versions 2 and 3 give the data itself (and take callbacks), version 4 gives {data, status, headers},
// version 5 the data again, and takes ids instead of {id}. A script that names no version may be written for
// any, so it gets the data, with data, status and headers beside it where nobody sees them in JSON.

class ManagementApiError extends Error {
  constructor(status, statusText, body, headers) {
    super(body?.message ?? statusText ?? `status ${status}`);
    this.name = 'ManagementApiError';
    this.statusCode = this.status = status;
    this.error = body?.error ?? statusText;
    this.errorCode = body?.errorCode;
    this.body = body;
    this.headers = headers;
  }
}

function shaped(data, response, major) {
  if (major === 4) return { data, status: response.status, statusText: response.statusText, headers: response.headers };
  if (major !== undefined || data === null || typeof data !== 'object') return data;
  for (const [name, value] of Object.entries({ data, status: response.status, statusText: response.statusText, headers: response.headers })) {
    if (!(name in data)) Object.defineProperty(data, name, { value, enumerable: false, configurable: true, writable: true });
  }
  return data;
}

class Caller {
  #options;
  #major;
  #token;
  constructor(options, major) { this.#options = options; this.#major = major; }

  get #base() { return `https://${String(this.#options.domain).replace(/^https?:\/\//, '').replace(/\/$/, '')}`; }

  async #authorization() {
    const { token } = this.#options;
    if (token !== undefined) return typeof token === 'function' ? token() : token;
    this.#token ??= this.#grant();
    return this.#token;
  }

  async #grant() {
    const { clientId, clientSecret, audience = `${this.#base}/api/v2/`, scope } = this.#options;
    const data = await this.post('/oauth/token', {
      grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, audience, scope,
    });
    return data.access_token;
  }

  async #send(path, init, major) {
    const response = await fetch(this.#base + path, init);
    const text = await response.text();
    let data = null;
    try {
      data = text === '' ? null : JSON.parse(text);
    } catch {
      data = text;
    }
    if (!response.ok) throw new ManagementApiError(response.status, response.statusText, data, response.headers);
    return major === 'plain' ? data : shaped(data ?? (major === 4 ? undefined : null), response, major);
  }

  post(path, body) {
    const headers = { 'content-type': 'application/json', ...this.#options.headers };
    return this.#send(path, { method: 'POST', headers, body: JSON.stringify(body) }, 'plain');
  }

  async call(method, path, query, body) {
    const search = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value !== undefined)).toString();
    const headers = { authorization: `Bearer ${await this.#authorization()}`, ...this.#options.headers };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    return this.#send(`/api/v2${path}${search === '' ? '' : `?${search}`}`, init, this.#major);
  }
}

// How each method goes over the wire: method, path with members of the first argument, and whether a body follows.
const OPERATIONS = {
  users: {
    getAll: ['GET', '/users'], list: ['GET', '/users'], create: ['POST', '/users', true],
    get: ['GET', '/users/:id'], update: ['PATCH', '/users/:id', true], delete: ['DELETE', '/users/:id'],
    updateUserMetadata: ['PATCH', '/users/:id', 'user_metadata'], updateAppMetadata: ['PATCH', '/users/:id', 'app_metadata'],
    link: ['POST', '/users/:id/identities', true], unlink: ['DELETE', '/users/:id/identities/:provider/:user_id'],
    getRoles: ['GET', '/users/:id/roles'], assignRoles: ['POST', '/users/:id/roles', true],
    removeRoles: ['DELETE', '/users/:id/roles', true], deleteRoles: ['DELETE', '/users/:id/roles', true],
    getPermissions: ['GET', '/users/:id/permissions'], assignPermissions: ['POST', '/users/:id/permissions', true],
    deletePermissions: ['DELETE', '/users/:id/permissions', true], removePermissions: ['DELETE', '/users/:id/permissions', true],
    getLogs: ['GET', '/users/:id/logs'], logs: ['GET', '/users/:id/logs'],
    getEnrollments: ['GET', '/users/:id/enrollments'], getGuardianEnrollments: ['GET', '/users/:id/enrollments'],
    getUserOrganizations: ['GET', '/users/:id/organizations'], getAllOrganizations: ['GET', '/users/:id/organizations'],
    getAuthenticationMethods: ['GET', '/users/:id/authentication-methods'],
  },
  usersByEmail: { getByEmail: ['GET', '/users-by-email'] },
  roles: {
    getAll: ['GET', '/roles'], list: ['GET', '/roles'], create: ['POST', '/roles', true], get: ['GET', '/roles/:id'],
    update: ['PATCH', '/roles/:id', true], delete: ['DELETE', '/roles/:id'], getUsers: ['GET', '/roles/:id/users'],
    assignUsers: ['POST', '/roles/:id/users', true], getPermissions: ['GET', '/roles/:id/permissions'],
    addPermissions: ['POST', '/roles/:id/permissions', true], removePermissions: ['DELETE', '/roles/:id/permissions', true],
  },
  organizations: {
    getAll: ['GET', '/organizations'], list: ['GET', '/organizations'], create: ['POST', '/organizations', true],
    get: ['GET', '/organizations/:id'], getByID: ['GET', '/organizations/:id'], getByName: ['GET', '/organizations/name/:name'],
    update: ['PATCH', '/organizations/:id', true], delete: ['DELETE', '/organizations/:id'],
    getMembers: ['GET', '/organizations/:id/members'], addMembers: ['POST', '/organizations/:id/members', true],
    removeMembers: ['DELETE', '/organizations/:id/members', true], deleteMembers: ['DELETE', '/organizations/:id/members', true],
    getMemberRoles: ['GET', '/organizations/:id/members/:user_id/roles'],
    addMemberRoles: ['POST', '/organizations/:id/members/:user_id/roles', true],
    removeMemberRoles: ['DELETE', '/organizations/:id/members/:user_id/roles', true],
    deleteMemberRoles: ['DELETE', '/organizations/:id/members/:user_id/roles', true],
    createInvitation: ['POST', '/organizations/:id/invitations', true],
  },
  clients: { getAll: ['GET', '/clients'], list: ['GET', '/clients'], get: ['GET', '/clients/:client_id'] },
  connections: { getAll: ['GET', '/connections'], list: ['GET', '/connections'], get: ['GET', '/connections/:id'] },
  tickets: {
    verifyEmail: ['POST', '/tickets/email-verification', true], changePassword: ['POST', '/tickets/password-change', true],
  },
  jobs: { verifyEmail: ['POST', '/jobs/verification-email', true] },
  logs: { getAll: ['GET', '/logs'], get: ['GET', '/logs/:id'] },
};

// The methods of versions 2 and 3 on the client itself.
const FLAT = {
  getUser: 'users.get', getUsers: 'users.getAll', createUser: 'users.create', updateUser: 'users.update',
  deleteUser: 'users.delete', getUsersByEmail: 'usersByEmail.getByEmail', updateUserMetadata: 'users.updateUserMetadata',
  updateAppMetadata: 'users.updateAppMetadata', linkUsers: 'users.link', unlinkUsers: 'users.unlink',
  getUserRoles: 'users.getRoles', assignRolestoUser: 'users.assignRoles', assignRolesToUser: 'users.assignRoles',
  removeRolesFromUser: 'users.removeRoles', getUserPermissions: 'users.getPermissions', getUserLogs: 'users.getLogs',
  assignPermissionsToUser: 'users.assignPermissions', removePermissionsFromUser: 'users.removePermissions',
  getRoles: 'roles.getAll', getRole: 'roles.get', getUsersInRole: 'roles.getUsers', assignUsersToRole: 'roles.assignUsers',
  getPermissionsInRole: 'roles.getPermissions', getClients: 'clients.getAll', getClient: 'clients.get',
  getConnections: 'connections.getAll', getConnection: 'connections.get', createEmailVerificationTicket: 'tickets.verifyEmail',
  createPasswordChangeTicket: 'tickets.changePassword', sendEmailVerification: 'jobs.verifyEmail', getLogs: 'logs.getAll',
};

function operation(caller, [method, path, bodyKind]) {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  return (...args) => {
    const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined;
    const done = run(...args);
    if (callback === undefined) return done;
    done.then((data) => callback(null, data), (error) => callback(error)).catch(machine.fail);
    return undefined;
  };

  async function run(...args) {
    const values = [];
    let query = {};
    if (names.length > 0) {
      if (args[0] !== null && typeof args[0] === 'object') {
        query = { ...args.shift() };
        for (const name of names) {
          values.push(query[name] ?? query.user_id);
          delete query[name];
        }
      } else {
        values.push(...args.splice(0, names.length));
      }
    }
    if (values.length < names.length || values.some((value) => value === undefined || value === '')) {
      throw new TypeError(`Must provide ${names.join(' and ')}`);
    }
    const filled = path.replace(/:\w+/g, () => encodeURIComponent(values.shift()));
    const [next] = args;
    if (bodyKind === undefined) {
      // usersByEmail takes the address itself, too.
      const more = typeof next === 'string' ? { email: next } : next;
      return caller.call(method, filled, { ...query, ...more });
    }
    const body = typeof bodyKind === 'string' ? { [bodyKind]: next } : next ?? {};
    return caller.call(method, filled, {}, body);
  }
}

function management(major) {
  return class ManagementClient {
    constructor(options) {
      if (options === null || typeof options !== 'object' || typeof options.domain !== 'string' || options.domain === '') {
        throw new TypeError('Must provide a domain');
      }
      const caller = new Caller(options, major);
      for (const [group, methods] of Object.entries(OPERATIONS)) {
        this[group] = {};
        for (const [name, how] of Object.entries(methods)) this[group][name] = operation(caller, how);
      }
      for (const [name, path] of Object.entries(FLAT)) {
        const [group, method] = path.split('.');
        this[name] = this[group][method];
      }
      this.users.getByEmail = this.usersByEmail.getByEmail;
      this.users.listUsersByEmail = this.usersByEmail.getByEmail;
    }
  };
}

function authentication(major) {
  return class AuthenticationClient {
    constructor(options) {
      const { domain, clientId: client_id, clientSecret: client_secret } = options;
      const caller = new Caller({ domain }, major);
      const grant = (grant_type) => async (params = {}) => {
        const data = await caller.post('/oauth/token', { grant_type, client_id, client_secret, ...params });
        return major === 4 ? { data } : data;
      };
      this.oauth = {
        clientCredentialsGrant: grant('client_credentials'), passwordGrant: grant('password'),
        refreshTokenGrant: grant('refresh_token'), authorizationCodeGrant: grant('authorization_code'),
      };
      this.clientCredentialsGrant = this.oauth.clientCredentialsGrant;
      this.passwordGrant = this.oauth.passwordGrant;
      this.database = {
        changePassword: (body) => caller.post('/dbconnections/change_password', { client_id, ...body }),
        signUp: (body) => caller.post('/dbconnections/signup', { client_id, ...body }),
      };
      this.passwordless = {
        sendEmail: (body) => caller.post('/passwordless/start', { client_id, client_secret, connection: 'email', ...body }),
        sendSMS: (body) => caller.post('/passwordless/start', { client_id, client_secret, connection: 'sms', ...body }),
      };
    }
  };
}

function make(major) {
  return { ManagementClient: management(major), AuthenticationClient: authentication(major), ManagementApiError };
}

// Called by require.js with the version that the script names: `require('auth0@2.40.0')`.
module.exports = Object.assign(() => {}, {
  forVersion(version) {
    const major = version === undefined ? undefined : Number.parseInt(version, 10);
    return make(Number.isNaN(major) ? undefined : major);
  },
});
