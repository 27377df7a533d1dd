//! What goes into access tokens, ID tokens and `/userinfo`.
//!
//! Owns: claim sets, audiences and lifetimes, as pure functions of who logged in, through what, and
//! what was granted. Does not own: which scopes were granted ([`crate::scope`]), signing.
//! Reading order: [`access_token`], [`id_token`], [`claims`].

pub mod access_token;
pub mod claims;
pub mod id_token;

#[cfg(test)]
mod tests;

/// Through what the token reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// `/authorize`: through the browser.
    Front,
    /// `/oauth/token`: straight to the client.
    Back,
}
