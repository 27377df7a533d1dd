use proptest::prelude::*;

use super::*;
use crate::client::RefreshTokenSettings;

const START: Timestamp = Timestamp::from_seconds(1_000);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000 + seconds)
}

fn policy() -> RefreshPolicy {
    RefreshPolicy { rotating: true, leeway_seconds: 0, absolute_seconds: None, idle_seconds: None }
}

/// A family whose generation 3 was issued at second 100.
fn family() -> FamilyFacts<'static> {
    FamilyFacts {
        client_id: "app",
        rotating: true,
        generation: 3,
        advanced_at: at(100),
        last_used_at: at(100),
        expires_at: None,
        revoked_because: None,
    }
}

#[test]
fn tokens_are_judged_by_generation_lifetime_and_owner() {
    use Replacement::{Beside, Kept, Next};
    let leeway = RefreshPolicy { leeway_seconds: 10, ..policy() };
    let fixed = RefreshPolicy { rotating: false, ..policy() };
    let idle = RefreshPolicy { idle_seconds: Some(50), ..policy() };
    let still = FamilyFacts { rotating: false, ..family() };
    let ends = FamilyFacts { expires_at: Some(at(120)), ..family() };
    let dead = FamilyFacts { revoked_because: Some("x"), ..family() };
    let elsewhere = FamilyFacts { client_id: "other", ..family() };
    let cases = [
        ("the newest", policy(), family(), 3, 105, Ok(Next)),
        ("the newest, much later", policy(), family(), 3, 999_999_999, Ok(Next)),
        ("replaced, no leeway", policy(), family(), 2, 100, Err(Refusal::Reused)),
        ("replaced, within leeway", leeway, family(), 2, 110, Ok(Beside)),
        ("replaced, after leeway", leeway, family(), 2, 111, Err(Refusal::Reused)),
        ("replaced before last, within leeway", leeway, family(), 1, 101, Err(Refusal::Reused)),
        ("a generation that is yet to come", leeway, family(), 4, 101, Err(Refusal::Reused)),
        ("not rotating", fixed, still, 3, 105, Ok(Kept)),
        ("rotation was turned off", fixed, family(), 3, 105, Ok(Kept)),
        ("rotation was turned off, and an old one comes", fixed, family(), 2, 105, Err(Refusal::Reused)),
        ("rotation was turned on", policy(), still, 3, 105, Ok(Next)),
        ("just before the end", policy(), ends, 3, 119, Ok(Next)),
        ("at the end", policy(), ends, 3, 120, Err(Refusal::Expired)),
        ("an old one after the end", policy(), ends, 2, 120, Err(Refusal::Expired)),
        ("just before it was idle too long", idle, family(), 3, 149, Ok(Next)),
        ("idle too long", idle, family(), 3, 150, Err(Refusal::Idle)),
        ("revoked", policy(), dead, 3, 105, Err(Refusal::Revoked)),
        ("of another client", policy(), elsewhere, 3, 105, Err(Refusal::OtherClient)),
        ("of another client, and old", policy(), elsewhere, 2, 105, Err(Refusal::OtherClient)),
    ];
    for (case, policy, family, generation, second, expected) in cases {
        let presented = PresentedToken { generation, family };
        let found = verdict(Some(&presented), "app", &policy, at(second));
        assert_eq!(found.map(|exchange| exchange.replacement), expected, "{case}");
    }
    assert_eq!(verdict(None, "app", &policy(), START), Err(Refusal::Unknown));
}

#[test]
fn an_absolute_end_stays_and_a_new_setting_takes_hold_at_the_next_exchange() {
    let judge = |policy: &RefreshPolicy, family| {
        verdict(Some(&PresentedToken { generation: 3, family }), "app", policy, at(110)).unwrap()
    };
    let month = RefreshPolicy { absolute_seconds: Some(30), ..policy() };
    assert_eq!(judge(&month, family()).expires_at, Some(at(140)));
    let ends = FamilyFacts { expires_at: Some(at(120)), ..family() };
    assert_eq!(judge(&month, ends).expires_at, Some(at(120)), "not extended");
    assert_eq!(judge(&policy(), ends).expires_at, Some(at(120)), "not lifted");
}

#[test]
fn a_change_between_rotating_and_not_is_noticed_once() {
    let fixed = RefreshPolicy { rotating: false, ..policy() };
    for (policy, rotating, converts) in
        [(policy(), true, false), (policy(), false, true), (fixed, false, false), (fixed, true, true)]
    {
        let presented = PresentedToken { generation: 3, family: FamilyFacts { rotating, ..family() } };
        assert_eq!(verdict(Some(&presented), "app", &policy, at(101)).unwrap().converts, converts);
    }
}

#[test]
fn policies_follow_the_settings_and_the_kind_of_client() {
    let settings = |rotation: &str, expiration: &str| RefreshTokenSettings {
        rotation_type: rotation.into(),
        expiration_type: expiration.into(),
        leeway: 5,
        token_lifetime: 100,
        idle_token_lifetime: 10,
        ..RefreshTokenSettings::default()
    };
    let of = |app_type: &str, refresh_token| {
        RefreshPolicy::of(&Client { app_type: app_type.into(), refresh_token, ..Client::default() })
    };
    let expected = |rotating, leeway_seconds, absolute_seconds, idle_seconds| RefreshPolicy {
        rotating,
        leeway_seconds,
        absolute_seconds,
        idle_seconds,
    };
    assert_eq!(of("regular_web", None), expected(false, 0, None, None));
    assert_eq!(of("spa", None), expected(true, 0, Some(2_592_000), Some(1_296_000)));
    assert_eq!(of("native", Some(settings("rotating", "non-expiring"))), expected(true, 5, None, None));
    assert_eq!(
        of("spa", Some(settings("non-rotating", "non-expiring"))),
        expected(false, 5, Some(100), Some(10))
    );
    let endless = RefreshTokenSettings { infinite_token_lifetime: true, ..settings("rotating", "expiring") };
    assert_eq!(of("native", Some(endless)), expected(true, 5, None, Some(10)));
}

#[test]
fn only_one_text_is_shown() {
    let all = [
        Refusal::Unknown,
        Refusal::OtherClient,
        Refusal::Revoked,
        Refusal::Expired,
        Refusal::Idle,
        Refusal::Reused,
    ];
    for refusal in all {
        let error = refusal.error();
        assert_eq!((error.status, &*error.code), (403, "invalid_grant"));
        assert_eq!(error.description, "Unknown or invalid refresh token.");
        assert_eq!(error.reason.as_deref(), Some(refusal.code()));
    }
}

/// A family as the store keeps it, and the generation of every token handed out.
struct Play {
    family: FamilyFacts<'static>,
    tokens: Vec<i64>,
    uses: Vec<u32>,
}

impl Play {
    fn new(policy: &RefreshPolicy) -> Self {
        let family = FamilyFacts {
            rotating: policy.rotating,
            generation: 0,
            advanced_at: START,
            last_used_at: START,
            expires_at: policy.expires_at(START),
            ..family()
        };
        Self { family, tokens: vec![0], uses: vec![0] }
    }

    fn present(&mut self, token: usize, policy: &RefreshPolicy, now: Timestamp) -> Result<Exchange, Refusal> {
        let presented = PresentedToken { generation: self.tokens[token], family: self.family };
        let found = verdict(Some(&presented), "app", policy, now);
        match &found {
            Ok(exchange) => {
                self.uses[token] += 1;
                if exchange.replacement == Replacement::Next {
                    self.family.generation += 1;
                    self.family.advanced_at = now;
                }
                if exchange.replacement != Replacement::Kept {
                    self.tokens.push(self.family.generation);
                    self.uses.push(0);
                }
                self.family.last_used_at = now;
                self.family.expires_at = exchange.expires_at;
                self.family.rotating = policy.rotating;
            }
            Err(Refusal::Reused) => self.family.revoked_because = Some("refresh_token_reused"),
            Err(_) => {}
        }
        found
    }
}

fn policies() -> impl Strategy<Value = RefreshPolicy> {
    (any::<bool>(), 0..20_i64, proptest::option::of(1..200_i64), proptest::option::of(1..60_i64)).prop_map(
        |(rotating, leeway_seconds, absolute_seconds, idle_seconds)| RefreshPolicy {
            rotating,
            leeway_seconds,
            absolute_seconds,
            idle_seconds,
        },
    )
}

proptest! {
    /// Whatever is presented when, in whatever order.
    #[test]
    fn a_family_keeps_its_laws(
        policy in policies(),
        steps in proptest::collection::vec((any::<proptest::sample::Index>(), 0..30_i64), 1..40),
    ) {
        let mut play = Play::new(&policy);
        let end = play.family.expires_at;
        let mut now = START;
        let mut dead = false;
        for (token, pause) in steps {
            now = now.plus_seconds(pause);
            let token = token.index(play.tokens.len());
            let newest = play.tokens[token] == play.family.generation;
            let idle = policy.idle_seconds.is_some_and(|idle| now >= play.family.last_used_at.plus_seconds(idle));
            let over = end.is_some_and(|end| now >= end);
            let found = play.present(token, &policy, now);
            prop_assert_eq!(play.family.expires_at, end, "the absolute end never moves");
            if dead || idle || over {
                prop_assert!(found.is_err(), "what has ended stays so");
            } else {
                prop_assert!(!newest || found.is_ok(), "the newest token of a living family is good");
            }
            dead |= found == Err(Refusal::Reused);
            if policy.rotating && policy.leeway_seconds == 0 {
                prop_assert!(play.uses.iter().all(|uses| *uses <= 1), "a rotating token is good once");
            }
            if !policy.rotating {
                prop_assert_eq!(play.tokens.len(), 1, "a token that does not rotate has no successor");
            }
        }
    }
}
