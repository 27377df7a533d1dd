//! What a user has enrolled as second factors: lists of them, their removal, another recovery code.
//!
//! No browser is remembered, so there is nothing to forget of those.

use gatewright_core::mfa::Factor;
use gatewright_store::StoreError;
use serde_json::{Value, json};

use super::existing;
use crate::authenticators::{self, Authenticator, proof};
use crate::engine::operation::Run;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::logs::{self, LogEvent};

/// Second factors of a user.
pub static RESOURCE: Resource = Resource {
    name: "users",
    operations: &[
        Operation::new(
            "get_enrollments",
            Method::Get,
            "/users/{id}/enrollments",
            "Get a user's enrollments",
            &["read:users", "read:current_user"],
            Handler::Custom(enrollments),
        )
        .own(&["read:current_user"], &[]),
        Operation::new(
            "get_authentication_methods",
            Method::Get,
            "/users/{id}/authentication-methods",
            "Get a user's authentication methods",
            &["read:authentication_methods"],
            Handler::Custom(methods),
        ),
        Operation::new(
            "delete_authentication_methods",
            Method::Delete,
            "/users/{id}/authentication-methods",
            "Delete a user's authentication methods",
            &["delete:authentication_methods"],
            Handler::Custom(remove_all),
        )
        .success(204),
        Operation::new(
            "delete_authenticators",
            Method::Delete,
            "/users/{id}/authenticators",
            "Delete a user's authenticators",
            &["delete:guardian_enrollments"],
            Handler::Custom(remove_all),
        )
        .success(204),
        Operation::new(
            "delete_multifactor_by_provider",
            Method::Delete,
            "/users/{id}/multifactor/{provider}",
            "Delete a user's multi-factor provider",
            &["update:users"],
            Handler::Custom(provider_left),
        )
        .success(204),
        Operation::new(
            "post_invalidate_remember_browser",
            Method::Post,
            "/users/{id}/multifactor/actions/invalidate-remember-browser",
            "Forget the browsers remembered for multi-factor authentication",
            &["update:users"],
            Handler::Custom(nothing_left),
        )
        .success(204),
        Operation::new(
            "post_recovery_code_regeneration",
            Method::Post,
            "/users/{id}/recovery-code-regeneration",
            "Generate new multi-factor authentication recovery code",
            &["update:users"],
            Handler::Custom(renew_recovery_code),
        )
        .success(200)
        .unlogged_bodies(),
    ],
};

fn enrollments<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let enrolled = enrolled(cx, input).await?;
        Ok(Value::from(enrolled.iter().map(as_enrollment).collect::<Vec<_>>()).into())
    })
}

/// An enrollment, as Guardian's operations show it.
pub(crate) fn as_enrollment(found: &Authenticator) -> Value {
    let mut shown = json!({
        "id": found.authenticator_id, "status": "confirmed", "type": found.factor.name(),
        "enrolled_at": found.created_at.iso8601(),
    });
    let auth_method = match found.factor {
        Factor::Otp => Some("authenticator"),
        Factor::Phone => Some("sms"),
        Factor::RecoveryCode => None,
    };
    for (member, value) in [
        ("auth_method", auth_method.map(str::to_owned)),
        ("name", found.name.clone().or_else(|| found.phone_number.clone())),
        ("phone_number", found.phone_number.clone()),
        ("last_auth", found.last_auth_at.map(|at| at.iso8601())),
    ] {
        if let Some(value) = value {
            shown[member] = json!(value);
        }
    }
    shown
}

fn methods<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let enrolled = enrolled(cx, input).await?;
        let total = i64::try_from(enrolled.len()).unwrap_or(i64::MAX);
        let page: Vec<Value> = enrolled.iter().map(as_method).map(Value::Object).collect();
        Ok(input.query.paging().offset_body("authenticators", page, total).into())
    })
}

/// An authentication method, as the operations of users show it.
pub(super) fn as_method(found: &Authenticator) -> Map {
    let mut shown = Map::new();
    for (member, value) in [
        ("id", json!(found.authenticator_id)),
        ("type", json!(found.factor.method())),
        ("confirmed", json!(true)),
        ("created_at", json!(found.created_at.iso8601())),
        ("name", json!(found.name.as_ref().or(found.phone_number.as_ref()))),
        ("phone_number", json!(found.phone_number)),
        ("preferred_authentication_method", json!(found.phone_number.as_ref().map(|_| "sms"))),
        ("last_auth_at", json!(found.last_auth_at.map(|at| at.iso8601()))),
    ] {
        if !value.is_null() {
            shown.insert(member.to_owned(), value);
        }
    }
    shown
}

async fn enrolled(cx: &mut OpCx<'_>, input: &Input) -> Result<Vec<Authenticator>, ApiError> {
    let user_id = existing(cx, input).await?;
    Ok(authenticators::of_user(cx.tx, &cx.request.tenant, user_id).await?)
}

fn remove_all<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = existing(cx, input).await?;
        for factor in authenticators::remove_all(cx.tx, &cx.request.tenant, user_id).await? {
            log_removal(cx, user_id, factor).await?;
        }
        Ok(Answer::default())
    })
}

/// Tells in the tenant's log that a user has lost a factor.
pub(crate) async fn log_removal(cx: &mut OpCx<'_>, user_id: &str, factor: Factor) -> Result<(), StoreError> {
    let request = cx.request;
    let event = LogEvent {
        r#type: "gd_unenroll",
        user_id: Some(user_id.to_owned()),
        client_id: Some(request.caller.client_id.clone()),
        client_name: request.caller.client_name.clone(),
        ip: request.ip.clone(),
        user_agent: request.user_agent.clone(),
        hostname: Some(request.issuer.domain().to_owned()),
        request_id: request.request_id.clone(),
        details: json!({ "factor": factor.name() }),
        ..LogEvent::default()
    };
    logs::append(cx.tx, &request.tenant, request.now, &request.random, &event).await.map(drop)
}

fn nothing_left<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input).await?;
        Ok(Answer::default())
    })
}

/// Removes what an older provider is here: `google-authenticator` means apps, `duo` nothing.
fn provider_left<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let provider = input.param("provider");
        if !matches!(provider, "duo" | "google-authenticator") {
            return Err(ApiError::invalid_path(format_args!(
                "'No enum match for: {}' on property provider",
                provider.chars().take(100).collect::<String>()
            )));
        }
        let user_id = existing(cx, input).await?;
        let enrolled = authenticators::of_user(cx.tx, &cx.request.tenant, user_id).await?;
        let theirs = |found: &&Authenticator| provider != "duo" && found.factor == Factor::Otp;
        for found in enrolled.iter().filter(theirs) {
            authenticators::remove(cx.tx, &cx.request.tenant, user_id, &found.authenticator_id).await?;
            log_removal(cx, user_id, Factor::Otp).await?;
        }
        Ok(Answer::default())
    })
}

fn renew_recovery_code<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = existing(cx, input).await?;
        let request = cx.request;
        let enrolled = authenticators::of_user(cx.tx, &request.tenant, user_id).await?;
        if !enrolled.iter().any(|found| found.factor.stands_alone()) {
            // A recovery code stands in for a factor.
            return Err(ApiError::new(404, "The user has enrolled no factor.").code("enrollment_not_found"));
        }
        let keys = (&*request.master_key, &request.random);
        let code = proof::draw_recovery_code(&request.random);
        proof::set_recovery_code(cx.tx, &request.tenant, keys, (user_id, &code), request.now).await?;
        Ok(json!({ "recovery_code": code }).into())
    })
}
