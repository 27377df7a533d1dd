//! The tenants' own texts, rendered within bounds.
//!
//! Two syntaxes: `md_with_macros`, where only `@@password@@` means something, and Liquid. Templates come
//! from tenants' administrators, who are not the operator, so a template must not be able to stop the
//! server. There is no file system and no partial to include. What bounds a Liquid template:
//!
//! - its length, its number of tags, and what could make the parser recurse or go over the text again
//!   and again (counted before the parser runs);
//! - a budget of work while rendering: names looked up, bytes that pass through filters, and each turn of
//!   a loop (charged with the length of the whole template) draw on it. It is a count, not a clock, so a
//!   template that fits always fits;
//! - the length of the output.
//!
//! Measured in a release build: an ordinary message takes 0.2 ms, and the worst template found, 64 KiB made
//! to be slow, 0.3 s, nearly all of it in the parser. Whoever renders templates of strangers on a thread that
//! others wait for should move it to a blocking one.
//!
//! Names that do not exist render as nothing, at every depth, as tenants' templates expect.
//!
//! Left out of Liquid on purpose: `include` and `render` (nothing to include), `tablerow` (HTML only),
//! the filters `date` (reads the clock, and its widths are unbounded) and `uniq` (quadratic).

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

mod budget;
mod filters;
mod language;
mod limits;
mod loops;
#[cfg(test)]
mod tests;

pub use limits::MAX_TEMPLATE_BYTES;

/// The rendered text may have this many bytes.
pub const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// How a template is written: a connection's `syntax`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Syntax {
    /// `@@password@@` is replaced by the code, and nothing else happens. What Auth0 calls
    /// `md_with_macros`, and the meaning of an absent `syntax`.
    #[default]
    MdWithMacros,
    /// Liquid; `@@password@@` is replaced as well.
    Liquid,
}

impl Syntax {
    /// From a connection's `syntax` option; anything but `liquid` means macros.
    pub fn from_option(option: Option<&str>) -> Self {
        if option == Some("liquid") { Self::Liquid } else { Self::MdWithMacros }
    }
}

/// Why a template could not be rendered. Holds no values of variables: one of them is the code.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// It is longer or more deeply nested than is allowed.
    #[error("the template is too large: {0}")]
    TooLarge(String),
    /// It is not Liquid, or uses a tag or filter that does not exist here.
    #[error("the template is not valid: {0}")]
    Invalid(String),
    /// Rendering took too many steps.
    #[error("the template does too much work: shorten its loops")]
    TooMuchWork,
    /// The text would be longer than [`MAX_OUTPUT_BYTES`].
    #[error("the rendered text is longer than {MAX_OUTPUT_BYTES} bytes")]
    OutputTooLarge,
    /// It parses, but asks for something impossible, e.g. a division by zero.
    #[error("the template failed while it was rendered")]
    Failed,
}

/// Renders a template. `vars` is an object; its member `code` (or `password`) is the one-time code, known
/// to templates under both names.
///
/// Errors: see [`TemplateError`]. The macro syntax fails only when the template or the result is too long.
pub fn render(syntax: Syntax, template: &str, vars: &Value) -> Result<String, TemplateError> {
    let code = ["code", "password"].iter().find_map(|name| vars.get(name)).and_then(Value::as_str);
    let text = match syntax {
        Syntax::MdWithMacros => {
            limits::check_length(template)?;
            template.to_owned()
        }
        Syntax::Liquid => render_liquid(template, &variables(vars, code))?,
    };
    let text = match code {
        Some(code) => text.replace("@@password@@", code),
        None => text,
    };
    if text.len() > MAX_OUTPUT_BYTES { Err(TemplateError::OutputTooLarge) } else { Ok(text) }
}

/// Whether a template would be accepted, without rendering it: for the moment it is saved.
pub fn check(syntax: Syntax, template: &str) -> Result<(), TemplateError> {
    match syntax {
        Syntax::MdWithMacros => limits::check_length(template),
        Syntax::Liquid => caught(|| language::parse(template).map(drop)),
    }
}

fn render_liquid(template: &str, vars: &Value) -> Result<String, TemplateError> {
    let globals = liquid_core::to_object(vars).map_err(|_| TemplateError::Failed)?;
    caught(|| {
        let parsed = language::parse(template)?;
        budget::render(&parsed, template.len(), &globals)
    })
}

/// The engine panics on some arithmetic (the smallest integer divided by -1); that fails one message,
/// not the server. Nothing it worked on is used afterwards.
fn caught<T>(work: impl FnOnce() -> Result<T, TemplateError>) -> Result<T, TemplateError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(TemplateError::Failed))
}

/// The variables, with the code under both of its names.
fn variables(vars: &Value, code: Option<&str>) -> Value {
    let mut members = vars.as_object().cloned().unwrap_or_default();
    if let Some(code) = code {
        for name in ["code", "password"] {
            members.entry(name).or_insert_with(|| Value::from(code));
        }
    }
    Value::Object(members)
}
