use proptest::prelude::*;

use super::*;

const HOURLY: RateLimit = RateLimit::new(50, 50, 3600);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

#[test]
fn fifty_at_once_then_one_every_72_seconds() {
    let now = at(0);
    let mut tat = None;
    for left in (0..50).rev() {
        let decision = HOURLY.take(tat, now);
        assert!(decision.allowed);
        assert_eq!((decision.limit, decision.remaining), (50, left));
        assert_eq!(decision.retry_after_seconds > 0, left == 0);
        tat = Some(decision.tat);
    }
    let refused = HOURLY.take(tat, now);
    assert!(!refused.allowed);
    assert_eq!(refused.tat, tat.unwrap(), "a refused request costs nothing");
    assert_eq!((refused.remaining, refused.retry_after_seconds), (0, 72));
    assert_eq!(
        refused.headers(),
        [("x-ratelimit-limit", 50), ("x-ratelimit-remaining", 0), ("x-ratelimit-reset", at(3600).seconds())]
    );

    assert!(!HOURLY.take(tat, at(71)).allowed);
    assert_eq!(HOURLY.take(tat, at(71)).retry_after_seconds, 1);
    let later = HOURLY.take(tat, at(72));
    assert!(later.allowed);
    assert!(!HOURLY.take(Some(later.tat), at(72)).allowed);
}

#[test]
fn an_idle_bucket_is_full_again_and_no_fuller() {
    let mut tat = HOURLY.take(None, at(0)).tat;
    let mut allowed = 0;
    for _ in 0..60 {
        let decision = HOURLY.take(Some(tat), at(1_000_000));
        allowed += u32::from(decision.allowed);
        tat = decision.tat;
    }
    assert_eq!(allowed, 50);
}

#[test]
fn a_burst_may_differ_from_the_refill() {
    // 20 at once, then 10 a minute.
    let limit = RateLimit::new(20, 10, 60);
    assert_eq!((limit.interval_micros(), limit.depth_micros()), (6_000_000, 120_000_000));
    let first = limit.take(None, at(0));
    assert_eq!((first.remaining, first.reset_seconds()), (19, at(6).seconds()));
}

#[test]
fn nonsense_limits_still_limit() {
    for limit in [RateLimit::new(0, 0, 0), RateLimit::new(1, u32::MAX, 0)] {
        let first = limit.take(None, at(0));
        assert!(first.allowed);
        assert!(!limit.take(Some(first.tat), at(0)).allowed);
    }
    let far = Timestamp::from_micros(i64::MAX);
    assert!(!HOURLY.take(Some(far), at(0)).allowed);
}

/// The guarded statement of the module's documentation, as arithmetic.
fn statement(limit: RateLimit, tat: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let (interval, depth) = (limit.interval_micros(), limit.depth_micros());
    match tat.map(Timestamp::micros) {
        None => Some(Timestamp::from_micros(now.micros() + interval)),
        Some(tat) if tat <= now.micros() + depth - interval => {
            Some(Timestamp::from_micros(tat.max(now.micros()) + interval))
        }
        Some(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_statement_decides_alike(
        burst in 1..60u32, per in 1..60u32, window in 1..4000u32,
        stored in proptest::option::of(-9000..9000i64), ahead in 0..3i64,
    ) {
        let limit = RateLimit::new(burst, per, window);
        // Around the edges, where an off-by-one would show.
        let edge = limit.depth_micros() - limit.interval_micros() - 1 + ahead;
        let tat = stored.map(|s| Timestamp::from_micros(at(s).micros() + edge));
        let tat = if ahead == 0 { stored.map(at) } else { tat };
        for now in [at(0), at(stored.unwrap_or(0))] {
            let decision = limit.take(tat, now);
            let row = statement(limit, tat, now);
            prop_assert_eq!(decision.allowed, row.is_some());
            prop_assert_eq!(decision.tat, row.or(tat).unwrap());
            prop_assert!(decision.remaining <= burst);
        }
    }

    #[test]
    fn no_window_ever_holds_more_than_burst_and_refill(
        burst in 1..10u32, window in 1..100u32, steps in proptest::collection::vec(0..20i64, 1..80),
    ) {
        let limit = RateLimit::new(burst, burst, window);
        let (mut tat, mut now, mut allowed) = (None, at(0), 0i64);
        for step in steps {
            now = now.plus_seconds(step);
            let decision = limit.take(tat, now);
            allowed += i64::from(decision.allowed);
            // Waiting as long as was said is enough.
            if !decision.allowed {
                let later = now.plus_seconds(decision.retry_after_seconds);
                prop_assert!(limit.take(Some(decision.tat), later).allowed);
            }
            tat = Some(decision.tat);
        }
        let refilled = (now.micros() - at(0).micros()) / limit.interval_micros();
        prop_assert!(allowed <= i64::from(burst) + refilled);
    }
}
