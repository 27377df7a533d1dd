//! How long a session lives: from its beginning, and from its last use.
//!
//! What the limits were when it began is stored with it. Raising a limit changes later sessions only;
//! lowering it counts from the next time the session is used.

use crate::time::Timestamp;

/// What the tenant's settings say now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Life from the login, in seconds.
    pub absolute_seconds: i64,
    /// Life from the last use, in seconds.
    pub idle_seconds: i64,
}

/// What is stored with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_active_at: Timestamp,
    /// When it ends however active it is.
    pub expires_at: Timestamp,
    /// When it ends if nothing happens.
    pub idle_expires_at: Timestamp,
}

impl SessionLimits {
    /// The times of a session that begins now.
    pub fn begin(&self, now: Timestamp) -> SessionTimes {
        let expires_at = now.plus_seconds(self.absolute_seconds);
        SessionTimes {
            created_at: now,
            last_active_at: now,
            expires_at,
            idle_expires_at: now.plus_seconds(self.idle_seconds).min(expires_at),
        }
    }

    /// The times of a session that is used now, or `None` if it is over.
    pub fn used(&self, times: SessionTimes, now: Timestamp) -> Option<SessionTimes> {
        let expires_at = times.expires_at.min(times.created_at.plus_seconds(self.absolute_seconds));
        let idle = times.idle_expires_at.min(times.last_active_at.plus_seconds(self.idle_seconds));
        if expires_at <= now || idle <= now {
            return None;
        }
        let idle_expires_at = now.plus_seconds(self.idle_seconds).min(expires_at);
        Some(SessionTimes { last_active_at: now, expires_at, idle_expires_at, ..times })
    }
}

#[cfg(test)]
mod tests {
    use super::SessionLimits;
    use crate::time::Timestamp;

    const HOUR: i64 = 3_600;

    /// A use at this hour under limits of these hours, absolute and idle.
    type Used = (i64, i64, i64);

    /// At which hours it ends, absolutely and idle.
    type Ends = Option<(i64, i64)>;

    /// Begins a session of 10 hours, idle 3, and uses it so; when it ends then.
    fn ends(uses: &[Used]) -> Ends {
        let at = |hour: i64| Timestamp::from_seconds(hour * HOUR);
        let limits = |absolute: i64, idle: i64| SessionLimits {
            absolute_seconds: absolute * HOUR,
            idle_seconds: idle * HOUR,
        };
        let mut times = limits(10, 3).begin(at(0));
        for (hour, absolute, idle) in uses {
            times = limits(*absolute, *idle).used(times, at(*hour))?;
        }
        Some((times.expires_at.seconds() / HOUR, times.idle_expires_at.seconds() / HOUR))
    }

    #[test]
    fn limits_count_from_the_beginning_and_from_the_last_use() {
        let cases: &[(&[Used], Ends)] = &[
            (&[], Some((10, 3))),
            (&[(2, 10, 3)], Some((10, 5))),
            (&[(3, 10, 3)], None),
            (&[(2, 10, 3), (4, 10, 3), (6, 10, 3), (8, 10, 3)], Some((10, 10))),
            (&[(2, 10, 3), (4, 10, 3), (6, 10, 3), (8, 10, 3), (10, 10, 3)], None),
            // Raised: the end stays, the pauses may be longer from now on.
            (&[(2, 99, 5)], Some((10, 7))),
            (&[(4, 99, 5)], None),
            // Lowered: counts at the next use.
            (&[(2, 5, 3)], Some((5, 5))),
            (&[(2, 2, 3)], None),
            (&[(2, 10, 1)], None),
            (&[(1, 10, 2)], Some((10, 3))),
        ];
        for (uses, expect) in cases {
            assert_eq!(ends(uses), *expect, "{uses:?}");
        }
    }
}
