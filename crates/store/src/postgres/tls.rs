//! The database URL, and the TLS that its `sslmode` asks for.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// Where to connect, and how.
pub(super) struct Target {
    pub(super) config: Config,
    /// `None`: without TLS.
    pub(super) tls: Option<MakeRustlsConnect>,
}

/// Reads a database URL.
pub(super) fn parse(url: &str) -> Result<Target, StoreError> {
    let (url, root_certificate) = take_own_settings(url);
    // The driver's error quotes no part of the URL, which holds a password.
    let mut config: Config = url.parse().map_err(|error| {
        StoreError::Config(format!("the PostgreSQL URL cannot be used: {error}{}", source_of(&error)))
    })?;
    set_defaults(&mut config);
    if config.get_ssl_mode() == SslMode::Prefer && only_local(&config) {
        // Nobody listens in between, and the certificate of a local server is rarely one to trust.
        config.ssl_mode(SslMode::Disable);
    }
    let tls = match config.get_ssl_mode() {
        SslMode::Disable => None,
        _ => Some(connector(root_certificate.as_deref())?),
    };
    Ok(Target { config, tls })
}

fn source_of(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"))
}

/// Takes `sslrootcert` out of the URL and makes `verify-ca` and `verify-full` into `require`: the
/// driver does not know them, and we check the certificate and the name in every mode with TLS.
fn take_own_settings(url: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut root_certificate = None;
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) => root_certificate = Some(percent_decoded(path)),
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(pair),
        }
    }
    (format!("{base}?{}", kept.join("&")), root_certificate)
}

/// `%20` and the like, as in the rest of the URL.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Only what the URL leaves open.
fn set_defaults(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name("gatewright");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    if config.get_tcp_user_timeout().is_none() {
        // A server that vanished without a word must not hold jobs for many minutes.
        config.tcp_user_timeout(Duration::from_secs(30));
    }
    if config.get_keepalives_idle() == Duration::from_secs(2 * 60 * 60) {
        config.keepalives_idle(Duration::from_secs(60));
    }
}

fn only_local(config: &Config) -> bool {
    let by_address = config.get_hostaddrs();
    if !by_address.is_empty() {
        return by_address.iter().all(std::net::IpAddr::is_loopback);
    }
    config.get_hosts().iter().all(|host| match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    })
}

fn connector(root_certificate: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = RootCertStore::empty();
    match root_certificate {
        Some(path) => {
            let cannot = |why: String| StoreError::Config(format!("sslrootcert {path}: {why}"));
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| cannot(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| cannot(error.to_string()))?;
                roots.add(certificate).map_err(|error| cannot(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(cannot("it holds no certificate".to_owned()));
            }
        }
        None => {
            let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(StoreError::Config(
                    "no trusted certificates were found on this system for the connection to PostgreSQL. \
                     Install the package ca-certificates, or name a PEM file with sslrootcert=PATH in the URL"
                        .to_owned(),
                ));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Config(format!("TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
