// bcrypt, as the packages `bcrypt` and `bcryptjs` have it: with callbacks, with promises, and at once.

const { base64, fromText } = lib('bytes');
const make = machine.native('bcryptHash');
const check = machine.native('bcryptCompare');

const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function translate(text, from, to) { return [...text].map((c) => to[from.indexOf(c)]).join(''); }

function secret(value) {
  if (typeof value !== 'string' && !ArrayBuffer.isView(value)) throw new Error('data must be a string or Buffer');
  return base64(typeof value === 'string' ? fromText(value) : value);
}

function genSaltSync(rounds = 10) {
  const salt = base64(new Uint8Array(machine.native('randomBytes')(16))).replace(/=/g, '');
  return `$2b$${String(rounds).padStart(2, '0')}$${translate(salt, STANDARD, ALPHABET)}`;
}

function hashSync(data, salt = 10) {
  if (typeof salt === 'number') return make(secret(data), salt);
  const [, minor, cost, rest] = /^\$2([aby])\$(\d\d)\$([./A-Za-z0-9]{22})/.exec(salt) ?? [];
  if (rest === undefined) throw new Error('Invalid salt. Salt must be in the form of: $Vers$log2(NumRounds)$saltvalue');
  const raw = Uint8Array.fromBase64(translate(rest, ALPHABET, STANDARD), { lastChunkHandling: 'loose' });
  return make(secret(data), Number(cost), base64(raw)).replace(/^\$2b/, `$2${minor}`);
}

function compareSync(data, hash) {
  if (typeof hash !== 'string') throw new Error('data and hash must be strings');
  return check(secret(data), hash);
}

function getRounds(hash) {
  const found = /^\$2[aby]\$(\d\d)\$/.exec(hash);
  if (found === null) throw new Error('invalid hash provided');
  return Number(found[1]);
}

// Computes, then calls back, or settles a promise where there is no callback.
function both(work) {
  return (...args) => {
    const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined;
    const done = new Promise((resolve) => resolve(work(...args)));
    if (callback === undefined) return done;
    done.then((value) => callback(null, value), (error) => callback(error)).catch(machine.fail);
    return undefined;
  };
}

module.exports = {
  genSaltSync, hashSync, compareSync, getRounds,
  genSalt: both((rounds) => genSaltSync(rounds)),
  hash: both(hashSync),
  compare: both(compareSync),
};
