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
use serde_json::{Value, json};

use crate::scripts::callback::{Named, call};

/// How the log names runs of database scripts.
pub(crate) const TRIGGER: &str = "custom-database";
const NAMED: Named = Named { trigger: TRIGGER, kind: "database" };

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
        self.call_masked("login", json!([identifier, password]), database::login, password).await
    }

    /// The account, if there is one.
    pub(crate) async fn get_user(&self, identifier: &str) -> Called<Option<Profile>> {
        self.call("get_user", json!([identifier]), database::get_user).await
    }

    /// Makes an account with this password, which `user` holds too.
    pub(crate) async fn create(&self, user: Value, password: &str) -> Called<()> {
        self.call_masked("create", json!([user]), database::done, password).await
    }

    /// Notes that an address is proved. A database without the script has no place to note it.
    pub(crate) async fn verify(&self, email: &str) -> Option<Called<bool>> {
        self.database.script("verify")?;
        Some(self.call("verify", json!([email]), database::changed).await)
    }

    /// Sets another password.
    pub(crate) async fn change_password(&self, identifier: &str, password: &str) -> Called<bool> {
        let args = json!([identifier, password]);
        self.call_masked("change_password", args, database::changed, password).await
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
        self.call_masked(name, args, read, "").await
    }

    /// Calls a script that sees a password: whatever it prints or says, the log shows none.
    async fn call_masked<T>(
        &self,
        name: &'static str,
        args: Value,
        read: fn(&Answer) -> Result<T, Refusal>,
        password: &str,
    ) -> Called<T> {
        let Some(program) = self.database.script(name) else {
            // Compat: in these words.
            let message = format!("Please implement the {} script for this database connection", title(name));
            let result = Err(Refusal::Failed { reason: "script_missing", message });
            return Called { result, scripts: Value::Null };
        };
        let (answer, scripts) = call(&self.cx, NAMED, program, args, vec![password.to_owned()]).await;
        Called { result: read(&answer), scripts }
    }
}

/// `change_password` as `Change Password`.
fn title(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<String>>().join(" ")
}
