// Where an application stands to the server, which always listens on https://localhost:PORT.
// "Site" is the browser's notion: scheme and registrable domain, without the port.

/** The three layouts; `crossSite` tells whether the browser treats the server's cookies as third-party ones. */
export const LAYOUTS = [
  { name: 'same-site https app', scheme: 'https', host: 'localhost', crossSite: false },
  { name: 'http app, https server', scheme: 'http', host: 'localhost', crossSite: true },
  { name: 'cross-site app', scheme: 'https', host: 'app.test', crossSite: true },
];
