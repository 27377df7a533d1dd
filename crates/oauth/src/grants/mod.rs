//! The grant types of `/oauth/token`: one file each, and the registry that the token endpoint and
//! discovery read.
//!
//! A grant owns one question: whose token is this? [`Grant::present`] looks at what the client presents,
//! outside any transaction, where passwords may be hashed. [`Presented::redeem`] spends it inside the one
//! transaction in which [`crate::issuance`] then decides, plans and logs, the same for every grant.

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
mod mfa;
mod mfa_oob;
mod mfa_otp;
mod mfa_recovery_code;
mod password;
pub(crate) mod passwordless_otp;
pub(crate) mod refresh_token;
pub(crate) mod token_exchange;
mod unbuilt;

use std::sync::{Arc, OnceLock};

use gatewright_core::OAuthError;
use gatewright_core::Timestamp;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::script::{Note, Verdict};
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use gatewright_resources::mfa_tokens::Waiting;
use gatewright_store::{BoxFuture, Tx};
use serde_json::{Map, Value};

use crate::refresh::Refresh;
use crate::stop::Stop;

/// A grant type.
pub(crate) struct Grant {
    /// `grant_type` on the wire.
    pub(crate) name: &'static str,
    /// Its own parameters, all text.
    pub(crate) params: &'static [&'static str],
    /// Event type codes of the tenant log: success, failure.
    pub(crate) events: (&'static str, &'static str),
    /// Reads what is presented; no transaction is open.
    pub(crate) present: Present,
}

/// See [`Grant::present`].
type Present = fn(RequestCx, Arc<Client>, Params) -> BoxFuture<'static, Result<Box<dyn Presented>, Stop>>;

/// Something presented for tokens: a code, a password that proved right, a client's own authority.
pub(crate) trait Presented: Send {
    /// Spends it. A refusal is a value, not an error: what was spent or counted stays so.
    fn redeem<'t>(
        self: Box<Self>,
        tx: &'t mut Tx,
        cx: &'t RequestCx,
        client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>>;

    /// Where it says that it made an account. To be looked at once that is committed, whatever the answer is.
    fn new_account(&self) -> Option<NewAccount> {
        None
    }
}

/// A place for an account that was made, and its connection.
pub(crate) type NewAccount = Arc<OnceLock<(User, Arc<Connection>)>>;

/// What came of redeeming.
pub(crate) type Redeemed = Result<Subject, Refused>;

/// A refusal, with what the log should know of it.
pub(crate) struct Refused {
    /// What the caller is told.
    pub(crate) error: OAuthError,
    /// Whose it would have been, where that is known.
    pub(crate) user_id: Option<String>,
    /// How the tenant log tells of it.
    pub(crate) event: RefusedEvent,
    /// More members of the event's `details.decision`; null for none.
    pub(crate) ledger: Value,
}

/// How the tenant log tells of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusedEvent {
    /// As the grant's failure.
    Usual,
    /// Under a type code of its own.
    Named(&'static str),
    /// It is written already.
    Written,
    /// Not at all: a device asks every few seconds.
    Left,
}

impl From<OAuthError> for Refused {
    fn from(error: OAuthError) -> Self {
        Self { error, user_id: None, event: RefusedEvent::Usual, ledger: Value::Null }
    }
}

impl Refused {
    /// The same, about this user.
    pub(crate) fn of(mut self, user_id: Option<String>) -> Self {
        self.user_id = user_id;
        self
    }
}

/// Whose token it becomes and what was asked for.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The user; `None` is the client itself.
    pub(crate) user: Option<User>,
    /// The `scope` parameter.
    pub(crate) scope: Option<String>,
    /// The `audience` parameter.
    pub(crate) audience: Option<String>,
    /// How the scopes are decided.
    pub(crate) flow: Flow,
    /// The `gty` claim, where the grant has one.
    pub(crate) gty: Option<&'static str>,
    /// To be repeated in the ID token.
    pub(crate) nonce: Option<String>,
    /// The session behind it, where there is one.
    pub(crate) session_id: Option<String>,
    /// When the user authenticated, if the ID token must say so.
    pub(crate) auth_time: Option<Timestamp>,
    /// A second factor was passed in this very login.
    pub(crate) multifactor: bool,
    /// The connection of the login.
    pub(crate) connection: Option<String>,
    /// The hash of the authorization code: what is issued dies when the code is presented again.
    pub(crate) code_hash: Option<String>,
    /// The refresh token that is exchanged, and what becomes of it; only if tokens are issued.
    pub(crate) refresh: Option<Box<Refresh>>,
    /// What the tenant's scripts decided when the user logged in; then they do not run again.
    pub(crate) verdict: Option<Box<Verdict>>,
    /// What the Action of a token exchange profile said, where one judged.
    pub(crate) exchanged: Option<Box<Exchanged>>,
    /// The login that waited for the second factor that was proved.
    pub(crate) second_step: Option<Box<SecondStep>>,
}

/// See [`Subject::second_step`].
#[derive(Debug)]
pub(crate) struct SecondStep {
    /// What waited, with what has been passed.
    pub(crate) waiting: Waiting,
    /// The recovery code in place of the one that was used.
    pub(crate) recovery_code: Option<String>,
}

/// See [`Subject::exchanged`].
#[derive(Debug)]
pub(crate) struct Exchanged {
    /// The claim `act`; with it no refresh token is issued.
    pub(crate) actor: Option<Value>,
    /// The Action's run, for the log.
    pub(crate) runs: Vec<Value>,
    /// What of its commands was left out.
    pub(crate) notes: Vec<Note>,
    /// What later Actions see of it as `event.transaction`.
    pub(crate) transaction: Map<String, Value>,
}

/// [`gatewright_core::scope::Flow`], owned.
#[derive(Clone, Debug)]
pub(crate) enum Flow {
    /// A code from `/authorize`.
    Code,
    /// The user's own proof, handed over by the client: passwords, one-time codes.
    Password,
    /// A refresh token.
    Refresh {
        /// What may be narrowed.
        original: Vec<String>,
    },
    /// The client itself.
    ClientCredentials,
}

/// Every grant type that is built.
static GRANTS: &[&Grant] = &[
    &authorization_code::GRANT,
    &refresh_token::GRANT,
    &client_credentials::GRANT,
    &passwordless_otp::GRANT,
    &device_code::GRANT,
    &password::PASSWORD,
    &password::PASSWORD_REALM,
    &token_exchange::GRANT,
    &mfa_otp::GRANT,
    &mfa_oob::GRANT,
    &mfa_recovery_code::GRANT,
];

/// The grant of this name.
pub(crate) fn named(name: &str) -> Result<&'static Grant, OAuthError> {
    let built = GRANTS.iter().copied().find(|grant| grant.name == name);
    built.or_else(|| unbuilt::named(name)).ok_or_else(|| unsupported(name))
}

fn unsupported(name: &str) -> OAuthError {
    let text = format!("Unsupported grant type: {name}");
    OAuthError::new(403, "unsupported_grant_type", text).because("grant_type_unknown")
}

/// Whether a client needs leave for this grant: one that is not built is refused in any case, in words
/// that say so. Compat: exchanges have a setting of their own, and no place among `grant_types`.
pub(crate) fn needs_leave(grant: &Grant) -> bool {
    unbuilt::named(grant.name).is_none() && grant.name != token_exchange::GRANT.name
}

/// Whether this grant proves the second factor of a login that waits.
pub(crate) fn proves_factor(grant: &Grant) -> bool {
    [mfa_otp::GRANT.name, mfa_oob::GRANT.name, mfa_recovery_code::GRANT.name].contains(&grant.name)
}

/// The names of all grants that are built.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    GRANTS.iter().map(|grant| grant.name)
}
