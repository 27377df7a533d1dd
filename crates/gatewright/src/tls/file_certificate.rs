//! An operator's own certificate, read again when its files change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::TlsError;

/// How often the files are looked at for a change.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A certificate chain and key from two PEM files.
pub struct FileCertificate {
    chain_file: PathBuf,
    key_file: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl FileCertificate {
    /// Reads both files.
    ///
    /// # Errors
    /// A file cannot be read, holds no certificate or key, or the two do not belong together.
    pub fn load(chain_file: &Path, key_file: &Path) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(read(chain_file, key_file)?);
        Ok(Self { chain_file: chain_file.to_owned(), key_file: key_file.to_owned(), current })
    }

    /// Reads the files again; new handshakes use them, connections go on. On error nothing changes.
    ///
    /// # Errors
    /// As [`FileCertificate::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(&self.chain_file, &self.key_file)?));
        Ok(())
    }

    /// Reloads whenever a file changes or the process is sent SIGHUP. Runs until dropped.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut seen = self.changed_at();
        let mut hangup = Hangup::new();
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                () = hangup.next() => true,
            };
            let changed_at = self.changed_at();
            if !asked && changed_at == seen {
                continue;
            }
            seen = changed_at;
            match self.reload() {
                Ok(()) => {
                    tracing::info!(file = %self.chain_file.display(), "The certificate was read again.")
                }
                Err(error) => tracing::error!(%error, "The certificate was not replaced; the old one stays."),
            }
        }
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.chain_file, &self.key_file]
            .map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
    }
}

fn read(chain_file: &Path, key_file: &Path) -> Result<CertifiedKey, TlsError> {
    let content =
        |path: &Path| std::fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source });
    let wrong = |path: &Path, reason: String| TlsError::Content { path: path.to_owned(), reason };
    let pem = content(chain_file)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(chain_file, format!("not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(wrong(chain_file, "holds no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&content(key_file)?)
        .map_err(|error| wrong(key_file, format!("holds no private key in PEM: {error}")))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, key, &provider)
        .map_err(|error| wrong(key_file, format!("does not fit {}: {error}", chain_file.display())))
}

impl ResolvesServerCert for FileCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl fmt::Debug for FileCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileCertificate({})", self.chain_file.display())
    }
}

/// SIGHUP where there is one; elsewhere it never comes.
#[cfg(unix)]
struct Hangup(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangup {
    fn new() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Hangup;

#[cfg(not(unix))]
impl Hangup {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        std::future::pending().await
    }
}
