//! JWT, JWS, JWK, certificates, sealed secrets: sign, verify, parse.
//!
//! Every token Gatewright issues is signed here, every token it is handed is verified here, and every
//! secret it stores is sealed here. The crate reads no clock and draws nothing on its own: callers pass
//! the time and the source of randomness. The one exception is the generation of RSA keys, which the
//! cryptographic library draws from its own generator.

mod certificate;
mod certificate_text;
mod client_assertion;
mod client_certificate;
mod error;
mod hashes;
mod jwk;
mod jws;
mod master_key;
mod one_time_password;
mod pool;
mod public_key;
mod signing_key;
mod verify;

pub use certificate_text::{certificate_pem, certificate_pkcs7, certificate_thumbprint};
pub use client_assertion::{parse_assertion, verify_assertion};
pub use client_certificate::ClientCertificate;
pub use error::{JoseError, VerifyError};
pub use hashes::{constant_time_eq, left_half_hash, pkce_s256, random_token, token_hash};
pub use jwk::jwk_thumbprint;
pub use jws::{parse_unverified, sign_hs256};
pub use master_key::MasterKey;
pub use one_time_password::{one_time_password, one_time_password_step};
pub use pool::SignPool;
pub use public_key::PublicKey;
pub use signing_key::{NewSigningKey, SigningKey};
pub use verify::{Expect, MAX_TOKEN_BYTES, verify, verify_hs256};
