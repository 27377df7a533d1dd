//! Tables of cases.

use serde_json::{Map, Value, json};

use super::*;
use crate::scope::tests::{API, World};
use crate::scope::{Flow, ScopeReport};
use crate::script::Verdict;
use crate::tokens::access_token::AccessTokenPlan;

fn line(line: &Line) -> String {
    let id = line.setting_id.as_deref().unwrap_or("-");
    format!("{} {} {} {id}", line.outcome, line.reason, line.setting)
}

fn report(world: &World, flow: Flow<'_>, scope: &str) -> ScopeReport {
    world.decide(flow, API, scope).unwrap()
}

#[test]
fn audiences_and_where_they_come_from() {
    let world = World::new();
    let check = |asked: Option<&str>, found: bool, carried: bool, expect: &str| {
        let api = found.then_some(&world.orders);
        let facts = AudienceFacts { asked, audience: Some(API), api, carried };
        assert_eq!(line(&audience(facts)), expect, "{asked:?}");
    };
    check(Some(API), true, false, "api audience_asked request.audience rs_orders");
    check(None, true, false, "api audience_default tenant.default_audience rs_orders");
    check(Some(""), false, false, "opaque audience_none tenant.default_audience -");
    check(Some("https://x/userinfo"), false, false, "opaque audience_userinfo request.audience -");
    check(Some(API), true, true, "api audience_of_login request.audience rs_orders");
}

#[test]
fn lifetimes_and_what_decides_them() {
    let check = |web: i64, channel, found: bool, expect: &str| {
        let world = World::new().with(|world| world.orders.token_lifetime_for_web = web);
        let api = found.then_some(&world.orders);
        assert_eq!(line(&access_token_lifetime(api, channel, 60)), expect);
    };
    let api = "resource_server.token_lifetime";
    check(7200, Channel::Back, true, &format!("decided lifetime_of_api {api} rs_orders"));
    check(7200, Channel::Front, true, &format!("decided lifetime_for_web {api}_for_web rs_orders"));
    check(999_999, Channel::Front, true, &format!("decided lifetime_capped {api} rs_orders"));
    check(7200, Channel::Back, false, "decided lifetime_opaque system.opaque_lifetime -");
    let of_client = id_token_lifetime(&World::new().client);
    assert_eq!((of_client.reason, of_client.seconds), ("lifetime_of_client", Some(36_000)));
}

#[test]
fn why_there_is_no_refresh_token() {
    let world = World::new();
    let none = |world: &World, flow, scope, later| {
        no_refresh_token(&report(world, flow, scope), false, later, &world.client)
    };
    assert_eq!(none(&world, Flow::Code, "openid", false).reason, "offline_access_not_asked");
    assert_eq!(none(&world, Flow::Hybrid, "offline_access", true).reason, "refresh_token_with_code");
    assert_eq!(none(&world, Flow::Implicit, "offline_access", false).reason, "offline_access_in_implicit");
    let closed = world.clone().with(|world| world.orders.allow_offline_access = false);
    let line = none(&closed, Flow::Code, "offline_access", false);
    assert_eq!((line.reason, line.setting_id.as_deref()), ("offline_access_off", Some("rs_orders")));
    let change = json!({"resource": "resource-servers", "id": "rs_orders", "action": "set",
                        "field": "allow_offline_access", "value": true});
    assert_eq!(json!(line.change), change);
    let machine = no_refresh_token(&report(&world, Flow::Code, ""), true, false, &world.client);
    assert_eq!(machine.reason, "refresh_token_for_machines");
}

#[test]
fn permissions_in_tokens() {
    let check = |rbac, dialect: &str, expect: Option<&str>| {
        let world = World::new().with(|world| {
            world.orders.enforce_policies = rbac;
            world.orders.token_dialect = dialect.into();
        });
        assert_eq!(permissions(Some(&world.orders)).map(|line| line.reason), expect);
        assert_eq!(permissions(Some(&world.management)), None);
    };
    check(true, "access_token_authz", Some("permissions_stated"));
    check(true, "access_token", Some("permissions_not_in_dialect"));
    check(false, "access_token_authz", Some("permissions_without_rbac"));
    assert_eq!(permissions(None), None);
}

#[test]
fn callbacks_that_match() {
    let client = |callbacks: &[&str]| {
        let callbacks = callbacks.iter().map(|callback| (*callback).to_owned()).collect();
        crate::client::Client { client_id: "CLIENT".into(), callbacks, ..Default::default() }
    };
    let check = |named, uri: &str, callbacks: &[&str], expect: (&str, Option<&str>)| {
        let line = redirect(named, uri, &client(callbacks));
        assert_eq!((line.reason, line.callback.as_deref()), expect, "{uri}");
    };
    let wild = "https://*.example.com/cb";
    check(true, "https://a.example.com/cb", &[wild], ("redirect_uri_wildcard", Some(wild)));
    let exact = "https://a.example.com/cb";
    check(true, exact, &[wild, exact], ("redirect_uri_exact", Some(exact)));
    check(false, exact, &[exact], ("redirect_uri_only_callback", Some(exact)));
    check(true, "https://b.example/cb", &[exact], ("redirect_uri_not_registered", None));
}

#[test]
fn prompts_and_why() {
    let client = |first_party| crate::client::Client { is_first_party: first_party, ..Default::default() };
    let check = |first_party, login_reason, consented, confirmed, asked_for, expect: &[&str]| {
        let client = client(first_party);
        let facts = PromptFacts {
            client: &client,
            login_reason,
            known_by: "session_alive",
            consent_asked_for: asked_for,
            consented,
            confirmed,
        };
        let lines: Vec<String> = prompts(facts)
            .iter()
            .map(|line| format!("{} {} {}", line.item, line.outcome, line.reason))
            .collect();
        assert_eq!(lines, expect);
    };
    check(
        true,
        None,
        false,
        false,
        false,
        &["login not asked session_alive", "consent not asked consent_first_party"],
    );
    check(
        false,
        Some("no_session"),
        true,
        true,
        false,
        &[
            "login asked no_session",
            "consent asked consent_given_now",
            "confirmation asked confirmation_given",
        ],
    );
    check(
        false,
        None,
        false,
        false,
        false,
        &[
            "login not asked session_alive",
            "consent not asked consent_given_before",
            "confirmation not asked confirmation_not_needed",
        ],
    );
}

#[test]
fn each_claim_has_its_origin() {
    let names = |names: &[&str]| -> Map<String, Value> {
        names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
    };
    let mut verdict = Verdict {
        id_token: names(&["https://example.com/color"]),
        access_token: names(&["https://example.com/color"]),
        profile: names(&["nickname"]),
        ..Verdict::default()
    };
    verdict.set_by.insert("id_token https://example.com/color".into(), "The action \"A\"".into());
    verdict.set_by.insert("profile nickname".into(), "The rules".into());
    let claims = names(&["iss", "sub", "nonce", "email", "nickname", "https://example.com/color"]);
    let told = |groups: &[ClaimGroup]| -> Vec<String> {
        let told = groups.iter().map(|group| {
            format!("{} {}: {}", group.reason, group.of.as_deref().unwrap_or("-"), group.claims.join(" "))
        });
        let mut told: Vec<String> = told.collect();
        told.sort();
        told
    };
    assert_eq!(
        told(&id_token(&claims, &verdict)),
        [
            "claim_of_protocol -: iss sub",
            "claim_of_request -: nonce",
            "claim_of_scope email: email",
            "claim_of_script The action \"A\": https://example.com/color",
            "claim_of_script The rules: nickname",
        ]
    );
    let world = World::new().with(|world| world.orders.token_dialect = "access_token_authz".into());
    let claims = names(&["iss", "azp", "permissions", "https://example.com/color"]);
    assert_eq!(
        told(&access_token(&claims, &verdict, &world.orders)),
        [
            "claim_of_dialect access_token_authz: azp permissions",
            "claim_of_protocol -: iss",
            "claim_of_script A script: https://example.com/color",
        ]
    );
}

#[test]
fn the_ledger_of_what_is_issued() {
    let world = World::new();
    let claims = json!({"iss": "i", "sub": "s", "scope": "openid"});
    let plan = AccessTokenPlan::Jwt { typ: "JWT", claims, lifetime_seconds: 60 };
    let facts = IssuedFacts {
        client: &world.client,
        api: Some(&world.orders),
        audience: AudienceFacts {
            asked: None,
            audience: Some(API),
            api: Some(&world.orders),
            carried: false,
        },
        channel: Channel::Back,
        access: Some(&plan),
        id_token: None,
        verdict: &Verdict::default(),
        machine: false,
    };
    assert_eq!(
        json!(issued(facts)),
        json!({
            "audience": {"outcome": "api", "reason": "audience_default", "setting": "tenant.default_audience",
                         "setting_id": "rs_orders", "identifier": API},
            "permissions": {"outcome": "left out", "reason": "permissions_without_rbac",
                            "setting": "resource_server.enforce_policies", "setting_id": "rs_orders"},
            "lifetime": [{"item": "access_token", "outcome": "decided", "reason": "lifetime_of_api",
                          "setting": "resource_server.token_lifetime", "setting_id": "rs_orders", "seconds": 60}],
            "claims": {"access_token": [{"reason": "claim_of_protocol", "claims": ["iss", "scope", "sub"]}]},
        })
    );
}

#[test]
fn a_refusal_names_setting_remedy_and_change() {
    let error = OAuthError::invalid_request("x").because("request_not_pushed");
    let told = json!(refused(&error, Some("CLIENT")));
    assert_eq!(told["setting"], "client.require_pushed_authorization_requests");
    assert_eq!(told["setting_id"], "CLIENT");
    assert!(told["remedy"].as_str().unwrap().starts_with("Send the request to /oauth/par"));
    let bare = OAuthError::invalid_request("x");
    assert_eq!(refused(&bare, None).reason, "request_invalid");
}
