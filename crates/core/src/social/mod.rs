//! Logins at a provider elsewhere by the code grant of OAuth 2.0 (RFC 6749 section 4.1), in which this server is the
//! client: what the browser is sent with, what the provider's answers mean.
//!
//! Reading order: [`authorization_url`], [`refusal`], [`granted`]; then `script::social` for the profile.

mod authorization;
mod token;

pub use authorization::{Departure, NotConfigured, authorization_url, refusal};
pub use token::{Granted, NotGranted, granted};
