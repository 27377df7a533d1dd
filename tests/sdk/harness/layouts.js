// Where an application stands to the server, which always listens on https://localhost:PORT.
// "Site" is the browser's notion: scheme and registrable domain, without the port.

/** The three layouts; `crossSite` tells whether the browser treats the server's cookies as third-party ones. */
export const SAME_SITE = { name: 'same-site https app', scheme: 'https', host: 'localhost', crossSite: false };
export const HTTP_APP = { name: 'http app, https server', scheme: 'http', host: 'localhost', crossSite: true };
export const CROSS_SITE = { name: 'cross-site app', scheme: 'https', host: 'app.test', crossSite: true };
export const LAYOUTS = [SAME_SITE, HTTP_APP, CROSS_SITE];
