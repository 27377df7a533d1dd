//! The pool: so many hashes at once, off the reactor, and the same work whether an account exists or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use gatewright_ambient::Random;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::argon::{ArgonHash, Cost};
use crate::stored::StoredHash;

/// No password is longer; a form with more is refused before it costs anything.
pub const LONGEST_PASSWORD_BYTES: usize = 1024;

/// Hashes that may wait for their turn, for each that runs; beyond that the server says it is busy.
const WAITING_PER_RUNNING: usize = 200;

/// Shows nothing of what it holds.
impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

/// Why a hash could not be computed; neither is the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many are waiting already.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The thread ended without an answer.
    #[error("the hashing thread failed")]
    Failed,
}

/// What came of comparing.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The password is right. With a hash to store instead of the old one, where that is weaker.
    Right(Option<StoredHash>),
    /// It is wrong, or there is no account.
    Wrong,
}

/// Computes and compares hashes, as many at once as it was told. Cloning shares the pool.
#[derive(Clone)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    cost: Cost,
    random: Random,
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    computed: AtomicU64,
    /// What unknown accounts are compared with.
    dummy: StoredHash,
}

impl Hasher {
    /// A pool in which `at_once` hashes of this cost run.
    pub fn new(cost: Cost, at_once: usize, random: Random) -> Self {
        let at_once = at_once.max(1);
        let dummy = StoredHash::new(ArgonHash::new(&random.bytes::<32>(), cost, &random));
        Self(Arc::new(Inner {
            cost,
            random,
            running: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            most_waiting: at_once * WAITING_PER_RUNNING,
            computed: AtomicU64::new(0),
            dummy,
        }))
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, password: &str) -> Result<StoredHash, HashError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |inner| inner.new_hash(&password)).await
    }

    /// Compares a password with the hash of an account, or with a hash that nothing matches where there
    /// is no account: both cost one hash of ours. A hash of another system costs its own work and one of
    /// ours, which replaces it if the password is right.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(&self, stored: Option<StoredHash>, password: &str) -> Result<Verdict, HashError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(move |inner| {
            let Some(stored) = stored else {
                inner.count();
                let _same_work = inner.dummy.matches(&password);
                return Verdict::Wrong;
            };
            let right = stored.matches(&password);
            if !stored.is_imported() {
                inner.count();
            }
            let instead = stored.needs_rehash(inner.cost).then(|| inner.new_hash(&password));
            if right { Verdict::Right(instead) } else { Verdict::Wrong }
        })
        .await
    }

    /// Whether the password matches any of these earlier ones.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn matches_any(&self, earlier: Vec<StoredHash>, password: &str) -> Result<bool, HashError> {
        if earlier.is_empty() {
            return Ok(false);
        }
        let password = Zeroizing::new(password.to_owned());
        self.run(move |_| earlier.iter().any(|stored| stored.matches(&password))).await
    }

    /// How many hashes of ours were computed since the start. Tests compare it to see that unknown
    /// accounts cost the same.
    pub fn computed(&self) -> u64 {
        self.0.computed.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let place = Place::take(&self.0)?;
        let permit = Arc::clone(&self.0.running).acquire_owned().await.map_err(|_| HashError::Failed)?;
        drop(place);
        let inner = Arc::clone(&self.0);
        // The permit goes along: a caller who hangs up does not make room while the work still runs.
        let task = tokio::task::spawn_blocking(move || {
            let done = work(&inner);
            drop(permit);
            done
        });
        task.await.map_err(|_| HashError::Failed)
    }
}

impl Inner {
    fn count(&self) {
        self.computed.fetch_add(1, Ordering::Relaxed);
    }

    fn new_hash(&self, password: &str) -> StoredHash {
        self.count();
        StoredHash::new(ArgonHash::new(password.as_bytes(), self.cost, &self.random))
    }
}

/// A place in the queue, given back however the wait ends.
struct Place<'a>(&'a Inner);

impl<'a> Place<'a> {
    fn take(inner: &'a Inner) -> Result<Self, HashError> {
        let place = Self(inner);
        let before = inner.waiting.fetch_add(1, Ordering::Relaxed);
        if before >= inner.most_waiting { Err(HashError::Busy) } else { Ok(place) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
