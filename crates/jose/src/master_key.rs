//! Sealing of stored secrets under the installation's master key.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use gatewright_ambient::Random;
use zeroize::Zeroizing;

use crate::{JoseError, constant_time_eq};

/// The layout of a sealed record: this byte, key id, nonce, ciphertext with its 16-byte tag.
const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
const HEADER_LEN: usize = 1 + KEY_ID_LEN;
const OVERHEAD: usize = HEADER_LEN + NONCE_LEN + 16;

/// The key all stored secrets are sealed under, with any older keys that may still open them.
///
/// Its 32 bytes are never used directly: separate keys for sealing, for [`MasterKey::mac`] and for the
/// key id are derived from them, so that none tells anything about another. Cloning shares the keys.
#[derive(Clone)]
pub struct MasterKey {
    current: Arc<Derived>,
    previous: Vec<Arc<Derived>>,
}

struct Derived {
    secret: Zeroizing<[u8; 32]>,
    id: [u8; KEY_ID_LEN],
    sealing: LessSafeKey,
    mac: hmac::Key,
}

impl Derived {
    fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        let root = Prk::new_less_safe(HKDF_SHA256, secret.as_slice());
        let derive = |purpose: &[u8]| {
            let mut bytes = Zeroizing::new([0; 32]);
            root.expand(&[purpose], HKDF_SHA256)
                .and_then(|output| output.fill(bytes.as_mut_slice()))
                .expect("HKDF-SHA256 gives 32 bytes to whoever asks for 32");
            bytes
        };
        let sealing = UnboundKey::new(&AES_256_GCM, derive(b"gatewright sealing").as_slice())
            .expect("AES-256-GCM takes any key of 32 bytes");
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&derive(b"gatewright key id")[..KEY_ID_LEN]);
        Self {
            id,
            sealing: LessSafeKey::new(sealing),
            mac: hmac::Key::new(hmac::HMAC_SHA256, derive(b"gatewright mac").as_slice()),
            secret,
        }
    }

    /// Binds the context and the record's header, so that neither can be exchanged.
    fn aad(&self, context: &str) -> Aad<Vec<u8>> {
        Aad::from([&[VERSION], self.id.as_slice(), context.as_bytes()].concat())
    }

    /// HMAC-SHA256 over the context's length, the context and the data: the length keeps
    /// ("ab", "c") and ("a", "bc") apart.
    fn mac(&self, context: &str, data: &[u8]) -> [u8; 32] {
        let mut signing = hmac::Context::with_key(&self.mac);
        signing.update(&(context.len() as u64).to_be_bytes());
        signing.update(context.as_bytes());
        signing.update(data);
        let mut tag = [0; 32];
        tag.copy_from_slice(signing.sign().as_ref());
        tag
    }
}

impl MasterKey {
    /// Reads a key from base64 of 32 bytes, in the standard or the URL-safe alphabet, with or without
    /// padding; white space around it is ignored.
    pub fn from_base64(text: &str) -> Result<Self, JoseError> {
        let text = text.trim();
        let bytes = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
            .iter()
            .find_map(|alphabet| alphabet.decode(text).ok())
            .map(Zeroizing::new)
            .ok_or(JoseError::InvalidMasterKey)?;
        let mut secret = Zeroizing::new([0; 32]);
        if bytes.len() != secret.len() {
            return Err(JoseError::InvalidMasterKey);
        }
        secret.copy_from_slice(&bytes);
        Ok(Self::from_secret(secret))
    }

    /// Draws a new key.
    pub fn generate(random: &Random) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        random.fill(secret.as_mut_slice());
        Self::from_secret(secret)
    }

    fn from_secret(secret: Zeroizing<[u8; 32]>) -> Self {
        Self { current: Arc::new(Derived::new(secret)), previous: Vec::new() }
    }

    /// Adds older keys, which open what was sealed under them but seal nothing any more.
    #[must_use]
    pub fn with_previous(mut self, older: impl IntoIterator<Item = Self>) -> Self {
        for key in older {
            self.previous.push(key.current);
            self.previous.extend(key.previous);
        }
        self
    }

    /// The current key in standard base64, as [`MasterKey::from_base64`] reads it. Secret.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.current.secret.as_slice()))
    }

    /// Seals a secret with AES-256-GCM under the current key. The context says where the record belongs,
    /// such as `localhost/clients/abc/client_secret`; the record opens only for the same context, so a
    /// record copied into another row is of no use. It is 33 bytes longer than the plaintext.
    pub fn seal(&self, random: &Random, context: &str, plaintext: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random.bytes();
        // One buffer of the final size: growing it would leave copies of the plaintext behind.
        let mut record = Vec::with_capacity(plaintext.len() + OVERHEAD);
        record.push(VERSION);
        record.extend_from_slice(&self.current.id);
        record.extend_from_slice(&nonce);
        record.extend_from_slice(plaintext);
        let tag = self
            .current
            .sealing
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                self.current.aad(context),
                &mut record[HEADER_LEN + NONCE_LEN..],
            )
            .expect("AES-256-GCM seals anything shorter than 64 GiB");
        record.extend_from_slice(tag.as_ref());
        record
    }

    /// Opens a record sealed for the same context under the current key or a previous one.
    ///
    /// Errors: `NotSealed`, `SealedUnderAnotherMasterKey`, or `SealBroken` if the record was altered or
    /// sealed for another context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, JoseError> {
        let key = self.key_of(sealed)?;
        let (nonce, ciphertext) = sealed[HEADER_LEN..].split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| JoseError::NotSealed)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        let length = key
            .sealing
            .open_in_place(nonce, key.aad(context), &mut plaintext)
            .map_err(|_| JoseError::SealBroken)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// Whether a record is sealed under a previous key and should be sealed again under the current one.
    pub fn needs_resealing(&self, sealed: &[u8]) -> Result<bool, JoseError> {
        Ok(self.key_of(sealed)?.id != self.current.id)
    }

    /// HMAC-SHA256 under the current key, for values too short to be hashed plainly, such as one-time
    /// codes: without the key a copy of the database does not allow them to be guessed.
    pub fn mac(&self, context: &str, data: &[u8]) -> [u8; 32] {
        self.current.mac(context, data)
    }

    /// Whether `tag` is [`MasterKey::mac`] of the data under the current key or a previous one, compared
    /// in constant time.
    pub fn mac_matches(&self, context: &str, data: &[u8], tag: &[u8]) -> bool {
        self.keys().any(|key| constant_time_eq(&key.mac(context, data), tag))
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<Derived>> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    fn key_of(&self, sealed: &[u8]) -> Result<&Derived, JoseError> {
        if sealed.len() < OVERHEAD || sealed[0] != VERSION {
            return Err(JoseError::NotSealed);
        }
        let id = &sealed[1..HEADER_LEN];
        let key = self.keys().find(|key| key.id == id).ok_or(JoseError::SealedUnderAnotherMasterKey)?;
        Ok(key)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

#[cfg(test)]
mod tests;
