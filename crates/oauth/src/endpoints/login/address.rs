//! `/u/email-identifier/challenge`: a code proves an address before an account is made of it.
//!
//! A code waits for addresses that have an account too; it is never sent, and they get a message that says
//! what is so. So nobody learns from this page which addresses have accounts.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_adapters::email::EmailKind;
use gatewright_core::connection::Connection;
use gatewright_core::limits::RateLimit;
use gatewright_core::login::one_time_code::{CodeFacts, CodeVerdict, verdict};
use gatewright_core::script::database::Profile;
use gatewright_core::user::User;
use gatewright_http::{Fault, RequestCx};
use gatewright_passwords::StoredHash;
use gatewright_resources::login_transactions::{self, AddressProof, LoginTransaction, SignUp};
use gatewright_resources::{logs, passwords, rate_buckets, users};
use gatewright_store::Tx;
use serde_json::{Map, Value, json};

use super::challenge::typed_digits;
use super::identifier::RESEND_SECONDS;
use super::{ADDRESS_CHALLENGE, RESUME, SIGN_UP, SIGN_UP_IDENTIFIER, Visit, just_logged_in, logged_in, page};
use crate::custom_database;
use crate::events;
use crate::mail::Mail;
use crate::pages::screen::{Button, Field, Subject};
use crate::scripts::afterwards;
use crate::scripts::event::Sent;
use crate::sign_up::{Account, Vetted};
use crate::stop::Stop;

/// Compat: a quarter of an hour.
const LIFETIME_SECONDS: i64 = 900;
const DIGITS: usize = 6;

/// Messages to one address: five at once, five more an hour.
const MESSAGES: RateLimit = RateLimit::new(5, 5, 3600);

page!(address_challenge, serve);

/// What came of asking for a proof.
pub(super) enum Asked {
    Yes,
    TooOften,
    Lost,
}

/// Sends a code to the address of a sign-up whose password is good, or the message that it has an account,
/// after the answer. Both cost the same until then. `elsewhere` is an account that a custom database has.
pub(super) async fn ask(
    visit: &Visit,
    connection: &Arc<Connection>,
    vetted: Vetted,
    elsewhere: Option<Profile>,
) -> Result<Asked, Stop> {
    let Vetted { form, hash, scripts } = vetted;
    let email = form.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
    let code = visit.cx.app.random.digits(DIGITS);
    let proof = AddressProof {
        password_hash: hash.to_string(),
        code_mac: visit.cx.app.master_key.mac(&context(visit), code.as_bytes()).to_vec(),
        sent_at: visit.cx.now,
        tries: 0,
    };
    let (cx, state_hash) = (visit.cx.clone(), visit.waiting.row.state_hash.clone());
    let (name, to) = (connection.name.clone(), email.clone());
    let write = visit.cx.app.db.write(move |tx| {
        Box::pin(async move {
            let (tenant, now) = (&cx.tenant.id, cx.now);
            let Some(held) = login_transactions::hold(tx, tenant, &state_hash, now).await? else {
                return Ok(Err(Asked::Lost));
            };
            if !rate_buckets::take(tx, tenant, "sign_up_message", MESSAGES, &to, now).await?.allowed {
                return Ok(Err(Asked::TooOften));
            }
            let account = passwords::account(tx, tenant, &name, &to).await?;
            let mut progress = held.progress;
            progress.connection = Some(name);
            progress.sign_up = Some(SignUp { form, scripts, proof: Some(proof) });
            login_transactions::set_progress(tx, tenant, &state_hash, &progress).await?;
            Ok::<_, Stop>(Ok(account))
        })
    });
    match write.await? {
        Ok(account) => {
            let user = account.and_then(|account| serde_json::from_value::<User>(account.user).ok());
            let user = user.or_else(|| elsewhere.map(in_custom_database));
            send(visit, connection, email, code, user);
            Ok(Asked::Yes)
        }
        Err(refused) => Ok(refused),
    }
}

/// An account that a custom database has, for the message that says so.
fn in_custom_database(profile: Profile) -> User {
    User { user_id: format!("auth0|{}", profile.local_id), blocked: false, profile: profile.members }
}

/// What binds a code to its sign-up.
fn context(visit: &Visit) -> String {
    format!("{}/sign_up_code/{}", visit.cx.tenant.id, visit.waiting.row.state_hash)
}

fn send(visit: &Visit, connection: &Arc<Connection>, to: String, code: String, user: Option<User>) {
    let (cx, client, connection) = (visit.cx.clone(), Arc::clone(&visit.client), Arc::clone(connection));
    let language = visit.language;
    tokio::spawn(async move {
        let (kind, vars) = match &user {
            Some(_) => (EmailKind::AccountExists, json!({})),
            None => (EmailKind::VerifyEmailByCode, json!({"code": code})),
        };
        let mail = Mail {
            kind,
            to: &to,
            client: Some(&client),
            connection: Some(&connection),
            user: user.as_ref(),
            language: Some(language),
            vars,
        };
        let (failure, scripts) = match mail.send(&cx).await {
            Ok(delivery) => match delivery.sent {
                Ok(_receipt) => return,
                Err(error) => (error.detail, delivery.scripts),
            },
            Err(_) => ("the message could not be written".to_owned(), None),
        };
        let mut event = events::at_connection(events::event(&cx, "fn", Some(&client)), &connection);
        event.user_name = Some(to.clone());
        event.details = json!({"error": {"message": failure}, "template": kind.name()});
        if let Some(scripts) = scripts {
            event.details["decision"] = json!({ "scripts": scripts });
        }
        if events::write(&cx, event).await.is_err() {
            tracing::error!("A message that could not be sent could not be logged either.");
        }
    });
}

/// What the page says besides its question.
#[derive(Default)]
struct Said {
    error: Option<&'static str>,
    alert: Option<&'static str>,
    notice: Option<&'static str>,
}

async fn serve(visit: Visit) -> Result<Response, Stop> {
    let waiting = visit.progress().sign_up.clone();
    let waiting = waiting.and_then(|sign_up| Some((sign_up.form, sign_up.scripts, sign_up.proof?)));
    let (Some(connection), Some((form, scripts, proof))) = (visit.sign_up_connection(), waiting) else {
        return Ok(match visit.just_logged_in() {
            true => visit.go(RESUME),
            false => visit.to_first_page(),
        });
    };
    let email = form.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
    let say = |said: Said| Ok(show(&visit, &email, &proof, &said));
    if !visit.posted {
        return say(Said::default());
    }
    if !visit.form_is_ours() {
        return say(Said { alert: Some("invalid-request"), ..Said::default() });
    }
    if visit.action() == "resend-code" {
        if seconds_to_wait(&visit, &proof) > 0 {
            return say(Said::default());
        }
        let hash = StoredHash::parse(&proof.password_hash).map_err(Fault::internal)?;
        let elsewhere = match custom_database::of(&visit.cx, &connection) {
            Some(custom) => custom.knows(&form).await.map_err(|(refusal, _)| refusal),
            None => Ok(None),
        };
        let Ok(elsewhere) = elsewhere else {
            return say(Said { alert: Some("signup-failed"), ..Said::default() });
        };
        return match ask(&visit, &connection, Vetted { form, hash, scripts }, elsewhere).await? {
            Asked::Yes => {
                let proof = AddressProof { sent_at: visit.cx.now, ..proof.clone() };
                let said = Said { notice: Some("resentText"), ..Said::default() };
                Ok(show(&visit, &email, &proof, &said))
            }
            Asked::TooOften => say(Said { alert: Some("too-many-email"), ..Said::default() }),
            Asked::Lost => Ok(visit.lost()),
        };
    }
    let typed = typed_digits(&visit);
    if typed.is_empty() {
        return say(Said { error: Some("no-code"), ..Said::default() });
    }
    if !visit.may_try_once_more().await? {
        return say(Said { alert: Some("too-many-requests"), ..Said::default() });
    }
    match judge(&visit, &connection, &typed).await? {
        Outcome::LoggedIn(made) => {
            if let Some(user) = made {
                let sent = Sent::typed(std::iter::empty());
                afterwards::registered(&visit.cx, Some(&visit.client), &connection, &user, &sent);
            }
            Ok(visit.go(RESUME))
        }
        Outcome::Lost => Ok(visit.lost()),
        Outcome::Refused(CodeVerdict::TooManyTries) => {
            say(Said { error: Some("too-many-code-attempts"), ..Said::default() })
        }
        Outcome::Refused(_) => say(Said { error: Some("invalid-code"), ..Said::default() }),
        Outcome::Taken => say(Said { alert: Some("signup-failed"), ..Said::default() }),
    }
}

enum Outcome {
    /// With the account that was made, unless another post was faster.
    LoggedIn(Option<Box<User>>),
    Refused(CodeVerdict),
    /// The code was right, and somebody else has the address or the name by now.
    Taken,
    Lost,
}

/// Judges the code, makes the account and notes who logged in, in one transaction.
async fn judge(visit: &Visit, connection: &Arc<Connection>, typed: &str) -> Result<Outcome, Stop> {
    let attempt = Attempt {
        cx: visit.cx.clone(),
        client: Arc::clone(&visit.client),
        connection: Arc::clone(connection),
        state_hash: visit.waiting.row.state_hash.clone(),
        context: context(visit),
        typed: typed.to_owned(),
    };
    visit.cx.app.db.write(move |tx| Box::pin(attempt.record(tx))).await
}

struct Attempt {
    cx: RequestCx,
    client: Arc<gatewright_core::client::Client>,
    connection: Arc<Connection>,
    state_hash: String,
    context: String,
    typed: String,
}

impl Attempt {
    async fn record(self, tx: &mut Tx) -> Result<Outcome, Stop> {
        let (cx, tenant, now) = (&self.cx, &self.cx.tenant.id, self.cx.now);
        let Some(mut held) = login_transactions::hold(tx, tenant, &self.state_hash, now).await? else {
            return Ok(Outcome::Lost);
        };
        // Two posts at once: the first one has used the code.
        if just_logged_in(cx, &held.progress) {
            return Ok(Outcome::LoggedIn(None));
        }
        let Some((SignUp { form, scripts, .. }, proof)) = self.count_try(tx, &mut held).await? else {
            return Ok(Outcome::Lost);
        };
        let facts = CodeFacts {
            expires_at: proof.sent_at.plus_seconds(LIFETIME_SECONDS),
            used: false,
            tries_so_far: proof.tries,
            hash_matches: cx.app.master_key.mac_matches(
                &self.context,
                self.typed.as_bytes(),
                &proof.code_mac,
            ),
        };
        let verdict = verdict(Some(&facts), now);
        if verdict != CodeVerdict::Accepted {
            self.refused(tx, &form, verdict.code()).await?;
            return Ok(Outcome::Refused(verdict));
        }
        let hash = StoredHash::parse(&proof.password_hash).map_err(Fault::internal)?;
        let account = Account {
            cx: cx.clone(),
            client: Arc::clone(&self.client),
            connection: Arc::clone(&self.connection),
            form: form.clone(),
            hash,
            scripts,
        };
        let Ok(user) = account.make(tx, "address_proved_by_code").await? else {
            self.refused(tx, &form, "taken_meanwhile").await?;
            return Ok(Outcome::Taken);
        };
        let email = user.text("email").unwrap_or_default().to_owned();
        let proved = users::prove_email(tx, tenant, &user.user_id, &email, now).await?;
        logged_in(tx, cx, held, &user.user_id, &self.connection.name).await?;
        let proved = proved.and_then(|document| serde_json::from_value(document).ok());
        Ok(Outcome::LoggedIn(Some(Box::new(proved.unwrap_or(user)))))
    }

    /// Counts the try, so that guesses made at the same time count as many; gives the proof as it was.
    async fn count_try(
        &self,
        tx: &mut Tx,
        held: &mut LoginTransaction,
    ) -> Result<Option<(SignUp, AddressProof)>, Stop> {
        let Some(before) = held.progress.sign_up.clone() else { return Ok(None) };
        let proof = held.progress.sign_up.as_mut().and_then(|sign_up| sign_up.proof.as_mut());
        let Some(proof) = proof else { return Ok(None) };
        let before = (before, proof.clone());
        proof.tries = proof.tries.saturating_add(1);
        login_transactions::set_progress(tx, &self.cx.tenant.id, &self.state_hash, &held.progress).await?;
        Ok(Some(before))
    }

    async fn refused(&self, tx: &mut Tx, form: &Map<String, Value>, reason: &str) -> Result<(), Stop> {
        let event = events::event(&self.cx, "fs", Some(&self.client));
        let mut event = events::at_connection(event, &self.connection);
        event.user_name = form.get("email").and_then(Value::as_str).map(str::to_owned);
        event.details = json!({"decision": {"reason": reason}});
        logs::append(tx, &self.cx.tenant.id, self.cx.now, &self.cx.app.random, &event).await?;
        Ok(())
    }
}

fn seconds_to_wait(visit: &Visit, proof: &AddressProof) -> i64 {
    let micros = proof.sent_at.plus_seconds(RESEND_SECONDS).micros() - visit.cx.now.micros();
    (micros.max(0) + 999_999) / 1_000_000
}

fn show(visit: &Visit, email: &str, proof: &AddressProof, said: &Said) -> Response {
    let mut screen = visit.screen("email-identifier-challenge", "email-identifier-challenge");
    let texts = screen.texts.clone();
    let edit = visit.href(if visit.identifier_first() { SIGN_UP_IDENTIFIER } else { SIGN_UP });
    let lead = Some(std::mem::take(&mut screen.description));
    screen.subject = Some(Subject { lead, text: email.to_owned(), edit: Some(edit) });
    let mut form = visit.form(ADDRESS_CHALLENGE);
    form.hidden.push(("code_length", DIGITS.to_string()));
    form.fields.push(Field::code(texts.get("codePlaceholder"), said.error.map(|key| texts.get(key))));
    form.buttons.push(Button { text: texts.get("buttonText"), value: "default", primary: true });
    form.resend = Some(visit.resend(&texts, seconds_to_wait(visit, proof)));
    screen.form = Some(form);
    screen.alert = said.alert.map(|key| texts.get(key));
    screen.notice = said.notice.map(|key| texts.get(key));
    visit.show(&screen)
}
