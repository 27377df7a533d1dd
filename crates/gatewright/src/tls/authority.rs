//! The local certificate authority of one data folder.
//!
//! Its name constraints (RFC 5280 section 4.2.1.10) let it speak for localhost only, so a key that leaks
//! from a laptop cannot sign for the web even where the authority is trusted.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
    PublicKeyData, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::TlsError;

const AUTHORITY_DAYS: i64 = 3650;
/// Browsers refuse longer lives even below an authority that a user has trusted.
pub(super) const LEAF_DAYS: i64 = 90;

/// A certificate authority that can sign for localhost names.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_file: PathBuf,
}

impl Authority {
    /// Reads the authority in `folder/ca`, or makes it there on first use.
    ///
    /// # Errors
    /// The folder cannot be written, or its files are not an authority.
    pub fn load_or_create(folder: &Path, random: &Random, now: Timestamp) -> Result<Self, TlsError> {
        let home = folder.join("ca");
        if !home.join("certificate.pem").exists() {
            create(folder, &home, random, now)?;
        }
        Self::load(folder)
    }

    /// Reads the authority in `folder/ca`.
    ///
    /// # Errors
    /// There is none, or its files are not an authority.
    pub fn load(folder: &Path) -> Result<Self, TlsError> {
        let certificate_file = Self::certificate_file_in(folder);
        let key_file = folder.join("ca").join("key.pem");
        let content = |path: &Path| {
            std::fs::read_to_string(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
        };
        let broken = |path: &Path, error: rcgen::Error| TlsError::Content {
            path: path.to_owned(),
            reason: format!("{error}; delete the folder it is in and a new authority is made"),
        };
        let key = KeyPair::from_pem(&content(&key_file)?).map_err(|error| broken(&key_file, error))?;
        let issuer = Issuer::from_ca_cert_pem(&content(&certificate_file)?, key)
            .map_err(|error| broken(&certificate_file, error))?;
        Ok(Self { issuer, certificate_file })
    }

    /// Where the certificate of a data folder's authority is, made or not.
    pub fn certificate_file_in(folder: &Path) -> PathBuf {
        folder.join("ca").join("certificate.pem")
    }

    /// The PEM file to trust.
    pub fn certificate_file(&self) -> &Path {
        &self.certificate_file
    }

    /// Signs a certificate for `name` (and always `localhost` and the loopback addresses).
    pub(super) fn sign(
        &self,
        name: &str,
        public_key: &impl PublicKeyData,
        random: &Random,
        now: Timestamp,
    ) -> Result<CertificateDer<'static>, TlsError> {
        let mut names = vec![name.to_owned()];
        names.extend(["localhost", "127.0.0.1", "::1"].iter().map(|&own| own.to_owned()));
        names.dedup();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = common_name(name);
        params.serial_number = Some(serial(random));
        (params.not_before, params.not_after) = validity(now, LEAF_DAYS);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params.signed_by(public_key, &self.issuer)?.der().clone())
    }
}

/// Makes key and certificate aside and moves them into place at once: of two processes that start
/// together, one wins and both use the same authority.
fn create(folder: &Path, home: &Path, random: &Random, now: Timestamp) -> Result<(), TlsError> {
    let aside = folder.join(format!("ca.{}", random.hex(12)));
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { path, source }
    };
    std::fs::create_dir_all(&aside).map_err(at(&aside))?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = authority_params(random, now)?.self_signed(&key)?;
    let key_file = aside.join("key.pem");
    write_private(&key_file, key.serialize_pem().as_bytes()).map_err(at(&key_file))?;
    let certificate_file = aside.join("certificate.pem");
    std::fs::write(&certificate_file, certificate.pem()).map_err(at(&certificate_file))?;
    if let Err(source) = std::fs::rename(&aside, home) {
        let _ = std::fs::remove_dir_all(&aside);
        if !home.join("certificate.pem").exists() {
            return Err(TlsError::File { path: home.to_owned(), source });
        }
    }
    Ok(())
}

fn authority_params(random: &Random, now: Timestamp) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    // Authorities of several data folders may be trusted side by side; the name tells them apart.
    params.distinguished_name = common_name(&format!("Gatewright development CA {}", random.hex(6)));
    params.serial_number = Some(serial(random));
    (params.not_before, params.not_after) = validity(now, AUTHORITY_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(IpAddr::V4(Ipv4Addr::LOCALHOST), 32)),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(IpAddr::V6(Ipv6Addr::LOCALHOST), 128)),
        ],
        excluded_subtrees: Vec::new(),
    });
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    distinguished_name
}

/// Random, because browsers refuse two certificates of one issuer with the same serial number.
fn serial(random: &Random) -> SerialNumber {
    let mut bytes: [u8; 16] = random.bytes();
    // Positive and of full length, as RFC 5280 section 4.1.2.2 wants.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&bytes)
}

/// From a day ago, for clocks that are behind.
fn validity(now: Timestamp, days: i64) -> (OffsetDateTime, OffsetDateTime) {
    let at =
        |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    (at(now.seconds() - 86_400), at(now.seconds() + days * 86_400))
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
