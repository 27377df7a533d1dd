//! Values that go into a statement.

use std::borrow::Cow;
use std::fmt;

use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use serde_json::Value;

use crate::StoreError;

/// One parameter of a statement. Its `Debug` form shows the type only: parameters hold secrets.
#[derive(Clone, PartialEq)]
pub enum Val {
    /// `NULL`, for a parameter of any type.
    Null,
    /// `BOOLEAN`.
    Bool(bool),
    /// `BIGINT` or `INTEGER`; also every time, in microseconds.
    Int(i64),
    /// `TEXT` and `{text_c}`.
    Text(String),
    /// `{blob}`.
    Blob(Vec<u8>),
    /// `{json}`.
    Json(Value),
    /// `{json}` as text without NUL characters: made by [`Val::json_text`].
    JsonText(String),
}

/// The parameters of one statement: `params![tenant, id]` is `[Val::from(tenant), Val::from(id)]`.
#[macro_export]
macro_rules! params {
    () => { [] as [$crate::Val; 0] };
    ($($value:expr),+ $(,)?) => { [$($crate::Val::from($value)),+] };
}

impl Val {
    /// JSON that is written as text now, and not while the transaction runs.
    pub fn json_text(value: Value) -> Self {
        if json_holds_nul(&value) { Self::Json(value) } else { Self::JsonText(value.to_string()) }
    }

    /// Refuses NUL characters in text, which PostgreSQL cannot store (in TEXT or JSONB).
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let holds_nul = match self {
            Self::Text(text) => text.contains('\0'),
            Self::Json(value) => json_holds_nul(value),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Blob(_) | Self::JsonText(_) => false,
        };
        if holds_nul { Err(StoreError::NulCharacter) } else { Ok(()) }
    }

    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Text(_) => "text",
            Self::Blob(_) => "bytes",
            Self::Json(_) | Self::JsonText(_) => "JSON",
        }
    }
}

fn json_holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(json_holds_nul),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.contains('\0') || json_holds_nul(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl fmt::Debug for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())
    }
}

macro_rules! val_from {
    ($($from:ty, $value:ident => $to:expr;)+) => {
        $(impl From<$from> for Val {
            fn from($value: $from) -> Self {
                $to
            }
        })+
    };
}

val_from! {
    bool, value => Self::Bool(value);
    i64, value => Self::Int(value);
    i32, value => Self::Int(value.into());
    u32, value => Self::Int(value.into());
    Timestamp, value => Self::Int(value.micros());
    &str, value => Self::Text(value.to_owned());
    String, value => Self::Text(value);
    &String, value => Self::Text(value.clone());
    Cow<'_, str>, value => Self::Text(value.into_owned());
    TenantId, value => Self::Text(value.as_str().to_owned());
    &TenantId, value => Self::Text(value.as_str().to_owned());
    Vec<u8>, value => Self::Blob(value);
    &Vec<u8>, value => Self::Blob(value.clone());
    &[u8], value => Self::Blob(value.to_vec());
    Value, value => Self::Json(value);
    &Value, value => Self::Json(value.clone());
    &Timestamp, value => Self::Int(value.micros());
    &i64, value => Self::Int(*value);
    &bool, value => Self::Bool(*value);
}

impl<const N: usize> From<[u8; N]> for Val {
    fn from(value: [u8; N]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Val {
    fn from(value: &[u8; N]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<T> From<Option<T>> for Val
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

// Not generic: `&Option<T>` would send type inference into endless nesting.
val_from! {
    &Option<String>, value => Self::from(value.as_ref());
    &Option<Value>, value => Self::from(value.as_ref());
    &Option<Vec<u8>>, value => Self::from(value.as_ref());
    &Option<Timestamp>, value => Self::from(*value);
    &Option<i64>, value => Self::from(*value);
    &Option<bool>, value => Self::from(*value);
}
