// Lets SDKs that run in the test's own process verify Gatewright's certificate.
import tls from 'node:tls';

const create = tls.createSecureContext;
const authorities = [];

/**
 * Adds a CA to those this process trusts, as NODE_EXTRA_CA_CERTS would have at its start; SDKs that bring no
 * option for a CA need it. Certificates are verified as before.
 */
export function trustHere(ca) {
  authorities.push(ca);
}

tls.createSecureContext = (options) => {
  const made = create(options);
  if (!options?.ca) for (const ca of authorities) made.context.addCACert(ca);
  return made;
};
