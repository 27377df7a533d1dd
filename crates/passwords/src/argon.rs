//! Argon2 (RFC 9106) and the PHC string that holds a hash with its parameters.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gatewright_ambient::Random;
use subtle::ConstantTimeEq as _;

use crate::UnusableHash;

/// What one hash costs. More is slower for everyone, for those who guess most of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
}

impl Default for Cost {
    /// 19 MiB and two passes, one lane: the first choice of the OWASP password storage cheat sheet.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

impl Cost {
    /// The least that argon2 allows; for tests.
    pub const LEAST: Self = Self { memory_kib: 8, passes: 1 };
}

/// More than this, and one login could take the whole machine.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 20;
const MOST_LANES: u32 = 16;
const OUTPUT_BYTES: usize = 32;

/// A hash with everything needed to compute it again.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ArgonHash {
    algorithm: Algorithm,
    version: Version,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl ArgonHash {
    /// A new hash with a salt of its own.
    pub(crate) fn new(password: &[u8], cost: Cost, random: &Random) -> Self {
        let mut new = Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            memory_kib: cost.memory_kib.clamp(8, MOST_MEMORY_KIB),
            passes: cost.passes.clamp(1, MOST_PASSES),
            lanes: 1,
            salt: random.bytes::<16>().to_vec(),
            hash: vec![0; OUTPUT_BYTES],
        };
        new.hash = new.compute(password);
        new
    }

    /// Reads `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`.
    pub(crate) fn parse(text: &str) -> Result<Self, UnusableHash> {
        let malformed = || UnusableHash::Malformed("the hash is not a PHC string of argon2".to_owned());
        let mut parts = text.strip_prefix('$').ok_or_else(malformed)?.split('$').peekable();
        let algorithm = match parts.next() {
            Some("argon2id") => Algorithm::Argon2id,
            Some("argon2i") => Algorithm::Argon2i,
            Some("argon2d") => Algorithm::Argon2d,
            _ => return Err(malformed()),
        };
        let version = match parts.next_if(|part| part.starts_with("v=")) {
            Some("v=19") => Version::V0x13,
            None | Some("v=16") => Version::V0x10,
            Some(_) => return Err(malformed()),
        };
        let params = parts.next().ok_or_else(malformed)?;
        let number = |name: &str| param(params, name).ok_or_else(malformed);
        let (memory_kib, passes, lanes) = (number("m")?, number("t")?, number("p")?);
        let mut bytes = || STANDARD_NO_PAD.decode(parts.next().unwrap_or("!")).map_err(|_| malformed());
        let (salt, hash) = (bytes()?, bytes()?);
        if parts.next().is_some() || salt.len() < 8 || hash.len() < 4 || hash.len() > 512 {
            return Err(malformed());
        }
        if memory_kib > MOST_MEMORY_KIB || passes > MOST_PASSES || lanes > MOST_LANES {
            return Err(UnusableHash::TooCostly);
        }
        let read = Self { algorithm, version, memory_kib, passes, lanes, salt, hash };
        match read.params() {
            Ok(_) => Ok(read),
            Err(_) => Err(malformed()),
        }
    }

    pub(crate) fn matches(&self, password: &[u8]) -> bool {
        self.compute(password).ct_eq(&self.hash).into()
    }

    /// Whether a new hash would be made otherwise.
    pub(crate) fn differs_from(&self, cost: Cost) -> bool {
        self.algorithm != Algorithm::Argon2id
            || self.version != Version::V0x13
            || (self.memory_kib, self.passes, self.lanes) != (cost.memory_kib, cost.passes, 1)
            || self.hash.len() != OUTPUT_BYTES
    }

    fn params(&self) -> argon2::Result<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(self.hash.len()))
    }

    fn compute(&self, password: &[u8]) -> Vec<u8> {
        let params = self.params().expect("parse and new keep the parameters within argon2's limits");
        let mut output = vec![0; self.hash.len()];
        Argon2::new(self.algorithm, self.version, params)
            .hash_password_into(password, &self.salt, &mut output)
            .expect("lengths are within argon2's limits");
        output
    }
}

/// The PHC string.
impl fmt::Display for ArgonHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.algorithm {
            Algorithm::Argon2d => "argon2d",
            Algorithm::Argon2i => "argon2i",
            Algorithm::Argon2id => "argon2id",
        };
        write!(
            f,
            "${name}$v={}$m={},t={},p={}${}${}",
            self.version as u32,
            self.memory_kib,
            self.passes,
            self.lanes,
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.hash)
        )
    }
}

/// A number among `a=1,b=2`.
pub(crate) fn param(params: &str, name: &str) -> Option<u32> {
    let value = params.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    value.parse().ok()
}
