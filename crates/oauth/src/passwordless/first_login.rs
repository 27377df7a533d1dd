//! A code or link that makes an account: the tenant's scripts look at it before, and hear of it afterwards.
//!
//! The code is judged twice then, for no transaction is open while a script runs. A wrong one is counted in the
//! first judgement and never comes to the second.

use gatewright_core::login::one_time_code::CodeVerdict;
use gatewright_core::user::User;
use gatewright_resources::{passwordless_codes, users};
use gatewright_store::Tx;
use serde_json::{Map, Value, json};

use super::{CodeRefusal, PresentedCode, Proof, channel, count_and_judge};
use crate::events;
use crate::scripts::afterwards;
use crate::scripts::event::Sent;
use crate::scripts::registration::{self, Candidate, Screened};
use crate::sign_up;
use crate::stop::Stop;
use gatewright_core::login::one_time_code::CodeChannel;

/// What scripts said of an account before it is made.
#[derive(Clone, Debug, Default)]
pub(crate) enum Screening {
    /// They did not have to look: the account is there, or nothing is to run.
    #[default]
    NotNeeded,
    /// They have nothing against it; this is what the log says of them.
    Passed(Value),
}

/// What the first judgement comes to.
enum First {
    Refused(CodeVerdict),
    Known,
    New,
}

impl PresentedCode {
    /// Shows an account that this code is about to make to the tenant's scripts; must come before
    /// [`PresentedCode::judge`], outside any transaction. A refusal is logged here, `refused_as` if it is the
    /// code's.
    pub(crate) async fn screen(
        &mut self,
        refused_as: &'static str,
        sent: &Sent,
    ) -> Result<Result<(), CodeRefusal>, Stop> {
        self.screen_as(refused_as, sent, Proof::Code).await
    }

    /// The same for the secret of a link.
    pub(crate) async fn screen_link(&mut self, sent: &Sent) -> Result<Result<(), CodeRefusal>, Stop> {
        self.screen_as("f", sent, Proof::Link).await
    }

    async fn screen_as(
        &mut self,
        refused_as: &'static str,
        sent: &Sent,
        proof: Proof,
    ) -> Result<Result<(), CodeRefusal>, Stop> {
        if !registration::any(&self.cx) {
            return Ok(Ok(()));
        }
        let code = self.clone();
        let write =
            self.cx.app.db.write(move |tx| Box::pin(async move { code.look(tx, refused_as, proof).await }));
        match write.await? {
            First::Refused(verdict) => return Ok(Err(CodeRefusal::Code(verdict))),
            First::Known => return Ok(Ok(())),
            First::New => {}
        }
        let profile = self.profile();
        let candidate =
            Candidate { client: Some(&self.client), connection: &self.connection, profile: &profile, sent };
        let screened = registration::screen(&self.cx, &candidate).await;
        match screened.registration.refusal.clone() {
            None => {
                self.screened = Screening::Passed(screened.ledger());
                Ok(Ok(()))
            }
            Some(refusal) => {
                self.deny(&screened).await?;
                Ok(Err(CodeRefusal::Denied(refusal)))
            }
        }
    }

    /// Judges the code without using it, and looks whether somebody has the identifier.
    async fn look(&self, tx: &mut Tx, refused_as: &'static str, proof: Proof) -> Result<First, Stop> {
        let (tenant, name) = (&self.cx.tenant.id, &self.connection.name);
        let verdict =
            count_and_judge(tx, &self.cx, &self.connection, &self.identifier, &self.otp, proof).await?;
        if verdict != CodeVerdict::Accepted {
            let why = json!({"reason": verdict.code(), "says": verdict.says()});
            self.log(tx, refused_as, None, why).await?;
            return Ok(First::Refused(verdict));
        }
        passwordless_codes::uncount_try(tx, tenant, name, &self.identifier).await?;
        Ok(match users::by_identifier(tx, tenant, name, &self.identifier).await? {
            Some(_) => First::Known,
            None => First::New,
        })
    }

    /// The user as scripts see it before it is made.
    fn profile(&self) -> Map<String, Value> {
        let (name, verified) = match channel(&self.connection) {
            CodeChannel::Phone => ("phone_number", "phone_verified"),
            CodeChannel::Email => ("email", "email_verified"),
        };
        let mut profile = Map::new();
        profile.insert(name.to_owned(), self.identifier.clone().into());
        profile.insert(verified.to_owned(), true.into());
        profile
    }

    /// Spends the code of an account that is not to be made, so that it shows itself to no script again.
    async fn deny(&self, screened: &Screened) -> Result<(), Stop> {
        let Some(refusal) = screened.registration.refusal.clone() else { return Ok(()) };
        let mut event = events::event(&self.cx, "fs", Some(&self.client));
        event = events::at_connection(event, &self.connection);
        event.user_name = Some(self.identifier.clone());
        event.description = Some(refusal.log);
        event.details = json!({ "decision": sign_up::decision(refusal.reason, screened.ledger()) });
        let code = self.clone();
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let (cx, tenant) = (&code.cx, &code.cx.tenant.id);
                passwordless_codes::spend(tx, tenant, &code.connection.name, &code.identifier, cx.now)
                    .await?;
                gatewright_resources::logs::append(tx, tenant, cx.now, &cx.app.random, &event).await?;
                Ok::<_, Stop>(())
            })
        });
        write.await
    }

    /// Tells the tenant's scripts of an account that is made, and committed.
    pub(crate) fn made(&self, user: &User, sent: &Sent) {
        afterwards::registered(&self.cx, Some(&self.client), &self.connection, user, sent);
    }
}
