//! TLS: a certificate from files, or leaf certificates of a local authority for development.
//!
//! Reading order: [`Authority`] (the CA of a data folder), [`Leaves`] (a certificate for each localhost
//! name, made when first asked for), [`FileCertificate`] (an operator's own, read again when it changes).

mod authority;
mod file_certificate;
mod leaves;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;

pub use authority::Authority;
pub(crate) use authority::write_private;
pub use file_certificate::FileCertificate;
pub use leaves::Leaves;

/// Why no certificate could be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {reason}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate or key cannot be made or used.
    #[error("certificate: {0}")]
    Certificate(String),
}

impl From<rcgen::Error> for TlsError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

/// A server configuration for HTTP/2 and HTTP/1.1 with TLS 1.2 and 1.3.
///
/// # Errors
/// [`TlsError::Certificate`] if the cryptographic provider lacks these versions.
pub fn server_config(resolver: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;
