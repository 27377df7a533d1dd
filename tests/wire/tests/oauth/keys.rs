//! Key pairs of clients, and the assertions that they sign.

use std::sync::LazyLock;

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_jose::{PublicKey, SigningKey};
use gatewright_testkit::{Admin, Server, claims};
use serde_json::{Value, json};

/// Generating RSA keys is slow, so the tests share two. The `kid` is the one that the server gives them.
static KEYS: LazyLock<[SigningKey; 2]> = LazyLock::new(|| {
    [1, 2].map(|seed| {
        let born = Timestamp::from_seconds(1_700_000_000);
        let new = SigningKey::generate_rsa(&Random::seeded(seed), born, "client").expect("a key");
        let load = |kid: &str| SigningKey::load(kid, &new.pkcs8, &new.certificate_der).expect("a key");
        let public = PublicKey::from_pem(&load("").certificate_pem()).expect("a public key");
        load(&public.thumbprint)
    })
});

pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The first or second key.
pub(crate) fn key(number: usize) -> &'static SigningKey {
    &KEYS[number]
}

/// What registers a key.
pub(crate) fn credential(number: usize) -> Value {
    json!({"credential_type": "public_key", "pem": key(number).certificate_pem()})
}

/// A machine that authenticates with the first key and may read orders.
pub(crate) async fn machine(server: &Server, admin: &Admin) -> Value {
    let body = json!({"name": "Robot", "app_type": "non_interactive", "grant_types": ["client_credentials"],
        "client_authentication_methods": {"private_key_jwt": {"credentials": [credential(0)]}}});
    let made = admin.create("/clients", body).await;
    let grant =
        json!({"client_id": made["client_id"], "audience": server.audience(), "scope": ["read:orders"]});
    admin.create("/client-grants", grant).await;
    made
}

/// The server's time in seconds, as its tokens tell it.
pub(crate) fn now(admin: &Admin) -> i64 {
    claims(admin.token())["iat"].as_i64().expect("a time")
}

/// The claims of a good assertion with this name.
pub(crate) fn good(issuer: &str, client_id: &str, now: i64, jti: &str) -> Value {
    json!({"iss": client_id, "sub": client_id, "aud": issuer, "iat": now, "exp": now + 200, "jti": jti})
}

/// The claims signed with the first key.
pub(crate) fn signed(claims: &Value) -> String {
    key(0).sign("JWT", claims).expect("a signature")
}

/// A value with one member replaced; `null` removes it.
pub(crate) fn with(mut value: Value, name: &str, member: Value) -> Value {
    if member.is_null() {
        value.as_object_mut().expect("an object").remove(name);
    } else {
        value[name] = member;
    }
    value
}
