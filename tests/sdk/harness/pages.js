// The test pages: bundled once per process by esbuild, served by one small server per layout.
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PAGES = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../pages');
const NAMES = ['lock-14', 'lock-11', 'auth0js-10', 'spa-js', 'react'];

let bundles;

// npm puts a package that only Lock 11 needs at the top, where it would find a newer React than Lock 11 has.
const reactOfLock11 = {
  name: 'react-of-lock-11',
  setup({ onResolve, resolve }) {
    const itsPackages = path.resolve(PAGES, '../node_modules/react-transition-group');
    const lock11 = path.resolve(PAGES, '../node_modules/auth0-lock-11');
    onResolve({ filter: /^react(-dom)?(\/|$)/ }, ({ path: name, kind, importer }) =>
      importer.startsWith(itsPackages) ? resolve(name, { kind, resolveDir: lock11 }) : undefined);
  },
};

/** Name → JavaScript text. The main fields are those of a browser bundler: auth0.js needs it (UMD in an ESM package). */
function bundle() {
  bundles ??= build({
    entryPoints: NAMES.map((name) => path.join(PAGES, name)),
    bundle: true,
    write: false,
    outdir: PAGES,
    format: 'iife',
    target: 'es2020',
    jsx: 'automatic',
    mainFields: ['browser', 'module', 'main'],
    // What the bundlers of Lock 11's days put in by themselves; `util` is the npm package of that name.
    define: { global: 'window', process: '{"env":{"NODE_ENV":"production"}}', 'process.env.NODE_ENV': '"production"' },
    plugins: [reactOfLock11],
    logLevel: 'error',
  }).then((result) => new Map(result.outputFiles.map((file) => [path.basename(file.path, '.js'), file.text])));
  return bundles;
}

const html = (name) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<link rel="icon" href="data:,">
<body><script src="/${name}.bundle.js"></script></body>
</html>`;

/** A page and its script as text, for a place that no app server serves. */
export async function pageText(name) {
  const scripts = await bundle();
  return { page: html(name), path: `/${name}.bundle.js`, script: scripts.get(name) };
}

/** Serves the pages for a layout on any free port; `{ origin, url(name), close }`. `tls` are the server's TLS options. */
export async function startApp(layout, tls) {
  const scripts = await bundle();
  const answer = (request, reply) => {
    const { pathname, searchParams } = new URL(request.url, 'http://app');
    const policy = searchParams.get('referrer');
    if (policy) reply.setHeader('referrer-policy', policy);
    const script = /^\/([\w-]+)\.bundle\.js$/.exec(pathname)?.[1];
    const page = /^\/([\w-]+)\.html$/.exec(pathname)?.[1];
    if (script && scripts.has(script)) {
      reply.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' });
      reply.end(scripts.get(script));
    } else if (page && (scripts.has(page) || page === 'empty')) {
      reply.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      reply.end(page === 'empty' ? '<!doctype html><title>empty</title><link rel="icon" href="data:,">' : html(page));
    } else {
      reply.writeHead(404).end();
    }
  };
  const server = layout.scheme === 'https' ? createHttpsServer(tls, answer) : createHttpServer(answer);
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `${layout.scheme}://${layout.host}:${server.address().port}`;
  return {
    origin,
    url: (name) => `${origin}/${name}.html`,
    names: NAMES,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
