//! One row of an import: what it may hold, what is wrong with it, and what is made of it.

use gatewright_core::Timestamp;
use gatewright_passwords::StoredHash;
use serde_json::{Map, Value, json};

use super::file::{LONGEST_ROW, Row};
use super::{Import, ROW_FIELDS, factors};
use crate::authenticators::Proof;
use crate::engine::field::{Field, Shape};
use crate::engine::format::Format;
use crate::engine::validate::{no_nul, shape_matches};
use crate::users::profile;
use crate::users::rows::NewUser;

/// One thing that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// One of Auth0's codes, e.g. `FORMAT`.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// The member that is wrong, if it is one.
    pub path: Option<String>,
}

impl RowError {
    pub(super) fn of(code: &'static str, path: &str, problem: &str) -> Self {
        let message = format!("Error in {path} property - {problem}");
        Self { code, message, path: Some(path.to_owned()) }
    }

    pub(super) fn whole(code: &'static str, message: &str) -> Self {
        Self { code, message: message.to_owned(), path: None }
    }

    /// As `GET /jobs/{id}/errors` shows it.
    pub fn to_json(&self) -> Value {
        let mut shown = json!({"code": self.code, "message": self.message});
        if let Some(path) = &self.path {
            shown["path"] = path.as_str().into();
        }
        shown
    }
}

/// A row that was not imported.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The row, with stars for what is secret.
    pub user: Value,
    /// What is wrong with it.
    pub errors: Vec<RowError>,
}

impl Refused {
    pub(super) fn new(user: Value, errors: Vec<RowError>) -> Self {
        Self { user: without_secrets(user), errors }
    }

    /// As `GET /jobs/{id}/errors` shows it.
    pub fn to_json(&self) -> Value {
        let errors: Value = self.errors.iter().map(RowError::to_json).collect();
        json!({"user": self.user, "errors": errors})
    }
}

/// A row that can be stored.
pub(super) struct Ready {
    /// The row as it was written: few are looked at again, and their members would take several times its room.
    text: Vec<u8>,
    /// The new user that it makes.
    pub(super) user: NewUser,
    /// The hash that it brings.
    pub(super) hash: Option<StoredHash>,
    /// The second factors that it brings.
    pub(super) factors: Vec<Proof>,
}

impl Ready {
    /// What nobody else in the file may be known by.
    pub(super) fn known_by(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let username = self.user.username().map(|name| ("username", name));
        [("identifier", self.user.identifier()), ("user_id", self.user.user_id())].into_iter().chain(username)
    }

    /// The members of the row.
    pub(super) fn body(&self) -> Map<String, Value> {
        // It was read once already.
        serde_json::from_slice(&self.text).unwrap_or_default()
    }

    pub(super) fn refused(&self, error: RowError) -> Refused {
        Refused::new(Value::Object(self.body()), vec![error])
    }

    pub(super) fn refused_as_duplicate(&self) -> Refused {
        let message = "A user with this [email|username|user_id] was already provided.";
        self.refused(RowError::whole("DUPLICATED_USER", message))
    }
}

/// Reads a row, whose text it takes, and makes it ready to be stored.
pub(super) fn check(row: &mut Row, import: &Import, now: Timestamp) -> Result<Ready, Refused> {
    let whole =
        |code, message: &str| Refused { user: json!({}), errors: vec![RowError::whole(code, message)] };
    let Some(text) = row.bytes.take() else {
        let message = format!("Row {} is longer than {LONGEST_ROW} bytes", row.number);
        return Err(whole("MAX_LENGTH", &message));
    };
    let body = match serde_json::from_slice(&text) {
        Ok(Value::Object(body)) => body,
        Ok(_) => return Err(whole("OBJECT_REQUIRED", &format!("Row {} is not an object", row.number))),
        Err(error) => {
            let message = format!("Row {} is not valid JSON: {error}", row.number);
            return Err(whole("OBJECT_REQUIRED", &message));
        }
    };
    match ready(&body, import, now) {
        Ok((user, hash, factors)) => Ok(Ready { text, user, hash, factors }),
        Err(errors) => Err(Refused::new(Value::Object(body), errors)),
    }
}

fn ready(
    body: &Map<String, Value>,
    import: &Import,
    now: Timestamp,
) -> Result<(NewUser, Option<StoredHash>, Vec<Proof>), Vec<RowError>> {
    let mut errors = problems(body);
    let hash = password(body).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    if hash.is_some() && import.connection.strategy != "auth0" {
        let message = format!("Users of {} connections have no password", import.connection.strategy);
        errors.push(RowError::whole("NOT_PASSED", &message));
    }
    let factors = factors::read(body).unwrap_or_else(|error| {
        errors.push(error);
        Vec::new()
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let draft = profile::draft(&import.connection, body, now, || import.random.hex(24));
    let draft = draft.map_err(|error| vec![of_profile(&error.message)])?;
    Ok((NewUser::new(&import.tenant, draft, hash.as_ref(), now), hash, factors))
}

/// What the declaration of a row says about its members.
fn problems(body: &Map<String, Value>) -> Vec<RowError> {
    let mut errors = Vec::new();
    if !["email", "username", "phone_number"].iter().any(|name| body.contains_key(*name)) {
        let message = "One of email, username and phone_number is required";
        errors.push(RowError::whole("ANY_OF_MISSING", message));
    }
    for (name, value) in body {
        let Some(field) = ROW_FIELDS.iter().find(|field| field.name == name) else {
            let message = format!("Additional properties not allowed: {name}");
            errors.push(RowError { code: "NOT_PASSED", message, path: Some(name.clone()) });
            continue;
        };
        if let Err(problem) = no_nul(value).and_then(|()| shape_matches(value, &field.shape, name, "")) {
            errors.push(RowError::of(code(field, value), name, words(&problem)));
        }
    }
    errors
}

/// The code of what is wrong with a value that its field refuses.
fn code(field: &Field, value: &Value) -> &'static str {
    match (&field.shape, value) {
        (Shape::Text { min, max, format }, Value::String(text)) => match text.chars().count() {
            length if length < *min => "MIN_LENGTH",
            length if length > *max => "MAX_LENGTH",
            _ if matches!(format, Format::Phone) => "PATTERN",
            _ => "FORMAT",
        },
        (Shape::List { .. }, Value::Array(items)) if items.is_empty() => "ARRAY_LENGTH_SHORT",
        (Shape::Object { .. }, Value::Object(_)) => "FORMAT",
        _ => "INVALID_TYPE",
    }
}

/// What stands between the quotes of a validation message.
fn words(problem: &str) -> &str {
    let inner = problem.strip_prefix('\'').unwrap_or(problem);
    inner.rsplit_once("' on property").map_or_else(|| inner.trim_end_matches('\''), |(inner, _)| inner)
}

/// A refusal of the rules for profiles, which name the member last.
fn of_profile(message: &str) -> RowError {
    let problem = message.strip_prefix("Payload validation error: ").unwrap_or(message).trim_end_matches('.');
    match problem.rsplit_once(" on property ") {
        Some((_, path)) => RowError::of("NOT_PASSED", path, words(problem)),
        None => RowError::whole("NOT_PASSED", problem.trim_matches('\'')),
    }
}

/// The hash that a row brings.
fn password(body: &Map<String, Value>) -> Result<Option<StoredHash>, RowError> {
    let (bcrypt, custom) = (body.get("password_hash"), body.get("custom_password_hash"));
    let (path, hash) = match (bcrypt, custom) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let message = "password_hash and custom_password_hash exclude each other";
            return Err(RowError::whole("NOT_PASSED", message));
        }
        (Some(Value::String(text)), None) => ("password_hash", StoredHash::imported_bcrypt(text)),
        (None, Some(custom @ Value::Object(_))) => ("custom_password_hash", StoredHash::imported(custom)),
        // Of a wrong type, which was noted already.
        _ => return Ok(None),
    };
    hash.map(Some).map_err(|error| RowError::of("FORMAT", path, &error.to_string()))
}

/// Stars for hashes, salts and keys.
fn without_secrets(mut user: Value) -> Value {
    const STARS: &str = "*****";
    if let Some(hash) = user.get_mut("password_hash") {
        *hash = STARS.into();
    }
    for pointer in [
        "/custom_password_hash/hash/value",
        "/custom_password_hash/hash/key/value",
        "/custom_password_hash/salt/value",
    ] {
        if let Some(secret) = user.pointer_mut(pointer) {
            *secret = STARS.into();
        }
    }
    if let Some(factors) = user.get_mut("mfa_factors") {
        *factors = STARS.into();
    }
    user
}
