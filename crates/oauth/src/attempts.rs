//! Attempts to log in with a password, counted before they are judged.
//!
//! Three limits hold: how often anybody may try one account from one address, right or wrong; how many logins
//! may fail from one address (suspicious IP throttling); how many may fail in a row at one account (brute-force
//! protection). An attempt that succeeds gives back what it took of the last two.

use gatewright_core::connection::Connection;
use gatewright_core::limits::RateLimit;
use gatewright_core::protection::{BruteForce, Throttle};
use gatewright_http::RequestCx;
use gatewright_resources::attack_protection::{BRUTE_FORCE, SUSPICIOUS_IP};
use gatewright_resources::login_failures::{self, Place};
use gatewright_resources::rate_buckets::{self, FAILED_LOGINS, REFUSED_EXCHANGES, SIGN_UPS};
use gatewright_store::{StoreError, Tx};

/// Tries for one account from one address, right or wrong: 20 at once, 10 more a minute.
const TRIES: RateLimit = RateLimit::new(20, 10, 60);

/// One attempt and the limits that it is under.
#[derive(Clone)]
pub(crate) struct Attempt {
    cx: RequestCx,
    place: Place,
    tries_key: String,
    brute_force: Option<BruteForce>,
    throttle: Option<Throttle>,
}

/// Why an attempt is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// This account was tried too often from this address.
    Tries,
    /// Too many logins failed from this address.
    Address,
    /// Too many logins failed at this account.
    Account,
}

impl Excess {
    /// The type code of its log event.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Tries => "limit_sul",
            Self::Address => "limit_mu",
            Self::Account => "limit_wc",
        }
    }

    /// The reason in the log.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Tries => "too_many_tries",
            Self::Address => "address_throttled",
            Self::Account => "account_blocked",
        }
    }

    /// What is said to whoever tries.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Tries => "Too many tries to log in. Try again later.",
            Self::Address => "Too many logins failed from this address. Try again later.",
            // Compat: widgets show this sentence.
            Self::Account => "Your account has been blocked after multiple consecutive login attempts.",
        }
    }
}

/// What counting an attempt told.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// The attempt is refused.
    pub(crate) refused: Option<Excess>,
    /// The attempt would be refused, if the tenant's protection did more than watch.
    pub(crate) watched: Option<Excess>,
}

impl Attempt {
    /// An attempt at the account of this identifier, in lower case.
    pub(crate) fn new(cx: &RequestCx, connection: &Connection, identifier: &str) -> Self {
        let protected = connection.options.get("brute_force_protection").is_none_or(|on| on != false);
        let settings = cx.tenant.settings_of(&BRUTE_FORCE);
        let brute_force = protected.then(|| BruteForce::of(&settings, cx.ip)).flatten();
        let throttle = Throttle::of(&cx.tenant.settings_of(&SUSPICIOUS_IP), "pre-login", cx.ip);
        let ip = brute_force.as_ref().map(|protection| protection.place(cx.ip)).unwrap_or_default();
        Self {
            place: Place { identifier: identifier.to_owned(), connection: connection.name.clone(), ip },
            tries_key: format!("{}/{}/{identifier}", cx.ip, connection.name),
            brute_force,
            throttle,
            cx: cx.clone(),
        }
    }

    /// Counts it.
    pub(crate) async fn count(&self, tx: &mut Tx) -> Result<Counted, StoreError> {
        let (tenant, now, caller) = (&self.cx.tenant.id, self.cx.now, self.cx.ip.to_string());
        let mut counted = Counted::default();
        let tries = rate_buckets::take(tx, tenant, "password_login", TRIES, &self.tries_key, now).await?;
        if !tries.allowed {
            counted.refused = Some(Excess::Tries);
            return Ok(counted);
        }
        if let Some(throttle) = &self.throttle {
            let taken = rate_buckets::take(tx, tenant, FAILED_LOGINS, throttle.limit, &caller, now).await?;
            match (taken.allowed, throttle.blocks) {
                (true, _) => {}
                (false, true) => {
                    counted.refused = Some(Excess::Address);
                    return Ok(counted);
                }
                (false, false) => counted.watched = Some(Excess::Address),
            }
        }
        if let Some(protection) = &self.brute_force {
            match login_failures::count(tx, tenant, &self.place, protection.most(), now).await? {
                None => counted.refused = Some(Excess::Account),
                Some(attempts) if attempts > protection.max_attempts => {
                    counted.watched = Some(Excess::Account);
                }
                Some(_) => {}
            }
        }
        Ok(counted)
    }

    /// Whether success has anything to undo.
    pub(crate) fn is_counted(&self) -> bool {
        self.brute_force.is_some() || self.throttle.is_some()
    }

    /// Undoes what only failures should leave.
    pub(crate) async fn succeeded(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let tenant = &self.cx.tenant.id;
        if self.brute_force.is_some() {
            login_failures::succeeded(tx, tenant, &self.place).await?;
        }
        if let Some(throttle) = &self.throttle {
            let caller = self.cx.ip.to_string();
            rate_buckets::give_back(tx, tenant, FAILED_LOGINS, throttle.limit, &caller).await?;
        }
        Ok(())
    }
}

/// Tokens that one address presents in exchange, limited by those that an Action calls invalid.
pub(crate) struct Exchanges(Option<Throttle>);

impl Exchanges {
    /// As the tenant's protection says.
    pub(crate) fn of(cx: &RequestCx) -> Self {
        let settings = cx.tenant.settings_of(&SUSPICIOUS_IP);
        Self(Throttle::of(&settings, "pre-custom-token-exchange", cx.ip))
    }

    /// Counts one before it is judged; `false` if it is refused.
    pub(crate) async fn count(&self, cx: &RequestCx) -> Result<bool, StoreError> {
        let Some(Throttle { limit, blocks }) = self.0 else { return Ok(true) };
        let (within, caller) = (cx.clone(), cx.ip.to_string());
        let write = cx.app.db.write(move |tx| {
            Box::pin(async move {
                rate_buckets::take(tx, &within.tenant.id, REFUSED_EXCHANGES, limit, &caller, within.now).await
            })
        });
        Ok(write.await?.allowed || !blocks)
    }

    /// Gives back what one took that was not called invalid.
    pub(crate) async fn was_no_guess(&self, cx: &RequestCx) -> Result<(), StoreError> {
        let Some(Throttle { limit, .. }) = self.0 else { return Ok(()) };
        let (within, caller) = (cx.clone(), cx.ip.to_string());
        let write = cx.app.db.write(move |tx| {
            Box::pin(async move {
                rate_buckets::give_back(tx, &within.tenant.id, REFUSED_EXCHANGES, limit, &caller).await
            })
        });
        write.await
    }
}

/// How many sign-ups an address may make, if that is limited.
pub(crate) fn sign_up_throttle(cx: &RequestCx) -> Option<Throttle> {
    Throttle::of(&cx.tenant.settings_of(&SUSPICIOUS_IP), "pre-user-registration", cx.ip)
}

/// Counts a sign-up.
pub(crate) async fn count_sign_up(
    tx: &mut Tx,
    cx: &RequestCx,
    throttle: &Throttle,
) -> Result<bool, StoreError> {
    let caller = cx.ip.to_string();
    Ok(rate_buckets::take(tx, &cx.tenant.id, SIGN_UPS, throttle.limit, &caller, cx.now).await?.allowed)
}
