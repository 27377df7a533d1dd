//! Conversations with the authorization server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod attack_protection;
mod authorize;
mod branding;
mod codes;
mod dashboard;
mod device;
mod discovery;
mod email;
mod explain;
mod gateway;
mod hints;
mod keys;
mod lock;
mod login;
mod logout;
mod mfa_otp;
mod mfa_sms;
mod oidc;
mod otp_grant;
mod pages;
mod par;
mod passwords;
mod private_key_jwt;
mod rbac;
mod reasons;
mod refresh;
mod register;
mod reset_pages;
mod sessions;
mod signup_pages;
mod start;
mod statements;
mod tenants;
mod token;
mod token_exchange;
