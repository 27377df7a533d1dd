//! Social connections: logins at a provider elsewhere (strategy `oauth2`), in which this server is the OAuth client.
//!
//! Owns: sending a browser there, redeeming the code that it brings back, the script that fetches the profile. Does
//! not own: the login that waits meanwhile (`login_transaction`), what the answers mean (`gatewright_core::social`),
//! the account (`gatewright_resources::users`).
//!
//! No transaction is open while the provider is asked or a script runs.

mod departure;
mod exchange;
mod profile;

pub(crate) use departure::{depart, find, spend};
pub(crate) use profile::{Fetched, Refused, TRIGGER, fetch};

use gatewright_http::RequestCx;

/// Where providers send browsers back to.
fn callback(cx: &RequestCx) -> String {
    cx.issuer.join("login/callback")
}
