//! When the timers of scripts are due. What they call is known in JavaScript.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

/// Timers by their numbers.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// Each timer's latest arming: an earlier one in `due` no longer counts.
    armed: BTreeMap<u32, u64>,
    due: BinaryHeap<Reverse<(Duration, u64, u32)>>,
    armings: u64,
}

impl Timers {
    /// Sets a timer, again if it is set already. Those due at the same moment fire in the order of arming.
    pub(super) fn arm(&mut self, timer: u32, at: Duration) {
        self.armings += 1;
        self.armed.insert(timer, self.armings);
        self.due.push(Reverse((at, self.armings, timer)));
    }

    /// Takes a timer back.
    pub(super) fn disarm(&mut self, timer: u32) {
        self.armed.remove(&timer);
    }

    /// When the next timer is due.
    pub(super) fn next(&mut self) -> Option<Duration> {
        while let Some(Reverse((at, arming, timer))) = self.due.peek() {
            if self.armed.get(timer) == Some(arming) {
                return Some(*at);
            }
            self.due.pop();
        }
        None
    }

    /// Takes the next timer that is due.
    pub(super) fn take(&mut self, now: Duration) -> Option<u32> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, _, timer)) = self.due.pop()?;
        self.armed.remove(&timer);
        Some(timer)
    }

    /// Forgets all of them: their script has ended.
    pub(super) fn clear(&mut self) {
        self.armed.clear();
        self.due.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_order_once_and_not_when_taken_back() {
        let ms = Duration::from_millis;
        let mut timers = Timers::default();
        timers.arm(1, ms(20));
        timers.arm(2, ms(10));
        timers.arm(3, ms(10));
        timers.arm(4, ms(5));
        timers.disarm(4);
        timers.arm(2, ms(15));
        assert_eq!(timers.next(), Some(ms(10)));
        assert_eq!(timers.take(ms(9)), None);
        assert_eq!(timers.take(ms(30)), Some(3));
        assert_eq!(timers.take(ms(30)), Some(2));
        assert_eq!(timers.take(ms(30)), Some(1));
        assert_eq!(timers.take(ms(30)), None);
        timers.arm(1, ms(1));
        timers.clear();
        assert_eq!(timers.next(), None);
    }
}
