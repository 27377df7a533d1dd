// The databases the tests run on: SQLite always, PostgreSQL when GATEWRIGHT_TEST_DATABASE_URL names a server.
import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** `[{ name, open }]`; `open` gives `{ args, close }`, the command-line arguments for a fresh database. */
export function engines() {
  const url = process.env.GATEWRIGHT_TEST_DATABASE_URL;
  const list = [{ name: 'SQLite', open: async () => ({ args: [], close: async () => {} }) }];
  if (url) list.push({ name: 'PostgreSQL', open: () => freshDatabase(url) });
  return list;
}

async function freshDatabase(url) {
  const name = `gatewright_sdk_${randomBytes(6).toString('hex')}`;
  await statement(url, `CREATE DATABASE ${name}`);
  return {
    args: ['--database-url', withDatabase(url, name)],
    close: () => statement(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

// Replaces the path of postgres://user@host:port/path?query without losing a query such as ?host=/run/socket.
function withDatabase(url, name) {
  const [, start, query = ''] = /^([^:]+:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/.exec(url);
  return `${start}/${name}${query}`;
}

async function statement(url, sql) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
