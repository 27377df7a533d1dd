//! RP-Initiated Logout 1.0: one function for each module of its plan.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_testkit::{Answer, Form, Page, Server, on_every_database};
use serde_json::{Value, json};

use super::checks;
use super::op::{LOGGED_OUT, Op, path};

const ENDPOINT: &str = "/oidc/logout";

/// A browser that is logged in, and its ID token.
async fn logged_in(op: &Op<'_>) -> (Page, String) {
    op.server.turn.forward_seconds(60);
    let browser = op.browser();
    let tokens = op.log_in(&browser, &op.ask()).await;
    (browser, tokens.id_text().to_owned())
}

async fn is_logged_in(op: &Op<'_>, browser: &Page) -> bool {
    let ask = op.ask().with("prompt", "none");
    let answer = browser.get(&ask.path()).await;
    if answer.returned("error").is_none() {
        return true;
    }
    assert_eq!(checks::error(&ask, &answer), "login_required");
    false
}

/// Not sent back; the page is an error, or asks and then logs out without returning anywhere else.
async fn not_sent_back(op: &Op<'_>, browser: &Page, answer: &Answer) {
    assert_eq!(answer.header("location"), "", "{}", answer.asked);
    assert!(matches!(answer.status, 200 | 400), "{} {}", answer.status, answer.asked);
    assert!(is_logged_in(op, browser).await, "nothing was confirmed: {}", answer.asked);
}

async fn logs_out(op: &Op<'_>, state: Option<&str>) {
    let (browser, hint) = logged_in(op).await;
    let mut pairs = vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", LOGGED_OUT)];
    pairs.extend(state.map(|state| ("state", state)));
    let answer = browser.get(&path(ENDPOINT, &pairs)).await;
    assert!(answer.expect(302).location().as_str().starts_with(LOGGED_OUT));
    assert_eq!(answer.returned("state").as_deref(), state);
    assert!(!is_logged_in(op, &browser).await);
}

async fn oidcc_rp_initiated_logout_discovery_endpoint_verification(op: &Op<'_>) {
    let expected = format!("{}oidc/logout", op.server.issuer());
    assert_eq!(op.discovery().await["end_session_endpoint"], expected);
}

async fn oidcc_rp_initiated_logout(op: &Op<'_>) {
    logs_out(op, Some("a state: +&=%")).await;
}

async fn oidcc_rp_initiated_logout_no_state(op: &Op<'_>) {
    logs_out(op, None).await;
}

async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(op: &Op<'_>) {
    refuses_to_return_to(op, "https://rp.example/elsewhere").await;
    refuses_to_return_to(op, "https://evil.example/logged-out").await;
}

async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(op: &Op<'_>) {
    refuses_to_return_to(op, &format!("{LOGGED_OUT}?extra=1")).await;
}

async fn refuses_to_return_to(op: &Op<'_>, uri: &str) {
    let (browser, hint) = logged_in(op).await;
    let pairs = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", uri), ("state", "s")];
    let answer = browser.get(&path(ENDPOINT, &pairs)).await;
    not_sent_back(op, &browser, &answer).await;
}

async fn oidcc_rp_initiated_logout_modified_id_token_hint(op: &Op<'_>) {
    refuses_the_hint(op, |hint| {
        let payload = hint.split('.').nth(1).unwrap();
        format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string()))
    })
    .await;
}

async fn oidcc_rp_initiated_logout_bad_id_token_hint(op: &Op<'_>) {
    refuses_the_hint(op, |hint| {
        let (signed, signature) = hint.rsplit_once('.').unwrap();
        let foreign: Vec<u8> = URL_SAFE_NO_PAD.decode(signature).unwrap().into_iter().rev().collect();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(foreign))
    })
    .await;
}

async fn refuses_the_hint(op: &Op<'_>, spoil: impl Fn(&str) -> String) {
    let (browser, hint) = logged_in(op).await;
    let spoilt = spoil(&hint);
    let pairs = [("id_token_hint", spoilt.as_str()), ("post_logout_redirect_uri", LOGGED_OUT)];
    let answer = browser.get(&path(ENDPOINT, &pairs)).await;
    not_sent_back(op, &browser, &answer).await;
}

async fn oidcc_rp_initiated_logout_no_id_token_hint(op: &Op<'_>) {
    let (browser, _) = logged_in(op).await;
    let answer = browser.get(&path(ENDPOINT, &[("post_logout_redirect_uri", LOGGED_OUT)])).await;
    not_sent_back(op, &browser, &answer).await;
    // With the client named, the user is asked and may be sent back afterwards.
    let pairs = [("post_logout_redirect_uri", LOGGED_OUT), ("client_id", &*op.rp.client_id)];
    let asked = browser.get(&path(ENDPOINT, &pairs)).await;
    not_sent_back(op, &browser, &asked).await;
    let done = Form::of(&asked).press(&browser, "confirm").await;
    assert_eq!(done.expect(302).header("location"), LOGGED_OUT);
    assert!(!is_logged_in(op, &browser).await);
}

async fn oidcc_rp_initiated_logout_no_params(op: &Op<'_>) {
    says_so(op, &[]).await;
}

async fn oidcc_rp_initiated_logout_only_state(op: &Op<'_>) {
    says_so(op, &[("state", json!("s"))]).await;
}

async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri(op: &Op<'_>) {
    says_so(op, &[("id_token_hint", Value::Null)]).await;
}

/// A page says that the user is logged out, after one that asks where there is no hint.
async fn says_so(op: &Op<'_>, pairs: &[(&str, Value)]) {
    let (browser, hint) = logged_in(op).await;
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (*name, value.as_str().unwrap_or(&hint))).collect();
    let mut answer = browser.get(&path(ENDPOINT, &pairs)).await;
    if !pairs.iter().any(|(name, _)| *name == "id_token_hint") {
        not_sent_back(op, &browser, &answer).await;
        answer = Form::of(&answer).press(&browser, "confirm").await;
    }
    assert!(answer.expect(200).body.contains("You are logged out"), "{}", answer.body);
    assert_eq!(answer.header("location"), "");
    assert!(!is_logged_in(op, &browser).await);
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_certification_test_plan() {
    on_every_database(async |server: Server| {
        let op = &Op::prepare(&server).await;
        oidcc_rp_initiated_logout_discovery_endpoint_verification(op).await;
        oidcc_rp_initiated_logout(op).await;
        oidcc_rp_initiated_logout_no_state(op).await;
        oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(op).await;
        oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(op).await;
        oidcc_rp_initiated_logout_modified_id_token_hint(op).await;
        oidcc_rp_initiated_logout_bad_id_token_hint(op).await;
        oidcc_rp_initiated_logout_no_id_token_hint(op).await;
        oidcc_rp_initiated_logout_no_params(op).await;
        oidcc_rp_initiated_logout_no_post_logout_redirect_uri(op).await;
        oidcc_rp_initiated_logout_only_state(op).await;
    })
    .await;
}
