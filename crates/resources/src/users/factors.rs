//! What a user has enrolled as second factors: lists of them, and their removal.
//!
//! No browser is remembered and no older provider is built, so there is nothing to forget of those.

use serde_json::{Value, json};

use super::existing;
use crate::authenticators::{self, Authenticator};
use crate::engine::operation::Run;
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};

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
    ],
};

fn enrollments<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let enrolled = enrolled(cx, input).await?;
        let shown = enrolled.iter().map(|found| {
            json!({
                "id": found.authenticator_id, "status": "confirmed", "type": found.factor.name(),
                "name": found.phone_number, "phone_number": found.phone_number, "identifier": null,
                "enrolled_at": found.created_at.iso8601(),
                "last_auth": found.last_auth_at.map(|at| at.iso8601()),
            })
        });
        Ok(Value::from(shown.collect::<Vec<_>>()).into())
    })
}

fn methods<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let enrolled = enrolled(cx, input).await?;
        let total = i64::try_from(enrolled.len()).unwrap_or(i64::MAX);
        let paging = input.query.paging();
        let shown = enrolled.iter().map(|found| {
            let mut shown = json!({
                "id": found.authenticator_id, "type": found.factor.name(), "confirmed": true,
                "created_at": found.created_at.iso8601(),
            });
            if let Some(number) = &found.phone_number {
                shown["name"] = json!(number);
                shown["phone_number"] = json!(number);
                shown["preferred_authentication_method"] = json!("sms");
            }
            if let Some(at) = found.last_auth_at {
                shown["last_auth_at"] = json!(at.iso8601());
            }
            shown
        });
        let page: Vec<Value> = shown.collect();
        Ok(paging.offset_body("authenticators", page, total).into())
    })
}

async fn enrolled(cx: &mut OpCx<'_>, input: &Input) -> Result<Vec<Authenticator>, ApiError> {
    let user_id = existing(cx, input).await?;
    Ok(authenticators::of_user(cx.tx, &cx.request.tenant, user_id).await?)
}

fn remove_all<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let user_id = existing(cx, input).await?;
        authenticators::remove_all(cx.tx, &cx.request.tenant, user_id).await?;
        Ok(Answer::default())
    })
}

fn nothing_left<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input).await?;
        Ok(Answer::default())
    })
}

fn provider_left<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let provider = input.param("provider");
        if !matches!(provider, "duo" | "google-authenticator") {
            return Err(ApiError::invalid_path(format_args!(
                "'No enum match for: {}' on property provider",
                provider.chars().take(100).collect::<String>()
            )));
        }
        existing(cx, input).await?;
        Ok(Answer::default())
    })
}
