//! Reads request bodies: JSON, or a form whose values become what their fields expect.

use serde_json::{Value, json};

use super::Map;
use super::error::ApiError;
use super::field::{Field, Shape};
use super::multipart;
use super::operation::Body;
use super::query::typed;
use super::validate;

/// A body as it came in.
#[derive(Clone, Debug, Default)]
pub struct RawBody {
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A body that has the members its operation takes.
#[derive(Debug, Default)]
pub struct Checked {
    /// The object; empty if there is no body, or a list.
    pub object: Map,
    /// The items, if it is a list.
    pub items: Vec<Map>,
    /// The body itself, if it is of another shape.
    pub whole: Value,
    /// What its files hold, by name.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl RawBody {
    /// The body as an operation takes it. `only` names the members that this caller may send.
    ///
    /// # Errors
    /// 400 `invalid_body` naming the member, 403 naming members that the caller may not send, 415 for
    /// other content types than JSON, forms and, where text is taken, HTML.
    pub fn read(&self, body: &Body, only: Option<&[&str]>) -> Result<Checked, ApiError> {
        let (value, files) = self.parse(body)?;
        let value = match (value, body.text) {
            (value @ Value::String(_), Some(member)) => json!({ member: value }),
            (value, _) => value,
        };
        if let (Some(only), Value::Object(members)) = (only, &value) {
            let others: Vec<&str> =
                members.keys().map(String::as_str).filter(|name| !only.contains(name)).collect();
            if !others.is_empty() {
                let message = format!("You cannot update the following fields: {}", others.join(", "));
                return Err(ApiError::new(403, message).code("insufficient_scope"));
            }
        }
        if let Some(shape) = body.whole {
            validate::whole(&value, shape).map_err(ApiError::invalid_body)?;
            return Ok(Checked { whole: value, ..Checked::default() });
        }
        if body.is_optional && value.is_null() {
            return Ok(Checked::default());
        }
        if body.is_list {
            let items = validate::list(value, body.fields).map_err(ApiError::invalid_body)?;
            return Ok(Checked { items, ..Checked::default() });
        }
        let object = validate::body(value, body.fields, body.purpose).map_err(ApiError::invalid_body)?;
        Ok(Checked { object, files, ..Checked::default() })
    }

    fn parse(&self, body: &Body) -> Result<(Value, Files), ApiError> {
        let takes_files = body.fields.iter().any(|field| matches!(field.shape, Shape::File));
        match self.content_type.as_deref() {
            Some(content_type) if takes_files && multipart::is(content_type) => {
                multipart::read(content_type, &self.bytes, body.fields)
            }
            _ => Ok((self.parse_text(body)?, Files::new())),
        }
    }

    fn parse_text(&self, body: &Body) -> Result<Value, ApiError> {
        if self.bytes.is_empty() {
            return Ok(Value::Null);
        }
        let media_type = self.content_type.as_deref().unwrap_or("application/json");
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "application/x-www-form-urlencoded" => {
                let pairs: Vec<(String, String)> =
                    serde_urlencoded::from_bytes(&self.bytes).map_err(|_| {
                        ApiError::new(400, "Invalid request payload form format").code("invalid_body")
                    })?;
                Ok(Value::Object(
                    pairs.into_iter().map(|(name, text)| from_form(name, &text, body.fields)).collect(),
                ))
            }
            "application/json" | "" => serde_json::from_slice(&self.bytes)
                .map_err(|_| ApiError::new(400, "Invalid request payload JSON format").code("invalid_body")),
            "text/html" if body.text.is_some() => {
                let text = String::from_utf8(self.bytes.clone());
                text.map(Value::String)
                    .map_err(|_| ApiError::new(400, "Invalid request payload encoding").code("invalid_body"))
            }
            other if other.ends_with("+json") => serde_json::from_slice(&self.bytes)
                .map_err(|_| ApiError::new(400, "Invalid request payload JSON format").code("invalid_body")),
            _ => Err(ApiError::new(415, "Unsupported Media Type")),
        }
    }
}

/// What files hold, by the names of their fields.
pub(super) type Files = Vec<(&'static str, Vec<u8>)>;

pub(super) fn from_form(name: String, text: &str, fields: &'static [Field]) -> (String, Value) {
    let value = match fields.iter().find(|field| field.name == name) {
        Some(field) => typed(text, &field.shape),
        None => Value::from(text),
    };
    (name, value)
}
