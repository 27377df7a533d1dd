//! `/mfa/…`: the MFA API. A client that was answered `mfa_required` lists, enrolls and challenges factors with the
//! MFA token, and then presents the proof at the token endpoint (`crate::grants`, the grants `mfa-…`).

pub(crate) mod associate;
pub(crate) mod authenticators;
pub(crate) mod challenge;

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_core::mfa::{self, Factor};
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_jose::{random_token, token_hash};
use gatewright_resources::authenticators::{self as rows, Authenticator};
use gatewright_resources::login_transactions::{FactorCode, MultiFactor};
use gatewright_resources::{logs, mfa_tokens, rate_buckets, users};
use gatewright_store::StoreError;

use crate::multifactor::attempt::message_context;
use crate::multifactor::message::Message;
use crate::multifactor::{DIGITS, MESSAGES, MESSAGES_BUCKET, event};
use crate::pages::texts;
use crate::stop::Stop;

/// A login that waits for its second factor.
struct Waits {
    cx: RequestCx,
    token_hash: String,
    client: Arc<Client>,
    user: User,
    asked: MultiFactor,
    enrolled: Vec<Authenticator>,
}

/// The login that waits with this token. `of`: the client that presents it, where it has said who it is.
async fn find(cx: &RequestCx, token: &str, of: Option<&Client>) -> Result<Waits, Stop> {
    let hash = token_hash(token);
    let (within, by) = (cx.clone(), hash.clone());
    let read = cx.app.db.read(move |tx| {
        Box::pin(async move {
            let tenant = &within.tenant.id;
            let Some(found) = mfa_tokens::by_hash(tx, tenant, &by).await? else { return Ok(None) };
            let user_id = &found.waiting.asked.user_id;
            let Some(document) = users::by_id(tx, tenant, user_id).await? else { return Ok(None) };
            let enrolled = rows::of_user(tx, tenant, user_id).await?;
            Ok::<_, StoreError>(Some((found, document, enrolled)))
        })
    });
    let Some((found, document, enrolled)) = read.await? else { return Err(mfa::token_unknown().into()) };
    let theirs = of.is_none_or(|client| client.client_id == found.client_id);
    let client = cx.tenant.client(&found.client_id).filter(|_| theirs && found.used_at.is_none()).cloned();
    let user = serde_json::from_value::<User>(document).ok().filter(|user| !user.blocked);
    let (Some(client), Some(user)) = (client, user) else { return Err(mfa::token_unknown().into()) };
    if found.expires_at <= cx.now {
        return Err(mfa::token_expired().into());
    }
    Ok(Waits { cx: cx.clone(), token_hash: hash, client, user, asked: found.waiting.asked, enrolled })
}

/// The MFA token of the header, RFC 6750 section 2.1.
fn bearer(headers: &HeaderMap) -> Result<&str, OAuthError> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.split_once(' '));
    let token =
        token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    token.ok_or_else(|| OAuthError::new(401, "access_denied", "Unauthorized").because("mfa_token_unknown"))
}

impl Waits {
    /// Changes what is asked for and tells of it in the log.
    async fn change(
        &self,
        factor: Factor,
        code: &'static str,
        change: impl FnOnce(&mut MultiFactor) + Send + 'static,
    ) -> Result<(), Stop> {
        let (cx, hash) = (self.cx.clone(), self.token_hash.clone());
        let event = event(&self.cx, &self.client, &self.user, factor, code);
        let write = self.cx.app.db.write(move |tx| {
            Box::pin(async move {
                let tenant = &cx.tenant.id;
                let found = mfa_tokens::hold(tx, tenant, &hash, cx.now).await?;
                let found = found.filter(|found| found.used_at.is_none());
                let Some(mut found) = found else { return Err(mfa::token_unknown().into()) };
                change(&mut found.waiting.asked);
                mfa_tokens::set(tx, tenant, &hash, &found.waiting).await?;
                logs::append(tx, tenant, cx.now, &cx.app.random, &event).await?;
                Ok::<_, Stop>(())
            })
        });
        write.await
    }

    /// Sends a code to a phone, which is enrolled or about to be; what the client presents with the code.
    async fn send(&self, to: &str, authenticator_id: Option<String>) -> Result<String, Stop> {
        let (cx, enrollment) = (&self.cx, authenticator_id.is_none());
        let (code, oob_code) = (cx.app.random.digits(DIGITS), random_token(&cx.app.random, 32));
        let (within, user_id) = (cx.clone(), self.user.user_id.clone());
        let write = cx.app.db.write(move |tx| {
            Box::pin(async move {
                let tenant = &within.tenant.id;
                rate_buckets::take(tx, tenant, MESSAGES_BUCKET, MESSAGES, &user_id, within.now).await
            })
        });
        if !write.await?.allowed {
            let text = "Too many messages were sent to this user. Wait an hour before retrying.";
            return Err(OAuthError::too_many_requests(text).because("mfa_codes_limited").into());
        }
        let kept = FactorCode {
            to: to.to_owned(),
            authenticator_id,
            mac: cx.app.master_key.mac(&message_context(cx, &self.token_hash), code.as_bytes()).to_vec(),
            sent_at: cx.now,
            oob_code_hash: Some(token_hash(&oob_code)),
        };
        let begun = if enrollment { "gd_start_enroll" } else { "gd_start_auth" };
        self.change(Factor::Phone, begun, move |asked| asked.code = Some(kept)).await?;
        let language = texts::language(&cx.tenant, None, None);
        let message =
            Message { client: &self.client, user: &self.user, enrollment, code: &code, to, language };
        match message.deliver(cx).await? {
            true => Ok(oob_code),
            false => {
                Err(OAuthError::new(503, "temporarily_unavailable", "The message could not be sent.").into())
            }
        }
    }
}
