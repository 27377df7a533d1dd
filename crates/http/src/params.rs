//! Parameters of a request, from its query, a form or a JSON object alike.
//!
//! OAuth endpoints take both kinds of body: auth0.js sends JSON, openid-client a form.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use serde_json::Value;

/// At most this many parameters; more is no request of any SDK.
const MOST: usize = 200;

/// Named parameters. Empty ones count as absent (RFC 6749 section 3.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(BTreeMap<String, Value>);

/// Why a body or query could not be read. The text is fit for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// The body is no JSON.
    #[error("The request body is not valid JSON.")]
    MalformedJson,
    /// The body is JSON, but no object.
    #[error("The request body must be a JSON object.")]
    NotAnObject,
    /// Neither JSON nor a form.
    #[error("The content type must be application/json or application/x-www-form-urlencoded.")]
    ContentType,
    /// A parameter stands there twice (RFC 6749 section 3.1 forbids it).
    #[error("The parameter {0} was sent more than once.")]
    Repeated(String),
    /// More than any request needs.
    #[error("The request has too many parameters.")]
    TooMany,
    /// The form or query is not URL-encoded.
    #[error("The parameters are not URL-encoded.")]
    Malformed,
    /// A parameter has another type than text.
    #[error("The parameter {0} must be a string.")]
    NotText(String),
}

impl Params {
    /// Reads a query string or form body.
    pub fn from_urlencoded(text: &[u8]) -> Result<Self, ParamsError> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(text).map_err(|_| ParamsError::Malformed)?;
        if pairs.len() > MOST {
            return Err(ParamsError::TooMany);
        }
        let mut params = BTreeMap::new();
        for (name, value) in pairs {
            if params.insert(name.clone(), Value::String(value)).is_some() {
                return Err(ParamsError::Repeated(name));
            }
        }
        Ok(Self(params))
    }

    /// Reads a body by its content type: JSON object or form.
    pub fn from_body(headers: &HeaderMap, body: &Bytes) -> Result<Self, ParamsError> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or("").split(';').next().unwrap_or("").trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/json" => Self::from_json(body),
            "application/x-www-form-urlencoded" => Self::from_urlencoded(body),
            "" if body.is_empty() => Ok(Self::default()),
            _ => Err(ParamsError::ContentType),
        }
    }

    fn from_json(body: &[u8]) -> Result<Self, ParamsError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) if members.len() > MOST => Err(ParamsError::TooMany),
            Ok(Value::Object(members)) => {
                // SDKs in Python send every option they have, unset ones as `null`.
                Ok(Self(members.into_iter().filter(|(_, value)| !value.is_null()).collect()))
            }
            Ok(_) => Err(ParamsError::NotAnObject),
            Err(_) => Err(ParamsError::MalformedJson),
        }
    }

    /// The text of a parameter; `None` if absent, empty, `null` or not text. Endpoints that must name
    /// a wrong type call [`Self::all_text`] first.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The raw value of a parameter, `null` counting as absent.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether the parameter was sent at all, even empty (`federated` has no value), but not as `null`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names of all parameters sent.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Refuses a parameter of these names that is neither text nor `null`, by its name.
    pub fn all_text(&self, names: &[&str]) -> Result<(), ParamsError> {
        let wrong = names.iter().find(|name| self.value(name).is_some_and(|value| !value.is_string()));
        wrong.map_or(Ok(()), |name| Err(ParamsError::NotText((*name).to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, ParamsError};

    #[test]
    fn empty_means_absent_and_repeated_is_refused() {
        let params = Params::from_urlencoded(b"a=1&b=&c=x%20y").unwrap();
        assert_eq!((params.text("a"), params.text("b"), params.text("c")), (Some("1"), None, Some("x y")));
        assert!(params.has("b"));
        assert_eq!(Params::from_urlencoded(b"a=1&a=2"), Err(ParamsError::Repeated("a".into())));
    }

    #[test]
    fn a_wrong_type_is_named() {
        let params = Params::from_json(br#"{"a":1,"b":null,"c":"x"}"#).unwrap();
        assert_eq!(params.all_text(&["c", "b"]), Ok(()));
        assert_eq!((params.has("b"), params.has("c")), (false, true));
        assert_eq!(params.all_text(&["c", "a"]), Err(ParamsError::NotText("a".into())));
        assert_eq!(Params::from_json(b"[]"), Err(ParamsError::NotAnObject));
        assert_eq!(Params::from_json(b"{"), Err(ParamsError::MalformedJson));
    }
}
