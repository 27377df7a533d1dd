// The package `jwks-rsa`: keys from a JWKS address.

const { createPublicKey } = lib('crypto');

class JwksError extends Error { name = 'JwksError'; }
class SigningKeyNotFoundError extends Error { name = 'SigningKeyNotFoundError'; }

function signingKey(jwk) {
  const pem = () => createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  return {
    kid: jwk.kid,
    alg: jwk.alg,
    getPublicKey: pem,
    get publicKey() { return pem(); },
    get rsaPublicKey() { return pem(); },
  };
}

class JwksClient {
  #options;
  #keys;
  constructor(options) { this.#options = { cache: true, ...options }; }

  async getKeys() {
    if (this.#options.fetcher) return (await this.#options.fetcher(this.#options.jwksUri)).keys;
    const response = await fetch(this.#options.jwksUri, { headers: this.#options.requestHeaders });
    if (!response.ok) throw new JwksError(`Http Error ${response.status}`);
    return (await response.json()).keys;
  }

  async getSigningKeys() {
    const keys = (await this.getKeys()).filter((key) => key.kty !== undefined && (key.use ?? 'sig') === 'sig');
    if (keys.length === 0) throw new JwksError('The JWKS endpoint did not contain any signing keys');
    return keys.map(signingKey);
  }

  getSigningKey(kid, callback) {
    const found = this.#find(kid);
    if (typeof callback !== 'function') return found;
    found.then((key) => callback(null, key), (error) => callback(error)).catch(machine.fail);
    return undefined;
  }

  async #find(kid) {
    if (this.#keys === undefined || !this.#options.cache) this.#keys = await this.getSigningKeys();
    const key = kid === undefined || kid === null
      ? (this.#keys.length === 1 ? this.#keys[0] : undefined) : this.#keys.find((one) => one.kid === kid);
    if (key === undefined) throw new SigningKeyNotFoundError(`Unable to find a signing key that matches '${kid}'`);
    return key;
  }
}

const jwksClient = (options) => new JwksClient(options);
module.exports = Object.assign(jwksClient, { JwksClient, JwksError, SigningKeyNotFoundError, default: jwksClient });
