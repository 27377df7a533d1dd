//! The pure decisions of Gatewright: start reading here.
//!
//! Nothing in this crate does I/O, reads a clock, draws a random number, awaits, or knows SQL or
//! HTTP. Time and random values come in as arguments, so that every decision can be tested without
//! a server, replayed from the log, and explained.
//!
//! Reading order: [`scope`] (why a scope is granted or not), [`authorize`] (the checks of
//! `/authorize`), [`tokens`] (what goes into a token), [`login`] (one-time codes), [`refresh`] (refresh
//! tokens), [`script`] (what Actions and Rules change), [`session`] and [`backchannel`] (how sessions end, and who is told), then the nouns that these read: [`client`], [`resource_server`], [`connection`], [`user`].

pub mod authorize;
pub mod backchannel;
pub mod client;
pub mod client_assertion;
pub mod colors;
pub mod connection;
pub mod device;
pub mod email;
pub mod errors;
pub mod explain;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod login;
pub mod mfa;
pub mod password_policy;
pub mod protection;
pub mod reasons;
pub mod redirect;
pub mod refresh;
pub mod registration;
pub mod resource_server;
pub mod scope;
pub mod script;
pub mod search;
pub mod session;
pub mod social;
pub mod terminal;
pub mod time;
pub mod token_exchange;
pub mod tokens;
pub mod user;

pub use errors::OAuthError;
pub use time::Timestamp;
