//! HTML of a tenant's own at places in the hosted pages: `/prompts/{prompt}/partials`. It is stored and not shown.

use serde_json::{Value, json};

use crate::engine::field::{Field, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource, Settings};

/// Prompts and their screens.
const PROMPTS: &[(&str, &[&str])] = &[
    ("login", &["login"]),
    ("login-id", &["login-id"]),
    ("login-password", &["login-password"]),
    ("login-passwordless", &["login-passwordless-email-code", "login-passwordless-sms-otp"]),
    ("signup", &["signup"]),
    ("signup-id", &["signup-id"]),
    ("signup-password", &["signup-password"]),
    ("customized-consent", &["customized-consent"]),
    ("passkeys", &["passkey-enrollment", "passkey-enrollment-local"]),
    ("confirmation", &["confirmation"]),
];

/// Where HTML may go.
const PLACES: Shape = Shape::object(&[
    field("form-content", TEXT),
    field("form-content-start", TEXT),
    field("form-content-end", TEXT),
    field("form-footer-start", TEXT),
    field("form-footer-end", TEXT),
    field("secondary-actions-start", TEXT),
    field("secondary-actions-end", TEXT),
]);
/// Every screen as a member of a body; the handler knows to which prompt it belongs.
const SCREENS: &[Field] = &[
    field("login", PLACES),
    field("login-id", PLACES),
    field("login-password", PLACES),
    field("login-passwordless-email-code", PLACES),
    field("login-passwordless-sms-otp", PLACES),
    field("signup", PLACES),
    field("signup-id", PLACES),
    field("signup-password", PLACES),
    field("customized-consent", PLACES),
    field("passkey-enrollment", PLACES),
    field("passkey-enrollment-local", PLACES),
    field("confirmation", PLACES),
];

/// Everything that the tenant wrote, by prompt.
static PARTIALS: Settings = Settings::plain("prompts/partials", PATH, &[], || json!({}));

const PATH: &str = "/prompts/{prompt}/partials";

/// `/prompts/{prompt}/partials`.
pub static RESOURCE: Resource = Resource {
    name: "prompts",
    operations: &[
        Operation::new(
            "get_partials",
            Method::Get,
            PATH,
            "Get partials for a prompt",
            &["read:prompts"],
            Handler::Custom(read),
        ),
        Operation::new(
            "put_partials",
            Method::Put,
            PATH,
            "Set partials for a prompt",
            &["update:prompts"],
            Handler::Custom(write),
        )
        .body(SCREENS, Purpose::Update)
        .writes_config(),
    ],
};

/// The prompt of a path and its screens.
fn named(input: &Input) -> Result<(&str, &'static [&'static str]), ApiError> {
    let prompt = input.param("prompt");
    let found = PROMPTS.iter().find(|(name, _)| *name == prompt);
    found.map(|(_, screens)| (prompt, *screens)).ok_or_else(|| {
        let prompt: String = prompt.chars().take(100).collect();
        ApiError::invalid_path(format_args!("'No enum match for: {prompt}' on property prompt"))
    })
}

async fn stored(cx: &mut OpCx<'_>) -> Result<Map, ApiError> {
    Ok(PARTIALS.find(cx.tx, &cx.request.tenant, &cx.request.master_key).await?)
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (prompt, _) = named(input)?;
        Ok(stored(cx).await?.remove(prompt).unwrap_or_else(|| json!({})).into())
    })
}

fn write<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (prompt, screens) = named(input)?;
        if let Some(foreign) = input.body.keys().find(|screen| !screens.contains(&screen.as_str())) {
            return Err(ApiError::invalid_body(format_args!(
                "'Additional properties not allowed: {foreign}'"
            )));
        }
        let mut partials = stored(cx).await?;
        match input.body.is_empty() {
            true => drop(partials.remove(prompt)),
            false => drop(partials.insert(prompt.to_owned(), Value::Object(input.body.clone()))),
        }
        PARTIALS.store(cx.tx, &cx.request.sealing(), partials).await?;
        Ok(input.body.clone().into())
    })
}

#[cfg(test)]
#[path = "prompt_partials_tests.rs"]
mod tests;
