//! How a tenant's pages look: `/branding`.

use gatewright_core::colors::Color;
use serde_json::{Value, json};

use crate::engine::field::{Field, Shape, field};
use crate::engine::format::Format;
use crate::engine::{ApiError, Resource, Settings};

pub mod page_template;
pub mod phone_providers;
pub mod phone_templates;
pub mod themes;

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

/// How the tenant's pages look.
pub static BRANDING: Settings = Settings {
    check: |branding| {
        let background = branding.get("colors").and_then(|colors| colors.get("page_background"));
        background.filter(|background| !background.is_null()).map_or(Ok(()), page_background)
    },
    ..Settings::plain("branding", "/branding", FIELDS, || json!({}))
};

/// `/branding`.
pub static RESOURCE: Resource = Resource {
    name: "branding",
    operations: &[
        BRANDING.reads("get_branding", "Get branding settings", &["read:branding"]),
        BRANDING.merges("patch_branding", "Update branding settings", &["update:branding"]),
    ],
};

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
