//! Who may run now. Those who wait take turns by tenant. Each tenant has at most half of the seats, and a quarter
//! when few others are free, so scripts that hang hold up their own tenant and nobody else.

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
    /// What a tenant may have at most.
    half: usize,
    /// What a tenant may have at any time; so many seats are left to others before it gets more.
    quarter: usize,
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
    /// Whose it is, until it is given back.
    tenant: Option<String>,
}

/// Too many of the tenant wait already.
#[derive(Debug)]
pub(super) struct Full;

impl Seats {
    pub(super) fn new(seats: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: seats,
            half: (seats / 2).max(1),
            quarter: (seats / 4).max(1),
            tenants: HashMap::new(),
            turns: VecDeque::new(),
        })))
    }

    /// A seat for the tenant, waited for.
    pub(super) async fn take(&self, tenant: &str) -> Result<Seat, Full> {
        let waits = {
            let mut state = self.lock();
            let queue = state.queue(tenant);
            if queue == 0 && state.sit(tenant) {
                return Ok(self.seat(tenant.to_owned()));
            }
            if queue >= LONGEST_QUEUE {
                return Err(Full);
            }
            if queue == 0 {
                state.turns.push_back(tenant.to_owned());
            }
            let (sender, receiver) = oneshot::channel();
            state.tenants.entry(tenant.to_owned()).or_default().waiting.push_back(sender);
            receiver
        };
        waits.await.map_err(|_| Full)
    }

    fn seat(&self, tenant: String) -> Seat {
        Seat { seats: self.clone(), tenant: Some(tenant) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees a seat and gives what is free to whoever's turn it is.
    fn free(&self, tenant: String) {
        let mut back = Some(tenant);
        loop {
            let next = {
                let mut state = self.lock();
                if let Some(tenant) = back.take() {
                    state.leave(&tenant);
                }
                state.next()
            };
            let Some((waiter, tenant)) = next else { return };
            // Whoever waited may have gone this very moment; then its seat is freed here, and not in `drop`.
            back = waiter.send(self.seat(tenant)).err().and_then(|mut seat| seat.tenant.take());
        }
    }
}

impl State {
    /// Whether a tenant with that many seats may have one more.
    fn may_sit(&self, seated: usize) -> bool {
        self.free > 0 && (seated < self.quarter || (seated < self.half && self.free > self.quarter))
    }

    /// Gives the tenant a seat, if it may have one.
    fn sit(&mut self, tenant: &str) -> bool {
        let may = self.may_sit(self.tenants.get(tenant).map_or(0, |known| known.seated));
        if may {
            self.free -= 1;
            self.tenants.entry(tenant.to_owned()).or_default().seated += 1;
        }
        may
    }

    /// Takes a seat back.
    fn leave(&mut self, tenant: &str) {
        self.free += 1;
        if let Some(known) = self.tenants.get_mut(tenant) {
            known.seated -= 1;
            self.forget_idle(tenant);
        }
    }

    /// How many of the tenant wait, without those who have given up.
    fn queue(&mut self, tenant: &str) -> usize {
        let Some(known) = self.tenants.get_mut(tenant) else { return 0 };
        let before = known.waiting.len();
        known.waiting.retain(|waiter| !waiter.is_closed());
        let left = known.waiting.len();
        if before > 0 && left == 0 {
            self.turns.retain(|name| name != tenant);
            self.forget_idle(tenant);
        }
        left
    }

    /// Forgets a tenant that has no seat and waits for none.
    fn forget_idle(&mut self, tenant: &str) {
        if self.tenants.get(tenant).is_some_and(|known| known.seated == 0 && known.waiting.is_empty()) {
            self.tenants.remove(tenant);
        }
    }

    /// Seats the first in turn who may sit, and says whom to tell. Those in front who have given up are forgotten.
    fn next(&mut self) -> Option<(oneshot::Sender<Seat>, String)> {
        let mut at = 0;
        while self.free > 0 {
            let name = self.turns.get(at)?.clone();
            let known = self.tenants.entry(name.clone()).or_default();
            while known.waiting.front().is_some_and(oneshot::Sender::is_closed) {
                known.waiting.pop_front();
            }
            if known.waiting.is_empty() {
                self.turns.remove(at);
                self.forget_idle(&name);
                continue;
            }
            if !self.sit(&name) {
                at += 1;
                continue;
            }
            self.turns.remove(at);
            let known = self.tenants.get_mut(&name)?;
            let waiter = known.waiting.pop_front()?;
            if !known.waiting.is_empty() {
                self.turns.push_back(name.clone());
            }
            return Some((waiter, name));
        }
        None
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(tenant) = self.tenant.take() {
            self.seats.free(tenant);
        }
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
        assert!((&mut third).now_or_never().is_none(), "a has its quarter, and one is free");
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

    #[tokio::test]
    async fn when_few_are_free_a_tenant_has_a_quarter() {
        let seats = Seats::new(8);
        let take = |tenant| seats.take(tenant).now_or_never().map(Result::unwrap);
        let mut first: Vec<_> = (0..4).map(|_| take("a").expect("many are free")).collect();
        let second = [take("b").expect("a quarter"), take("b").expect("a quarter")];
        let mut third = Box::pin(seats.take("b"));
        assert!((&mut third).now_or_never().is_none(), "two are left, and they are others'");
        let third_tenant = take("c").expect("nobody else's");
        // Others' seats are free again: now b may have more than a quarter.
        first.truncate(2);
        let more = (&mut third).now_or_never().expect("many are free").unwrap();
        drop((first, second, third_tenant, more));
        assert_eq!(seats.lock().free, 8);
        assert!(seats.lock().tenants.is_empty());
    }

    /// A seat of the tenant that is given back may let two sit: its own next one, and one of another tenant.
    #[tokio::test]
    async fn nobody_waits_for_a_seat_that_is_free() {
        let seats = Seats::new(8);
        let take = |tenant| seats.take(tenant).now_or_never().map(Result::unwrap);
        let mut b: Vec<_> = (0..2).map(|_| take("b").unwrap()).collect();
        let _a: Vec<_> = (0..4).map(|_| take("a").unwrap()).collect();
        let mut own = Box::pin(seats.take("b"));
        assert!((&mut own).now_or_never().is_none());
        let _c = take("c").unwrap();
        b.pop();
        assert!((&mut own).now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_has_given_up_takes_no_place_in_the_queue() {
        let seats = Seats::new(1);
        let held = seats.take("a").await.unwrap();
        for _ in 0..2 * LONGEST_QUEUE {
            let mut gone = Box::pin(seats.take("a"));
            assert!((&mut gone).now_or_never().is_none());
            let mut other = Box::pin(seats.take("b"));
            assert!((&mut other).now_or_never().is_none());
        }
        let mut waits = Box::pin(seats.take("a"));
        assert!((&mut waits).now_or_never().is_none(), "the queue is not full");
        assert_eq!(seats.lock().turns, ["b", "a"]);
        drop(held);
        drop((&mut waits).now_or_never().expect("its turn").unwrap());
        assert!(seats.lock().tenants.is_empty());
        assert!(seats.lock().turns.is_empty());
    }

    /// Freeing a seat past many who are gone must not nest a call for each.
    #[test]
    fn many_who_are_gone_need_no_stack() {
        let work = || {
            let seats = Seats::new(1);
            let held = seats.take("t").now_or_never().unwrap().unwrap();
            let waiting: Vec<_> = (0..20_000)
                .map(|tenant| {
                    let (seats, tenant) = (seats.clone(), format!("t{tenant}"));
                    let mut waits = Box::pin(async move { seats.take(&tenant).await });
                    assert!((&mut waits).now_or_never().is_none());
                    waits
                })
                .collect();
            drop(waiting);
            drop(held);
            assert!(seats.lock().tenants.is_empty());
            assert_eq!(seats.lock().free, 1);
        };
        std::thread::Builder::new().stack_size(256 * 1024).spawn(work).unwrap().join().unwrap();
    }
}
