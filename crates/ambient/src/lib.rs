//! The only home of the clock and of randomness; everything else is handed them.
//!
//! A lint forbids `SystemTime::now`, `Instant::now` and random sources elsewhere, so a test can turn
//! the clock and repeat the draws.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use gatewright_core::Timestamp;

/// Tells the time. Cloning shares the same clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[expect(clippy::disallowed_methods, reason = "this is the clock's home")]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
        }))
    }

    /// A clock that runs on from the system's and can be turned forward, for tests.
    pub fn turnable() -> (Self, Turn) {
        let system = Self::system();
        let offset = Arc::new(AtomicI64::new(0));
        let turn = Turn(Arc::clone(&offset));
        let clock = Self(Arc::new(move || {
            Timestamp::from_micros(system.now().micros() + offset.load(Ordering::Relaxed))
        }));
        (clock, turn)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Turns a clock made by [`Clock::turnable`].
#[derive(Clone, Debug)]
pub struct Turn(Arc<AtomicI64>);

impl Turn {
    /// Moves the clock forward by `seconds`.
    pub fn forward_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Fills a buffer with random bytes.
type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// Draws random values. Cloning shares the same source.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl Random {
    /// The system's cryptographically secure source.
    #[expect(clippy::disallowed_methods, reason = "this is the home of randomness")]
    pub fn system() -> Self {
        let source = SystemRandom::new();
        Self(Arc::new(move |buffer| {
            source.fill(buffer).expect("the operating system's random source does not fail after start");
        }))
    }

    /// Draws that repeat for the same seed. For tests only: they are predictable.
    pub fn seeded(seed: u64) -> Self {
        let counter = AtomicU64::new(0);
        Self(Arc::new(move |buffer| {
            for chunk in buffer.chunks_mut(32) {
                let draw = counter.fetch_add(1, Ordering::Relaxed);
                let mut block = [0_u8; 16];
                block[..8].copy_from_slice(&seed.to_le_bytes());
                block[8..].copy_from_slice(&draw.to_le_bytes());
                chunk.copy_from_slice(&digest(&SHA256, &block).as_ref()[..chunk.len()]);
            }
        }))
    }

    /// Fills the buffer with random bytes.
    pub fn fill(&self, buffer: &mut [u8]) {
        (self.0)(buffer);
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// `length` lower-case hexadecimal digits.
    pub fn hex(&self, length: usize) -> String {
        self.text(length, b"0123456789abcdef")
    }

    /// `length` characters of `[A-Za-z0-9]`: 5.95 bits each.
    pub fn alphanumeric(&self, length: usize) -> String {
        self.text(length, ALPHANUMERIC)
    }

    /// `length` decimal digits, each equally likely.
    pub fn digits(&self, length: usize) -> String {
        self.text(length, b"0123456789")
    }

    /// `length` letters of which no words are made, RFC 8628 section 6.1: 4.3 bits each.
    pub fn base20(&self, length: usize) -> String {
        self.text(length, b"BCDFGHJKLMNPQRSTVWXZ")
    }

    /// Characters drawn without bias: bytes past the largest multiple of the alphabet are drawn again.
    fn text(&self, length: usize, alphabet: &[u8]) -> String {
        let limit = 256 - 256 % alphabet.len();
        let mut text = String::with_capacity(length);
        let mut buffer = [0_u8; 64];
        while text.len() < length {
            self.fill(&mut buffer);
            let usable = buffer.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < limit);
            text.extend(
                usable.map(|byte| char::from(alphabet[byte % alphabet.len()])).take(length - text.len()),
            );
        }
        text
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
