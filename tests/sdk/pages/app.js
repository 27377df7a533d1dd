// What every test page shares: it remembers its options for the way back from a redirect, and records what
// the SDK tells it, so that a test can wait for an event instead of for time to pass.

/**
 * `start(options)` constructs the SDK with `{ domain, clientId, audience, scope, redirect }`.
 * The tests find everything under `window.app`.
 */
export function runApp({ start, auth0 }) {
  const events = [];
  const app = {
    events,
    record(name, detail) {
      events.push({ name, detail: plain(detail) });
    },
    open(options) {
      sessionStorage.setItem('options', JSON.stringify(options));
      start(app, options);
    },
    /** The Management API through auth0.js, as an application calls it. */
    management(options, method, ...args) {
      const management = new auth0.Management(options);
      return settled((done) => management[method](...args, done));
    },
    /** The Management API, or anything else, through a plain cross-origin fetch. */
    async fetch(url, { method, token, body }) {
      const reply = await fetch(url, {
        method,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await reply.text();
      let json = null;
      try {
        json = JSON.parse(text);
      } catch {
        // Not every reply is JSON; the text is there.
      }
      return { status: reply.status, text, json };
    },
    settled,
  };
  window.app = app;
  const remembered = sessionStorage.getItem('options');
  if (remembered) start(app, JSON.parse(remembered));
}

/** A node-style callback as `{ error, result }`, which survives the way to the test. */
export function settled(call) {
  return new Promise((resolve) => {
    call((error, result) => resolve({ error: plain(error ?? null), result: plain(result ?? null) }));
  });
}

function plain(value) {
  if (value instanceof Error) return { ...value, name: value.name, message: value.message };
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
