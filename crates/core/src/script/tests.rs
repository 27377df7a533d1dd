use serde_json::{Value, json};

use super::{Change, Halt, NoteReason, ScopeChange, ScriptFacts, Verdict, actions, rules};
use crate::mfa::FactorCommand;

const BROWSER: ScriptFacts = ScriptFacts {
    system_api: false,
    has_session: true,
    has_refresh_token: false,
    can_redirect: true,
    takes_factors: true,
};

fn judged(commands: Value) -> Verdict {
    actions::judge("Mine", commands.as_array().unwrap(), &BROWSER)
}

fn error_of(verdict: &Verdict) -> (String, String, u16) {
    match &verdict.halt {
        Some(Halt::Denied(error)) => (error.code.to_string(), error.description.to_string(), error.status),
        other => panic!("a denial, not {other:?}"),
    }
}

#[test]
fn claims_scopes_and_metadata_are_collected() {
    let verdict = judged(json!([
        {"type": "idToken.setCustomClaim", "name": "https://example.com/a", "value": {"b": 1}},
        {"type": "idToken.setCustomClaim", "name": "sub", "value": "x"},
        {"type": "accessToken.setCustomClaim", "name": "a", "value": null},
        {"type": "accessToken.addScope", "scope": "read:x"},
        {"type": "accessToken.removeScope", "scope": "email"},
        {"type": "user.setUserMetadata", "name": "color", "value": "red"},
        {"type": "user.setAppMetadata", "name": "plan", "value": null},
        {"type": "transaction.setMetadata", "name": "a", "value": "b"},
    ]));
    assert_eq!(json!(verdict.id_token), json!({"https://example.com/a": {"b": 1}}));
    assert_eq!(json!(verdict.access_token), json!({"a": null}));
    assert_eq!(json!(verdict.user_metadata), json!({"color": "red"}));
    assert_eq!(json!(verdict.app_metadata), json!({"plan": null}));
    let by = "Mine".to_owned();
    assert_eq!(
        verdict.scopes,
        [
            ScopeChange { by: by.clone(), change: Change::Add { scope: "read:x".into() } },
            ScopeChange { by, change: Change::Remove { scope: "email".into() } },
        ]
    );
    assert_eq!(verdict.notes.len(), 1);
    assert_eq!(
        (verdict.notes[0].reason, verdict.notes[0].about.as_str()),
        (NoteReason::ReservedClaim, "sub")
    );
    assert_eq!(verdict.halt, None);
}

#[test]
fn denials_have_the_codes_of_their_trigger() {
    let cases = [
        (json!({"type": "access.deny", "reason": "no"}), ("access_denied", "no", 403)),
        (
            json!({"type": "access.deny", "code": "invalid_scope", "reason": "no"}),
            ("invalid_scope", "no", 400),
        ),
        (json!({"type": "access.deny", "code": "server_error", "reason": "no"}), ("server_error", "no", 500)),
        (
            json!({"type": "access.deny", "reason": "log", "user_message": "you"}),
            ("invalid_signup", "you", 400),
        ),
        (json!({"type": "validation.error", "code": "bad", "message": "m"}), ("bad", "m", 400)),
        (json!({"type": "access.rejectInvalidSubjectToken", "reason": "r"}), ("invalid_request", "r", 400)),
    ];
    for (command, (code, text, status)) in cases {
        assert_eq!(error_of(&judged(json!([command]))), (code.into(), text.into(), status), "{command}");
    }
}

#[test]
fn factors_are_asked_for_in_order_where_the_flow_takes_them() {
    let ask = |kind: &str| {
        json!({
            "type": format!("authentication.{kind}"), "factors": [{"type": "otp"}],
            "additional_factors": [{"type": "phone"}],
        })
    };
    let command = |enroll| FactorCommand { enroll, factors: vec!["otp".into(), "phone".into()] };
    for (kind, enroll) in
        [("challengeWith", false), ("challengeWithAny", false), ("enrollWith", true), ("enrollWithAny", true)]
    {
        assert_eq!(judged(json!([ask(kind)])).halt, Some(Halt::Factors(vec![command(enroll)])), "{kind}");
        let elsewhere = ScriptFacts { takes_factors: false, ..BROWSER };
        let refused = actions::judge("Mine", &[ask(kind)], &elsewhere);
        assert_eq!(error_of(&refused).0, "access_denied", "{kind}");
    }
    let queue = judged(json!([ask("enrollWith"), ask("challengeWith")])).halt;
    assert_eq!(queue, Some(Halt::Factors(vec![command(true), command(false)])));
    // Neither a refusal nor a redirect is forgotten over it.
    let deny = json!({"type": "access.deny", "reason": "no"});
    let away = json!({"type": "redirect.sendUserTo", "url": "https://app.example/"});
    for commands in [json!([deny, ask("enrollWith")]), json!([ask("enrollWith"), deny])] {
        assert_eq!(error_of(&judged(commands)).1, "no");
    }
    for commands in [json!([away, ask("enrollWith")]), json!([ask("enrollWith"), away])] {
        assert_eq!(error_of(&judged(commands)).0, "access_denied");
    }
    for provider in ["any", "none"] {
        let verdict = judged(json!([{"type": "multifactor.enable", "provider": provider}]));
        assert_eq!(verdict.multifactor.as_deref(), Some(provider));
    }
}

#[test]
fn a_redirect_needs_a_browser() {
    let commands = json!([{"type": "redirect.sendUserTo", "url": "https://app.example/"}]);
    let halt = judged(commands.clone()).halt;
    assert_eq!(halt, Some(Halt::Redirect { url: "https://app.example/".into(), by: "Mine".into() }));
    let facts = ScriptFacts { can_redirect: false, ..BROWSER };
    let verdict = actions::judge("Mine", commands.as_array().unwrap(), &facts);
    assert_eq!(error_of(&verdict).0, "interaction_required");
}

#[test]
fn ends_of_sessions_only_come_nearer() {
    let verdict = judged(json!([
        {"type": "session.setExpiresAt", "at_ms": 500},
        {"type": "session.setExpiresAt", "at_ms": 900},
        {"type": "session.setCookieMode", "mode": "persistent"},
        {"type": "session.setCookieMode", "mode": "non-persistent"},
        {"type": "session.setMetadata", "name": "a", "value": "1"},
        {"type": "session.evictMetadata"},
        {"type": "session.setMetadata", "name": "b", "value": "2"},
        {"type": "refreshToken.revoke", "reason": "x"},
    ]));
    assert_eq!((verdict.session.expires_at_ms, verdict.session.persistent), (Some(500), Some(false)));
    assert_eq!(json!(verdict.session.metadata), json!({"b": "2"}));
    assert_eq!(verdict.notes[0].reason, NoteReason::NoRefreshToken);
    let later = judged(json!([{"type": "session.setExpiresAt", "at_ms": 400}]));
    assert_eq!(verdict.then(later).session.expires_at_ms, Some(400));
}

#[test]
fn rules_change_claims_scopes_and_the_profile_of_this_login() {
    let before =
        json!({"user": {"email": "a@b.c", "name": "A"}, "context": {"protocol": "oidc-basic-profile"}});
    let after = json!({
        "user": {"email": "x@y.z", "name": "A", "secret": 1},
        "context": {
            "idToken": {"https://example.com/user_metadata": {"a": 1}, "aud": "me"},
            "accessToken": {"https://example.com/b": 2, "scope": ["openid", "read:x"]},
            "multifactor": {"provider": "none"},
            "primaryUser": "auth0|2",
        },
    });
    let verdict = rules::judge("Rules", &before, &after, &BROWSER);
    assert_eq!(json!(verdict.id_token), json!({"https://example.com/user_metadata": {"a": 1}}));
    assert_eq!(json!(verdict.access_token), json!({"https://example.com/b": 2}));
    assert_eq!(json!(verdict.profile), json!({"email": "x@y.z"}));
    let scopes = vec!["openid".to_owned(), "read:x".to_owned()];
    assert_eq!(verdict.scopes[0].change, Change::Set { scopes });
    assert_eq!(verdict.multifactor.as_deref(), Some("none"));
    assert_eq!(verdict.primary_user.as_deref(), Some("auth0|2"));
    assert_eq!(verdict.notes[0].command, "context.idToken");
}

#[test]
fn a_rule_is_sent_elsewhere_once() {
    let after = json!({"user": {}, "context": {"redirect": {"url": "https://app.example/"}}});
    let first = json!({"user": {}, "context": {"protocol": "oidc-basic-profile"}});
    assert!(matches!(rules::judge("R", &first, &after, &BROWSER).halt, Some(Halt::Redirect { .. })));
    let back = json!({"user": {}, "context": {"protocol": "redirect-callback"}});
    assert_eq!(rules::judge("R", &back, &after, &BROWSER).halt, None);
}

#[test]
fn rules_that_use_the_management_api_are_known_by_their_code() {
    for (code, expect) in [
        ("call({ accessToken: auth0.accessToken })", true),
        ("const { accessToken } = auth0;", true),
        ("auth0 [ 'accessToken' ]", true),
        ("context.accessToken.x = auth0.domain;", false),
        ("auth0.users.updateUserMetadata(user.user_id, {})", false),
    ] {
        assert_eq!(rules::uses_access_token(code), expect, "{code}");
    }
}

#[test]
fn exceptions_of_rules_become_refusals() {
    let refusal = |name| rules::refusal(name, "Go away").code.to_string();
    assert_eq!(
        (refusal("UnauthorizedError"), refusal("Error")),
        ("unauthorized".into(), "access_denied".into())
    );
}

#[test]
fn standard_claims_need_their_scope() {
    let mut verdict = judged(json!([
        {"type": "idToken.setCustomClaim", "name": "email", "value": "a@b.c"},
        {"type": "accessToken.setCustomClaim", "name": "nickname", "value": "n"},
        {"type": "idToken.setCustomClaim", "name": "color", "value": "red"},
    ]));
    verdict.close(&["openid", "profile"]);
    assert_eq!(json!(verdict.id_token), json!({"color": "red"}));
    assert_eq!(json!(verdict.access_token), json!({"nickname": "n"}));
    assert_eq!(verdict.notes[0].reason, NoteReason::ScopeNotGranted);
}

#[test]
fn codes_of_notes_are_distinct_and_say_what_to_do() {
    let mut codes: Vec<&str> = NoteReason::ALL.iter().map(|reason| reason.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), NoteReason::ALL.len());
    for reason in NoteReason::ALL {
        assert!(reason.says().ends_with('.') && reason.remedy().ends_with('.'), "{reason:?}");
    }
}
