//! Decisions that come to each reason of the core, made for the documentation and as its proof.

use std::collections::BTreeMap;

use serde_json::json;

use crate::authorize::prompt::{LoginFacts, LoginReason, Step, next};
use crate::authorize::{Ask, Refusal, check};
use crate::client::Client;
use crate::explain::recorded::rows;
use crate::login::cross_origin::{self, TicketBinding, TicketFacts, TicketVerdict};
use crate::login::one_time_code::{self, CodeFacts};
use crate::mfa::{self, Decision, EndFacts, Factor, FactorCommand, Standing};
use crate::refresh::{self, FamilyFacts, PresentedToken, RefreshPolicy};
use crate::resource_server::{AccessPolicy, SubjectType};
use crate::scope::tests::{API, MANAGEMENT, World};
use crate::scope::{Flow, after_scripts};
use crate::script::{Change, Halt, ScopeChange, ScriptFacts, actions};
use crate::time::Timestamp;
use crate::token_exchange;

/// By code: what was asked, and what the decision said.
pub(super) type Examples = BTreeMap<&'static str, String>;

/// Every reason that decisions of the core come to.
pub(super) fn examples() -> Examples {
    let mut all = Examples::new();
    scopes(&mut all);
    requests(&mut all);
    logins(&mut all);
    grants(&mut all);
    scripts(&mut all);
    factors(&mut all);
    all
}

/// Notes a decision under the code that it came to.
fn note(all: &mut Examples, code: &str, example: String) {
    let known = super::find(code).unwrap_or_else(|| panic!("{code} is not in the registry"));
    all.entry(known.code).or_insert(example);
}

fn scopes(all: &mut Examples) {
    let world = World::new;
    let closed = |policy: AccessPolicy| {
        world().with(|world| world.orders.subject_type_authorization.user.policy = policy)
    };
    let third_party = || world().with(|world| world.client.is_first_party = false);
    let kept = ["openid".to_owned()];
    let long = "x".repeat(5000);
    let many = (0..101).map(|number| format!("s{number}")).collect::<Vec<_>>().join(" ");
    let granted = closed(AccessPolicy::RequireClientGrant).granting(API, SubjectType::User, "read:orders");
    let machine = Flow::ClientCredentials;
    let cases = [
        (world(), Flow::Code, API, "openid offline_access read:orders print:orders online_access"),
        (world(), Flow::Code, MANAGEMENT, "read:current_user read:users"),
        (granted, Flow::Code, API, "read:orders write:orders"),
        (
            world().with(|world| {
                world.orders.enforce_policies = true;
                world.permissions = vec!["read:orders".into()];
            }),
            Flow::Code,
            API,
            "read:orders write:orders",
        ),
        (world(), Flow::Code, "", "read:orders"),
        (world().with(|world| world.orders.allow_offline_access = false), Flow::Code, API, "offline_access"),
        (world().with(|world| world.client.grant_types.clear()), Flow::Code, API, "offline_access"),
        (world(), Flow::Implicit, API, "offline_access"),
        (third_party().granting(API, SubjectType::User, ""), Flow::Code, API, "openid"),
        (third_party(), Flow::Code, MANAGEMENT, "openid"),
        (world(), Flow::Refresh { original: &kept }, API, "read:orders"),
        (world(), Flow::Code, "https://nowhere.example/", "openid"),
        (closed(AccessPolicy::DenyAll), Flow::Code, API, "openid"),
        (closed(AccessPolicy::RequireClientGrant), Flow::Code, API, "openid"),
        (
            world()
                .with(|world| world.orders.subject_type_authorization.client.policy = AccessPolicy::DenyAll),
            machine,
            API,
            "read:orders",
        ),
        (world(), machine, "", "read:orders"),
        (world().granting(API, SubjectType::Client, "read:orders"), machine, API, "read:orders write:orders"),
        (world(), Flow::Code, API, long.as_str()),
        (world(), Flow::Code, API, many.as_str()),
    ];
    for (world, flow, audience, scope) in cases {
        let asked = if scope.len() > 100 { "(a very long scope)" } else { scope };
        let place = if audience.is_empty() { String::new() } else { format!(" for {audience}") };
        let mut told = |record: serde_json::Value| {
            for row in rows(&json!({ "scope": record })) {
                let item = if row.item.is_empty() { String::new() } else { format!(", {}", row.item) };
                let example =
                    format!("`scope={asked}`{place} ({}){item}: {}. {}", flow.name(), row.outcome, row.says);
                note(all, &row.reason, example);
            }
        };
        match world.decide(flow, audience, scope) {
            Err(refusal) => told(json!(refusal)),
            Ok(report) => {
                told(json!(report));
                let by = || "The action \"A\"".to_owned();
                let changes = [
                    ScopeChange { by: by(), change: Change::Add { scope: "bonus".into() } },
                    ScopeChange { by: by(), change: Change::Remove { scope: "openid".into() } },
                    ScopeChange { by: by(), change: Change::Add { scope: "offline_access".into() } },
                ];
                told(json!(after_scripts(report, &changes, false)));
            }
        }
    }
}

const CALLBACK: &str = "https://app.example/cb";

fn requests(all: &mut Examples) {
    type Bend = fn(&mut Client);
    let good = "client_id=app&redirect_uri=https://app.example/cb&response_type=code";
    let cases: &[(&str, Bend)] = &[
        ("response_type=code", |_| {}),
        ("client_id=other&response_type=code", |_| {}),
        ("client_id=app&response_type=code", |client| client.callbacks.push("https://two.example/".into())),
        ("client_id=app&redirect_uri=https://evil.example/", |_| {}),
        ("client_id=app&redirect_uri=https://app.example/cb", |_| {}),
        ("client_id=app&response_type=banana", |_| {}),
        ("client_id=app&response_type=code&response_mode=pigeon", |_| {}),
        ("client_id=app&response_type=token&response_mode=query", |_| {}),
        ("client_id=app&response_type=code&response_mode=web_message", |client| {
            client.callbacks = vec!["com.example.app://cb".into()];
        }),
        ("client_id=app&response_type=code&request=eyJ", |_| {}),
        ("client_id=app&response_type=code", |client| client.require_pushed_authorization_requests = true),
        ("client_id=app&response_type=code", |client| client.grant_types.clear()),
        ("client_id=app&response_type=id_token", |_| {}),
        ("client_id=app&response_type=code", |client| client.token_endpoint_auth_method = "none".into()),
        ("client_id=app&response_type=code&code_challenge=short", |_| {}),
        ("client_id=app&response_type=code&prompt=maybe", |_| {}),
        ("client_id=app&response_type=code&max_age=soon", |_| {}),
        ("client_id=app&response_type=code&organization=org_1", |_| {}),
    ];
    let long = format!("{good}&state={}", "x".repeat(5000));
    let cases = cases.iter().map(|(query, bend)| (*query, *bend)).chain([(long.as_str(), (|_| {}) as Bend)]);
    for (query, bend) in cases {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let ask = Ask::read(|name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()));
        let mut client = Client {
            client_id: "app".into(),
            callbacks: vec![CALLBACK.into()],
            grant_types: vec!["implicit".into(), "authorization_code".into()],
            token_endpoint_auth_method: "client_secret_post".into(),
            ..Client::default()
        };
        bend(&mut client);
        let known = ask.client_id.as_deref() == Some("app");
        let error = match check(&ask, known.then_some(&client)) {
            Ok(request) => panic!("{query} is good: {request:?}"),
            Err(Refusal::Page(error)) => error,
            Err(Refusal::Redirect(back)) => back.error,
        };
        let shown = if query.len() > 200 { "(a very long state)" } else { query };
        let code = error.reason.clone().expect("a refusal with a reason");
        note(all, &code, format!("`/authorize?{shown}`: {error}"));
    }
    let unknown = crate::authorize::pushed::unknown();
    note(
        all,
        "pushed_request_unknown",
        format!("`request_uri=urn:ietf:params:oauth:request_uri:x`: {unknown}"),
    );
    let missing = crate::OAuthError::missing_parameter("code");
    note(
        all,
        missing.reason.as_deref().unwrap_or_default(),
        format!("`/oauth/token` without code: {missing}"),
    );
}

fn logins(all: &mut Examples) {
    let now = Timestamp::from_seconds(1000);
    let alive =
        LoginFacts { session_authenticated_at: Some(Timestamp::from_seconds(900)), ..LoginFacts::default() };
    let base = "client_id=app&response_type=code";
    let sso_off = Client { sso_disabled: true, ..Client::default() };
    for (more, client, facts) in [
        ("", Client::default(), LoginFacts::default()),
        ("", Client::default(), LoginFacts { ticket_usable: Some(false), ..alive }),
        ("&prompt=login", Client::default(), alive),
        ("&max_age=10", Client::default(), alive),
        ("", sso_off, alive),
        ("", Client::default(), LoginFacts { session_of_other_user: true, ..alive }),
        ("&connection=sms", Client::default(), alive),
    ] {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(format!("{base}{more}").as_bytes()).into_owned().collect();
        let ask = Ask::read(|name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()));
        let able = Client {
            client_id: "app".into(),
            callbacks: vec![CALLBACK.into()],
            grant_types: vec!["authorization_code".into()],
            token_endpoint_auth_method: "client_secret_post".into(),
            ..client
        };
        let request = check(&ask, Some(&able)).expect("a good request");
        let Step::Login(reason) = next(&request, &able, facts, now) else { panic!("{more} needs no login") };
        note(all, reason.code(), format!("`/authorize?{base}{more}`: the user has to log in"));
    }
    assert!(LoginReason::ALL.iter().all(|reason| all.contains_key(reason.code())));

    let origins = ["https://app.example".to_owned()];
    let ticket = TicketFacts {
        client_matches: true,
        expires_at: Timestamp::from_seconds(2000),
        used: false,
        plain_cookie_matches: false,
        partitioned_cookie_matches: false,
        recorded_origin: Some("https://app.example"),
        registered_origins: &origins,
        referer: Some("https://app.example/"),
    };
    let verdicts = [
        cross_origin::verdict(None, now),
        cross_origin::verdict(Some(&TicketFacts { client_matches: false, ..ticket }), now),
        cross_origin::verdict(Some(&TicketFacts { used: true, ..ticket }), now),
        cross_origin::verdict(Some(&TicketFacts { expires_at: now, ..ticket }), now),
        cross_origin::verdict(Some(&TicketFacts { plain_cookie_matches: true, ..ticket }), now),
        cross_origin::verdict(Some(&TicketFacts { partitioned_cookie_matches: true, ..ticket }), now),
        cross_origin::verdict(Some(&ticket), now),
        cross_origin::verdict(Some(&TicketFacts { referer: None, ..ticket }), now),
        cross_origin::verdict(
            Some(&TicketFacts { recorded_origin: Some("https://b.example"), ..ticket }),
            now,
        ),
        cross_origin::verdict(Some(&TicketFacts { registered_origins: &[], ..ticket }), now),
        TicketVerdict::Accepted(TicketBinding::Link),
        TicketVerdict::Accepted(TicketBinding::VerifiedCode),
    ];
    for verdict in verdicts {
        note(all, verdict.code(), format!("a login ticket at `/authorize`: {}", verdict.says()));
        let remedy = super::remedy(verdict.code());
        assert!(verdict.remedy().is_none_or(|own| remedy == Some(own)), "{}", verdict.code());
    }
    let code = CodeFacts {
        expires_at: Timestamp::from_seconds(2000),
        used: false,
        tries_so_far: 0,
        hash_matches: true,
    };
    for facts in [
        None,
        Some(code),
        Some(CodeFacts { used: true, ..code }),
        Some(CodeFacts { expires_at: now, ..code }),
        Some(CodeFacts { hash_matches: false, ..code }),
        Some(CodeFacts { hash_matches: false, tries_so_far: 2, ..code }),
    ] {
        let verdict = one_time_code::verdict(facts.as_ref(), now);
        note(all, verdict.code(), format!("a one-time code: {}", verdict.says()));
    }
}

fn grants(all: &mut Examples) {
    let at = Timestamp::from_seconds;
    let policy =
        RefreshPolicy { rotating: true, leeway_seconds: 10, absolute_seconds: None, idle_seconds: Some(500) };
    let family = FamilyFacts {
        client_id: "app",
        rotating: true,
        generation: 3,
        advanced_at: at(100),
        last_used_at: at(100),
        expires_at: None,
        revoked_because: None,
    };
    let cases = [
        (3, family, policy, 105, "app"),
        (3, family, RefreshPolicy { rotating: false, ..policy }, 105, "app"),
        (2, family, policy, 105, "app"),
        (1, family, policy, 105, "app"),
        (3, family, policy, 700, "app"),
        (3, FamilyFacts { expires_at: Some(at(104)), ..family }, policy, 105, "app"),
        (3, FamilyFacts { revoked_because: Some("x"), ..family }, policy, 105, "app"),
        (3, family, policy, 105, "other"),
    ];
    for (generation, family, policy, seconds, client_id) in cases {
        let presented = PresentedToken { generation, family };
        let told = format!("a refresh token of generation {generation} of {}", family.generation);
        match refresh::verdict(Some(&presented), client_id, &policy, at(seconds)) {
            Ok(exchange) => note(all, exchange.code(), format!("{told}: {}", exchange.says())),
            Err(refusal) => note(all, refusal.code(), format!("{told}: {}", refusal.says())),
        }
    }
    let unknown = refresh::Refusal::Unknown;
    note(all, unknown.code(), format!("a refresh token: {}", unknown.says()));
}

fn factors(all: &mut Examples) {
    let phone = vec![Factor::Phone];
    let new = Standing { enabled: phone.clone(), any_switched_on: true, ..Standing::default() };
    let enrolled = Standing { enrolled: phone.clone(), ..new.clone() };
    let passed = Standing { passed: phone.clone(), ..enrolled.clone() };
    let before = Standing { passed_before: phone, ..enrolled.clone() };
    let off = Standing::default();
    let mut tell = |told: &str, decision: Decision| match decision {
        mfa::Decision::GoesOn(code) => note(all, code, format!("{told}: the login goes on")),
        mfa::Decision::Ask(ask) => note(all, ask.why.code(), format!("{told}: {:?}", ask.challenge)),
        mfa::Decision::Refused(error) => {
            let code = error.reason.clone().expect("a refusal with a reason");
            note(all, &code, format!("{told}: {error}"));
        }
    };
    for (by_request, by_script, by_policy, standing) in [
        (false, None, false, &new),
        (false, None, true, &enrolled),
        (false, None, true, &passed),
        (false, None, true, &before),
        (false, None, true, &off),
        (false, Some("none"), true, &enrolled),
        (false, Some("any"), false, &enrolled),
        (false, Some("duo"), false, &enrolled),
        (true, None, false, &enrolled),
    ] {
        let told = format!("acr_values {by_request}, a script {by_script:?}, the policy {by_policy}");
        tell(&told, mfa::at_end(&EndFacts { by_request, by_script, by_policy, standing }));
    }
    for (enroll, standing) in [(true, &new), (false, &enrolled), (false, &new)] {
        let command = FactorCommand { enroll, factors: vec!["phone".to_owned()] };
        tell(&format!("a command of an Action, to enroll {enroll}"), mfa::of_commands(&[command], standing));
    }
    note(all, "mfa_not_in_grant", format!("the password grant: {}", mfa::not_in_grant()));
    let both = [
        json!({"type": "authentication.challengeWith", "factors": [{"type": "phone"}]}),
        json!({"type": "redirect.sendUserTo", "url": "https://x.example/"}),
    ];
    let facts = ScriptFacts { takes_factors: true, can_redirect: true, ..ScriptFacts::default() };
    if let Some(Halt::Denied(error)) = actions::judge("The action \"A\"", &both, &facts).halt {
        note(all, "mfa_with_redirect", format!("a challenge and a redirect: {error}"));
    }
}

fn scripts(all: &mut Examples) {
    let nothing = ScriptFacts::default();
    let system = ScriptFacts { system_api: true, ..nothing };
    let with_session = ScriptFacts { has_session: true, ..nothing };
    let long = "y".repeat(200_000);
    let cases = [
        (json!({"type": "access.deny", "reason": "no"}), nothing),
        (json!({"type": "access.rejectInvalidSubjectToken", "reason": "no"}), nothing),
        (json!({"type": "validation.error", "code": "c", "message": "m"}), nothing),
        (json!({"type": "redirect.sendUserTo", "url": "https://x.example/"}), nothing),
        (json!({"type": "authentication.challengeWith"}), nothing),
        (json!({"type": "prompt.render"}), nothing),
        (json!({"type": "idToken.setCustomClaim", "name": "sub", "value": 1}), nothing),
        (json!({"type": "idToken.setCustomClaim", "name": "https://auth0.com/x", "value": 1}), nothing),
        (json!({"type": "accessToken.setCustomClaim", "name": "color", "value": 1}), system),
        (json!({"type": "idToken.setCustomClaim", "name": "color", "value": long}), nothing),
        (json!({"type": "idToken.setCustomClaim", "name": "email", "value": "e"}), nothing),
        (json!({"type": "session.revoke", "reason": "x"}), nothing),
        (json!({"type": "session.paint"}), with_session),
        (json!({"type": "refreshToken.revoke", "reason": "x"}), nothing),
        (json!({"type": "samlResponse.setAudience"}), nothing),
    ];
    for (command, facts) in cases {
        let mut verdict = actions::judge("The action \"A\"", std::slice::from_ref(&command), &facts);
        verdict.close(&[]);
        let told = format!("`{}`", command["type"].as_str().unwrap_or_default());
        if let Some(Halt::Denied(error)) = &verdict.halt {
            let code = error.reason.clone().expect("a refusal with a reason");
            note(all, &code, format!("{told}: {error}"));
        }
        for left_out in &verdict.notes {
            note(all, left_out.reason.code(), format!("{told} {}: {}", left_out.about, left_out.says));
        }
    }
    for (kind, name) in [("urn:ietf:x", "reserved"), ("no uri", "malformed")] {
        let ask = token_exchange::Ask {
            subject_token: Some("t"),
            subject_token_type: Some(kind),
            ..Default::default()
        };
        let error = token_exchange::kind(&ask).expect_err(name);
        let code = error.reason.clone().expect("a refusal with a reason");
        note(all, &code, format!("`subject_token_type={kind}`: {error}"));
    }
}
