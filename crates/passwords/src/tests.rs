use gatewright_ambient::Random;
use serde_json::{Value, json};

use crate::{Cost, Hasher, StoredHash, UnusableHash, Verdict};

fn hasher() -> Hasher {
    Hasher::new(Cost::LEAST, 2, Random::seeded(7))
}

/// `custom_password_hash` of an import matches this password and not another one.
#[track_caller]
fn matches(custom: Value, password: &str) {
    let stored = StoredHash::imported(&custom).unwrap_or_else(|error| panic!("{custom}: {error}"));
    assert!(stored.matches(password), "{custom}");
    assert!(!stored.matches(&format!("{password}x")), "{custom}");
    // What is stored is read back and still matches.
    let (member, value) = stored.as_import();
    assert_eq!(member, "custom_password_hash");
    assert!(StoredHash::imported(&value).unwrap().matches(password), "{value}");
    let again = StoredHash::parse(&stored.to_string()).unwrap();
    assert!(again.matches(password) && again.is_imported(), "{custom}");
}

#[track_caller]
fn refused(custom: Value) -> UnusableHash {
    match StoredHash::imported(&custom) {
        Err(error) => error,
        Ok(_) => panic!("was taken: {custom}"),
    }
}

#[test]
fn digests_with_and_without_salt_in_either_place() {
    let plain = |algorithm: &str, value: &str, encoding: &str| json!({"algorithm": algorithm, "hash": {"value": value, "encoding": encoding}});
    let salted = |algorithm: &str, value: &str, salt: Value| json!({"algorithm": algorithm, "hash": {"value": value, "encoding": "hex"}, "salt": salt});
    // RFC 1320 and RFC 1321, appendix A.5.
    matches(plain("md4", "a448017aaf21d8525fc10ae87aa6729d", "hex"), "abc");
    matches(plain("md5", "900150983CD24FB0D6963F7D28E17F72", "hex"), "abc");
    matches(plain("sha1", "f3bbbd66a63d4bf1747940578ec3d0103530e21d", "hex"), "hunter2");
    matches(plain("sha256", "9S-9MrKzuG_4jvbEkGKChfSCrxXdyylUH5S89Saj9sc", "base64"), "hunter2");
    matches(plain("sha256", "9S+9MrKzuG/4jvbEkGKChfSCrxXdyylUH5S89Saj9sc=", "base64"), "hunter2");
    matches(salted("md5", "494d4870110a8ef93674221816007b21", json!({"value": "salt"})), "hunter2");
    let suffix = json!({"value": "salt", "encoding": "utf8", "position": "suffix"});
    matches(salted("md5", "56cc6e3c58b2e1b7be644c196d4a8b59", suffix), "hunter2");
    let sha512 = "c574ff8b356dc9de57ed068550ba47b58bf476932f301329f6ae95925e86a39e\
                  d390dbd7561c52f39d1c70b097f92da9d0d8e485e10086a36ab57882ea964f2b";
    matches(salted("sha512", sha512, json!({"value": "c0ffee", "encoding": "hex"})), "hunter2");
}

#[test]
fn passwords_in_the_bytes_of_the_other_system() {
    let with = |value: &str, algorithm: &str, encoding: &str| {
        json!({"algorithm": algorithm, "hash": {"value": value, "encoding": "hex"},
            "password": {"encoding": encoding}})
    };
    for encoding in ["utf16le", "ucs2"] {
        matches(with("5635299b0882ffccd11e311d65a7ccf1", "md5", encoding), "pässwörd");
    }
    for encoding in ["latin1", "binary", "ascii"] {
        matches(with("2ca67a2dbf3a2f52ef5126a2ae8f8a2f", "md5", encoding), "pässwörd");
    }
    matches(with("f517ddf1d32a112ff1ad55c66d1b12cb38e7e8f7", "sha1", "utf8"), "pässwörd");
}

#[test]
fn keyed_digests() {
    // RFC 2202, RFC 2286 and RFC 4231, test case 2.
    let cases = [
        ("md5", "750c783e6ab0b503eaa86e310a5db738"),
        ("ripemd160", "dda6c0213a485a9e24f4742064a7f033b43c4069"),
        ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
        ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            "sha384",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "sha512",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ];
    for (digest, value) in cases {
        let keyed = |key: Value| {
            json!({"algorithm": "hmac",
            "hash": {"value": value, "encoding": "hex", "digest": digest, "key": key}})
        };
        matches(keyed(json!({"value": "Jefe", "encoding": "utf8"})), "what do ya want for nothing?");
        matches(keyed(json!({"value": "SmVmZQ==", "encoding": "base64"})), "what do ya want for nothing?");
    }
    // From OpenSSL, whose legacy provider has them.
    for (digest, value) in [
        ("md4", "be192c588a8e914d8a59b474a828128f"),
        (
            "whirlpool",
            "3d595ccd1d4f4cfd045af53ba7d5c8283fee6ded6eaf1269071b6b4ea64800056b5077c6a942cfa1221bd4e5aed79127\
             6e5dd46a407d2b8007163d3e7cd1de66",
        ),
    ] {
        let custom = json!({"algorithm": "hmac",
            "hash": {"value": value, "encoding": "hex", "digest": digest, "key": {"value": "Jefe"}}});
        matches(custom, "what do ya want for nothing?");
    }
}

#[test]
fn pbkdf2_with_every_digest_and_the_names_that_openssl_has_for_them() {
    // From OpenSSL: 1000 rounds, 64 bytes, the salt is "saltsalt".
    for (names, value) in [
        (
            &["md4", "RSA-MD4", "md4WithRSAEncryption"][..],
            "1CT2Ey930FTdveyF1oL02XC2QcP7xGFY+ujLPRhr/nvctAeKONvu6uEKAUfojb2DnGObuBUvwVKslNjT5lQKZw",
        ),
        (
            &["md5", "RSA-MD5", "ssl3-md5"],
            "wtFYu0io5dGj7mioOrrhAJ68akKJfShBvlFPzyf77sDw40kmiGhT9bRfG8F60Xqd41ELKzYe/YqmD3g2fg3nig",
        ),
        (
            &["ripemd", "ripemd160", "rmd160", "ripemd160WithRSA", "RSA-RIPEMD160"],
            "95ON3ZRg9OUhDMRXtvx9/asaYVY9TNjuiymvT6Z0issF5d1SqJGdZPug7qpg338uFvLZA/eaKkZPPJCfctOSTA",
        ),
        (
            &["sha224", "RSA-SHA224", "sha224WithRSAEncryption"],
            "URQI+OoXTzMyYRh0LssENhH6WeNOPK41bhwhUeN7BGjPMHsmmWSLc2iRXnGHDm2j48p/6+hVPsADFhoJF+uhag",
        ),
        (
            &["whirlpool"],
            "QT+ZnIXs9b1xfvemL9b5dqdAWbK2ydgkj9P5MwFo6QZC1Ropgjhtn0Cp9NUVUJUqnMn3A2amGBJXyv+liEV5SA",
        ),
    ] {
        for name in names {
            let phc = format!("$pbkdf2-{name}$i=1000,l=64$c2FsdHNhbHQ${value}");
            matches(json!({"algorithm": "pbkdf2", "hash": {"value": phc, "encoding": "utf8"}}), "password");
        }
    }
    for name in ["sha1-2", "ssl3-sha1", "RSA-SHA1-2", "sha1WithRSAEncryption"] {
        let phc = format!("$pbkdf2-{name}$i=1000,l=20$c2FsdHNhbHQ$6f6/9Uv85mj94wGsyFVjzJ3HHvY");
        matches(json!({"algorithm": "pbkdf2", "hash": {"value": phc}}), "password");
    }
    let mdc2 = json!({"algorithm": "pbkdf2", "hash": {"value": "$pbkdf2-mdc2$i=1,l=1$c2FsdA$AA"}});
    assert_eq!(refused(mdc2), UnusableHash::Unsupported("pbkdf2 with mdc2".into()));
}

#[test]
fn functions_made_for_passwords() {
    let phc = |algorithm: &str, value: &str| json!({"algorithm": algorithm, "hash": {"value": value, "encoding": "utf8"}});
    // From the reference implementation's own tests.
    matches(
        phc("argon2", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        "password",
    );
    matches(phc("bcrypt", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), "U*U");
    matches(phc("bcrypt", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), "U*U");
    let mut salted = phc("bcrypt", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK");
    salted["salt"] = json!({"value": "*", "position": "suffix"});
    assert!(StoredHash::imported(&salted).unwrap().matches("U*U"));
    matches(phc("pbkdf2", "$pbkdf2-sha1$i=1000,l=20$c2FsdHNhbHQ$6f6/9Uv85mj94wGsyFVjzJ3HHvY"), "password");
    matches(
        phc("pbkdf2", "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHQ$E196ZhRPzw+wA84EjzHwJO1cv/MFJdO6C/sxmUeTYqY"),
        "password",
    );
    matches(
        phc(
            "pbkdf2",
            "$pbkdf2-sha512$i=1000$c2FsdHNhbHQ$Q6v4xwJ8a9nWPp2BeEoAYYhHSo2xRmPWART17vTpSxt2q6iNp7BOozW557qqa95eNjUO4gKs0CyvJbYGGku1tA",
        ),
        "password",
    );
    matches(
        json!({"algorithm": "scrypt", "keylen": 32, "cost": 16, "blockSize": 1, "parallelization": 1,
            "salt": {"value": "NaCl"},
            "hash": {"value": "aec6b7483ed26e08802b41f4032086a0e886be7ac48fcfd92ff0cef8109752f4", "encoding": "hex"}}),
        "password",
    );
}

#[test]
fn ldap_schemes() {
    for value in [
        "{MD5}X03MO1qnZdYdgyfeuILPmQ==",
        "{SMD5}swXK27O85U86pZxk/sAN6nNhbHQ=",
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "{ssha}UVzTPN8LJr8KD0hiYi5PaOVGehFzYWx0eQ==",
        "{SSHA256}eje4XIkY6sGakInA+loqtNzj+QUo3N7sEIsj3fNge5lzYWx0",
        "{SHA512}sQnzu7wkTrgkQZF+0G1hi5AI3Qmzvv0bXgc5THBqi7mAsdd4Xll27ASbRt9fEyavWi6m0QP9B8lThf+rDKy8hg==",
        "{SSHA512}+mohhbPgqahe9B/7Z+88H7b3SYD46/lw5OcuNT7ZU31ZMIPCAd/W5D4cinqsK8jbsRnH37fUuPExEROVvXDpf3NhbHQ=",
    ] {
        matches(json!({"algorithm": "ldap", "hash": {"value": value, "encoding": "utf8"}}), "password");
    }
    let crypt = json!({"algorithm": "ldap", "hash": {"value": "{CRYPT}ab", "encoding": "utf8"}});
    assert_eq!(refused(crypt), UnusableHash::Unsupported("the LDAP scheme CRYPT".into()));
}

#[test]
fn what_cannot_be_compared_later_is_refused_at_once() {
    let with = |algorithm: &str, value: &str| json!({"algorithm": algorithm, "hash": {"value": value, "encoding": "hex"}});
    refused(json!({}));
    refused(with("rot13", "00"));
    refused(with("md5", "00"));
    refused(with("md5", "zz0150983cd24fb0d6963f7d28e17f72"));
    refused(with(
        "argon2",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ));
    refused(json!({"algorithm": "sha1", "hash": {"value": "f3bbbd66a63d4bf1747940578ec3d0103530e21d"}}));
    refused(json!({"algorithm": "scrypt", "hash": {"value": "00", "encoding": "hex"}}));
    refused(json!({"algorithm": "hmac", "hash": {"value": "00", "encoding": "hex", "digest": "md5"}}));
    let text = |algorithm: &str, value: &str| json!({"algorithm": algorithm, "hash": {"value": value}});
    refused(text("bcrypt", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    refused(text("pbkdf2", "$pbkdf2-mdc2$i=1000,l=20$c2FsdHNhbHQ$6f6/9Uv85mj94wGsyFVjzJ3HHvY"));
    refused(text("pbkdf2", "$pbkdf2-sha1$i=0,l=20$c2FsdHNhbHQ$6f6/9Uv85mj94wGsyFVjzJ3HHvY"));
    let salt_outside = json!({"algorithm": "pbkdf2", "salt": {"value": "x"},
        "hash": {"value": "$pbkdf2-sha1$i=1000,l=20$c2FsdHNhbHQ$6f6/9Uv85mj94wGsyFVjzJ3HHvY"}});
    refused(salt_outside);
    // Nobody may bring along a hash that takes the machine with it.
    let costly = [
        text(
            "argon2",
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        ),
        text("bcrypt", "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        text("pbkdf2", "$pbkdf2-sha1$i=4000000000,l=20$c2FsdHNhbHQ$6f6/9Uv85mj94wGsyFVjzJ3HHvY"),
        json!({"algorithm": "scrypt", "keylen": 1, "cost": 1_073_741_824, "hash": {"value": "00", "encoding": "hex"}}),
    ];
    for costly in costly {
        assert_eq!(refused(costly), UnusableHash::TooCostly);
    }
}

#[tokio::test]
async fn a_new_hash_is_argon2id_with_a_salt_of_its_own() {
    let hasher = hasher();
    let (one, other) = (hasher.hash("hunter2").await.unwrap(), hasher.hash("hunter2").await.unwrap());
    assert!(one.to_string().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    assert_ne!(one.to_string(), other.to_string());
    let read = StoredHash::parse(&one.to_string()).unwrap();
    assert!(matches!(hasher.verify(Some(read.clone()), "hunter2").await.unwrap(), Verdict::Right(None)));
    assert!(matches!(hasher.verify(Some(read), "hunter3").await.unwrap(), Verdict::Wrong));
    assert_eq!(Cost::default(), Cost { memory_kib: 19_456, passes: 2 });
}

#[tokio::test]
async fn every_try_costs_one_hash_whoever_it_is_for() {
    let hasher = hasher();
    let ours = hasher.hash("hunter2").await.unwrap();
    let theirs = StoredHash::imported(&json!({"algorithm": "sha1",
        "hash": {"value": "f3bbbd66a63d4bf1747940578ec3d0103530e21d", "encoding": "hex"}}));
    let theirs = theirs.unwrap();
    for (account, password) in [
        (None, "hunter2"),
        (Some(ours.clone()), "hunter2"),
        (Some(ours), "wrong"),
        (Some(theirs.clone()), "hunter2"),
        (Some(theirs), "wrong"),
    ] {
        let before = hasher.computed();
        hasher.verify(account, password).await.unwrap();
        assert_eq!(hasher.computed() - before, 1);
    }
}

#[tokio::test]
async fn a_right_password_replaces_a_weaker_hash() {
    let hasher = hasher();
    let bcrypt =
        StoredHash::imported_bcrypt("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").unwrap();
    let Verdict::Right(Some(better)) = hasher.verify(Some(bcrypt), "U*U").await.unwrap() else {
        panic!("the hash stays");
    };
    assert!(better.to_string().starts_with("$argon2id$") && better.matches("U*U"));
    let (_, value) = better.as_import();
    assert!(StoredHash::imported(&value).unwrap().matches("U*U"));
    // A costlier setting counts as well.
    let costlier = Hasher::new(Cost { memory_kib: 16, passes: 1 }, 1, Random::seeded(8));
    let verdict = costlier.verify(Some(better), "U*U").await.unwrap();
    assert!(matches!(verdict, Verdict::Right(Some(hash)) if hash.to_string().contains("m=16,")));
}
