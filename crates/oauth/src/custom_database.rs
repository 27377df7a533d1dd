//! Databases of a tenant's own: accounts that are elsewhere, reached by the tenant's scripts.
//!
//! Owns: calling the scripts, what their refusals are told and logged as, taking accounts in. Without import an
//! account stays where it is, and what is kept here is its shadow, without a password; with import it moves here
//! when it first logs in. Does not own: what an answer means (`gatewright_core::script::database`).
//!
//! No transaction is open while a script runs.

mod login;
mod reset;
mod sign_up;
mod verify;

pub(crate) use reset::Unchanged;
pub(crate) use sign_up::{SignedUp, logged};
pub(crate) use verify::note_proved;

use std::sync::Arc;

use gatewright_core::connection::Connection;
use gatewright_core::script::database::{self, Answer, Profile, Refusal};
use gatewright_http::RequestCx;
use gatewright_resources::scripts::Database;
use gatewright_script::{ErrorKind, Wrapper};
use serde_json::{Value, json};

use crate::scripts::{Trigger, failed, ledger, run};

/// How the log names runs of database scripts.
pub(crate) const TRIGGER: &str = "custom-database";

/// A custom database, within a request.
#[derive(Clone)]
pub(crate) struct Custom {
    cx: RequestCx,
    connection: Arc<Connection>,
    database: Arc<Database>,
}

/// What one script answered, and what the log keeps of its run.
pub(crate) struct Called<T> {
    pub(crate) result: Result<T, Refusal>,
    /// The `scripts` member of `details.decision`.
    pub(crate) scripts: Value,
}

/// The custom database behind a connection, if there is one.
pub(crate) fn of(cx: &RequestCx, connection: &Connection) -> Option<Custom> {
    let database = cx.tenant.scripts().database(&connection.name)?;
    let connection = cx.tenant.connection(&connection.name)?;
    Some(Custom { cx: cx.clone(), connection: Arc::clone(connection), database: Arc::clone(database) })
}

impl Custom {
    /// Accounts move here when they first log in.
    pub(crate) fn imports(&self) -> bool {
        self.database.imports
    }

    /// Whose password it is.
    pub(crate) async fn login(&self, identifier: &str, password: &str) -> Called<Profile> {
        self.call("login", json!([identifier, password]), database::login).await
    }

    /// The account, if there is one.
    pub(crate) async fn get_user(&self, identifier: &str) -> Called<Option<Profile>> {
        self.call("get_user", json!([identifier]), database::get_user).await
    }

    /// Makes an account.
    pub(crate) async fn create(&self, user: Value) -> Called<()> {
        self.call("create", json!([user]), database::done).await
    }

    /// Notes that an address is proved. A database without the script has no place to note it.
    pub(crate) async fn verify(&self, email: &str) -> Option<Called<bool>> {
        self.database.script("verify")?;
        Some(self.call("verify", json!([email]), database::changed).await)
    }

    /// Sets another password.
    pub(crate) async fn change_password(&self, identifier: &str, password: &str) -> Called<bool> {
        self.call("change_password", json!([identifier, password]), database::changed).await
    }

    /// Sets another address.
    pub(crate) async fn change_email(&self, email: &str, new: &str, verified: bool) -> Called<bool> {
        self.call("change_email", json!([email, new, verified]), database::changed).await
    }

    /// Deletes an account, by its own id.
    pub(crate) async fn delete(&self, local_id: &str) -> Called<()> {
        self.call("delete", json!([local_id]), database::done).await
    }

    async fn call<T>(
        &self,
        name: &'static str,
        args: Value,
        read: fn(&Answer) -> Result<T, Refusal>,
    ) -> Called<T> {
        let Some(program) = self.database.script(name) else {
            // Compat: in these words.
            let message = format!("Please implement the {} script for this database connection", title(name));
            let result = Err(Refusal::Failed { reason: "script_missing", message });
            return Called { result, scripts: Value::Null };
        };
        let programs = vec![Arc::clone(program)];
        let trigger = Trigger {
            name: TRIGGER,
            wrapper: Wrapper::Callback,
            programs: programs.clone(),
            input: json!({ "args": args }),
            user_id: None,
            state: None,
        };
        let outcome = run(&self.cx, trigger).await;
        let runs = ledger::runs("database", &programs, &outcome);
        let error = outcome.runs.last().and_then(|run| run.error.as_ref());
        let answer = match error {
            Some(error) if error.kind == ErrorKind::Thrown => Answer::Threw {
                name: error.name.clone(),
                message: error.message.clone(),
                members: error.members.clone(),
            },
            Some(error) => {
                let reason = failed(error).reason.as_deref().map_or("script_worker", known);
                Answer::Failed { reason, message: error.message.clone() }
            }
            None if outcome.runs.is_empty() => Answer::Failed {
                reason: "script_worker",
                message: "The tenant's scripts could not be run.".to_owned(),
            },
            None => Answer::Result(outcome.result.clone()),
        };
        Called { result: read(&answer), scripts: json!({ "runs": runs, "ignored": [] }) }
    }
}

/// The reason of a failure as a text that lives on.
fn known(reason: &str) -> &'static str {
    const REASONS: &[&str] = &[
        "script_threw",
        "script_invalid",
        "script_time",
        "script_cpu",
        "script_memory",
        "script_output",
        "script_stuck",
    ];
    REASONS.iter().find(|known| **known == reason).copied().unwrap_or("script_worker")
}

/// `change_password` as `Change Password`.
fn title(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<String>>().join(" ")
}
