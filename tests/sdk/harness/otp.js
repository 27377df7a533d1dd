// An authenticator app (RFC 6238), written from the RFC: nothing of the server's own code is in it.
import { createHmac } from 'node:crypto';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The value of `acr_values` that asks for a second factor. */
export const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor';

/** The code that an app shows for a secret in base32, `steps` of 30 seconds from now: each is good once. */
export function appCode(secret, steps = 0) {
  const bits = [...secret.replace(/\s/g, '')].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const code = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(code % 1_000_000).padStart(6, '0');
}

/** The secret or recovery code that a page shows. */
export const shownCode = async (page) => (await page.locator('.shown strong').innerText()).replace(/\s/g, '');

/** Types the code of an app; the page sends itself once six digits are there. */
export const enterAppCode = (page, secret, steps) => page.locator('input[name="code"]').fill(appCode(secret, steps));
