//! Enrollments by their ids, whoever's they are.

use crate::authenticators::{self, Authenticator};
use crate::engine::operation::Run;
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};
use crate::users::factors::{as_enrollment, log_removal};

const PATH: &str = "/guardian/enrollments/{id}";

/// `/guardian/enrollments/{id}`.
pub static RESOURCE: Resource = Resource {
    name: "guardian",
    operations: &[
        Operation::new(
            "get_enrollments_by_id",
            Method::Get,
            PATH,
            "Retrieve a multi-factor authentication enrollment",
            &["read:guardian_enrollments"],
            Handler::Custom(read),
        ),
        Operation::new(
            "delete_enrollments_by_id",
            Method::Delete,
            PATH,
            "Delete a multi-factor authentication enrollment",
            &["delete:guardian_enrollments"],
            Handler::Custom(remove),
        )
        .success(204),
    ],
};

async fn named(cx: &mut OpCx<'_>, input: &Input) -> Result<(Authenticator, String), ApiError> {
    let found = authenticators::by_id(cx.tx, &cx.request.tenant, input.param("id")).await?;
    found.ok_or_else(|| ApiError::new(404, "The enrollment does not exist.").code("enrollment_not_found"))
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut shown = as_enrollment(&named(cx, input).await?.0);
        // Compat: only the lists of users say what kind it is.
        if let Some(shown) = shown.as_object_mut() {
            shown.retain(|member, _| !matches!(member.as_str(), "type" | "auth_method"));
        }
        Ok(shown.into())
    })
}

fn remove<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (found, user_id) = named(cx, input).await?;
        authenticators::remove(cx.tx, &cx.request.tenant, &user_id, &found.authenticator_id).await?;
        log_removal(cx, &user_id, found.factor).await?;
        Ok(Answer::default())
    })
}
