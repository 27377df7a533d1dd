//! `POST /users/{id}/revoke-access`: ends a user's sessions and refresh tokens, all or those of one session.

use gatewright_core::backchannel::Initiator;
use serde_json::Value;

use super::existing;
use crate::engine::field::{BOOL, Field, SOME_TEXT, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::{refresh_tokens, sessions};

const SCOPES: &[&str] = &["delete:sessions", "delete:refresh_tokens"];

const WHAT: &[Field] = &[
    field("session_id", SOME_TEXT).hint("The session to be ended; without it all of them"),
    field("preserve_refresh_tokens", BOOL).hint("Leaves the refresh tokens alone"),
];

/// Access of a user.
pub static RESOURCE: Resource = Resource {
    name: "users",
    operations: &[Operation::new(
        "user_revoke_access",
        Method::Post,
        "/users/{id}/revoke-access",
        "Revoke a user's sessions and refresh tokens",
        SCOPES,
        Handler::Custom(revoke),
    )
    .body(WHAT, Purpose::Create)
    .success(202)],
};

fn revoke<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let keeps_tokens = input.body.get("preserve_refresh_tokens") == Some(&Value::Bool(true));
        // Each scope opens one half only.
        let needed = if keeps_tokens { &SCOPES[..1] } else { SCOPES };
        for scope in needed {
            if !cx.request.caller.has(scope) {
                return Err(ApiError::insufficient_scope(&[scope]));
            }
        }
        let user_id = existing(cx, input).await?;
        let (tenant, now) = (&cx.request.tenant, cx.request.now);
        match input.body.get("session_id").and_then(Value::as_str) {
            Some(session_id) => {
                // Somebody else's session is none of this user's.
                if sessions::api::user_of(cx.tx, tenant, session_id).await?.as_deref() != Some(user_id) {
                    return Ok(Answer::default());
                }
                if !keeps_tokens {
                    sessions::api::revoke_tokens(cx.tx, tenant, user_id, session_id, now).await?;
                }
                sessions::end(cx.tx, tenant, session_id, Initiator::SessionRevoked, now).await?;
            }
            None => {
                if !keeps_tokens {
                    refresh_tokens::api::revoke_all_of_user(cx.tx, tenant, user_id, now).await?;
                }
                sessions::end_all_of_user(cx.tx, tenant, user_id, Initiator::SessionRevoked, now).await?;
            }
        }
        Ok(Answer::default())
    })
}
