//! Who may run now. Each tenant has at most half of the seats, and those who wait take turns by tenant, so
//! scripts that hang hold up their own tenant and nobody else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Flows of one tenant that may wait.
const LONGEST_QUEUE: usize = 256;

/// The seats of a pool.
#[derive(Clone, Debug)]
pub(super) struct Seats(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    share: usize,
    tenants: HashMap<String, Tenant>,
    /// Tenants of which somebody waits, in the order of their turns.
    turns: VecDeque<String>,
}

#[derive(Debug, Default)]
struct Tenant {
    seated: usize,
    waiting: VecDeque<oneshot::Sender<Seat>>,
}

/// A seat, free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    tenant: String,
}

/// Too many of the tenant wait already.
#[derive(Debug)]
pub(super) struct Full;

impl Seats {
    pub(super) fn new(seats: usize) -> Self {
        let share = (seats / 2).max(1);
        Self(Arc::new(Mutex::new(State {
            free: seats,
            share,
            tenants: HashMap::new(),
            turns: VecDeque::new(),
        })))
    }

    /// A seat for the tenant, waited for.
    pub(super) async fn take(&self, tenant: &str) -> Result<Seat, Full> {
        let waits = {
            let mut state = self.lock();
            let State { free, share, tenants, turns } = &mut *state;
            let known = tenants.entry(tenant.to_owned()).or_default();
            if *free > 0 && known.seated < *share && known.waiting.is_empty() {
                *free -= 1;
                known.seated += 1;
                return Ok(self.seat(tenant));
            }
            if known.waiting.len() >= LONGEST_QUEUE {
                return Err(Full);
            }
            if known.waiting.is_empty() {
                turns.push_back(tenant.to_owned());
            }
            let (sender, receiver) = oneshot::channel();
            known.waiting.push_back(sender);
            receiver
        };
        waits.await.map_err(|_| Full)
    }

    fn seat(&self, tenant: &str) -> Seat {
        Seat { seats: self.clone(), tenant: tenant.to_owned() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees a seat and gives it to whoever's turn it is.
    fn free(&self, tenant: &str) {
        {
            let mut state = self.lock();
            state.free += 1;
            if let Some(known) = state.tenants.get_mut(tenant) {
                known.seated -= 1;
                if known.seated == 0 && known.waiting.is_empty() {
                    state.tenants.remove(tenant);
                }
            }
        }
        while let Some((next, seat)) = self.next() {
            // Whoever waited may be gone; then the seat comes back here when it is dropped.
            if next.send(seat).is_ok() {
                break;
            }
        }
    }

    fn next(&self) -> Option<(oneshot::Sender<Seat>, Seat)> {
        let mut state = self.lock();
        if state.free == 0 {
            return None;
        }
        let share = state.share;
        let State { tenants, turns, free, .. } = &mut *state;
        let at =
            turns.iter().position(|name| tenants.get(name).is_some_and(|tenant| tenant.seated < share))?;
        let name = turns.remove(at)?;
        let tenant = tenants.get_mut(&name)?;
        let next = tenant.waiting.pop_front()?;
        if !tenant.waiting.is_empty() {
            turns.push_back(name.clone());
        }
        tenant.seated += 1;
        *free -= 1;
        Some((next, self.seat(&name)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.free(&self.tenant);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_tenant_has_half_and_those_who_wait_take_turns() {
        let seats = Seats::new(4);
        let mut held = vec![seats.take("a").await.unwrap(), seats.take("a").await.unwrap()];
        let mut third = Box::pin(seats.take("a"));
        assert!((&mut third).now_or_never().is_none());
        let mut fourth = Box::pin(seats.take("a"));
        assert!((&mut fourth).now_or_never().is_none());
        let others = (seats.take("b").await.unwrap(), seats.take("c").await.unwrap());
        let mut waits = Box::pin(seats.take("d"));
        assert!((&mut waits).now_or_never().is_none());
        // A seat of another tenant goes past those who have their half.
        drop(others.0);
        let seat = (&mut waits).now_or_never().expect("a seat is free").unwrap();
        held.pop();
        let next = (&mut third).now_or_never().expect("a's turn").unwrap();
        assert!((&mut fourth).now_or_never().is_none());
        drop((seat, next, others.1, held));
        assert!((&mut fourth).now_or_never().is_some());
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_holds_no_seat() {
        let seats = Seats::new(1);
        let held = seats.take("a").await.unwrap();
        let mut gone = Box::pin(seats.take("a"));
        assert!((&mut gone).now_or_never().is_none());
        let mut granted = Box::pin(seats.take("b"));
        assert!((&mut granted).now_or_never().is_none());
        drop(gone);
        drop(held);
        // Granted, but never looked at.
        drop(granted);
        assert!(seats.take("c").now_or_never().is_some());
        assert!(seats.lock().tenants.is_empty());
        assert!(seats.lock().turns.is_empty());
    }

    #[tokio::test]
    async fn a_queue_has_an_end() {
        let seats = Seats::new(1);
        let _held = seats.take("a").await.unwrap();
        let mut waiting: Vec<_> = (0..LONGEST_QUEUE).map(|_| Box::pin(seats.take("a"))).collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        assert!(seats.take("a").await.is_err());
    }
}
