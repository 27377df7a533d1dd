//! Trying out a text of e-mail: `POST /email-templates/{templateName}/preview` and `…/try`.
//!
//! Ours, not Auth0's. The text is rendered with made-up people and links, by the code that writes the real
//! messages ([`crate::flows::Flows::written`]); a trial is sent the way those are.

use gatewright_store::{BoxFuture, Db};
use serde_json::Value;

use crate::email_templates::NAMES;
use crate::engine::field::{Field, Shape, field};
use crate::engine::operation::{Effect, Run};
use crate::engine::validate::Purpose;
use crate::engine::{ApiError, Handler, Input, Method, OpCx, OpRequest, Operation, Resource};

const PREVIEW: &[Field] = &[
    field("subject", TEXT).nullable().hint("Without subject, body and from: what is sent now"),
    field("body", TEXT).nullable(),
    field("from", TEXT).nullable(),
];
const TRY: &[Field] = &[
    field("to", Shape::text(3, 254)).required().hint("An e-mail address"),
    field("subject", TEXT).nullable().hint("Without subject, body and from: what is sent now"),
    field("body", TEXT).nullable(),
    field("from", TEXT).nullable(),
];
const TEXT: Shape = Shape::text(0, 262_144);

/// The two operations.
pub static RESOURCE: Resource = Resource {
    name: "email-trials",
    operations: &[
        Operation::new(
            "post_email_template_preview",
            Method::Post,
            "/email-templates/{templateName}/preview",
            "Show an email as it would be sent",
            &["create:email_trials"],
            Handler::Custom(told),
        )
        .body(PREVIEW, Purpose::Create)
        .prepare(run)
        .success(200)
        .effect(Effect::Reads),
        Operation::new(
            "post_email_template_try",
            Method::Post,
            "/email-templates/{templateName}/try",
            "Send a test of an email template",
            &["create:email_trials"],
            Handler::Custom(told),
        )
        .body(TRY, Purpose::Create)
        .prepare(run)
        .success(200),
    ],
};

/// Writes the message, and sends it where the call names a recipient. No transaction is open here.
fn run<'a>(_: &'a Db, request: &'a OpRequest, input: &'a mut Input) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let Some(flows) = &request.flows else {
            return Err(ApiError::new(503, "The service is not available, try again."));
        };
        let name = input.param("templateName");
        let Some(name) = NAMES.iter().find(|known| **known == name) else {
            return Err(ApiError::invalid_path("'No such template' on property templateName"));
        };
        let to = match input.body.get("to").and_then(Value::as_str) {
            Some(to) => Some(gatewright_core::email::normalize_address(to).ok_or_else(|| {
                ApiError::invalid_body("'Object didn't pass validation for format email' on property to")
            })?),
            None => None,
        };
        input.prepared = flows.written(name, &input.body, to.as_deref()).await?;
        Ok(())
    })
}

fn told<'a>(_: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(input.prepared.clone().into()) })
}
