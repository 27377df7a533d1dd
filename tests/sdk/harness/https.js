// Requests from the tests themselves (not from a page), verifying the server against one CA only.
import https from 'node:https';

/**
 * Sends one request and returns `{ status, headers, text, json }`; `json` is undefined for other bodies.
 * `body` that is not a string is sent as JSON.
 */
export function request(url, { ca, method = 'GET', headers = {}, body, seconds = 70 } = {}) {
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const sent = { ...headers };
  if (payload !== undefined) sent['content-type'] ??= 'application/json';
  return new Promise((resolve, reject) => {
    const call = https.request(url, { ca, method, headers: sent, agent: false, timeout: seconds * 1000 }, (reply) => {
      const chunks = [];
      reply.on('data', (chunk) => chunks.push(chunk));
      reply.once('error', reject);
      reply.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        let json;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        resolve({ status: reply.statusCode, headers: reply.headers, text, json });
      });
    });
    call.once('timeout', () => call.destroy(new Error(`${method} ${url}: no answer in ${seconds} s`)));
    call.once('error', reject);
    call.end(payload);
  });
}
