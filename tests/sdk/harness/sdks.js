// How a person uses each test page: which page it is, and what is typed and pressed where.

// Country and number apart, because Lock asks for them apart.
const DIALLING_CODE = '+61';
let lastNumber = 400_000_000 + Math.floor(Math.random() * 9_000_000);

/** A phone number that no other test of this run uses: `{ national, e164 }`. */
export function newPhone() {
  lastNumber += 1;
  return { national: String(lastNumber), e164: `${DIALLING_CODE}${lastNumber}` };
}

function lock(version) {
  const submit = '.auth0-lock-submit';
  return {
    name: `Lock ${version}`,
    page: version.startsWith('14') ? 'lock-14' : 'lock-11',
    // Lock 11.7 shows a failed login to the user, but emits nothing to the page.
    emitsErrors: !version.startsWith('11'),
    // To Lock 11.7 every field of an application's own is metadata.
    rootFields: !version.startsWith('11'),
    async ready(page) {
      await page.locator('input[name="phoneNumber"]').waitFor();
    },
    async sendCode(page, phone) {
      await this.ready(page);
      await chooseAustralia(page);
      await page.locator('input[name="phoneNumber"]').fill(phone.national);
      await page.locator(submit).click();
      await page.locator('input[name="vcode"]').waitFor();
    },
    async enterCode(page, code) {
      await page.locator('input[name="vcode"]').fill(code);
      await page.locator(submit).click();
    },
    /** Waits for the message that Lock shows for a wrong code, and returns it. */
    async complaint(page) {
      const message = page.locator('.auth0-global-message-error');
      await message.filter({ hasText: /\S/ }).waitFor();
      return message.innerText();
    },
  };
}

// The number's country comes from /user/geoloc/country, which knows nothing about a loopback address.
async function chooseAustralia(page) {
  const location = page.locator('[name="location"]');
  if ((await location.inputValue()).includes(DIALLING_CODE)) return;
  await location.click();
  await page.locator('input[name="search"]').fill('Australia');
  await page.locator('.auth0-lock-list-code li', { hasText: DIALLING_CODE }).first().click();
  await page.locator('input[name="phoneNumber"]').waitFor();
}

const auth0js = {
  name: 'auth0.js 10',
  page: 'auth0js-10',
  emitsErrors: true,
  async ready(page) {
    await page.locator('#start').waitFor();
  },
  async sendCode(page, phone) {
    await page.locator('#start input').fill(phone.e164);
    await page.locator('#start button').click();
    await page.locator('#verify').waitFor();
  },
  async enterCode(page, code) {
    await page.locator('#verify input').fill(code);
    await page.locator('#verify button').click();
  },
  async complaint(page) {
    const message = page.locator('#message');
    await message.filter({ hasText: /\S/ }).waitFor();
    return message.innerText();
  },
};

export const LOCK_14 = lock('14.3.0');
export const LOCK_11 = lock('11.7.2');
export const AUTH0JS = auth0js;
export const SDKS = [LOCK_14, LOCK_11, AUTH0JS];

/** Lock with a database connection: what is typed and pressed where. The same in both versions. */
export const LOCK_DATABASE = {
  async ready(page) {
    await page.locator('input[name="email"]').waitFor();
  },
  async logIn(page, email, password) {
    await page.locator('input[name="email"]').fill(email);
    await page.locator('input[name="password"]').fill(password);
    await page.locator('.auth0-lock-submit').click();
  },
  async signUp(page, fields) {
    await page.locator('.auth0-lock-tabs a', { hasText: 'Sign Up' }).click();
    await page.locator(`input[name="${Object.keys(fields).at(-1)}"]`).waitFor();
    for (const [name, value] of Object.entries(fields)) await page.locator(`input[name="${name}"]`).fill(value);
    await page.locator('.auth0-lock-submit').click();
  },
  async forgotPassword(page, email) {
    await page.locator('.auth0-lock-alternative-link').click();
    await page.locator('input[name="password"]').waitFor({ state: 'detached' });
    await page.locator('input[name="email"]').fill(email);
    await page.locator('.auth0-lock-submit').click();
    await page.locator('.auth0-global-message-success').filter({ hasText: /\S/ }).waitFor();
  },
  /** Waits for the message that Lock shows, and returns it. */
  async complaint(page) {
    const message = page.locator('.auth0-global-message-error');
    await message.filter({ hasText: /\S/ }).waitFor();
    return message.innerText();
  },
};
