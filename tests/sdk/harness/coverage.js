// Which operations of the Management API a client has called.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Operation id and the file that calls it, a line for each; `UPDATE=1` rewrites it. */
const PROOFS = fileURLToPath(new URL('../../../docs/management-api-tests.tsv', import.meta.url));
const TABLE = fileURLToPath(new URL('../../../docs/management-api.md', import.meta.url));

/** The operations that are built, from the generated table: `[{ name: 'GET /users/{id}', method, matches }]`. */
export function builtOperations() {
  const [, built] = readFileSync(TABLE, 'utf8').split(/^## Built.*$/m);
  const rows = built.split(/^## /m)[0].matchAll(/^\| (GET|POST|PATCH|PUT|DELETE) (\w+) \| `(\/[^`]+)`/gm);
  const operations = [...rows].map(([, method, id, path]) => ({
    id,
    name: `${method} ${path}`,
    method,
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    parameters: path.match(/\{/g)?.length ?? 0,
  }));
  if (operations.length < 80) throw new Error(`${TABLE} is not understood: ${operations.length} operations`);
  return operations;
}

/** A `fetch` that remembers which operations succeeded; `missed()` names those of the built ones that did not. */
export function recorder() {
  // `/custom-domains/default` is not `/custom-domains/{id}`.
  const operations = builtOperations().sort((a, b) => a.parameters - b.parameters);
  const called = new Map();
  let file;
  function succeeded(method, path) {
    const found = operations.find((operation) => operation.method === method && operation.pattern.test(path));
    if (found && !called.has(found.name)) called.set(found.name, file);
  }
  return {
    async fetch(url, init) {
      const reply = await fetch(url, init);
      const { pathname } = new URL(url instanceof Request ? url.url : url);
      if (reply.ok && pathname.startsWith('/api/v2/')) {
        succeeded((init?.method ?? 'GET').toUpperCase(), pathname.slice('/api/v2'.length));
      }
      return reply;
    },
    /** Counts a call that was made otherwise. */
    succeeded,
    /** The file that makes the calls from now on. */
    enter(name) {
      file = name;
    },
    missed: () => operations.map(({ name }) => name).filter((name) => !called.has(name)).sort(),
    /** Compares who called what with the table, or rewrites it. */
    agreesWithTable() {
      const lines = operations.filter(({ name }) => called.has(name)).map(({ id, name }) => `${id}\t${called.get(name)}\n`);
      const table = lines.sort().join('');
      if (process.env.UPDATE) writeFileSync(PROOFS, table);
      assert.equal(readFileSync(PROOFS, 'utf8'), table, 'docs/management-api-tests.tsv is stale: run with UPDATE=1');
    },
  };
}
