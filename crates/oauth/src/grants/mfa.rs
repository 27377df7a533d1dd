//! What the grants of the MFA API share: a login that waits under an MFA token, and the proof of its factor.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::{Client, PASSWORDLESS_OTP};
use gatewright_core::mfa;
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use gatewright_jose::{constant_time_eq, token_hash};
use gatewright_resources::mfa_tokens::{self, Waiting};
use gatewright_resources::users;
use gatewright_store::{BoxFuture, Tx};

use super::{Flow, Presented, Redeemed, Refused, SecondStep, Subject, refresh_token};
use crate::multifactor::attempt::{Attempt, Judged, Way};
use crate::stop::Stop;

/// The proof of a factor as a client presents it.
pub(super) struct Proof {
    token_hash: String,
    way: Way,
    typed: String,
    oob_code_hash: Option<String>,
    /// What the caller is told of a wrong one.
    wrong: &'static str,
}

impl Proof {
    /// Reads it; `name` is the parameter that holds what was typed in.
    pub(super) fn read(
        params: &Params,
        name: &str,
        way: Way,
        wrong: &'static str,
    ) -> Result<Self, OAuthError> {
        let text = |name| params.text(name).ok_or_else(|| OAuthError::missing_parameter(name));
        Ok(Self {
            token_hash: token_hash(text("mfa_token")?),
            typed: text(name)?.to_owned(),
            way,
            oob_code_hash: None,
            wrong,
        })
    }

    /// The same, with what `/mfa/challenge` or `/mfa/associate` gave for the code of a message.
    pub(super) fn with_oob_code(mut self, params: &Params) -> Result<Self, OAuthError> {
        let code = params.text("oob_code").ok_or_else(|| OAuthError::missing_parameter("oob_code"))?;
        self.oob_code_hash = Some(token_hash(code));
        Ok(self)
    }

    /// Whether the message that the client names is the one that is waited for.
    fn is_of(&self, waiting: &Waiting) -> bool {
        match &self.oob_code_hash {
            None => true,
            Some(presented) => {
                let sent = waiting.asked.code.as_ref().and_then(|code| code.oob_code_hash.as_deref());
                sent.is_some_and(|sent| constant_time_eq(sent.as_bytes(), presented.as_bytes()))
            }
        }
    }
}

impl Presented for Proof {
    fn redeem<'t>(
        self: Box<Self>,
        tx: &'t mut Tx,
        cx: &'t RequestCx,
        client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>> {
        Box::pin(async move {
            let (tenant, now) = (&cx.tenant.id, cx.now);
            let found = mfa_tokens::hold(tx, tenant, &self.token_hash, now).await?;
            let found = found.filter(|found| found.client_id == client.client_id && found.used_at.is_none());
            let Some(found) = found else { return Ok(Err(mfa::token_unknown().into())) };
            let mut waiting = found.waiting;
            let user_id = waiting.asked.user_id.clone();
            let refused = |error: OAuthError| Ok(Err(Refused::from(error).of(Some(user_id.clone()))));
            if found.expires_at <= now {
                return refused(mfa::token_expired());
            }
            let document = users::by_id(tx, tenant, &user_id).await?;
            let user = document.and_then(|document| serde_json::from_value::<User>(document).ok());
            let Some(user) = user else { return refused(mfa::token_unknown().because("user_deleted")) };
            if !self.is_of(&waiting) {
                return refused(mfa::not_asked());
            }
            let new_app = self.way == Way::App && waiting.asked.otp_secret_sealed.is_some();
            let attempt = Attempt {
                cx: cx.clone(),
                client: Arc::new(client.clone()),
                user: user.clone(),
                binding: self.token_hash.clone(),
                way: if new_app { Way::NewApp } else { self.way },
                typed: self.typed,
            };
            let judged = attempt.on(tx, &mut waiting.asked).await?;
            mfa_tokens::set(tx, tenant, &self.token_hash, &waiting).await?;
            let recovery_code = match judged {
                // What came with a new factor was told when its enrollment began.
                Judged::Passed { recovery_code, enrolled } => recovery_code.filter(|_| !enrolled),
                Judged::Nothing => return refused(mfa::not_asked()),
                Judged::Wrong(reason) => {
                    return refused(OAuthError::invalid_grant(self.wrong).because(reason));
                }
                Judged::TooManyWrong => return refused(mfa::too_many_codes()),
            };
            if !mfa_tokens::spend(tx, tenant, &self.token_hash, now).await? {
                return refused(mfa::token_unknown());
            }
            subject(tx, cx, client, user, SecondStep { waiting, recovery_code }).await
        })
    }
}

/// The first step's subject once more.
async fn subject(
    tx: &mut Tx,
    cx: &RequestCx,
    client: &Client,
    user: User,
    step: SecondStep,
) -> Result<Redeemed, Stop> {
    let waiting = &step.waiting;
    let mut subject = Subject {
        user: Some(user),
        scope: waiting.scope.clone(),
        audience: waiting.audience.clone(),
        flow: Flow::Password,
        gty: Some(match waiting.grant.as_str() {
            PASSWORDLESS_OTP => PASSWORDLESS_OTP,
            _ => "password",
        }),
        nonce: None,
        session_id: None,
        auth_time: None,
        // Compat: only a login in a browser says so.
        multifactor: false,
        connection: waiting.connection.clone(),
        code_hash: None,
        refresh: None,
        verdict: None,
        exchanged: None,
        second_step: None,
    };
    if let Some(hash) = &waiting.refresh_hash {
        match refresh_token::judge(tx, cx, client, hash).await? {
            Ok(refresh) => subject = refresh_token::subject(subject, refresh),
            Err(refused) => return Ok(Err(refused)),
        }
    }
    subject.second_step = Some(Box::new(step));
    Ok(Ok(subject))
}
