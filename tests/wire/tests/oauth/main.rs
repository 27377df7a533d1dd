//! Conversations with the authorization server.

mod authorize;
mod codes;
mod discovery;
mod gateway;
mod login;
mod logout;
mod pages;
mod otp_grant;
mod refresh;
mod start;
mod statements;
mod tenants;
mod token;
