// Bundles each package into one CommonJS file beside this one, and the licences of what is in it into another.
// Run by scripts/bundle-script-library.

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

// The name in the library and what stands behind it.
const packages = {
  async: 'async/dist/async.js',
  'axios-core': 'axios/dist/browser/axios.cjs',
  'buffer-core': 'buffer/index.js',
  events: 'events/events.js',
  'ipaddr.js': 'ipaddr.js/lib/ipaddr.js',
  jsonwebtoken: 'jsonwebtoken/index.js',
  lodash: 'lodash/lodash.js',
  moment: 'moment/moment.js',
  path: 'path-browserify/index.js',
  querystring: 'querystring-es3/index.js',
  'stream-core': 'stream-browserify/index.js',
  string_decoder: 'string_decoder/lib/string_decoder.js',
  'url-legacy': 'url/url.js',
  uuid: 'uuid/dist/index.js',
};

// What the library has itself: asked for when the bundle runs.
const external = ['assert', 'buffer', 'crypto', 'events', 'path', 'querystring', 'stream', 'string_decoder', 'util'];
const allowed = ['MIT', 'ISC', '0BSD'];

for (const [name, entry] of Object.entries(packages)) {
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: [join('node_modules', entry)],
    outfile: `${name}.js`,
    bundle: true,
    minify: true,
    keepNames: true,
    charset: 'utf8',
    format: 'cjs',
    // Only readable-stream has a part of its own for where there is no Node.
    platform: name === 'stream-core' ? 'browser' : 'neutral',
    target: 'es2022',
    legalComments: 'none',
    mainFields: name === 'stream-core' ? ['browser', 'main'] : ['main'],
    alias: { ieee754: './shims/ieee754.js', jws: './shims/jws.js' },
    external: external.filter((other) => other !== name),
    metafile: true,
    logLevel: 'warning',
  });
  const roots = new Set(Object.keys(metafile.inputs).map(packageOf).filter((root) => root !== null));
  writeFileSync(join(here, `${name}.LICENSE.txt`), [...roots].sort().map(licence).join(`\n${'-'.repeat(80)}\n\n`));
}

// The folder of the package that a file is of; null for our own.
function packageOf(file) {
  const found = /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(relative(here, join(here, file)));
  return found === null ? null : found[0];
}

function licence(root) {
  const { name, version, license, licenses } = JSON.parse(readFileSync(join(here, root, 'package.json'), 'utf8'));
  const kind = license ?? licenses?.[0]?.type;
  if (!allowed.includes(kind)) throw new Error(`${name} is under ${kind}, which the library does not take`);
  const file = readdirSync(join(here, root)).find((file) => /^(un)?licen[cs]e/i.test(file));
  const text = file !== undefined && existsSync(join(here, root, file))
    ? readFileSync(join(here, root, file), 'utf8') : `The package has no licence file; its package.json says ${kind}.\n`;
  return `${name} ${version} (${kind})\n\n${text}`;
}
