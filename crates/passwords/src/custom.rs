//! Hashes of other systems, in the shape of `custom_password_hash` of a user import.

use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::num::NonZeroU32;
use subtle::ConstantTimeEq as _;

use crate::UnusableHash;
use crate::argon::{ArgonHash, param};
use crate::digests::DigestName;
use crate::encodings::{PasswordEncoding, Written, base64};

/// bcrypt reads no more of a password.
const BCRYPT_BYTES: usize = 72;
/// 2^16 rounds take some four seconds; more would let one login take a core for minutes.
const MOST_BCRYPT_COST: u32 = 16;
const MOST_PBKDF2_ROUNDS: u32 = 2_000_000;
const MOST_SCRYPT_BYTES: u64 = 256 * 1024 * 1024;
const LONGEST_KEY_BYTES: usize = 1024;

/// How another system hashed a password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomHash {
    algorithm: AlgorithmName,
    hash: HashValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<SaltValue>,
    #[serde(default)]
    password: PasswordValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keylen: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<u64>,
    #[serde(default, rename = "blockSize", skip_serializing_if = "Option::is_none")]
    block_size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parallelization: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AlgorithmName {
    Argon2,
    Bcrypt,
    Hmac,
    Ldap,
    Md4,
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Pbkdf2,
    Scrypt,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashValue {
    value: String,
    #[serde(default)]
    encoding: Option<Written>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<DigestName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<KeyValue>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyValue {
    value: String,
    #[serde(default)]
    encoding: Written,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SaltValue {
    value: String,
    #[serde(default)]
    encoding: Written,
    #[serde(default)]
    position: Position,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Position {
    #[default]
    Prefix,
    Suffix,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordValue {
    #[serde(default)]
    encoding: PasswordEncoding,
}

/// A bcrypt hash that was seen to be well-formed and affordable.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bcrypt(String);

impl Bcrypt {
    pub(crate) fn parse(text: &str) -> Result<Self, UnusableHash> {
        let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
        let parts: bcrypt::HashParts = match known {
            true => text.parse().map_err(|_| malformed("the hash is not a bcrypt hash"))?,
            false => return Err(malformed("a bcrypt hash begins with $2a$, $2b$ or $2y$")),
        };
        if parts.get_cost() > MOST_BCRYPT_COST {
            return Err(UnusableHash::TooCostly);
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compat: what goes beyond 72 bytes is not compared.
    pub(crate) fn matches(&self, password: &[u8]) -> bool {
        let compared = &password[..password.len().min(BCRYPT_BYTES)];
        bcrypt::verify(compared, &self.0).unwrap_or(false)
    }
}

fn malformed(text: &str) -> UnusableHash {
    UnusableHash::Malformed(text.to_owned())
}

impl CustomHash {
    /// Reads `custom_password_hash`.
    ///
    /// # Errors
    /// [`UnusableHash`] if it cannot be verified here, with what is wrong.
    pub fn from_value(value: &Value) -> Result<Self, UnusableHash> {
        Self::parse(&value.to_string())
    }

    pub(crate) fn parse(json: &str) -> Result<Self, UnusableHash> {
        let hash: Self =
            serde_json::from_str(json).map_err(|error| UnusableHash::Malformed(error.to_string()))?;
        hash.check()?;
        Ok(hash)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text, numbers and names are always JSON")
    }

    /// As `custom_password_hash`.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("text, numbers and names are always JSON")
    }

    /// Everything that could go wrong when comparing goes wrong here instead.
    fn check(&self) -> Result<(), UnusableHash> {
        let salt_inside =
            matches!(self.algorithm, AlgorithmName::Argon2 | AlgorithmName::Pbkdf2 | AlgorithmName::Ldap);
        if salt_inside && self.salt.is_some() {
            return Err(malformed("salt is part of the hash's own text for this algorithm"));
        }
        if self.salt.is_some() && self.salt_bytes().is_none() {
            return Err(malformed("salt.value is not written in salt.encoding"));
        }
        match self.algorithm {
            AlgorithmName::Argon2 => self.text().and_then(ArgonHash::parse).map(drop),
            AlgorithmName::Bcrypt => self.text().and_then(Bcrypt::parse).map(drop),
            AlgorithmName::Pbkdf2 => self.text().and_then(Pbkdf2::parse).map(drop),
            AlgorithmName::Ldap => self.text().and_then(Ldap::parse).map(drop),
            AlgorithmName::Scrypt => self.scrypt().map(drop),
            AlgorithmName::Hmac => {
                let key = self.hash.key.as_ref().ok_or_else(|| malformed("hash.key is required"))?;
                key.encoding
                    .bytes(&key.value)
                    .ok_or_else(|| malformed("hash.key.value is not in its encoding"))?;
                let digest = self.hash.digest.ok_or_else(|| malformed("hash.digest is required"))?;
                self.bytes_of_length(digest.of(&[]).len()).map(drop)
            }
            _ => match self.digest() {
                Some(digest) => self.bytes_of_length(digest.of(&[]).len()).map(drop),
                None => Err(malformed("unknown algorithm")),
            },
        }
    }

    pub(crate) fn matches(&self, password: &str) -> bool {
        let password = self.password.encoding.bytes(password);
        let salt = self.salt_bytes().unwrap_or_default();
        let suffix = self.salt.as_ref().is_some_and(|salt| salt.position == Position::Suffix);
        let parts: [&[u8]; 2] = if suffix { [&password, &salt] } else { [&salt, &password] };
        // `check` has run: what cannot be read here cannot be stored either.
        let compare = || -> Option<bool> {
            Some(match self.algorithm {
                AlgorithmName::Argon2 => ArgonHash::parse(&self.hash.value).ok()?.matches(&password),
                AlgorithmName::Bcrypt => Bcrypt::parse(&self.hash.value).ok()?.matches(&parts.concat()),
                AlgorithmName::Pbkdf2 => Pbkdf2::parse(&self.hash.value).ok()?.matches(&password),
                AlgorithmName::Ldap => Ldap::parse(&self.hash.value).ok()?.matches(&password),
                AlgorithmName::Scrypt => {
                    let (params, expected) = self.scrypt().ok()?;
                    let mut got = vec![0; expected.len()];
                    scrypt::scrypt(&password, &salt, &params, &mut got).ok()?;
                    got.ct_eq(&expected).into()
                }
                AlgorithmName::Hmac => {
                    let key = self.hash.key.as_ref()?;
                    let key = key.encoding.bytes(&key.value)?;
                    let digest = self.hash.digest?;
                    digest.keyed(&key, &parts).ct_eq(&self.bytes().ok()?).into()
                }
                _ => self.digest()?.of(&parts).ct_eq(&self.bytes().ok()?).into(),
            })
        };
        compare().unwrap_or(false)
    }

    fn digest(&self) -> Option<DigestName> {
        Some(match self.algorithm {
            AlgorithmName::Md4 => DigestName::Md4,
            AlgorithmName::Md5 => DigestName::Md5,
            AlgorithmName::Sha1 => DigestName::Sha1,
            AlgorithmName::Sha256 => DigestName::Sha256,
            AlgorithmName::Sha512 => DigestName::Sha512,
            _ => return None,
        })
    }

    /// The hash as text, for algorithms that write it so.
    fn text(&self) -> Result<&str, UnusableHash> {
        match self.hash.encoding {
            None | Some(Written::Utf8) => Ok(&self.hash.value),
            Some(_) => Err(malformed("hash.encoding must be utf8 for this algorithm")),
        }
    }

    /// The hash as bytes, for the other algorithms.
    fn bytes(&self) -> Result<Vec<u8>, UnusableHash> {
        let encoding = self.hash.encoding.filter(|encoding| *encoding != Written::Utf8);
        let encoding = encoding.ok_or_else(|| malformed("hash.encoding must be hex or base64"))?;
        encoding.bytes(&self.hash.value).ok_or_else(|| malformed("hash.value is not written in its encoding"))
    }

    fn bytes_of_length(&self, length: usize) -> Result<Vec<u8>, UnusableHash> {
        let bytes = self.bytes()?;
        match bytes.len() == length {
            true => Ok(bytes),
            false => Err(malformed("hash.value has the wrong length for its algorithm")),
        }
    }

    fn salt_bytes(&self) -> Option<Vec<u8>> {
        let salt = self.salt.as_ref()?;
        salt.encoding.bytes(&salt.value)
    }

    fn scrypt(&self) -> Result<(scrypt::Params, Vec<u8>), UnusableHash> {
        let length = self.keylen.ok_or_else(|| malformed("keylen is required"))?;
        if length == 0 || length > LONGEST_KEY_BYTES {
            return Err(malformed("keylen is out of range"));
        }
        let (cost, block_size) = (self.cost.unwrap_or(16_384), self.block_size.unwrap_or(8));
        let parallelization = self.parallelization.unwrap_or(1);
        if !cost.is_power_of_two() || cost < 2 {
            return Err(malformed("cost must be a power of two"));
        }
        let memory = cost.saturating_mul(u64::from(block_size)).saturating_mul(128);
        if memory.saturating_mul(u64::from(parallelization)) > MOST_SCRYPT_BYTES {
            return Err(UnusableHash::TooCostly);
        }
        let log_n = u8::try_from(cost.trailing_zeros()).unwrap_or(u8::MAX);
        let params = scrypt::Params::new(log_n, block_size, parallelization)
            .map_err(|_| malformed("cost, blockSize or parallelization is out of range"))?;
        Ok((params, self.bytes_of_length(length)?))
    }
}

/// `$pbkdf2-sha512$i=100000,l=64$salt$hash`.
struct Pbkdf2 {
    digest: DigestName,
    rounds: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Pbkdf2 {
    fn parse(text: &str) -> Result<Self, UnusableHash> {
        let wrong = || malformed("the hash is not a PHC string of pbkdf2");
        let parts: Vec<&str> = text.split('$').collect();
        let (name, params, salt, hash) = match parts[..] {
            ["", name, salt, hash] => (name, "", salt, hash),
            ["", name, params, salt, hash] => (name, params, salt, hash),
            _ => return Err(wrong()),
        };
        let name = name.strip_prefix("pbkdf2-").ok_or_else(wrong)?;
        let digest = DigestName::of_openssl(name);
        let digest = digest.ok_or_else(|| UnusableHash::Unsupported(format!("pbkdf2 with {name}")))?;
        let given = |name: &str, default: u32| match params.contains(&format!("{name}=")) {
            true => param(params, name).ok_or_else(wrong),
            false => Ok(default),
        };
        let rounds = given("i", 100_000)?;
        if rounds > MOST_PBKDF2_ROUNDS {
            return Err(UnusableHash::TooCostly);
        }
        let length = usize::try_from(given("l", 64)?).unwrap_or(usize::MAX);
        let salt = STANDARD_NO_PAD.decode(salt).map_err(|_| wrong())?;
        let hash = STANDARD_NO_PAD.decode(hash).map_err(|_| wrong())?;
        if hash.len() != length || length == 0 || length > LONGEST_KEY_BYTES {
            return Err(malformed("the hash does not have the length that l names"));
        }
        Ok(Self { digest, rounds: NonZeroU32::new(rounds).ok_or_else(wrong)?, salt, hash })
    }

    fn matches(&self, password: &[u8]) -> bool {
        // These four run in half the time here.
        let fast = match self.digest {
            DigestName::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            DigestName::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            DigestName::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
            DigestName::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
            other => {
                let mut got = vec![0; self.hash.len()];
                other.derived(password, &self.salt, self.rounds.get(), &mut got);
                return got.ct_eq(&self.hash).into();
            }
        };
        pbkdf2::verify(fast, self.rounds, &self.salt, password, &self.hash).is_ok()
    }
}

/// RFC 2307: `{SSHA}` and base64 of the digest, followed by the salt in the schemes with one.
struct Ldap {
    digest: DigestName,
    hash: Vec<u8>,
    salt: Vec<u8>,
}

impl Ldap {
    fn parse(text: &str) -> Result<Self, UnusableHash> {
        let wrong = || malformed("the hash is not of the form {SCHEME}base64");
        let (scheme, encoded) =
            text.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or_else(wrong)?;
        let scheme = scheme.to_ascii_uppercase();
        let (digest, salted) = match scheme.as_str() {
            "MD5" => (DigestName::Md5, false),
            "SMD5" => (DigestName::Md5, true),
            "SHA" => (DigestName::Sha1, false),
            "SSHA" => (DigestName::Sha1, true),
            "SHA224" => (DigestName::Sha224, false),
            "SSHA224" => (DigestName::Sha224, true),
            "SHA256" => (DigestName::Sha256, false),
            "SSHA256" => (DigestName::Sha256, true),
            "SHA384" => (DigestName::Sha384, false),
            "SSHA384" => (DigestName::Sha384, true),
            "SHA512" => (DigestName::Sha512, false),
            "SSHA512" => (DigestName::Sha512, true),
            other => return Err(UnusableHash::Unsupported(format!("the LDAP scheme {other}"))),
        };
        let mut hash = base64(encoded).ok_or_else(wrong)?;
        let length = digest.of(&[]).len();
        if hash.len() < length || (hash.len() > length) != salted {
            return Err(malformed("the hash has the wrong length for its scheme"));
        }
        let salt = hash.split_off(length);
        Ok(Self { digest, hash, salt })
    }

    fn matches(&self, password: &[u8]) -> bool {
        self.digest.of(&[password, &self.salt]).ct_eq(&self.hash).into()
    }
}
