//! The plans: which modules run in which variant.

use gatewright_testkit::{Server, on_every_database};

use super::modules as m;
use super::op::{Auth, Op, Variant};

/// Runs modules one after the other. Between two of them a minute passes, so that no limit on tries counts.
macro_rules! run {
    ($op:expr; $($module:ident),+ $(,)?) => {
        $(
            println!("{} with {:?}", stringify!($module), $op.variant);
            $op.server.turn.forward_seconds(60);
            m::$module(&mut *$op).await;
        )+
    };
}

/// What every plan asks.
async fn every_plan(op: &mut Op<'_>) {
    run!(op;
        oidcc_server, oidcc_idtoken_signature, oidcc_idtoken_unsigned, oidcc_scope_profile, oidcc_scope_email,
        oidcc_scope_address, oidcc_scope_phone, oidcc_scope_all, oidcc_alternate_happy_flow, oidcc_display_page,
        oidcc_display_popup, oidcc_prompt_login, oidcc_prompt_none_not_logged_in, oidcc_prompt_none_logged_in,
        oidcc_max_age_1, oidcc_max_age_10000, oidcc_ensure_request_with_unknown_parameter_succeeds,
        oidcc_id_token_hint, oidcc_login_hint, oidcc_ui_locales, oidcc_claims_locales,
        oidcc_ensure_request_with_acr_values_succeeds, oidcc_ensure_registered_redirect_uri,
        oidcc_ensure_post_request_succeeds,
        oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported,
        oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported, oidcc_claims_essential,
        oidcc_ensure_request_object_with_redirect_uri,
    );
}

/// What plans with a code ask besides.
async fn with_a_code(op: &mut Op<'_>) {
    run!(op;
        oidcc_server_client_secret_post, oidcc_codereuse, oidcc_codereuse_30seconds, oidcc_refresh_token,
        oidcc_ensure_request_with_valid_pkce_succeeds,
    );
}

/// What plans with an access token ask besides.
async fn with_an_access_token(op: &mut Op<'_>) {
    run!(op; oidcc_userinfo_get, oidcc_userinfo_post_header, oidcc_userinfo_post_body);
}

/// One pass of a plan. An ID token in the front channel needs a nonce.
async fn pass(op: &mut Op<'_>, response_type: &'static str, form_post: bool) {
    op.vary(Variant { response_type, form_post, auth: Auth::Basic }).await;
    every_plan(op).await;
    let (code, token, id_token) = (op.has("code"), op.has("token"), op.has("id_token"));
    if code {
        with_a_code(op).await;
    }
    if code || token {
        with_an_access_token(op).await;
    }
    if id_token {
        run!(op; oidcc_ensure_request_without_nonce_fails);
    } else {
        run!(op; oidcc_ensure_request_without_nonce_succeeds_for_code_flow);
    }
}

async fn plan(response_types: &[&'static str], form_post: bool) {
    on_every_database(async |server: Server| {
        let mut op = Op::prepare(&server).await;
        let op = &mut op;
        for response_type in response_types {
            pass(op, response_type, form_post).await;
        }
        run!(op; oidcc_response_type_missing);
    })
    .await;
}

const BASIC: &[&str] = &["code"];
const IMPLICIT: &[&str] = &["id_token", "id_token token"];
const HYBRID: &[&str] = &["code id_token", "code token", "code id_token token"];

#[tokio::test]
async fn oidcc_basic_certification_test_plan() {
    plan(BASIC, false).await;
}

#[tokio::test]
async fn oidcc_implicit_certification_test_plan() {
    plan(IMPLICIT, false).await;
}

#[tokio::test]
async fn oidcc_hybrid_certification_test_plan() {
    plan(HYBRID, false).await;
}

#[tokio::test]
async fn oidcc_formpost_basic_certification_test_plan() {
    plan(BASIC, true).await;
}

#[tokio::test]
async fn oidcc_formpost_implicit_certification_test_plan() {
    plan(IMPLICIT, true).await;
}

#[tokio::test]
async fn oidcc_formpost_hybrid_certification_test_plan() {
    plan(HYBRID, true).await;
}
