//! Signing off the reactor.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Semaphore;

use crate::{JoseError, SigningKey};

/// Signs tokens on blocking threads, a bounded number at a time, so that a burst of logins does not stall
/// the connections served by the same worker. Cloning shares the pool.
///
/// Threads of its own, fed through a channel, were measured against the runtime's blocking threads behind
/// a semaphore. Per CPU second both gave 0.88 to 0.98 of the bare signatures and changed places between
/// runs, so the simpler form stands: it idles without threads and needs no shutdown.
#[derive(Clone)]
pub struct SignPool {
    slots: Arc<Semaphore>,
}

impl SignPool {
    /// A pool signing on at most `threads` threads at once (at least one): the number of cores, since
    /// signing is nothing but CPU.
    pub fn new(threads: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(threads.max(1))) }
    }

    /// Signs as [`SigningKey::sign`] does, waiting in line for a thread; first come, first served. Must be
    /// called inside a tokio runtime. Dropping the future while it waits costs nothing.
    pub async fn sign(
        &self,
        key: Arc<SigningKey>,
        typ: &'static str,
        claims: Value,
    ) -> Result<String, JoseError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| JoseError::Interrupted)?;
        let signing = tokio::task::spawn_blocking(move || {
            // Held by the work, not by the caller: a cancelled request must not free a slot still in use.
            let _slot = slot;
            key.sign(typ, &claims)
        });
        signing.await.map_err(|_| JoseError::Interrupted)?
    }
}

impl fmt::Debug for SignPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignPool").field("free", &self.slots.available_permits()).finish()
    }
}
