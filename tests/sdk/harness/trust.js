// What Chromium trusts: a home folder of its own with an NSS database that holds Gatewright's CA and a throw-away
// certificate for the app servers. So the server's certificate is really verified; no error is ignored.
import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run, temporaryFolder } from './process.js';

const PASSWORD = 'throw-away';

/**
 * Without `caPem` only the app servers are trusted.
 * `{ home, tls, pfx, remove }`: the home folder for Chromium, TLS options for `https.createServer`, and the same as
 * a file for programs of their own.
 */
export async function makeTrust(caPem) {
  const folder = temporaryFolder('trust');
  const nss = path.join(folder.path, '.pki/nssdb');
  mkdirSync(nss, { recursive: true });
  const database = ['-d', `sql:${nss}`];
  const file = (name, content) => {
    const full = path.join(folder.path, name);
    if (content !== undefined) writeFileSync(full, content);
    return full;
  };

  await run('certutil', [...database, '-N', '--empty-password']);
  if (caPem) await run('certutil', [...database, '-A', '-n', 'gatewright', '-t', 'C,,', '-i', file('ca.pem', caPem)]);
  await run('certutil', [
    ...database, '-S', '-x', '-n', 'apps', '-s', 'CN=Gatewright SDK test apps', '-t', 'C,,', '-v', '1',
    '-k', 'ec', '-q', 'nistp256', '-m', String(randomInt(1, 2 ** 31)), '-z', file('noise', randomBytes(64)),
    '-8', 'localhost,app.test', '--extKeyUsage', 'serverAuth',
  ]);
  await run('pk12util', [...database, '-n', 'apps', '-o', file('apps.p12'), '-K', '', '-W', PASSWORD]);
  return {
    home: folder.path,
    tls: { pfx: readFileSync(file('apps.p12')), passphrase: PASSWORD },
    pfx: { path: file('apps.p12'), passphrase: PASSWORD },
    remove: folder.remove,
  };
}
