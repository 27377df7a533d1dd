//! What can go wrong with keys, sealed records and tokens.

use thiserror::Error;

/// A failure with our own keys or sealed records: a fault of configuration or storage, never of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JoseError {
    /// The text given as master key is not base64 of exactly 32 bytes.
    #[error("the master key must be 32 bytes in base64 (standard or URL-safe alphabet)")]
    InvalidMasterKey,
    /// The record names a master key that is neither the current nor one of the older ones.
    #[error("sealed under another master key")]
    SealedUnderAnotherMasterKey,
    /// The record is too short or of an unknown version: it was not written by `seal`.
    #[error("not a sealed record")]
    NotSealed,
    /// The record was altered, or is being opened for another context than it was sealed for.
    #[error("the sealed record was altered or belongs to another place")]
    SealBroken,
    /// The private key is not an RSA key of at least 2048 bits in PKCS #8 DER.
    #[error("the signing key is not a usable RSA private key")]
    InvalidSigningKey,
    /// The certificate does not parse, or certifies another public key.
    #[error("the certificate does not belong to the signing key")]
    InvalidCertificate,
    /// Not an RSA public key of 2048 to 8192 bits, or a certificate over one, in PEM.
    #[error("not an RSA public key of 2048 to 8192 bits in PEM")]
    InvalidPublicKey,
    /// A key or certificate could not be generated.
    #[error("could not generate a signing key: {0}")]
    Generation(String),
    /// The cryptographic library refused to sign.
    #[error("could not sign")]
    Signing,
    /// The signing thread went away before it answered: the process is shutting down.
    #[error("signing was interrupted")]
    Interrupted,
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum VerifyError {
    /// Not three base64url parts holding JSON objects, longer than [`crate::MAX_TOKEN_BYTES`], or its
    /// registered claims are missing or of the wrong type.
    #[error("the token is malformed")]
    Malformed,
    /// The header's `alg` is not the expected one.
    #[error("the token is signed with another algorithm")]
    WrongAlgorithm,
    /// The header's `kid` is missing or names none of the keys.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The signature does not fit the header and claims.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is not the expected issuer, compared exactly.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` does not contain the expected audience.
    #[error("the token is for another audience")]
    WrongAudience,
}

impl VerifyError {
    /// A stable machine-readable name, for logs and explanations.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
        }
    }
}
