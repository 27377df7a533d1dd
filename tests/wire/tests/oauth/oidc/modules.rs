//! One function for each module of the plans, under the module's name; each in every variant it is run in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_testkit::{Form, Page};
use reqwest::Method;
use serde_json::{Value, json};

use super::checks::{self, Tokens};
use super::op::{ADA, Ask, Auth, EVE, Op, is_login, path, type_password};

const PROFILE: &[&str] = &[
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];
const EMAIL: &[&str] = &["email", "email_verified"];
const PHONE: &[&str] = &["phone_number", "phone_number_verified"];
const ADDRESS: &[&str] = &["address"];

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Opens a request, which must be answered without a login page, and returns the error.
async fn refused(browser: &Page, ask: &Ask) -> String {
    checks::error(ask, &browser.open(&ask.path()).await)
}

pub(super) async fn oidcc_server(op: &Op<'_>) {
    let tokens = op.log_in(&op.browser(), &op.ask()).await;
    // Every access token works, that of the front channel and that of the token endpoint.
    for access_token in &tokens.access_tokens {
        op.userinfo(&tokens, access_token).await;
    }
    let (front, back) = (op.has("token"), op.has("code"));
    assert_eq!(tokens.access_tokens.len(), usize::from(front) + usize::from(back));
}

pub(super) async fn oidcc_server_client_secret_post(op: &mut Op<'_>) {
    let before = op.variant;
    let mut variant = before;
    variant.auth = Auth::Post;
    op.vary(variant).await;
    oidcc_server(op).await;
    op.vary(before).await;
}

pub(super) async fn oidcc_response_type_missing(op: &Op<'_>) {
    let pairs: Vec<_> = op.ask().pairs().into_iter().filter(|(name, _)| name != "response_type").collect();
    let answer = op.browser().get(&path("/authorize", &pairs)).await;
    // Without a type the answer goes where that of a code would go.
    let mut ask = op.ask();
    ask.response_type = "code";
    assert_eq!(checks::error(&ask, &answer), "invalid_request");
}

pub(super) async fn oidcc_idtoken_signature(op: &Op<'_>) {
    // The clients state no algorithm; `checks` insists on RS256 and verifies the signature.
    let client = op.admin.get(&format!("/clients/{}", op.rp.client_id)).await;
    assert_eq!(client["jwt_configuration"].get("alg"), None);
    op.log_in(&op.browser(), &op.ask()).await.id();
}

pub(super) async fn oidcc_idtoken_unsigned(op: &Op<'_>) {
    let algorithms = op.discovery().await["id_token_signing_alg_values_supported"].clone();
    assert!(!algorithms.as_array().unwrap().contains(&json!("none")), "{algorithms}");
    let none = json!({"jwt_configuration": {"alg": "none"}});
    let path = format!("/clients/{}", op.rp.client_id);
    op.admin.call(Method::PATCH, &path, Some(none)).await.expect(400);
}

pub(super) async fn oidcc_userinfo_get(op: &Op<'_>) {
    let tokens = op.log_in(&op.browser(), &op.ask()).await;
    op.userinfo(&tokens, tokens.access_token()).await;
    let tool = op.server.tool();
    tool.get("/userinfo").await.expect(401);
    let bad = tool.send(tool.request(Method::GET, "/userinfo").bearer_auth("nonsense")).await;
    assert_eq!(bad.expect(401).header("www-authenticate"), "Bearer error=\"invalid_token\"");
}

pub(super) async fn oidcc_userinfo_post_header(op: &Op<'_>) {
    let tokens = op.log_in(&op.browser(), &op.ask()).await;
    let tool = op.server.tool();
    let request = tool.request(Method::POST, "/userinfo").bearer_auth(tokens.access_token());
    checks::userinfo(&tokens, &tool.send(request).await);
}

pub(super) async fn oidcc_userinfo_post_body(op: &Op<'_>) {
    let tokens = op.log_in(&op.browser(), &op.ask()).await;
    let answer = op.server.tool().post_form("/userinfo", &[("access_token", tokens.access_token())]).await;
    checks::userinfo(&tokens, &answer);
}

pub(super) async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(op: &Op<'_>) {
    let mut ask = op.ask();
    ask.nonce = None;
    op.log_in(&op.browser(), &ask).await;
}

pub(super) async fn oidcc_ensure_request_without_nonce_fails(op: &Op<'_>) {
    let mut ask = op.ask();
    ask.nonce = None;
    assert_eq!(refused(&op.browser(), &ask).await, "invalid_request");
}

pub(super) async fn oidcc_scope_profile(op: &Op<'_>) {
    scope(op, "openid profile", &[PROFILE]).await;
}

pub(super) async fn oidcc_scope_email(op: &Op<'_>) {
    scope(op, "openid email", &[EMAIL]).await;
}

pub(super) async fn oidcc_scope_address(op: &Op<'_>) {
    scope(op, "openid address", &[ADDRESS]).await;
}

pub(super) async fn oidcc_scope_phone(op: &Op<'_>) {
    scope(op, "openid phone", &[PHONE]).await;
}

pub(super) async fn oidcc_scope_all(op: &Op<'_>) {
    scope(op, "openid profile email address phone", &[PROFILE, EMAIL, ADDRESS, PHONE]).await;
}

/// The claims of a scope come from `/userinfo`, or in the ID token where there is no access token, and
/// nothing else does.
async fn scope(op: &Op<'_>, scope: &str, expected: &[&[&str]]) {
    let tokens = op.log_in(&op.browser(), &op.ask().scope(scope)).await;
    let claims = match tokens.access_tokens.last() {
        Some(access_token) => op.userinfo(&tokens, access_token).await,
        None => tokens.id().clone(),
    };
    let claims = claims.as_object().unwrap();
    for name in expected.iter().copied().flatten() {
        assert!(claims.contains_key(*name), "{name} for {scope}: {claims:?}");
    }
    let standard = [PROFILE, EMAIL, ADDRESS, PHONE].concat();
    let other = claims.keys().find(|name| {
        standard.contains(&name.as_str()) && !expected.iter().any(|names| names.contains(&name.as_str()))
    });
    assert_eq!(other, None, "{scope}");
}

pub(super) async fn oidcc_alternate_happy_flow(op: &Op<'_>) {
    let ask = op.ask().scope("email openid profile");
    let mut pairs = ask.pairs();
    pairs.reverse();
    let browser = op.browser();
    let page = browser.open(&path("/authorize", &pairs)).await;
    op.finish(&ask, &type_password(&browser, &page, ADA).await).await;
}

pub(super) async fn oidcc_display_page(op: &Op<'_>) {
    op.log_in(&op.browser(), &op.ask().with("display", "page")).await;
}

pub(super) async fn oidcc_display_popup(op: &Op<'_>) {
    op.log_in(&op.browser(), &op.ask().with("display", "popup")).await;
}

pub(super) async fn oidcc_prompt_login(op: &Op<'_>) {
    let browser = op.browser();
    let first = op.log_in(&browser, &op.ask().with("max_age", "15000")).await;
    op.server.turn.forward_seconds(2);
    // `log_in` insists on a login page.
    let second = op.log_in(&browser, &op.ask().with("prompt", "login")).await;
    assert_eq!(first.id()["sub"], second.id()["sub"]);
    assert!(auth_time(&second) > auth_time(&first));
}

pub(super) async fn oidcc_prompt_none_not_logged_in(op: &Op<'_>) {
    let ask = op.ask().with("prompt", "none");
    assert_eq!(refused(&op.browser(), &ask).await, "login_required");
}

pub(super) async fn oidcc_prompt_none_logged_in(op: &Op<'_>) {
    let browser = op.browser();
    let first = op.log_in(&browser, &op.ask().with("max_age", "15000")).await;
    op.server.turn.forward_seconds(2);
    let silent = op.ask().with("prompt", "none").with("max_age", "15000");
    let second = op.silently(&browser, &silent).await;
    assert_eq!(first.id()["sub"], second.id()["sub"]);
    assert_eq!(auth_time(&first), auth_time(&second));
}

pub(super) async fn oidcc_max_age_1(op: &Op<'_>) {
    let browser = op.browser();
    let first = op.log_in(&browser, &op.ask().with("max_age", "15000")).await;
    op.server.turn.forward_seconds(3);
    let second = op.log_in(&browser, &op.ask().with("max_age", "1")).await;
    assert!(auth_time(&second) > auth_time(&first));
    op.server.turn.forward_seconds(3);
    let silent = op.ask().with("max_age", "1").with("prompt", "none");
    assert_eq!(refused(&browser, &silent).await, "login_required");
}

pub(super) async fn oidcc_max_age_10000(op: &Op<'_>) {
    let browser = op.browser();
    let first = op.log_in(&browser, &op.ask().with("max_age", "15000")).await;
    op.server.turn.forward_seconds(3);
    let second = op.silently(&browser, &op.ask().with("max_age", "10000")).await;
    assert_eq!(auth_time(&first), auth_time(&second));
}

fn auth_time(tokens: &Tokens) -> i64 {
    tokens.id()["auth_time"].as_i64().unwrap_or_else(|| panic!("no auth_time in {}", tokens.id()))
}

pub(super) async fn oidcc_ensure_request_with_unknown_parameter_succeeds(op: &Op<'_>) {
    op.log_in(&op.browser(), &op.ask().with("extra", "foobar")).await;
}

pub(super) async fn oidcc_id_token_hint(op: &Op<'_>) {
    let browser = op.browser();
    let first = op.log_in(&browser, &op.ask()).await;
    let hint = |token: &str| op.ask().with("prompt", "none").with("id_token_hint", token);
    let second = op.silently(&browser, &hint(first.id_text())).await;
    assert_eq!(first.id()["sub"], second.id()["sub"]);
    // Section 3.1.2.1: a hint of somebody else is no login of theirs.
    let eve = op.browser();
    let page = eve.open(&op.ask().path()).await;
    let eve = op.finish(&op.ask(), &type_password(&eve, &page, EVE).await).await;
    assert_ne!(first.id()["sub"], eve.id()["sub"]);
    assert_eq!(refused(&browser, &hint(eve.id_text())).await, "login_required");
    let page = browser.open(&op.ask().with("id_token_hint", eve.id_text()).path()).await;
    assert!(is_login(&page), "{}", page.body);
}

pub(super) async fn oidcc_login_hint(op: &Op<'_>) {
    op.log_in(&op.browser(), &op.ask().with("login_hint", "bob@example.com")).await;
}

pub(super) async fn oidcc_ui_locales(op: &Op<'_>) {
    op.log_in(&op.browser(), &op.ask().with("ui_locales", "se tlh")).await;
}

pub(super) async fn oidcc_claims_locales(op: &Op<'_>) {
    op.log_in(&op.browser(), &op.ask().with("claims_locales", "se")).await;
}

pub(super) async fn oidcc_ensure_request_with_acr_values_succeeds(op: &Op<'_>) {
    let tokens = op.log_in(&op.browser(), &op.ask().with("acr_values", "1 2")).await;
    // Nothing is claimed about how the user logged in that is not so.
    assert_eq!(tokens.id().get("acr"), None);
    assert_eq!(op.discovery().await.get("acr_values_supported"), None);
}

pub(super) async fn oidcc_codereuse(op: &Op<'_>) {
    reuse_after(op, 0).await;
}

pub(super) async fn oidcc_codereuse_30seconds(op: &Op<'_>) {
    reuse_after(op, 30).await;
}

async fn reuse_after(op: &Op<'_>, seconds: i64) {
    let tokens = op.log_in(&op.browser(), &op.ask()).await;
    op.userinfo(&tokens, tokens.access_token()).await;
    op.server.turn.forward_seconds(seconds);
    let again = op.redeem(&op.rp, tokens.code.as_deref().unwrap(), &[]).await;
    assert_eq!(again.expect(403).error().0, "invalid_grant");
    // RFC 6749 section 4.1.2: what the first use gave is dead.
    let tool = op.server.tool();
    let request = tool.request(Method::GET, "/userinfo").bearer_auth(tokens.access_token());
    tool.send(request).await.expect(401);
}

pub(super) async fn oidcc_ensure_registered_redirect_uri(op: &Op<'_>) {
    let mut ask = op.ask();
    ask.rp.callback = "https://rp.example/other";
    let answer = op.browser().get(&ask.path()).await;
    assert!(answer.expect(403).body.contains("Callback URL mismatch"), "{}", answer.body);
    assert_eq!(answer.header("location"), "");
}

pub(super) async fn oidcc_ensure_post_request_succeeds(op: &Op<'_>) {
    let (browser, ask) = (op.browser(), op.ask());
    let pairs = ask.pairs();
    let fields: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    let answer = browser.post_form("/authorize", &fields).await;
    let page = browser.follow(answer).await;
    op.finish(&ask, &type_password(&browser, &page, ADA).await).await;
}

pub(super) async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(op: &Op<'_>) {
    let ask = op.ask().with("request_uri", "https://rp.example/request.jwt");
    assert_eq!(refused(&op.browser(), &ask).await, "request_uri_not_supported");
    assert_eq!(op.discovery().await["request_uri_parameter_supported"], false);
}

/// A request object with the algorithm `none`.
fn unsigned_request(claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", encode(&json!({"alg": "none"})), encode(claims))
}

pub(super) async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    op: &Op<'_>,
) {
    let ask = op.ask().with("request", &unsigned_request(&json!({"state": "another"})));
    assert_eq!(refused(&op.browser(), &ask).await, "request_not_supported");
    assert_eq!(op.discovery().await["request_parameter_supported"], false);
}

pub(super) async fn oidcc_ensure_request_object_with_redirect_uri(op: &Op<'_>) {
    let mut ask = op.ask().with("request", &unsigned_request(&json!({"redirect_uri": op.rp.callback})));
    ask.rp.callback = "https://rp.example/other";
    let answer = op.browser().get(&ask.path()).await;
    assert_eq!(answer.expect(403).header("location"), "");
}

pub(super) async fn oidcc_claims_essential(op: &Op<'_>) {
    for claims in [r#"{"userinfo":{"name":{"essential":true}}}"#, r#"{"id_token":{"name":null}}"#, "no JSON"]
    {
        let ask = op.ask().scope("openid profile").with("claims", claims);
        let tokens = op.log_in(&op.browser(), &ask).await;
        let claims = match tokens.access_tokens.last() {
            Some(access_token) => op.userinfo(&tokens, access_token).await,
            None => tokens.id().clone(),
        };
        assert_eq!(claims["name"], "Ada Lovelace");
    }
    assert_eq!(op.discovery().await["claims_parameter_supported"], false);
}

pub(super) async fn oidcc_refresh_token(op: &Op<'_>) {
    let ask = op.ask().scope("openid offline_access").with("prompt", "consent").with("max_age", "15000");
    let browser = op.browser();
    let page = browser.open(&ask.path()).await;
    let consent = type_password(&browser, &page, ADA).await;
    let answer = Form::of(consent.expect(200)).submit(&browser, "accept").await;
    let first = op.finish(&ask, &answer).await;
    let refresh_token = first.refresh_token.clone().expect("a refresh token");
    // RFC 6749 appendix A.17.
    assert!(refresh_token.chars().all(|c| ('\x20'..='\x7e').contains(&c)));
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    let stolen = op.token(&op.other, &fields).await;
    assert_eq!(stolen.expect(403).error().0, "invalid_grant", "it belongs to another client");

    let refreshed = op.token(&op.rp, &fields).await;
    checks::token_answer(&refreshed);
    let mut newer = Tokens::default();
    let mut silent = ask.clone();
    silent.nonce = None;
    newer.token_response(&silent, &refreshed.json(), op.server.issuer(), &op.keys().await);
    for name in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(newer.id()[name], first.id()[name], "{name}");
    }
    op.userinfo(&newer, newer.access_token()).await;
}

pub(super) async fn oidcc_ensure_request_with_valid_pkce_succeeds(op: &Op<'_>) {
    let ask = op.ask().with("code_challenge", CHALLENGE).with("code_challenge_method", "S256");
    let browser = op.browser();
    let page = browser.open(&ask.path()).await;
    let answer = type_password(&browser, &page, ADA).await;
    let params = checks::front(&ask, &answer);
    let code = &params["code"];
    checks::token_answer(&op.redeem(&op.rp, code, &[("code_verifier", VERIFIER)]).await);

    let again = browser.open(&ask.path()).await;
    let code = checks::front(&ask, &again)["code"].clone();
    let wrong = op.redeem(&op.rp, &code, &[("code_verifier", &"x".repeat(43))]).await;
    assert_eq!(wrong.expect(403).error().0, "invalid_grant");
}
