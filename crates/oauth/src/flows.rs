//! The tenant's scripts around changes of users that the Management API makes.

use std::sync::Arc;

use gatewright_core::connection::Connection;
use gatewright_core::script::database::{Profile, Refusal};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::engine::{ApiError, Map};
use gatewright_resources::flows::{Change, Flows, Happened};
use gatewright_store::BoxFuture;
use serde_json::{Value, json};

use crate::custom_database::{self, Called};
use crate::events;
use crate::mail::trial;
use crate::scripts::afterwards;
use crate::scripts::event::Sent;
use crate::scripts::registration::{self, Candidate};
use crate::sign_up::decision;

/// The scripts as operations of the Management API reach them, within a request.
pub fn flows(cx: RequestCx) -> Arc<dyn Flows> {
    Arc::new(OfRequest(cx))
}

struct OfRequest(RequestCx);

impl std::fmt::Debug for OfRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OfRequest").finish()
    }
}

impl OfRequest {
    /// Writes a failure into the tenant's log.
    async fn log(
        &self,
        code: &'static str,
        connection: Option<&Connection>,
        (reason, description): (&str, Option<String>),
        scripts: Value,
    ) -> Result<(), ApiError> {
        let mut event = events::event(&self.0, code, None);
        if let Some(connection) = connection {
            event = events::at_connection(event, connection);
        }
        event.description = description;
        event.details = json!({ "decision": decision(reason, scripts) });
        events::write(&self.0, event)
            .await
            .map_err(|_| ApiError::new(503, "The service is not available, try again."))
    }

    /// The refusal of a database script, logged.
    async fn refused(
        &self,
        code: &'static str,
        connection: &Connection,
        refusal: Refusal,
        scripts: Value,
    ) -> Result<ApiError, ApiError> {
        self.log(code, Some(connection), custom_database::logged(&refusal), scripts).await?;
        Ok(match refusal {
            Refusal::Exists => ApiError::conflict("The user already exists.").code("auth0_idp_error"),
            Refusal::Told { message, .. } => ApiError::new(400, message).code("auth0_idp_error"),
            Refusal::Failed { reason: "script_missing", message } => {
                ApiError::new(400, message).code("auth0_idp_error")
            }
            Refusal::WrongPassword | Refusal::Unknown => {
                ApiError::new(400, "The database does not know the user.").code("auth0_idp_error")
            }
            Refusal::Failed { .. } => {
                ApiError::new(400, "The script of the database failed; the tenant's log says how.")
                    .code("auth0_idp_error")
            }
        })
    }

    async fn create_elsewhere(
        &self,
        connection: &Connection,
        body: &Map,
    ) -> Result<Option<Profile>, ApiError> {
        let Some(custom) = custom_database::of(&self.0, connection) else { return Ok(None) };
        match custom.knows(body).await {
            Ok(None) => {}
            Ok(Some(_)) => return Err(self.refused("fs", connection, Refusal::Exists, Value::Null).await?),
            Err((refusal, scripts)) => return Err(self.refused("fs", connection, refusal, scripts).await?),
        }
        if custom.imports() {
            return Ok(None);
        }
        let mut user = body.clone();
        user.remove("verify_email");
        user.insert("tenant".to_owned(), self.0.tenant.id.as_str().into());
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let created = custom.create(Value::Object(user), text("password").unwrap_or_default()).await;
        if let Err(refusal) = created.result {
            return Err(self.refused("fs", connection, refusal, created.scripts).await?);
        }
        let identifier = text("email").or(text("username")).unwrap_or_default();
        let Called { result, scripts } = custom.get_user(identifier).await;
        match result {
            Ok(Some(mut profile)) => {
                for name in ["user_metadata", "app_metadata"] {
                    if let Some(given) = body.get(name) {
                        profile.members.entry(name).or_insert_with(|| given.clone());
                    }
                }
                Ok(Some(profile))
            }
            Ok(None) => {
                let message = "The account was created, and the get_user script does not know it.".to_owned();
                let why = Refusal::Failed { reason: "script_profile", message };
                Err(self.refused("fs", connection, why, scripts).await?)
            }
            Err(refusal) => Err(self.refused("fs", connection, refusal, scripts).await?),
        }
    }

    async fn change_elsewhere(&self, name: &str, change: Change<'_>) -> Result<bool, ApiError> {
        let Some(connection) = self.0.tenant.connection(name) else { return Ok(false) };
        let custom = custom_database::of(&self.0, connection).filter(|custom| !custom.imports());
        let Some(custom) = custom else { return Ok(false) };
        let (code, called) = match change {
            Change::Password { identifier, password } => {
                ("fcp", custom.change_password(identifier, password).await)
            }
            Change::Email { email, new, verified } => {
                ("fce", custom.change_email(email, new, verified).await)
            }
            Change::Delete { local_id } => {
                let Called { result, scripts } = custom.delete(local_id).await;
                ("fdu", Called { result: result.map(|()| true), scripts })
            }
        };
        match called.result {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.log(code, Some(connection), ("not_changed_by_script", None), called.scripts).await?;
                Err(ApiError::new(400, "The database did not change it.").code("auth0_idp_error"))
            }
            Err(refusal) => Err(self.refused(code, connection, refusal, called.scripts).await?),
        }
    }

    async fn look(&self, connection: &Connection, profile: &mut Map) -> Result<(), ApiError> {
        if !registration::any(&self.0) || !matches!(connection.strategy.as_str(), "auth0" | "sms" | "email") {
            return Ok(());
        }
        let mut shown = profile.clone();
        shown.retain(|name, _| !matches!(name.as_str(), "password" | "connection" | "verify_email"));
        let sent = Sent { method: "POST", ..Sent::default() };
        let candidate = Candidate { client: None, connection, profile: &shown, sent: &sent };
        let screened = registration::screen(&self.0, &candidate).await;
        if let Some(refusal) = &screened.registration.refusal {
            let why = (refusal.reason, Some(refusal.log.clone()));
            self.log("fs", Some(connection), why, screened.ledger()).await?;
            return Err(ApiError::new(400, refusal.message.clone()).code(refusal.code.clone()));
        }
        screened.registration.apply(profile);
        Ok(())
    }
}

impl Flows for OfRequest {
    fn before_registration<'a>(
        &'a self,
        connection: &'a Connection,
        profile: &'a mut Map,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(self.look(connection, profile))
    }

    fn create<'a>(
        &'a self,
        connection: &'a Connection,
        body: &'a Map,
    ) -> BoxFuture<'a, Result<Option<Profile>, ApiError>> {
        Box::pin(self.create_elsewhere(connection, body))
    }

    fn change<'a>(
        &'a self,
        connection: &'a str,
        change: Change<'a>,
    ) -> BoxFuture<'a, Result<bool, ApiError>> {
        Box::pin(self.change_elsewhere(connection, change))
    }

    fn is_elsewhere(&self, connection: &str) -> bool {
        self.0.tenant.scripts().database(connection).is_some_and(|database| !database.imports)
    }

    fn written<'a>(
        &'a self,
        template: &'a str,
        texts: &'a Map,
        to: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(trial::written(&self.0, template, texts, to))
    }

    fn afterwards(&self, happened: Happened) {
        let (name, document, tell): (_, _, fn(_, _, _, _, _)) = match happened {
            Happened::Registered { connection, user } => (connection, user, afterwards::registered),
            Happened::PasswordChanged { connection, user } => {
                (connection, user, afterwards::password_changed)
            }
        };
        let connection = self.0.tenant.connection(&name);
        if let (Some(connection), Ok(user)) = (connection, serde_json::from_value::<User>(document)) {
            let sent = Sent { method: "POST", ..Sent::default() };
            tell(&self.0, None, connection, &user, &sent);
        }
    }
}
