// Applications and people, registered as an administrator does it.
export const DATABASE = 'Username-Password-Authentication';
export const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm';
export const PASSWORDLESS = 'http://auth0.com/oauth/grant-type/passwordless/otp';

/** Registers a client and enables these connections (by name) for it. */
export async function registerApplication(management, settings, connections = []) {
  const client = await management('POST', 'clients', {
    oidc_conformant: true,
    jwt_configuration: { alg: 'RS256' },
    ...settings,
  });
  for (const name of connections) {
    const [connection] = await management('GET', `connections?name=${name}`);
    await management('PATCH', `connections/${connection.id}`, {
      enabled_clients: [...(connection.enabled_clients ?? []), client.client_id],
    });
  }
  return client;
}
