//! A leaf certificate for each localhost name, made when first asked for.
//!
//! Browsers refuse a wildcard directly below a top-level name, so `*.localhost` would not do: the name in
//! the handshake (SNI) decides which certificate is made.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use gatewright_ambient::{Clock, Random};
use gatewright_core::Timestamp;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};

use super::TlsError;
use super::authority::{Authority, LEAF_DAYS};
use crate::config::is_host_label;

/// Names remembered at most; past that all are forgotten, which costs a millisecond each to make again.
const REMEMBERED: usize = 200;

/// Answers handshakes with certificates of an [`Authority`].
pub struct Leaves {
    authority: Authority,
    key_pair: KeyPair,
    signing_key: Arc<dyn SigningKey>,
    clock: Clock,
    random: Random,
    made: Mutex<HashMap<String, (Timestamp, Arc<CertifiedKey>)>>,
}

impl Leaves {
    /// Makes the one key that all leaves of this process share. Certificates come later, on demand.
    ///
    /// The clock must be the real one even where the server's is turned by a test: the caller who
    /// checks the certificate has another.
    ///
    /// # Errors
    /// [`TlsError::Certificate`] if no key can be made.
    pub fn new(authority: Authority, clock: Clock, random: Random) -> Result<Self, TlsError> {
        let key_pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key_pair.serialize_der()));
        let signing_key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der)?;
        Ok(Self { authority, key_pair, signing_key, clock, random, made: Mutex::default() })
    }

    /// The authority behind these leaves.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The certificate for the name of a handshake; `localhost` if there is none or a foreign one.
    ///
    /// # Errors
    /// [`TlsError::Certificate`] if it cannot be signed.
    pub fn certificate_for(&self, server_name: Option<&str>) -> Result<Arc<CertifiedKey>, TlsError> {
        let name = server_name.map(str::to_ascii_lowercase).filter(|name| is_localhost(name));
        let name = name.unwrap_or_else(|| "localhost".to_owned());
        let now = self.clock.now();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        // Made anew well before its end, for processes that run for months.
        let fresh_after = now.plus_seconds(-LEAF_DAYS / 2 * 86_400);
        if let Some((_, certificate)) = made.get(&name).filter(|(made_at, _)| *made_at > fresh_after) {
            return Ok(Arc::clone(certificate));
        }
        let der = self.authority.sign(&name, &self.key_pair, &self.random, now)?;
        let certificate = Arc::new(CertifiedKey::new(vec![der], Arc::clone(&self.signing_key)));
        if made.len() >= REMEMBERED {
            made.clear();
        }
        made.insert(name, (now, Arc::clone(&certificate)));
        Ok(certificate)
    }
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match self.certificate_for(hello.server_name()) {
            Ok(certificate) => Some(certificate),
            Err(error) => {
                tracing::error!(%error, "No certificate could be made for a TLS handshake.");
                None
            }
        }
    }
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaves")
    }
}

/// `localhost` or a name below it.
fn is_localhost(name: &str) -> bool {
    let below = |labels: &str| labels.split('.').all(is_host_label);
    name.len() <= 253 && (name == "localhost" || name.strip_suffix(".localhost").is_some_and(below))
}
