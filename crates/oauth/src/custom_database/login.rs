//! A password that a script judges.

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::script::database::{Profile, Refusal};
use gatewright_core::user::User;
use gatewright_http::Fault;
use gatewright_passwords::{LONGEST_PASSWORD_BYTES, StoredHash, Verdict};
use gatewright_resources::logs::{self, LogEvent};
use gatewright_resources::passwords;
use gatewright_resources::users::{self, NotSignedUp};
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::{Custom, TRIGGER};
use crate::attempts::Attempt;
use crate::events;
use crate::password_login;
use crate::scripts::afterwards;
use crate::sign_up::decision;
use crate::stop::Stop;

impl Custom {
    /// Who it is, as the login script says, or one text for most reasons not to say so. A failure is logged here.
    pub(crate) async fn log_in(
        &self,
        client: &Client,
        attempt: Attempt,
        identifier: &str,
        password: &str,
    ) -> Result<Result<User, OAuthError>, Stop> {
        if password.len() > LONGEST_PASSWORD_BYTES {
            let event = self.event("fp", client, identifier, "password_too_long", Value::Null);
            events::write(&self.cx, event).await?;
            return Ok(Err(password_login::wrong().because("password_too_long")));
        }
        let called = self.login(identifier, password).await;
        let profile = match called.result {
            Ok(profile) => profile,
            Err(refusal) => return self.refused(client, identifier, refusal, called.scripts).await.map(Err),
        };
        let hash = match self.imports() {
            true => Some(self.cx.app.passwords.hash(password).await.map_err(Fault::from)?),
            false => None,
        };
        let mut event =
            self.event(afterwards::EXECUTED, client, identifier, "password_right", called.scripts.clone());
        event.details["trigger_id"] = json!(TRIGGER);
        let mut adopted = self.take_in(&attempt, &event, &profile, hash).await?;
        if adopted == Err(NotSignedUp::Moved) {
            if !self.is_password_here(&profile, password).await? {
                return self
                    .refused(client, identifier, Refusal::WrongPassword, called.scripts)
                    .await
                    .map(Err);
            }
            adopted = self.take_in(&attempt, &event, &profile, None).await?;
        }
        let user = match adopted {
            Ok(document) => serde_json::from_value::<User>(document).map_err(Fault::internal)?,
            Err(error) => {
                let why = Refusal::Failed { reason: "account_conflict", message: conflict(&error, &profile) };
                return self.refused(client, identifier, why, Value::Null).await.map(Err);
            }
        };
        if user.blocked {
            let mut event = self.event("f", client, identifier, "user_blocked", Value::Null);
            event.user_id = Some(user.user_id);
            events::write(&self.cx, event).await?;
            return Ok(Err(OAuthError::user_blocked().because("user_blocked")));
        }
        Ok(Ok(user))
    }

    /// Takes in the account of an attempt that succeeded.
    async fn take_in(
        &self,
        attempt: &Attempt,
        event: &LogEvent,
        profile: &Profile,
        hash: Option<StoredHash>,
    ) -> Result<Result<Value, NotSignedUp>, Stop> {
        let (within, attempt) = (self.clone(), attempt.clone());
        let (mut event, profile) = (event.clone(), profile.clone());
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let adopted = within.adopt(tx, &profile, hash.as_ref()).await?;
                if let Ok(user) = &adopted {
                    attempt.succeeded(tx).await?;
                    event.user_id = user["user_id"].as_str().map(str::to_owned);
                    let cx = &within.cx;
                    logs::append(tx, &cx.tenant.id, cx.now, &cx.app.random, &event).await?;
                }
                Ok::<_, Stop>(adopted)
            })
        });
        write.await
    }

    /// Whether it is the password that an account has here. The old database may find accounts by names that are
    /// unknown here, such as a customer's number; since the account moved, its password here is the one that counts.
    async fn is_password_here(&self, profile: &Profile, password: &str) -> Result<bool, Stop> {
        let (tenant, account_id) = (self.cx.tenant.id.clone(), format!("auth0|{}", profile.local_id));
        let read = self
            .cx
            .app
            .db
            .read(move |tx| Box::pin(async move { passwords::hash_of(tx, &tenant, &account_id).await }));
        let verdict = self.cx.app.passwords.verify(read.await?, password).await.map_err(Fault::from)?;
        Ok(matches!(verdict, Verdict::Right(_)))
    }

    /// Takes an account in, in the caller's transaction. The inner value is the user whose account it is.
    pub(super) async fn adopt(
        &self,
        tx: &mut Tx,
        profile: &Profile,
        hash: Option<&StoredHash>,
    ) -> Result<Result<Value, NotSignedUp>, StoreError> {
        // An account that has moved here is changed here.
        let follows = self.connection.text_option("set_user_root_attributes").unwrap_or("on_each_login");
        let refreshes = !self.imports() && follows == "on_each_login";
        let cx = &self.cx;
        users::adopt(tx, &cx.tenant.id, &self.connection, (profile, refreshes), hash, cx.now).await
    }

    async fn refused(
        &self,
        client: &Client,
        identifier: &str,
        refusal: Refusal,
        scripts: Value,
    ) -> Result<OAuthError, Stop> {
        let (code, reason, description, error) = match refusal {
            Refusal::WrongPassword => ("fp", "password_wrong", None, password_login::wrong()),
            Refusal::Unknown => ("fu", "user_unknown", None, password_login::wrong()),
            Refusal::Told { message, .. } => {
                ("f", "denied_by_script", Some(message.clone()), OAuthError::access_denied(message))
            }
            Refusal::Exists => ("f", "script_threw", None, unavailable()),
            Refusal::Failed { reason, message } => ("f", reason, Some(message), unavailable()),
        };
        let mut event = self.event(code, client, identifier, reason, scripts);
        event.description = description;
        events::write(&self.cx, event).await?;
        Ok(error.because(reason))
    }

    /// A log event about this connection.
    pub(super) fn event(
        &self,
        code: &'static str,
        client: &Client,
        identifier: &str,
        reason: &str,
        scripts: Value,
    ) -> LogEvent {
        let event = events::event(&self.cx, code, Some(client));
        let mut event = events::at_connection(event, &self.connection);
        event.user_name = Some(identifier.to_owned());
        event.details = json!({ "decision": decision(reason, scripts) });
        event
    }
}

/// Nothing is said of the database, and nothing of the account.
fn unavailable() -> OAuthError {
    OAuthError::access_denied("The password could not be checked. Try again later.")
}

/// Why an account could not be taken in.
pub(super) fn conflict(error: &NotSignedUp, profile: &Profile) -> String {
    let id = &profile.local_id;
    match error {
        NotSignedUp::EmailTaken => format!("Another account has the address of auth0|{id}."),
        NotSignedUp::UsernameTaken => format!("Another account has the user name of auth0|{id}."),
        NotSignedUp::IdTaken => format!("auth0|{id} is an account of another connection."),
        NotSignedUp::Moved => format!("auth0|{id} has moved here."),
        NotSignedUp::Profile(text) => text.clone(),
    }
}
