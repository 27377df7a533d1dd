// Where the tools written in Go are. They are not installed by these tests: give their official releases.
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../harness/process.js';

const execFileAsync = promisify(execFile);

/** The program of this variable, or of this name on the PATH; throws what to do when there is none. */
export function program(variable, name) {
  const given = process.env[variable];
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const found = given ?? folders.map((folder) => path.join(folder, name)).find(existsSync);
  if (!found || !existsSync(found)) throw new Error(`no ${name}: set ${variable} to the program, or put it on the PATH`);
  return path.resolve(found);
}

/** A folder to work in and a `run(...args)` there, which trusts the server and finds nothing of this machine's owner. */
export function workbench(file, server, more = {}) {
  const folder = temporaryFolder('go-tools');
  const authority = path.join(folder.path, 'authority.pem');
  writeFileSync(authority, server.ca);
  const env = { PATH: process.env.PATH, HOME: folder.path, SSL_CERT_FILE: authority, ...more };
  return {
    folder: folder.path,
    close: folder.remove,
    async run(...args) {
      const options = { cwd: folder.path, env, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 };
      const { stdout } = await execFileAsync(file, args, options).catch((error) => {
        throw new Error(`${path.basename(file)} ${args.join(' ')}\n${error.stdout}\n${error.stderr}`);
      });
      return stdout;
    },
  };
}
