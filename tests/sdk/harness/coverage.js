// Which operations of the Management API a client has called.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TABLE = fileURLToPath(new URL('../../../docs/management-api.md', import.meta.url));

/** The operations that are built, from the generated table: `[{ name: 'GET /users/{id}', method, matches }]`. */
export function builtOperations() {
  const [, built] = readFileSync(TABLE, 'utf8').split(/^## Built.*$/m);
  const rows = built.split(/^## /m)[0].matchAll(/^\| (GET|POST|PATCH|PUT|DELETE) \w+ \| `(\/[^`]+)`/gm);
  const operations = [...rows].map(([, method, path]) => ({
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
  const called = new Set();
  return {
    async fetch(url, init) {
      const reply = await fetch(url, init);
      const { pathname } = new URL(url instanceof Request ? url.url : url);
      if (reply.ok && pathname.startsWith('/api/v2/')) {
        const path = pathname.slice('/api/v2'.length);
        const method = (init?.method ?? 'GET').toUpperCase();
        const found = operations.find((operation) => operation.method === method && operation.pattern.test(path));
        if (found) called.add(found.name);
      }
      return reply;
    },
    missed: () => operations.map(({ name }) => name).filter((name) => !called.has(name)).sort(),
  };
}
