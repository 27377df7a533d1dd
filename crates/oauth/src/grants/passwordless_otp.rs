//! The passwordless grant: a one-time code sent by `/passwordless/start`, exchanged by the client itself.
//! No browser takes part, so no session begins.

use std::sync::Arc;

use gatewright_core::OAuthError;
use gatewright_core::client::{Client, PASSWORDLESS_OTP};
use gatewright_core::user::User;
use gatewright_http::{Params, RequestCx};
use gatewright_resources::users;
use gatewright_store::{BoxFuture, Tx};

use super::{Flow, Grant, NewAccount, Presented, Redeemed, Refused, RefusedEvent, Subject};
use crate::passwordless::{self, CodeRefusal, PresentedCode, Proven, Screening};
use crate::scripts::event::Sent;
use crate::stop::Stop;

pub(super) static GRANT: Grant = Grant {
    name: PASSWORDLESS_OTP,
    params: &["username", "otp", "realm"],
    // Compat: there is no type code of a successful exchange; it is a login.
    events: ("s", "fepotpft"),
    present: |cx, client, params| {
        Box::pin(async move {
            // Compat: a single-page application goes through `/co/authenticate`, which looks at the origin.
            if client.app_type == "spa" {
                let text = format!("Grant type '{PASSWORDLESS_OTP}' not allowed for the client.");
                let error = OAuthError::unauthorized_client(text);
                return Err(error.because("passwordless_otp_grant_in_spa").into());
            }
            from_page(cx, client, &params).await
        })
    },
};

/// The code as a page presents it whose origin the caller has looked at.
pub(crate) async fn from_page(
    cx: RequestCx,
    client: Arc<Client>,
    params: &Params,
) -> Result<Box<dyn Presented>, Stop> {
    let mut otp = Otp::read(cx, client, params)?;
    otp.denied = otp.code.screen(GRANT.events.1, &Sent::body(params)).await?.err();
    Ok(Box::new(otp))
}

/// A code as a client presents it.
struct Otp {
    code: PresentedCode,
    scope: Option<String>,
    audience: Option<String>,
    /// It was refused before its transaction.
    denied: Option<CodeRefusal>,
    made: NewAccount,
}

impl Otp {
    fn read(cx: RequestCx, client: Arc<Client>, params: &Params) -> Result<Self, OAuthError> {
        let text = |name| params.text(name).ok_or_else(|| OAuthError::missing_parameter(name));
        let (username, otp, realm) = (text("username")?, text("otp")?, text("realm")?);
        let connection = cx.tenant.connection_for(realm, &client.client_id).cloned();
        let connection = connection
            .filter(|connection| passwordless::built(connection))
            .ok_or_else(|| OAuthError::invalid_request(format!("Unknown realm {realm}.")))?;
        let identifier =
            passwordless::identifier(&connection, username).unwrap_or_else(|| username.to_owned());
        let owned = |name| params.text(name).map(str::to_owned);
        Ok(Self {
            scope: owned("scope"),
            audience: owned("audience"),
            denied: None,
            made: NewAccount::default(),
            code: PresentedCode {
                cx,
                client,
                connection,
                identifier,
                otp: otp.to_owned(),
                screened: Screening::default(),
            },
        })
    }
}

impl Presented for Otp {
    fn new_account(&self) -> Option<NewAccount> {
        Some(Arc::clone(&self.made))
    }

    fn redeem<'t>(
        self: Box<Self>,
        tx: &'t mut Tx,
        cx: &'t RequestCx,
        _client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>> {
        Box::pin(async move {
            let Self { code, scope, audience, denied, made } = *self;
            let judged = match denied {
                Some(refusal) => Err(refusal),
                None => code.judge(tx, GRANT.events.1).await?,
            };
            let Proven { user, created, .. } = match judged {
                Ok(proven) => proven,
                Err(refusal) => {
                    let channel = passwordless::channel(&code.connection);
                    let error = match refusal {
                        CodeRefusal::Code(verdict) => verdict.token_error(channel),
                        CodeRefusal::Denied(refusal) => Some(passwordless::denied(refusal)),
                        CodeRefusal::Blocked => None,
                    };
                    let error = error.unwrap_or_else(|| OAuthError::user_blocked().because("user_blocked"));
                    return Ok(Err(Refused { event: RefusedEvent::Written, ..Refused::from(error) }));
                }
            };
            if created {
                made.set((user.clone(), Arc::clone(&code.connection))).ok();
            }
            let ip = cx.ip.to_string();
            let updated = users::record_login(tx, &cx.tenant.id, &user.user_id, &ip, cx.now).await?;
            let updated = updated.and_then(|document| serde_json::from_value::<User>(document).ok());
            Ok(Ok(Subject {
                user: Some(updated.unwrap_or(user)),
                scope,
                audience,
                flow: Flow::Password,
                gty: Some(PASSWORDLESS_OTP),
                nonce: None,
                session_id: None,
                auth_time: None,
                multifactor: false,
                connection: Some(code.connection.name.clone()),
                code_hash: None,
                refresh: None,
                verdict: None,
                exchanged: None,
                second_step: None,
            }))
        })
    }
}
