//! Tables of records, decided again.

use serde_json::{Value, json};

use super::{Present, again};
use crate::client::Client;
use crate::explain::table;

fn present(client: &Client) -> Present<'_> {
    Present { client: Some(client), connection_enabled: true, ..Present::default() }
}

fn client() -> Client {
    Client {
        client_id: "CLIENT".into(),
        callbacks: vec!["https://app.example/cb".into()],
        grant_types: vec!["authorization_code".into()],
        token_endpoint_auth_method: "client_secret_post".into(),
        ..Client::default()
    }
}

fn refused(reason: &str, asked: Value) -> Value {
    json!({"client_id": "CLIENT", "details": {"decision": {"reason": reason, "asked": asked}}})
}

/// The request's row: what it was and is, or that it stands.
fn request(event: &Value, present: &Present<'_>) -> String {
    let found = again(event, present).rows.into_iter().find(|row| row.kind == "request");
    match found {
        Some(row) => match (row.then, row.kept) {
            (Some(then), _) => format!("{} -> {}", then.reason, row.reason),
            (None, kept) => format!("{}: {}", row.reason, kept.unwrap_or_default()),
        },
        None => "none".to_owned(),
    }
}

#[test]
fn refusals_that_settings_lift_and_others() {
    let (client, good) = (
        client(),
        json!({"client_id": "CLIENT", "response_type": "code",
        "redirect_uri": "https://app.example/cb"}),
    );
    let with = |name: &str, value: Value| {
        let mut asked = good.clone();
        asked[name] = value;
        asked
    };
    let other = with("redirect_uri", json!("https://new.example/cb"));
    for (reason, asked, expect) in [
        ("redirect_uri_not_registered", good.clone(), "redirect_uri_not_registered -> request_good"),
        ("redirect_uri_not_registered", other, "redirect_uri_not_registered -> redirect_uri_not_registered"),
        (
            "redirect_uri_not_registered",
            Value::Null,
            "redirect_uri_not_registered: The record does not hold the request, which this is decided about.",
        ),
        (
            "response_type_unknown",
            with("response_type", json!("x")),
            "response_type_unknown -> response_type_unknown",
        ),
        (
            "pkce_malformed",
            with("code_challenge", json!(true)),
            "pkce_malformed: The request alone was at fault: no setting changes that.",
        ),
        (
            "script_threw",
            good.clone(),
            "script_threw: What a script did is not done again: its code may have changed, and it may ask the outside.",
        ),
        (
            "client_secret_wrong",
            json!({"grant_type": "authorization_code"}),
            "client_secret_wrong: What the client proved is not in the record.",
        ),
    ] {
        assert_eq!(request(&refused(reason, asked), &present(&client)), expect, "{reason}");
    }
}

#[test]
fn the_policy_of_now_is_held_against_the_login_of_then() {
    let client = client();
    let told = |multifactor: Value, always: bool, factors: crate::mfa::Standing| {
        let event = json!({"details": {"decision": {"multifactor": multifactor}}});
        let present = Present { mfa_always: always, factors, ..present(&client) };
        let rows = again(&event, &present).rows;
        let row = rows.iter().find(|row| row.kind == "multifactor").unwrap();
        format!("{} {} {}", row.outcome, row.reason, row.kept.is_some())
    };
    let none = crate::mfa::Standing::default;
    let phone = || crate::mfa::Standing {
        enabled: crate::mfa::Factor::ALL.to_vec(),
        any_switched_on: true,
        ..crate::mfa::Standing::default()
    };
    assert_eq!(told(json!({"reason": "mfa_not_asked"}), false, none()), "not asked mfa_not_asked false");
    assert_eq!(told(json!({"reason": "mfa_not_asked"}), true, phone()), "asked mfa_by_policy false");
    let passed = json!({"reason": "mfa_passed", "asked_by": "mfa_by_policy", "passed": ["phone"]});
    assert_eq!(told(passed.clone(), true, phone()), "passed mfa_passed false");
    assert_eq!(told(passed, false, phone()), "not asked mfa_not_asked false");
    let session = json!({"reason": "mfa_passed_in_session"});
    assert_eq!(told(session, true, phone()), "passed mfa_passed_in_session false");
    let script = json!({"reason": "mfa_lifted_by_script"});
    assert_eq!(told(script, true, phone()), "not asked mfa_lifted_by_script true");
}

#[test]
fn a_claim_goes_with_its_scope_and_what_scripts_set_stands() {
    use crate::scope::Flow;
    use crate::scope::tests::World;
    let (world, client) = (World::new(), client());
    let claims = json!([{"reason": "claim_of_scope", "of": "email", "claims": ["email"]},
                        {"reason": "claim_of_scope", "of": "profile", "claims": ["name"]},
                        {"reason": "claim_of_script", "of": "The rules", "claims": ["https://a.example/b"]}]);
    let event = json!({"details": {"decision": {"claims": {"id_token": claims}}}});
    let scopes = Some(world.decide(Flow::Code, "", "openid email"));
    let rows = again(&event, &Present { scopes, ..present(&client) }).rows;
    let told: Vec<String> =
        rows.iter().map(|row| format!("{} {} {}", row.item, row.outcome, row.reason)).collect();
    assert_eq!(
        told,
        [
            "id_token email stated claim_of_scope",
            "id_token name none claim_not_stated",
            "id_token https://a.example/b stated claim_of_script",
        ]
    );
    assert_eq!(rows[2].kept.as_deref(), Some("A script set it, and scripts are not run again."));
}

#[test]
fn the_table_shows_then_and_now() {
    let client = client();
    let asked =
        json!({"client_id": "CLIENT", "response_type": "code", "redirect_uri": "https://app.example/cb"});
    let found = again(&refused("redirect_uri_not_registered", asked), &present(&client));
    let text = table::rows(&found.rows, false);
    assert!(text.contains("refused -> passed"), "{text}");
    assert!(text.contains("then: redirect_uri_not_registered"), "{text}");
    assert!(text.contains("allowed -> allowed"), "{text}");
}
