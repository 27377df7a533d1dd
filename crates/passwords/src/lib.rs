//! Password hashes.
//!
//! Owns: argon2id for every new password, the verification of hashes imported from elsewhere, and the
//! bounded pool on which all of it runs. Does not own: whether a password is good enough
//! (`gatewright_core::password_policy`), and rows.
//!
//! Reading order: [`Hasher`] (what callers use), [`StoredHash`] (what a row holds), [`custom`] (formats
//! of other systems), `argon` (ours).

mod argon;
pub mod custom;
mod digests;
mod encodings;
mod hasher;
mod stored;

pub use argon::Cost;
pub use custom::CustomHash;
pub use hasher::{HashError, Hasher, LONGEST_PASSWORD_BYTES, Verdict};
pub use stored::StoredHash;

/// Why a hash that somebody brings along cannot be taken. The text is fit for that caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableHash {
    /// Members are missing, unknown or of a wrong type.
    #[error("{0}")]
    Malformed(String),
    /// An algorithm or digest that no kept library gives.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Verifying it would cost more than one login may.
    #[error("the cost of the hash is beyond what a login may take")]
    TooCostly,
}

#[cfg(test)]
mod tests;
