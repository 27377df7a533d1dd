// An OAuth 2.0 provider on this machine, for social connections: a login page with a button, and a page that refuses.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const SCRIPT = `function fetchUserProfile(accessToken, context, callback) {
  request.get({ url: 'URL/me', headers: { Authorization: 'Bearer ' + accessToken } }, (error, response, body) => {
    if (error) return callback(error);
    callback(null, JSON.parse(body));
  });
}`;

/** Starts one whose only user has this profile: `{ attach, close }`. */
export async function startProvider(profile) {
  const [code, token] = [randomBytes(12).toString('hex'), randomBytes(12).toString('hex')];
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://provider');
    if (url.pathname === '/authorize') {
      const back = (answer) => {
        const target = new URL(url.searchParams.get('redirect_uri'));
        target.search = new URLSearchParams({ ...answer, state: url.searchParams.get('state') });
        return target.href.replaceAll('&', '&amp;');
      };
      const denied = { error: 'access_denied', error_description: 'The user said no' };
      response.setHeader('content-type', 'text/html');
      const links = `<a id="yes" href="${back({ code })}">Yes</a> <a id="no" href="${back(denied)}">No</a>`;
      response.end(`<h1>Acme</h1>${links}`);
      return;
    }
    response.setHeader('content-type', 'application/json');
    if (url.pathname === '/token') {
      let body = '';
      request.on('data', (part) => (body += part));
      request.on('end', () => {
        const right = new URLSearchParams(body).get('code') === code;
        response.statusCode = right ? 200 : 400;
        const tokens = { access_token: token, token_type: 'Bearer' };
        response.end(JSON.stringify(right ? tokens : { error: 'invalid_grant' }));
      });
      return;
    }
    response.statusCode = request.headers.authorization === `Bearer ${token}` ? 200 : 401;
    response.end(JSON.stringify(response.statusCode === 200 ? profile : {}));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    /** Makes it the connection `name` of a client. */
    attach: (management, name, clientId) => management('POST', 'connections', {
      name,
      strategy: 'oauth2',
      display_name: 'Acme',
      enabled_clients: [clientId],
      options: {
        authorizationURL: `${url}/authorize`,
        tokenURL: `${url}/token`,
        client_id: 'gatewright',
        client_secret: 'secret',
        scope: 'profile',
        pkce_enabled: true,
        scripts: { fetchUserProfile: SCRIPT.replace('URL', url) },
      },
    }),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
