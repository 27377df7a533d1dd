// Somebody with a browser without scripts: cookies, redirects and forms of the hosted pages, in plain HTTP.
import { request } from './https.js';

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"' };
const plain = (text) =>
  text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, decimal, hex, name) =>
    decimal || hex ? String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16)) : (ENTITIES[name] ?? all),
  );

export class Visitor {
  #ca;
  #cookies = new Map();

  constructor(ca) {
    this.#ca = ca;
  }

  /**
   * Opens an address and follows redirects as long as they stay on its host. Resolves to `{ status, url, text }`;
   * `left` is the address outside to which the last redirect leads.
   */
  async open(url, { method = 'GET', body } = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = cookie ? { cookie } : {};
    if (body) headers['content-type'] = 'application/x-www-form-urlencoded';
    const reply = await request(url, { ca: this.#ca, method, headers, body });
    for (const line of reply.headers['set-cookie'] ?? []) this.#keep(line);
    if (!reply.headers.location) return { status: reply.status, url, text: reply.text };
    const next = new URL(reply.headers.location, url);
    if (next.origin !== new URL(url).origin) return { status: reply.status, url, text: reply.text, left: next };
    return this.open(next.href);
  }

  /** Sends the form of a page with these fields filled in and the button of that value pressed. */
  submit(page, fields, button = 'default') {
    const form = /<form [^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/s.exec(page.text);
    if (!form) throw new Error(`no form in ${page.url} (${page.status}): ${page.text.slice(0, 2000)}`);
    const sent = new URLSearchParams();
    for (const [tag] of form[2].matchAll(/<input [^>]*>/g)) {
      const value = (name) => plain(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
      sent.set(value('name'), value('value'));
    }
    for (const [name, value] of Object.entries(fields)) {
      if (!sent.has(name)) throw new Error(`no field ${name} in ${page.url}: ${form[2]}`);
      sent.set(name, value);
    }
    if (new RegExp(`<button [^>]*value="${button}"`).test(form[2])) sent.set('action', button);
    return this.open(new URL(plain(form[1]), page.url).href, { method: 'POST', body: `${sent}` });
  }

  #keep(line) {
    const [pair, ...attributes] = line.split(';');
    const [name, ...value] = pair.split('=');
    const gone = attributes.some((text) => /^\s*max-age=(0|-\d+)\s*$/i.test(text));
    if (gone) this.#cookies.delete(name.trim());
    else this.#cookies.set(name.trim(), value.join('='));
  }
}
