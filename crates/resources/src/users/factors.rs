//! What a user has enrolled as a second factor: nothing, because there are none yet.
//!
//! These answers are true as long as that is so: lists are empty, and removing what is not there succeeds.

use serde_json::{Value, json};

use super::existing;
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
            Handler::Custom(nothing_left),
        )
        .success(204),
        Operation::new(
            "delete_authenticators",
            Method::Delete,
            "/users/{id}/authenticators",
            "Delete a user's authenticators",
            &["delete:guardian_enrollments"],
            Handler::Custom(nothing_left),
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
        existing(cx, input).await?;
        Ok(json!([]).into())
    })
}

fn methods<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        existing(cx, input).await?;
        let none: Vec<Value> = Vec::new();
        Ok(input.query.paging().offset_body("authenticators", none, 0).into())
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
