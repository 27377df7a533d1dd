// Addresses that an Action sends the browser to.

const { object, text } = lib('api/checks');

// An address to send the browser to, with more parameters in its query.
module.exports = function address(url, options) {
  const { URL } = lib('whatwg-url');
  let parsed;
  try {
    parsed = new URL(text(url, 'The URL'));
  } catch {
    throw new TypeError(`${JSON.stringify(url)} is not an absolute URL`);
  }
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') {
    throw new TypeError('The URL must begin with https:// or http://');
  }
  const { query } = object(options, 'options');
  if (query === undefined) return url;
  for (const [name, value] of Object.entries(object(query, 'options.query'))) {
    if (value !== undefined && value !== null) parsed.searchParams.set(name, String(value));
  }
  return parsed.href;
};
