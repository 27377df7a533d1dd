//! Digests by their wire names. Most are broken; they are here so that people can log in once more,
//! after which their hash is replaced.

use hmac::digest::Digest;
use hmac::{KeyInit as _, Mac as _, SimpleHmac};
use serde::{Deserialize, Serialize};

/// A digest of an imported hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DigestName {
    /// RFC 1320.
    Md4,
    /// RFC 1321.
    Md5,
    /// RIPEMD-160.
    Ripemd160,
    /// FIPS 180-4.
    Sha1,
    /// FIPS 180-4.
    Sha224,
    /// FIPS 180-4.
    Sha256,
    /// FIPS 180-4.
    Sha384,
    /// FIPS 180-4.
    Sha512,
    /// ISO/IEC 10118-3.
    Whirlpool,
}

/// Runs `$with` with `$D` as the type of the digest.
macro_rules! by_name {
    ($name:expr, $with:ident, $($argument:expr),+) => {
        match $name {
            DigestName::Md4 => $with::<md4::Md4>($($argument),+),
            DigestName::Md5 => $with::<md5::Md5>($($argument),+),
            DigestName::Ripemd160 => $with::<ripemd::Ripemd160>($($argument),+),
            DigestName::Sha1 => $with::<sha1::Sha1>($($argument),+),
            DigestName::Sha224 => $with::<sha2::Sha224>($($argument),+),
            DigestName::Sha256 => $with::<sha2::Sha256>($($argument),+),
            DigestName::Sha384 => $with::<sha2::Sha384>($($argument),+),
            DigestName::Sha512 => $with::<sha2::Sha512>($($argument),+),
            DigestName::Whirlpool => $with::<whirlpool::Whirlpool>($($argument),+),
        }
    };
}

impl DigestName {
    /// The digest of the parts, one after another.
    pub(crate) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        by_name!(self, plain, parts)
    }

    /// The digest of a name that OpenSSL has for it, such as `RSA-SHA256` or `sha256WithRSAEncryption`.
    pub(crate) fn of_openssl(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("rsa-").or(name.strip_prefix("ssl3-")).unwrap_or(&name);
        let name = name.strip_suffix("withrsaencryption").or(name.strip_suffix("withrsa")).unwrap_or(name);
        Some(match name {
            "md4" => Self::Md4,
            "md5" => Self::Md5,
            "ripemd" | "ripemd160" | "rmd160" => Self::Ripemd160,
            "sha1" | "sha1-2" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            "whirlpool" => Self::Whirlpool,
            _ => return None,
        })
    }

    /// PBKDF2, RFC 8018 section 5.2.
    pub(crate) fn derived(self, password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
        by_name!(self, derive, password, salt, rounds, key);
    }

    /// HMAC, RFC 2104.
    pub(crate) fn keyed(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        by_name!(self, keyed, key, parts)
    }
}

fn plain<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut digest = D::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().to_vec()
}

fn derive<D>(password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8])
where
    D: Digest + hmac::digest::block_api::BlockSizeUser + Clone + Sync,
{
    // It fails for an empty key only, and then nothing was to be written.
    let _ = pbkdf2::pbkdf2::<SimpleHmac<D>>(password, salt, rounds, key);
}

fn keyed<D: Digest + hmac::digest::block_api::BlockSizeUser>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = SimpleHmac::<D>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}
