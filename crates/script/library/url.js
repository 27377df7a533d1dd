// Node's `url`: the old functions from npm, the classes of the web.

const legacy = lib('url-legacy');
const { URL, URLSearchParams } = lib('whatwg-url');

module.exports = {
  ...legacy,
  URL,
  URLSearchParams,
  format: (value, options) => (value instanceof URL ? formatUrl(value, options) : legacy.format(value)),
  domainToASCII: (domain) => (URL.canParse(`http://${domain}`) ? new URL(`http://${domain}`).hostname : ''),
  urlToHttpOptions: (url) => ({
    protocol: url.protocol, hostname: url.hostname, hash: url.hash, search: url.search, pathname: url.pathname,
    path: url.pathname + url.search, href: url.href, ...(url.port !== '' && { port: Number(url.port) }),
    ...(url.username !== '' && { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }),
  }),
};

function formatUrl(url, { fragment = true, search = true, auth = true } = {}) {
  const copy = new URL(url.href);
  if (!fragment) copy.hash = '';
  if (!search) copy.search = '';
  if (!auth) copy.username = copy.password = '';
  return copy.href;
}
