//! For tests only: a real server in this process, an HTTP client, a clock to turn, messages to read.
//!
//! A test is a conversation. It runs on SQLite always, and on PostgreSQL too when
//! `GATEWRIGHT_TEST_DATABASE_URL` names a server on which databases may be created:
//!
//! ```no_run
//! # use gatewright_testkit::{on_every_database, Server};
//! # async fn example() {
//! on_every_database(async |server: Server| {
//!     let page = server.page("http://localhost:4200");
//!     let answer = page.get("/user/geoloc/country").await;
//!     answer.expect(200);
//! })
//! .await;
//! # }
//! ```

mod admin;
mod database;
mod exchange;
mod form;
mod login;
mod mailbox;
pub mod measure;
mod otp_app;
mod page;
mod server;

pub use admin::Admin;
pub use database::{on_every_database, with_options};
pub use exchange::Answer;
pub use form::Form;
pub use login::{OTP_CREDENTIAL, PHONE, SEED_SCOPES, Start, Tokens};
pub use mailbox::Mailbox;
pub use otp_app::{OtpApp, shown_code};
pub use page::Page;
pub use server::{CUSTOM_DOMAIN, Options, Server};

/// Reads the claims of a JWT without checking it; panics if it is none.
pub fn claims(token: &str) -> serde_json::Value {
    gatewright_jose::parse_unverified(token).expect("a JWT").1
}

/// A token that the holder of a shared secret made.
pub fn sign_hs256(secret: &[u8], claims: &serde_json::Value) -> String {
    gatewright_jose::sign_hs256(secret, "JWT", claims)
}
