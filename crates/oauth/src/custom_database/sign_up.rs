//! Signing up at a custom database: is there such an account, make it, look at it.

use std::sync::Arc;

use gatewright_core::client::Client;
use gatewright_core::script::database::{Profile, Refusal};
use gatewright_core::user::User;
use gatewright_http::Fault;
use gatewright_resources::account_tickets::Purpose;
use gatewright_resources::logs;
use gatewright_resources::users::{self, NotSignedUp};
use gatewright_store::StoreError;
use serde_json::{Map, Value, json};

use super::Custom;
use super::login::conflict;
use crate::account_link::Link;
use crate::stop::Stop;

/// What came of a sign-up.
pub(crate) enum SignedUp {
    /// The account was made elsewhere; here is its shadow, and the link that proves its address, if one is to be
    /// sent.
    Made(Box<User>, Option<Link>),
    /// Nothing was made.
    Not(Refusal, Value),
}

impl Custom {
    /// Whether the scripts know an account of this address. Asked for addresses that are known here too, so that
    /// both take the same time.
    pub(crate) async fn knows(&self, form: &Map<String, Value>) -> Result<Option<Profile>, (Refusal, Value)> {
        let called = self.get_user(text(form, "email")).await;
        called.result.map_err(|refusal| (refusal, called.scripts))
    }

    /// Makes an account where no accounts are imported.
    pub(crate) async fn sign_up(
        &self,
        client: &Arc<Client>,
        form: &Map<String, Value>,
        password: &str,
    ) -> Result<SignedUp, Stop> {
        let email = text(form, "email").to_owned();
        match self.knows(form).await {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(SignedUp::Not(Refusal::Exists, Value::Null)),
            Err((refusal, scripts)) => return Ok(SignedUp::Not(refusal, scripts)),
        }
        // The shadow of an account that is gone would stand in the way of the new one.
        if self.has_shadow(&email).await? {
            return Ok(SignedUp::Not(Refusal::Exists, Value::Null));
        }
        let mut user = form.clone();
        user.insert("password".to_owned(), password.into());
        user.insert("client_id".to_owned(), client.client_id.clone().into());
        user.insert("tenant".to_owned(), self.cx.tenant.id.as_str().into());
        user.insert("connection".to_owned(), self.connection.name.clone().into());
        let created = self.create(Value::Object(user), password).await;
        if let Err(refusal) = created.result {
            return Ok(SignedUp::Not(refusal, created.scripts));
        }
        let looked = self.login(&email, password).await;
        let profile = match looked.result {
            Ok(profile) => profile,
            Err(refusal) => return Ok(SignedUp::Not(after_create(refusal), looked.scripts)),
        };
        let scripts =
            json!({ "runs": [created.scripts["runs"][0], looked.scripts["runs"][0]], "ignored": [] });
        self.keep(client, form, profile, scripts).await
    }

    /// Keeps the shadow of an account that was just made.
    async fn keep(
        &self,
        client: &Arc<Client>,
        form: &Map<String, Value>,
        mut profile: Profile,
        scripts: Value,
    ) -> Result<SignedUp, Stop> {
        for name in ["user_metadata", "app_metadata"] {
            if let Some(given) = form.get(name) {
                profile.members.entry(name).or_insert_with(|| given.clone());
            }
        }
        let proved = profile.members.get("email_verified") == Some(&Value::Bool(true));
        let link = (!proved).then(|| Link::draw(&self.cx, Purpose::VerifyEmail));
        let event = self.event("ss", client, text(form, "email"), "signed_up", scripts.clone());
        let (within, kept, own, of) = (self.clone(), profile.clone(), link.clone(), Arc::clone(client));
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let cx = &within.cx;
                let user = match within.adopt(tx, &kept, None).await? {
                    Ok(document) => serde_json::from_value::<User>(document).map_err(Fault::internal)?,
                    Err(error) => return Ok(Err(error)),
                };
                let mut event = event;
                event.user_id = Some(user.user_id.clone());
                logs::append(tx, &cx.tenant.id, cx.now, &cx.app.random, &event).await?;
                if let Some(link) = own {
                    link.store(tx, cx, Some(&of), &within.connection, &user).await?;
                }
                Ok::<_, Stop>(Ok::<_, NotSignedUp>(user))
            })
        });
        Ok(match write.await? {
            Ok(user) => SignedUp::Made(Box::new(user), link),
            Err(error) => {
                let message = conflict(&error, &profile);
                SignedUp::Not(Refusal::Failed { reason: "account_conflict", message }, scripts)
            }
        })
    }

    async fn has_shadow(&self, email: &str) -> Result<bool, StoreError> {
        let (tenant, name, email) =
            (self.cx.tenant.id.clone(), self.connection.name.clone(), email.to_owned());
        let read =
            self.cx.app.db.read(move |tx| {
                Box::pin(async move { users::by_identifier(tx, &tenant, &name, &email).await })
            });
        Ok(read.await?.is_some())
    }
}

/// The account is there by now, so nothing that the login script says means that it is not.
fn after_create(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Failed { reason, message } => Refusal::Failed { reason, message },
        other => Refusal::Failed {
            reason: "script_profile",
            message: format!("The account was created, and the login script does not know it: {other:?}"),
        },
    }
}

fn text<'a>(form: &'a Map<String, Value>, name: &str) -> &'a str {
    form.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What the log says of a refusal: reason and text.
pub(crate) fn logged(refusal: &Refusal) -> (&'static str, Option<String>) {
    match refusal {
        Refusal::Exists => ("user_exists", None),
        Refusal::WrongPassword | Refusal::Unknown => ("script_threw", None),
        Refusal::Told { message, .. } => ("denied_by_script", Some(message.clone())),
        Refusal::Failed { reason, message } => (reason, Some(message.clone())),
    }
}
