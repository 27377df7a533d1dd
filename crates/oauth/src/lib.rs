//! The authorization server.
//!
//! Owns: every endpoint that Auth0's SDKs call for logging in and getting tokens, one file each under
//! [`endpoints`]; the grant types of the token endpoint, one file each under [`grants`]; the pages a
//! browser sees. Does not own: what is decided (`gatewright_core`), rows (`gatewright_resources`).
//! Reading order: `endpoints/passwordless_start.rs`, `endpoints/co_authenticate.rs`,
//! `endpoints/authorize.rs`, `endpoints/token.rs`: a login from start to end.

mod account_link;
mod account_result;
mod attempts;
pub mod backchannel;
mod client_auth;
mod custom_database;
mod decision;
mod endpoints;
mod events;
mod flows;
mod grants;
mod id_token_hint;
mod issuance;
mod login_ticket;
mod login_transaction;
mod mail;
mod mint;
mod multifactor;
pub mod pages;
mod password_login;
mod passwordless;
pub mod prediction;
mod refresh;
mod scripts;
mod session;
mod sign_up;
mod social;
mod stop;
pub mod verification_mail;

pub use flows::flows;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{delete, get, post};
use gatewright_http::{App, cors};

use crate::endpoints::login::mfa;
use crate::endpoints::mfa as mfa_api;
use crate::endpoints::{
    account_links, authorize, challenge, client_js, co_authenticate, dbconnections, device, discovery,
    geoloc, jwks, login, logout, oidc_logout, passwordless_start, passwordless_verify, register,
    resource_owner, revoke, ssodata, token, userinfo,
};

/// Bodies of these endpoints are small; anything longer is refused.
const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// Every route of the authorization server. `gatewright_http::context::establish` must be outside it.
pub fn router() -> Router<Arc<App>> {
    let public = Router::new()
        .route("/.well-known/openid-configuration", get(discovery::openid_configuration))
        .route("/.well-known/oauth-authorization-server", get(discovery::openid_configuration))
        .route("/.well-known/jwks.json", get(jwks::jwks))
        .layer(from_fn(|cx, request, next| cors::apply(cors::PUBLIC, cx, request, next)));
    let browser = Router::new()
        .route("/user/geoloc/country", get(geoloc::country))
        .route("/passwordless/start", post(passwordless_start::start))
        .route("/passwordless/verify", post(passwordless_verify::verify))
        .route("/passwordless/challenge", post(challenge::passwordless))
        .route("/dbconnections/signup", post(dbconnections::signup))
        .route("/dbconnections/change_password", post(dbconnections::change_password))
        .route("/dbconnections/signup/challenge", post(challenge::passwordless))
        .route("/dbconnections/change_password/challenge", post(challenge::passwordless))
        .route("/usernamepassword/challenge", post(challenge::passwordless))
        .route("/oauth/token", post(token::token))
        .route("/oauth/ro", post(resource_owner::ro))
        .route("/mfa/challenge", post(mfa_api::challenge::challenge))
        .route("/mfa/associate", post(mfa_api::associate::associate))
        .route("/mfa/authenticators", get(mfa_api::authenticators::list))
        .route("/mfa/authenticators/{id}", delete(mfa_api::authenticators::remove))
        .route("/oauth/revoke", post(revoke::revoke))
        .route("/oauth/par", post(authorize::par::par))
        .route("/oidc/register", post(register::register))
        .route(
            "/oidc/register/{client_id}",
            get(register::manage).put(register::manage).delete(register::manage),
        )
        .route("/oauth/device/code", post(device::authorization::device_code))
        .route("/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
        .layer(from_fn(|cx, request, next| cors::apply(cors::BROWSER, cx, request, next)));
    let with_cookies = Router::new()
        .route("/co/authenticate", post(co_authenticate::authenticate))
        .layer(from_fn(|cx, request, next| cors::apply(cors::WITH_COOKIES, cx, request, next)));
    let factors = Router::new()
        .route("/u/mfa-sms-enrollment", get(mfa::mfa_sms_enrollment).post(mfa::mfa_sms_enrollment))
        .route("/u/mfa-sms-challenge", get(mfa::mfa_sms_challenge).post(mfa::mfa_sms_challenge))
        .route("/u/mfa-otp-enrollment", get(mfa::mfa_otp_enrollment).post(mfa::mfa_otp_enrollment))
        .route("/u/mfa-otp-challenge", get(mfa::mfa_otp_challenge).post(mfa::mfa_otp_challenge))
        .route(
            "/u/mfa-recovery-code-enrollment",
            get(mfa::mfa_recovery_code_enrollment).post(mfa::mfa_recovery_code_enrollment),
        )
        .route(
            "/u/mfa-recovery-code-challenge",
            get(mfa::mfa_recovery_code_challenge).post(mfa::mfa_recovery_code_challenge),
        )
        .route(
            "/u/mfa-recovery-code-challenge-new-code",
            get(mfa::mfa_recovery_code_new).post(mfa::mfa_recovery_code_new),
        )
        .route("/u/mfa-login-options", get(mfa::mfa_login_options))
        .route("/u/mfa-begin-enroll-options", get(mfa::mfa_begin_enroll_options));
    let navigated = Router::new()
        .route("/authorize", get(authorize::by_get).post(authorize::by_post))
        .route("/authorize/resume", get(authorize::resume))
        .route("/continue", get(authorize::continue_by_get).post(authorize::continue_by_post))
        .route("/usernamepassword/login", post(authorize::by_form::login))
        .route("/login", get(authorize::by_form::classic))
        .route("/login/callback", get(authorize::by_provider::callback).post(authorize::by_form::callback))
        .route("/u/login", get(login::login).post(login::login))
        .route("/u/login/identifier", get(login::identifier).post(login::identifier))
        .route("/u/login/password", get(login::password).post(login::password))
        .route("/u/login/provider", get(login::provider))
        .route("/u/login/passwordless-sms-challenge", get(login::by_sms).post(login::by_sms))
        .route("/u/login/passwordless-email-challenge", get(login::by_email).post(login::by_email))
        .route("/u/signup", get(login::signup).post(login::signup))
        .route("/u/signup/identifier", get(login::signup_identifier).post(login::signup_identifier))
        .route("/u/signup/password", get(login::signup_password).post(login::signup_password))
        .route("/u/email-identifier/challenge", get(login::address_challenge).post(login::address_challenge))
        .route("/u/reset-password/request", get(login::reset_request).post(login::reset_request))
        .route("/u/reset-password/email", get(login::reset_email).post(login::reset_email))
        .route("/u/confirmation", get(login::confirmation).post(login::confirmation))
        .route("/u/consent", get(login::consent).post(login::consent))
        .route("/activate", get(device::activate::by_get).post(device::activate::by_post))
        .route("/u/device-confirmation", get(login::device_confirmation).post(login::device_confirmation))
        .route("/u/reset-verify", get(account_links::reset_form).post(account_links::reset))
        .route("/u/email-verification", get(account_links::verify_form).post(account_links::verify))
        .route("/oidc/logout", get(oidc_logout::oidc_logout).post(oidc_logout::oidc_logout))
        .route("/oidc/logout/confirm", post(oidc_logout::confirm))
        .route("/passwordless/verify_redirect", get(authorize::by_link::verify_redirect))
        .route("/passwordless/verify-redirect", get(authorize::by_link::verify_redirect))
        .route("/v2/logout", get(logout::v2_logout))
        .route("/user/ssodata", get(ssodata::ssodata))
        .route("/client/{file}", get(client_js::client_js))
        .route("/pem", get(jwks::pem))
        .route("/cer", get(jwks::cer));
    public
        .merge(browser)
        .merge(with_cookies)
        .merge(navigated)
        .merge(factors)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .fallback(pages::not_found)
}
