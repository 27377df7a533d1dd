//! How a tenant's pages look: `/branding`. Kept among the tenant's settings, under `branding`, so that a
//! snapshot has it.

use gatewright_core::colors::Color;
use gatewright_store::params;
use serde_json::Value;

use crate::engine::crud::merge;
use crate::engine::field::{Field, Shape, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::tenants;

const URL: Shape = Shape::format(Format::HttpsUrlOrEmpty);
const COLOR: Shape = Shape::format(Format::Color);
const COLORS: &[Field] = &[
    field("primary", COLOR).nullable(),
    // A colour, or a gradient: judged in `page_background`.
    field("page_background", Shape::Any).nullable(),
];

const FIELDS: &[Field] = &[
    field("colors", Shape::object(COLORS)).nullable(),
    field("favicon_url", URL).nullable(),
    field("logo_url", URL).nullable(),
    field("font", Shape::object(&[field("url", URL).nullable()])).nullable(),
];

/// `/branding`.
pub static RESOURCE: Resource = Resource {
    name: "branding",
    operations: &[
        Operation::new(
            "get_branding",
            Method::Get,
            "/branding",
            "Get branding settings",
            &["read:branding"],
            Handler::Custom(read),
        ),
        Operation::new(
            "patch_branding",
            Method::Patch,
            "/branding",
            "Update branding settings",
            &["update:branding"],
            Handler::Custom(update),
        )
        .body(FIELDS, Purpose::Update)
        .writes_config(),
    ],
};

fn of(settings: &Value) -> Map {
    match settings.get("branding") {
        Some(Value::Object(stored)) => stored.clone(),
        _ => Map::new(),
    }
}

fn read<'a>(cx: &'a mut OpCx<'_>, _input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(of(&tenants::settings(cx.tx, &cx.request.tenant).await?).into()) })
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let background = input.body.get("colors").and_then(|colors| colors.get("page_background"));
        if let Some(background) = background.filter(|background| !background.is_null()) {
            page_background(background)?;
        }
        let tenant = &cx.request.tenant;
        let mut settings = tenants::settings(cx.tx, tenant).await?;
        let mut branding = of(&settings);
        merge(&mut branding, &input.body);
        settings["branding"] = Value::Object(branding.clone());
        cx.tx.run(&tenants::SET, &params![tenant, settings]).await?;
        Ok(branding.into())
    })
}

/// `#rrggbb`, or `{type: "linear-gradient", start, end, angle_deg}`.
fn page_background(value: &Value) -> Result<(), ApiError> {
    let at = |name: &str| format!("on property colors.page_background{name}");
    let color = |value: &Value, name: &str| match value.as_str().and_then(Color::parse) {
        Some(_) => Ok(()),
        None => {
            let problem = format!("'Object didn't pass validation for format html-color' {}", at(name));
            Err(ApiError::invalid_body(problem))
        }
    };
    let Value::Object(gradient) = value else { return color(value, "") };
    let known = ["type", "start", "end", "angle_deg"];
    if let Some(unknown) = gradient.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(ApiError::invalid_body(format!(
            "'Additional properties not allowed: {unknown}' {}",
            at("")
        )));
    }
    if gradient.get("type").is_none_or(|kind| kind != "linear-gradient") {
        return Err(ApiError::invalid_body(format!("'No enum match' {}", at(".type"))));
    }
    for name in ["start", "end"] {
        color(gradient.get(name).unwrap_or(&Value::Null), &format!(".{name}"))?;
    }
    match gradient.get("angle_deg") {
        None => Ok(()),
        Some(angle) if angle.as_f64().is_some_and(|angle| (0.0..=360.0).contains(&angle)) => Ok(()),
        Some(_) => {
            Err(ApiError::invalid_body(format!("'Expected a number from 0 to 360' {}", at(".angle_deg"))))
        }
    }
}

#[cfg(test)]
#[path = "branding_tests.rs"]
mod tests;
