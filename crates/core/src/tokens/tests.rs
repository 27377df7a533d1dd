use serde_json::{Map, Value, json};

use super::Channel;
use super::access_token::{AccessTokenFacts, AccessTokenPlan, plan as plan_access};
use super::claims::{self, ClaimTypes};
use super::id_token::{IdTokenFacts, plan as plan_id};
use crate::client::Client;
use crate::ids::Issuer;
use crate::resource_server::ResourceServer;
use crate::scope::Audience;
use crate::time::Timestamp;
use crate::user::User;

fn sms_user() -> User {
    serde_json::from_value(json!({
        "user_id": "sms|5b5e0c4e1f2a3b4c5d6e7f80",
        "name": "+61400000000", "nickname": "", "picture": "https://x/y.png",
        "phone_number": "+61400000000", "phone_verified": true, "email_verified": false,
        "updated_at": "2018-07-29T19:13:34.311Z",
    }))
    .unwrap()
}

fn issuer() -> Issuer {
    Issuer::new("https", "localhost:8443")
}

fn access(
    audience: &Audience,
    api: Option<&ResourceServer>,
    channel: Channel,
    scope: &str,
) -> AccessTokenPlan {
    plan_access(&AccessTokenFacts {
        issuer: &issuer(),
        subject: "sms|1",
        client_id: "spa",
        audience,
        api,
        scope,
        permissions: &["read:orders".into()],
        channel,
        grant: None,
        now: Timestamp::from_seconds(1_000),
        jti: "j",
        custom: &Map::new(),
    })
}

fn api(with_userinfo: bool) -> Audience {
    Audience::Api { identifier: "https://localhost:8443/api/v2/".into(), with_userinfo }
}

#[test]
fn the_forum_token_has_exactly_its_claims() {
    let server = ResourceServer::default();
    let plan = access(&api(true), Some(&server), Channel::Front, "openid profile email");
    let AccessTokenPlan::Jwt { typ, claims, lifetime_seconds } = plan else { panic!("a JWT") };
    assert_eq!((typ, lifetime_seconds), ("JWT", 7_200));
    let expected = json!({
        "iss": "https://localhost:8443/", "sub": "sms|1",
        "aud": ["https://localhost:8443/api/v2/", "https://localhost:8443/userinfo"],
        "azp": "spa", "iat": 1_000, "exp": 8_200, "scope": "openid profile email",
    });
    assert_eq!(claims, expected);
}

#[test]
fn lifetimes_and_dialects_follow_the_api() {
    let mut server = ResourceServer { token_lifetime: 3_600, ..ResourceServer::default() };
    let claims = |server: &ResourceServer, scope: &str| match access(
        &api(false),
        Some(server),
        Channel::Back,
        scope,
    ) {
        AccessTokenPlan::Jwt { claims, .. } => claims,
        AccessTokenPlan::Opaque { .. } => Value::Null,
    };
    assert_eq!(access(&api(false), Some(&server), Channel::Front, "").lifetime_seconds(), 3_600);
    assert_eq!(claims(&server, "")["exp"], 4_600);
    assert_eq!(claims(&server, "").get("scope"), None);
    assert_eq!(claims(&server, "").get("permissions"), None);
    server.enforce_policies = true;
    server.token_dialect = "rfc9068_profile_authz".into();
    let token = claims(&server, "a");
    assert_eq!(
        (&token["client_id"], &token["jti"], &token["permissions"]),
        (&json!("spa"), &json!("j"), &json!(["read:orders"]))
    );
    assert_eq!((token.get("azp"), token.get("gty")), (None, None));
}

#[test]
fn without_an_api_the_token_is_opaque() {
    let life = |channel| access(&Audience::Opaque, None, channel, "openid").lifetime_seconds();
    assert_eq!((life(Channel::Front), life(Channel::Back)), (7_200, 86_400));
}

#[test]
fn claims_need_their_scope_and_a_value() {
    let claims = |scopes: &[&str]| Value::Object(claims::standard(&sms_user(), scopes, ClaimTypes::Auth0));
    assert_eq!(claims(&["openid"]), json!({}));
    assert_eq!(claims(&["openid", "email"]), json!({}), "no e-mail, so nothing is said about it");
    assert_eq!(claims(&["phone"]), json!({"phone_number": "+61400000000", "phone_number_verified": true}));
    let profile = claims(&["profile"]);
    assert_eq!(profile["name"], "+61400000000");
    assert_eq!(profile.get("nickname"), None);
    assert_eq!(profile["updated_at"], "2018-07-29T19:13:34.311Z");
}

#[test]
fn an_id_token_states_what_the_request_asked_for() {
    let (client, user, issuer) =
        (Client { client_id: "spa".into(), ..Client::default() }, sms_user(), issuer());
    let custom = Map::new();
    let mut facts = IdTokenFacts {
        issuer: &issuer,
        client: &client,
        user: &user,
        scopes: &["openid"],
        nonce: None,
        session_id: None,
        auth_time: None,
        at_hash: None,
        c_hash: None,
        multifactor: false,
        claim_types: ClaimTypes::Auth0,
        custom: &custom,
        now: Timestamp::from_seconds(1_000),
    };
    let least = json!({"iss": "https://localhost:8443/", "sub": user.user_id, "aud": "spa", "iat": 1_000, "exp": 37_000});
    assert_eq!(plan_id(&facts), least);
    facts.nonce = Some("n");
    facts.auth_time = Some(Timestamp::from_seconds(990));
    let token = plan_id(&facts);
    assert_eq!((&token["nonce"], &token["auth_time"]), (&json!("n"), &json!(990)));
    let mut custom = Map::new();
    custom.insert("https://example.com/a".into(), json!([1]));
    custom.insert("sub".into(), json!("somebody else"));
    facts.custom = &custom;
    let token = plan_id(&facts);
    assert_eq!((&token["https://example.com/a"], &token["sub"]), (&json!([1]), &json!(user.user_id)));
}

#[test]
fn strict_claims_have_the_types_of_openid_connect() {
    let user: User = serde_json::from_value(json!({
        "user_id": "auth0|1", "name": "Ada", "gender": 7, "updated_at": "2018-07-29T19:13:34.311Z",
        "email": "ada@example.com", "email_verified": "yes", "locale": "en",
        "user_metadata": {
            "name": "Eve", "email": "eve@example.com", "phone_number": "+1", "phone_verified": true,
            "locale": "fr", "gender": "female", "middle_name": 5, "website": "", "zoneinfo": "Europe/London",
            "address": {"locality": "London"}, "birthdate": null,
        },
    }))
    .unwrap();
    let all = ["openid", "profile", "email", "phone", "address"];
    let strict = claims::userinfo(&user, &all, ClaimTypes::Strict);
    let expected = json!({
        "sub": "auth0|1", "name": "Ada", "updated_at": 1_532_891_614, "email": "ada@example.com",
        "locale": "en", "zoneinfo": "Europe/London", "address": {"locality": "London"},
    });
    assert_eq!(strict, expected, "what identifies a user never comes from metadata");
    let auth0 = claims::userinfo(&user, &all, ClaimTypes::Auth0);
    let expected = json!({
        "sub": "auth0|1", "name": "Ada", "updated_at": "2018-07-29T19:13:34.311Z", "gender": 7,
        "email": "ada@example.com", "email_verified": "yes", "locale": "en",
    });
    assert_eq!(auth0, expected);
    let only = claims::userinfo(&user, &["openid", "address"], ClaimTypes::Strict);
    assert_eq!(only, json!({"sub": "auth0|1", "address": {"locality": "London"}}));
    let odd = json!({"user_id": "auth0|1", "user_metadata": {"address": {"lines": 2}}, "updated_at": "soon"});
    let odd: User = serde_json::from_value(odd).unwrap();
    assert_eq!(claims::userinfo(&odd, &all, ClaimTypes::Strict), json!({"sub": "auth0|1"}));
}
