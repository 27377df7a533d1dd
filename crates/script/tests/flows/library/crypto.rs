//! `crypto`, Node's and the web's, by published vectors.

use serde_json::json;

use super::expect;

#[test]
fn hashes_and_derived_keys() {
    expect(
        "const crypto = require('crypto'); const h = (n, d) => crypto.createHash(n).update(d).digest('hex');",
        &[
            ("h('md5', 'abc')", json!("900150983cd24fb0d6963f7d28e17f72")),
            ("h('sha1', 'abc')", json!("a9993e364706816aba3e25717850c26c9cd0d89d")),
            ("h('sha256', 'abc')", json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
            (
                "crypto.createHash('SHA-256').update('a').update(Buffer.from('bc')).digest('base64url')",
                json!("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"),
            ),
            ("h('ripemd160', 'abc')", json!("8eb208f7e05d987a9b044a8e98c6b087f15a0bfc")),
            ("h('nope', 'abc')", json!("threw Error: nope is not supported")),
            // RFC 4231 test case 2.
            (
                "crypto.createHmac('sha256', 'Jefe').update('what do ya want for nothing?').digest('hex')",
                json!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            ),
            // RFC 6070.
            (
                "crypto.pbkdf2Sync('password', 'salt', 2, 20, 'sha1').toString('hex')",
                json!("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            ),
            // RFC 7914 section 12.
            (
                "crypto.scryptSync('password', 'NaCl', 64, {N: 1024, r: 8, p: 16}).toString('hex').slice(0, 32)",
                json!("fdbabe1c9d3472007856e7190d01e9fe"),
            ),
            (
                "new Promise(r => crypto.pbkdf2('password', 'salt', 1, 20, 'sha1', (e, k) => r(k.toString('hex'))))",
                json!("0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            ),
            // RFC 5869 test case 1.
            (
                "Buffer.from(crypto.hkdfSync('sha256', Buffer.alloc(22, 0x0b), Buffer.from('000102030405060708090a0b0c', 'hex'), Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex'), 42)).toString('hex')",
                json!("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
            ),
            ("crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('a'))", json!(true)),
            (
                "crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('ab'))",
                json!("threw RangeError: Input buffers must have the same byte length"),
            ),
            ("crypto.randomBytes(8).length", json!(8)),
            ("[0, 1, 2].includes(crypto.randomInt(3))", json!(true)),
            ("crypto.randomUUID() !== crypto.randomUUID()", json!(true)),
        ],
    );
}

#[test]
fn ciphers() {
    // NIST SP 800-38A F.2.5 for CBC; test case 16 of the GCM specification.
    expect(
        "const crypto = require('crypto'); const hex = (t) => Buffer.from(t, 'hex');
        const key = hex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4');
        const iv = hex('000102030405060708090a0b0c0d0e0f');
        const turn = (c, d, from, to) => c.update(d, from, to) + c.final(to);",
        &[
            ("turn(crypto.createCipheriv('aes-256-cbc', key, iv), hex('6bc1bee22e409f96e93d7e117393172a'), undefined, 'hex').slice(0, 32)", json!("f58c4c04d6e5f1ba779eabfb5f7bfbd6")),
            ("turn(crypto.createDecipheriv('aes-256-cbc', key, iv), turn(crypto.createCipheriv('aes-256-cbc', key, iv), 'hallo', 'utf8', 'base64'), 'base64', 'utf8')", json!("hallo")),
            ("turn(crypto.createDecipheriv('aes-256-cbc', key, iv), 'ffffffffffffffffffffffffffffffff', 'hex', 'utf8')", json!("threw Error: bad decrypt")),
            (
                "(() => { const c = crypto.createCipheriv('aes-256-gcm', hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'), hex('cafebabefacedbaddecaf888'));
                c.setAAD(hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'));
                const t = turn(c, 'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39', 'hex', 'hex');
                return [t.slice(0, 16), c.getAuthTag().toString('hex')]; })()",
                json!(["522dc1f099567d07", "76fc6ece0f4e1768cddf8853bb2d551b"]),
            ),
            (
                "(() => { const c = crypto.createCipheriv('aes-256-gcm', key, iv.subarray(0, 12)); const t = turn(c, 'x', 'utf8', 'hex');
                const d = crypto.createDecipheriv('aes-256-gcm', key, iv.subarray(0, 12)).setAuthTag(c.getAuthTag()); const good = turn(d, t, 'hex', 'utf8');
                const e = crypto.createDecipheriv('aes-256-gcm', key, iv.subarray(0, 12)).setAuthTag(Buffer.alloc(16));
                try { turn(e, t, 'hex', 'utf8'); } catch (error) { return [good, error.message]; } })()",
                json!(["x", "Unsupported state or unable to authenticate data"]),
            ),
            ("crypto.createCipheriv('des', key, iv)", json!("threw Error: Unknown cipher")),
        ],
    );
}

#[test]
fn keys_cross_between_forms() {
    expect(
        "const crypto = require('crypto');
        const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', {namedCurve: 'prime256v1'});
        const rsa = crypto.generateKeyPairSync('rsa', {modulusLength: 2048});
        const jwk = rsa.publicKey.export({format: 'jwk'});
        // RFC 7517 appendix A.1, the EC key.
        const ec = {kty: 'EC', crv: 'P-256', x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM', d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE'};
        const verifies = (a, b) => crypto.createVerify('sha256').update('x').verify(b, crypto.createSign('RSA-SHA256').update('x').sign(a));",
        &[
            ("verifies(privateKey, publicKey)", json!(true)),
            ("verifies(rsa.privateKey, crypto.createPublicKey({key: jwk, format: 'jwk'}))", json!(true)),
            ("verifies(rsa.privateKey, rsa.publicKey.export({type: 'spki', format: 'pem'}))", json!(true)),
            ("verifies(crypto.createPrivateKey({key: ec, format: 'jwk'}), crypto.createPublicKey({key: ec, format: 'jwk'}))", json!(true)),
            ("verifies(privateKey.export({type: 'pkcs8', format: 'pem'}), publicKey)", json!(true)),
            ("verifies(rsa.privateKey, publicKey)", json!(false)),
            ("(({kty, x, y, d}) => kty === 'EC' && x === ec.x && y === ec.y && d === ec.d)(crypto.createPrivateKey({key: ec, format: 'jwk'}).export({format: 'jwk'}))", json!(true)),
            ("rsa.publicKey.asymmetricKeyDetails.modulusLength", json!(2048)),
            ("privateKey.asymmetricKeyDetails", json!({"namedCurve": "prime256v1"})),
            ("crypto.createPublicKey(rsa.privateKey).equals(rsa.publicKey)", json!(true)),
            ("crypto.createPublicKey('-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----')", json!("threw Error: The key is none that can be read")),
            ("(e => crypto.verify(null, 'm', e.publicKey, crypto.sign(null, 'm', e.privateKey)))(crypto.generateKeyPairSync('ed25519'))", json!(true)),
            ("crypto.sign('sha256', 'm', {key: privateKey, dsaEncoding: 'ieee-p1363'}).length", json!(64)),
        ],
    );
}

#[test]
fn subtle() {
    expect(
        "const { subtle } = crypto; const bytes = (t) => new TextEncoder().encode(t); const hex = (b) => Buffer.from(b).toString('hex');
        const hmac = await subtle.importKey('raw', bytes('Jefe'), {name: 'HMAC', hash: 'SHA-256'}, true, ['sign', 'verify']);
        const pair = async (a, usages = ['sign', 'verify']) => { const { privateKey, publicKey } = await subtle.generateKey(a, true, usages);
            const s = await subtle.sign({...a, saltLength: 32}, privateKey, bytes('m'));
            const again = await subtle.importKey('spki', await subtle.exportKey('spki', publicKey), a, true, ['verify']);
            const jwk = await subtle.importKey('jwk', await subtle.exportKey('jwk', publicKey), a, true, ['verify']);
            return [await subtle.verify({...a, saltLength: 32}, again, s, bytes('m')), await subtle.verify({...a, saltLength: 32}, jwk, s, bytes('n'))]; };",
        &[
            ("subtle.digest('SHA-256', bytes('abc')).then(hex)", json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
            ("subtle.sign('HMAC', hmac, bytes('what do ya want for nothing?')).then(hex)", json!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")),
            ("subtle.verify('HMAC', hmac, new Uint8Array(32), bytes('x'))", json!(false)),
            ("subtle.exportKey('jwk', hmac).then(j => j.k)", json!("SmVmZQ")),
            ("pair({name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256'})", json!([true, false])),
            ("pair({name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256'})", json!([true, false])),
            ("pair({name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'})", json!([true, false])),
            ("pair({name: 'Ed25519'})", json!([true, false])),
            (
                "(async () => { const k = await subtle.generateKey({name: 'AES-GCM', length: 256}, true, ['encrypt', 'decrypt']); const iv = new Uint8Array(12);
                const a = {name: 'AES-GCM', iv, additionalData: bytes('aad')};
                const sealed = await subtle.encrypt(a, k, bytes('secret')); return [sealed.byteLength, Buffer.from(await subtle.decrypt(a, k, sealed)).toString()]; })()",
                json!([22, "secret"]),
            ),
            (
                "(async () => { const k = await subtle.importKey('raw', new Uint8Array(16), 'AES-CBC', false, ['encrypt', 'decrypt']); const a = {name: 'AES-CBC', iv: new Uint8Array(16)};
                return Buffer.from(await subtle.decrypt(a, k, await subtle.encrypt(a, k, bytes('secret')))).toString(); })()",
                json!("secret"),
            ),
            (
                "(async () => { const k = await subtle.importKey('raw', bytes('password'), 'PBKDF2', false, ['deriveBits']);
                return hex(await subtle.deriveBits({name: 'PBKDF2', hash: 'SHA-1', salt: bytes('salt'), iterations: 1}, k, 160)); })()",
                json!("0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            ),
            ("subtle.sign('HMAC', {}, bytes('x'))", json!("threw TypeError: The key must be a CryptoKey")),
            ("subtle.digest('MD5', bytes('x'))", json!("threw NotSupportedError: Unrecognized hash name: MD5")),
            ("crypto.getRandomValues(new Uint8Array(4)).length", json!(4)),
            ("crypto.getRandomValues(new Uint8Array(70000))", json!("threw QuotaExceededError: More than 65536 bytes were asked for")),
        ],
    );
}
