//! Tables as people see them.

use serde_json::json;

use super::preview::{Decision, authorize};
use super::{Report, Row, recorded, table};
use crate::client::Client;
use crate::scope::Flow;
use crate::scope::tests::{API, World};

fn params(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn world() -> World {
    World::new().with(|world| {
        world.client = Client {
            callbacks: vec!["https://app.example/cb".into()],
            token_endpoint_auth_method: "client_secret_post".into(),
            ..world.client.clone()
        };
    })
}

fn preview(query: &str) -> Report {
    preview_in(&world(), query)
}

fn preview_in(world: &World, query: &str) -> Report {
    authorize(&params(query), Some(&world.client), |request| {
        let (scope, audience) =
            (request.scope.clone().unwrap_or_default(), request.audience.clone().unwrap_or_default());
        let scopes = world.decide(request.flow(), &audience, &scope);
        Decision { scopes, api: (audience == API).then(|| world.orders.clone()) }
    })
}

#[test]
fn a_request_before_any_login() {
    let report = preview(
        "client_id=CLIENT&response_type=code&redirect_uri=https://app.example/cb&audience=https://orders.example/&\
         scope=openid email print:orders",
    );
    insta::assert_snapshot!(table::text(&report, false), @r#"
    client_id     CLIENT
    client        My page
    redirect_uri  https://app.example/cb
    audience      https://orders.example/

    redirect  https://app.example/cb  matched  redirect_uri_exact  The redirect_uri is registered in the client's callbacks.
    scope     openid                  granted  oidc_standard       "openid" is an OpenID Connect scope and needs no API.
              email                   granted  oidc_standard       "email" is an OpenID Connect scope and needs no API.
              print:orders            dropped  not_defined_on_api  The API "Orders" defines no scope "print:orders".
                                      remedy: add it to scopes of the API "Orders", or ask for one that it defines.

    The user is asked to log in; the token will hold: openid email
    "#);
    assert_eq!(report.changes().len(), 1);
}

#[test]
fn a_request_that_is_refused() {
    let report = preview("client_id=CLIENT&response_type=code&redirect_uri=https://app.example/other");
    assert_eq!(report.verdict, "Refused on a page of this server: invalid_request.");
    let row = &report.rows[0];
    assert_eq!((row.outcome.as_str(), row.reason.as_str()), ("refused", "redirect_uri_not_registered"));
    assert_eq!(
        row.change,
        Some(json!({"resource": "clients", "id": "CLIENT", "action": "append", "field": "callbacks",
                    "value": "https://app.example/other"}))
    );
}

#[test]
fn what_authorize_refuses_is_not_foretold_as_granted() {
    let good = "client_id=CLIENT&response_type=code&redirect_uri=https://app.example/cb&audience=https://orders.example/&\
                scope=read:orders";
    let report = preview(&format!("{good}&scope=openid"));
    assert_eq!(report.rows.len(), 1);
    assert_eq!(report.rows[0].says, "The parameter scope was sent more than once.");
    assert_eq!(report.verdict, "Refused on a page of this server: invalid_request.");
    let report = preview_in(&world().with(|world| world.orders.signing_alg = "PS256".into()), good);
    assert_eq!(
        (report.rows[0].kind.as_str(), report.rows[0].reason.as_str()),
        ("request", "signing_alg_not_built")
    );
    assert_eq!(report.verdict, "Refused at the callback: invalid_request.");
}

#[test]
fn what_a_record_names_cannot_steer_a_terminal() {
    let evil = "\u{1b}[2J\u{202e}";
    let row = Row {
        kind: evil.into(),
        item: evil.into(),
        outcome: evil.into(),
        reason: evil.into(),
        says: evil.into(),
        remedy: Some(evil.into()),
        ..Row::default()
    };
    let facts = vec![(evil.to_owned(), evil.to_owned())];
    let report = Report {
        facts,
        rows: vec![row],
        verdict: evil.into(),
        differs: vec![evil.into()],
        ..Report::default()
    };
    let text = table::text(&report, false);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    assert_eq!(text.matches("\\u{202e}").count(), 10, "{text}");
}

#[test]
fn a_record_of_the_log() {
    let refusal = World::new().decide(Flow::ClientCredentials, API, "read:orders").unwrap_err();
    let decision = json!({
        "reason": refusal.error.reason,
        "scope": *refusal,
        "refresh_token": {"reason": "refresh_token_reused", "outcome": "refused", "family_id": "F", "generation": 1,
                          "newest_generation": 3, "issued_at": "2026-01-01T00:00:00.000Z"},
        "claims": {"id_token": [{"reason": "claim_of_scope", "of": "email", "claims": ["email", "email_verified"]}]},
        "scripts": {"ignored": [{"command": "idToken.setCustomClaim", "about": "sub", "reason": "reserved_claim"}]},
    });
    let rows = recorded::rows(&decision);
    let told: Vec<String> =
        rows.iter().map(|row| format!("{}|{}|{}|{}", row.kind, row.item, row.outcome, row.reason)).collect();
    assert_eq!(
        told,
        [
            "request||refused|client_grant_missing",
            "scope|read:orders|refused|client_grant_missing",
            "refresh_token||refused|refresh_token_reused",
            "claim|id_token email|stated|claim_of_scope",
            "claim|id_token email_verified|stated|claim_of_scope",
            "script|idToken.setCustomClaim sub|ignored|reserved_claim",
        ]
    );
    assert!(rows[2].says.contains("Family F, generation 1 of 3, issued 2026-01-01"), "{}", rows[2].says);
    assert!(table::rows(&rows, true).contains("\u{1b}[31mrefused\u{1b}[0m"), "colour where it is wanted");
}
