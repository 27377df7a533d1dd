//! What a row holds: a hash of ours, a bcrypt hash, or a hash of another system with how it was made.

use std::fmt;

use serde_json::{Value, json};

use crate::argon::{ArgonHash, Cost};
use crate::custom::{Bcrypt, CustomHash};
use crate::{UnusableHash, custom};

/// A password's hash, fit to be verified. [`fmt::Display`] is the form in which it is stored.
#[derive(Clone)]
pub struct StoredHash(Kind);

#[derive(Clone)]
enum Kind {
    Argon(ArgonHash),
    Bcrypt(Bcrypt),
    Custom(Box<CustomHash>),
}

impl StoredHash {
    /// Reads the stored form.
    ///
    /// # Errors
    /// [`UnusableHash`] if the text is none of the three.
    pub fn parse(text: &str) -> Result<Self, UnusableHash> {
        if text.starts_with('{') {
            return Ok(Self(Kind::Custom(Box::new(CustomHash::parse(text)?))));
        }
        if text.starts_with("$2") {
            return Ok(Self(Kind::Bcrypt(Bcrypt::parse(text)?)));
        }
        Ok(Self(Kind::Argon(ArgonHash::parse(text)?)))
    }

    /// `password_hash` of an import: bcrypt, `$2a$` or `$2b$`.
    ///
    /// # Errors
    /// [`UnusableHash`] for anything else.
    pub fn imported_bcrypt(text: &str) -> Result<Self, UnusableHash> {
        Ok(Self(Kind::Bcrypt(Bcrypt::parse(text)?)))
    }

    /// `custom_password_hash` of an import.
    ///
    /// # Errors
    /// [`UnusableHash`] for what [`custom`] does not know.
    pub fn imported(custom_password_hash: &serde_json::Value) -> Result<Self, UnusableHash> {
        Ok(Self(Kind::Custom(Box::new(custom::CustomHash::from_value(custom_password_hash)?))))
    }

    pub(crate) fn new(hash: ArgonHash) -> Self {
        Self(Kind::Argon(hash))
    }

    /// Whether a new hash of the same password would be made otherwise.
    pub fn needs_rehash(&self, cost: Cost) -> bool {
        match &self.0 {
            Kind::Argon(hash) => hash.differs_from(cost),
            Kind::Bcrypt(_) | Kind::Custom(_) => true,
        }
    }

    /// Whether it came from another system and was never used here.
    pub fn is_imported(&self) -> bool {
        !matches!(self.0, Kind::Argon(_))
    }

    /// The member of an import's row that brings this hash, and its value.
    pub fn as_import(&self) -> (&'static str, Value) {
        let custom = |algorithm: &str, text: String| json!({"algorithm": algorithm, "hash": {"value": text, "encoding": "utf8"}});
        match &self.0 {
            Kind::Argon(hash) => ("custom_password_hash", custom("argon2", hash.to_string())),
            // Compat: `password_hash` knows no other prefixes.
            Kind::Bcrypt(hash) if hash.as_str().starts_with("$2y$") => {
                ("custom_password_hash", custom("bcrypt", hash.as_str().to_owned()))
            }
            Kind::Bcrypt(hash) => ("password_hash", hash.as_str().into()),
            Kind::Custom(hash) => ("custom_password_hash", hash.to_value()),
        }
    }

    /// Compares. Takes as long as the hash was made to take: only [`crate::Hasher`] calls it.
    pub(crate) fn matches(&self, password: &str) -> bool {
        match &self.0 {
            Kind::Argon(hash) => hash.matches(password.as_bytes()),
            Kind::Bcrypt(hash) => hash.matches(password.as_bytes()),
            Kind::Custom(hash) => hash.matches(password),
        }
    }
}

impl fmt::Display for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Argon(hash) => hash.fmt(f),
            Kind::Bcrypt(hash) => f.write_str(hash.as_str()),
            Kind::Custom(hash) => f.write_str(&hash.to_json()),
        }
    }
}

/// A hash is no secret like a password, but nobody needs to read one in a log.
impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHash")
    }
}
