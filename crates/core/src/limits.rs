//! Rate limits: a token bucket kept as one number, the generic cell rate algorithm (GCRA).
//!
//! What is stored for a key is its *theoretical arrival time* (TAT): the moment at which its bucket
//! will be full again. A request moves it on by one interval; it is refused if that would put it
//! further ahead than the bucket is deep. One number means that a store can decide in one guarded
//! statement:
//!
//! ```sql
//! INSERT INTO … (tat) VALUES ($now + $interval)
//! ON CONFLICT (…) DO UPDATE SET tat = CASE WHEN tat > $now THEN tat ELSE $now END + $interval
//! WHERE tat <= $now + $depth - $interval
//! RETURNING tat
//! ```
//!
//! No row back means refused. [`RateLimit::take`] is the same decision in Rust, and
//! [`RateLimit::allowed_at`] and [`RateLimit::refused_at`] make the answer out of what the statement
//! returned.

use crate::time::Timestamp;

/// How many requests a key may make: `burst` at once, and one more after each interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    burst: u32,
    interval_micros: i64,
}

/// The answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether the request may go on.
    pub allowed: bool,
    /// The TAT after this request: to be stored if allowed, unchanged if not.
    pub tat: Timestamp,
    /// The bucket's size.
    pub limit: u32,
    /// Requests that could follow at once.
    pub remaining: u32,
    /// Whole seconds until the next request can be allowed, rounded up; 0 while some remain.
    pub retry_after_seconds: i64,
}

impl RateLimit {
    /// `burst` requests at once (at least 1), refilled at `per_window` requests every
    /// `window_seconds`: 50 an hour is `RateLimit::new(50, 50, 3600)`.
    pub const fn new(burst: u32, per_window: u32, window_seconds: u32) -> Self {
        let burst = if burst == 0 { 1 } else { burst };
        let per_window = if per_window == 0 { 1 } else { per_window };
        // Widening; `From` is not callable in a const fn.
        let interval_micros = window_seconds as i64 * 1_000_000 / per_window as i64;
        Self { burst, interval_micros: if interval_micros == 0 { 1 } else { interval_micros } }
    }

    /// `burst` requests at once (at least 1), refilled one by one after as many microseconds (at least 1).
    pub const fn each(burst: u32, interval_micros: i64) -> Self {
        Self {
            burst: if burst == 0 { 1 } else { burst },
            interval_micros: if interval_micros < 1 { 1 } else { interval_micros },
        }
    }

    /// Microseconds in which one request is refilled: `$interval` of the statement.
    pub const fn interval_micros(self) -> i64 {
        self.interval_micros
    }

    /// Microseconds in which an empty bucket fills: `$depth` of the statement.
    pub const fn depth_micros(self) -> i64 {
        self.interval_micros.saturating_mul(self.burst as i64)
    }

    /// Decides one request; `tat` is what is stored for the key, absent for a new one.
    #[must_use]
    pub fn take(self, tat: Option<Timestamp>, now: Timestamp) -> RateDecision {
        let stored = tat.unwrap_or(now);
        let next = stored.max(now).micros().saturating_add(self.interval_micros);
        if next.saturating_sub(now.micros()) <= self.depth_micros() {
            self.allowed_at(Timestamp::from_micros(next), now)
        } else {
            self.refused_at(stored, now)
        }
    }

    /// The answer to a request that was allowed; `tat` is the value stored with it.
    #[must_use]
    pub fn allowed_at(self, tat: Timestamp, now: Timestamp) -> RateDecision {
        self.answer(true, tat, now)
    }

    /// The answer to a request that was refused; `tat` is the value it found.
    #[must_use]
    pub fn refused_at(self, tat: Timestamp, now: Timestamp) -> RateDecision {
        self.answer(false, tat, now)
    }

    fn answer(self, allowed: bool, tat: Timestamp, now: Timestamp) -> RateDecision {
        let ahead = tat.micros().saturating_sub(now.micros()).max(0);
        let room = self.depth_micros().saturating_sub(ahead);
        let remaining = u32::try_from(room.max(0) / self.interval_micros).unwrap_or(self.burst);
        let wait = self.interval_micros.saturating_sub(room).max(0);
        RateDecision {
            allowed,
            tat,
            limit: self.burst,
            remaining: remaining.min(self.burst),
            retry_after_seconds: ceil_seconds(wait),
        }
    }
}

impl RateDecision {
    /// Unix seconds at which the bucket will be full again, rounded up.
    pub fn reset_seconds(&self) -> i64 {
        ceil_seconds(self.tat.micros())
    }

    /// `x-ratelimit-limit`, `-remaining` and `-reset`, as sent with every answer under a limit.
    pub fn headers(&self) -> [(&'static str, i64); 3] {
        [
            ("x-ratelimit-limit", i64::from(self.limit)),
            ("x-ratelimit-remaining", i64::from(self.remaining)),
            ("x-ratelimit-reset", self.reset_seconds()),
        ]
    }
}

fn ceil_seconds(micros: i64) -> i64 {
    micros.saturating_add(999_999).div_euclid(1_000_000)
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
