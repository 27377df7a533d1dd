// Child processes and temporary folders that never outlive the tests.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

/** Runs a program to its end and returns its standard output; throws with its error output when it fails. */
export async function run(program, args, options) {
  const { stdout } = await execFileAsync(program, args, options);
  return stdout;
}

/** A new empty folder; `remove` deletes it with all it holds. */
export function temporaryFolder(name) {
  const folder = mkdtempSync(path.join(tmpdir(), `gatewright-${name}-`));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/**
 * Starts a long-running program and waits until `ready(line)` returns something for one of its output lines
 * (standard output and error alike). Resolves to `{ value, output, stop }`.
 */
export function startProgram(program, args, { env, cwd, ready, seconds = 30 }) {
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const ended = new Promise((resolve) => child.once('close', resolve));
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);

  async function stop() {
    process.removeListener('exit', killWithUs);
    child.kill('SIGTERM');
    const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(impatience);
  }

  return new Promise((resolve, reject) => {
    const fail = (why) => {
      clearTimeout(deadline);
      child.kill('SIGKILL');
      reject(new Error(`${program} ${args.join(' ')}: ${why}\n${output}`));
    };
    const deadline = setTimeout(() => fail(`not ready after ${seconds} s`), seconds * 1000);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => fail(`ended early (${signal ?? `exit code ${code}`})`));
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output = (output + text).slice(-200_000);
        const lines = (rest + text).split('\n');
        rest = lines.pop();
        for (const line of lines) {
          const value = ready(line);
          if (value !== undefined && value !== null) {
            clearTimeout(deadline);
            resolve({ value, output: () => output, stop });
          }
        }
      });
    }
  });
}
