//! What scripts of custom databases answer: profiles, yes and no, and their refusals.
//!
//! A script answers by `callback(error, result)`. What an error means depends on its class, and on which script
//! gave it.

use serde_json::{Map, Value};

use crate::email::normalize_address;

/// The scripts of a database, by their names in `options.customScripts`.
pub const SCRIPTS: &[&str] =
    &["login", "get_user", "create", "verify", "change_password", "delete", "change_email"];

/// What a script gave to its callback.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A result; null where it gave none.
    Result(Value),
    /// An error.
    Threw {
        /// The class: `WrongUsernameOrPasswordError`, ...
        name: String,
        /// Its message.
        message: String,
        /// Its other members.
        members: Map<String, Value>,
    },
    /// It did not come so far.
    Failed {
        /// The stable reason code.
        reason: &'static str,
        /// For the log only.
        message: String,
    },
}

/// Why a script's answer is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The account is known, the password is not its own.
    WrongPassword,
    /// There is no such account.
    Unknown,
    /// There is such an account already.
    Exists,
    /// The script's own words are for the user.
    Told {
        /// The code of a `ValidationError`; `unauthorized` of an `UnauthorizedError`.
        code: String,
        /// The text.
        message: String,
    },
    /// Something went wrong.
    Failed {
        /// The stable reason code.
        reason: &'static str,
        /// For the log only.
        message: String,
    },
}

/// An account as a script knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// What stands behind `auth0|` in the user's id.
    pub local_id: String,
    /// The members of the profile that this server keeps, in their normal form.
    pub members: Map<String, Value>,
}

impl Profile {
    /// A text of the profile.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }
}

/// `login`: whose password it was.
///
/// # Errors
/// [`Refusal`].
pub fn login(answer: &Answer) -> Result<Profile, Refusal> {
    match answer {
        // Compat: no error and no profile is an account that nobody knows.
        Answer::Result(Value::Null | Value::Bool(false)) => Err(Refusal::Unknown),
        Answer::Result(profile) => read(profile),
        answer => Err(refusal(answer)),
    }
}

/// `get_user`: the account, if there is one.
///
/// # Errors
/// [`Refusal::Told`] and [`Refusal::Failed`].
pub fn get_user(answer: &Answer) -> Result<Option<Profile>, Refusal> {
    match answer {
        Answer::Result(Value::Null | Value::Bool(false)) => Ok(None),
        Answer::Result(profile) => read(profile).map(Some),
        answer => match refusal(answer) {
            Refusal::Unknown | Refusal::WrongPassword => Ok(None),
            refusal => Err(refusal),
        },
    }
}

/// `create` and `delete`: they give no result.
///
/// # Errors
/// [`Refusal`].
pub fn done(answer: &Answer) -> Result<(), Refusal> {
    match answer {
        Answer::Result(_) => Ok(()),
        answer => Err(refusal(answer)),
    }
}

/// `verify`, `change_password` and `change_email`: whether they changed it.
///
/// # Errors
/// [`Refusal`].
pub fn changed(answer: &Answer) -> Result<bool, Refusal> {
    match answer {
        Answer::Result(Value::Null | Value::Bool(false)) => Ok(false),
        // Compat: `{last_password_reset}` says yes too.
        Answer::Result(_) => Ok(true),
        answer => Err(refusal(answer)),
    }
}

pub(super) fn refusal(answer: &Answer) -> Refusal {
    let (name, message, members) = match answer {
        Answer::Threw { name, message, members } => (name.as_str(), message, members),
        Answer::Failed { reason, message } => return Refusal::Failed { reason, message: message.clone() },
        Answer::Result(_) => return Refusal::Unknown,
    };
    let told = |code: &str| Refusal::Told { code: code.to_owned(), message: message.clone() };
    match name {
        "WrongUsernameOrPasswordError" if members.get("user").is_some_and(truthy) => Refusal::WrongPassword,
        "WrongUsernameOrPasswordError" => Refusal::Unknown,
        "UnauthorizedError" => told("unauthorized"),
        "ValidationError" => match members.get("code").and_then(Value::as_str).unwrap_or_default() {
            "user_exists" => Refusal::Exists,
            "" => told("invalid_request"),
            code => told(code),
        },
        _ => Refusal::Failed { reason: "script_threw", message: message.clone() },
    }
}

/// As JavaScript has it.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

const TEXTS: &[&str] = &["name", "given_name", "family_name", "nickname", "picture"];
const BOOLEANS: &[&str] = &["email_verified", "phone_verified", "blocked"];
const OBJECTS: &[&str] = &["user_metadata", "app_metadata"];
/// Longest text of a profile, in characters.
const LONGEST: usize = 300;

/// Whether what a script names an account by may stand behind the connection in a user's id.
pub fn local_id_is_allowed(id: &str) -> bool {
    !id.is_empty() && id.len() <= 255 && !id.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Reads a profile. What is of another type than it should be is left out: old databases hold anything.
fn read(profile: &Value) -> Result<Profile, Refusal> {
    let failed = |message: &str| Refusal::Failed { reason: "script_profile", message: message.to_owned() };
    let Value::Object(given) = profile else { return Err(failed("The profile is not an object.")) };
    let local_id = user_id(given.get("user_id").or_else(|| given.get("id")))
        .ok_or_else(|| failed("The profile has no user_id, or one that is too long or holds spaces."))?;
    let members = users_own(given);
    if !members.contains_key("email") && !members.contains_key("username") {
        return Err(failed("The profile has neither an e-mail address nor a user name."));
    }
    Ok(Profile { local_id, members })
}

/// The id of an account, as a text without spaces of at most 255 bytes.
pub(super) fn user_id(given: Option<&Value>) -> Option<String> {
    let id = match given? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    local_id_is_allowed(&id).then_some(id)
}

/// The members that this server keeps, in their normal form.
pub(super) fn users_own(given: &Map<String, Value>) -> Map<String, Value> {
    let mut members = Map::new();
    let text =
        |name: &str| given.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    if let Some(email) = text("email").and_then(normalize_address) {
        members.insert("email".to_owned(), email.into());
    }
    if let Some(username) = text("username").filter(|name| !name.contains('@') && !name.contains(' ')) {
        members.insert("username".to_owned(), username.to_lowercase().into());
    }
    for name in TEXTS {
        if let Some(text) = text(name) {
            members.insert((*name).to_owned(), text.chars().take(LONGEST).collect::<String>().into());
        }
    }
    for name in BOOLEANS {
        if let Some(value @ Value::Bool(_)) = given.get(*name) {
            members.insert((*name).to_owned(), value.clone());
        }
    }
    for name in OBJECTS {
        if let Some(value @ Value::Object(_)) = given.get(*name) {
            members.insert((*name).to_owned(), value.clone());
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn threw(name: &str, members: Value) -> Answer {
        let members = members.as_object().unwrap().clone();
        Answer::Threw { name: name.to_owned(), message: "m".to_owned(), members }
    }

    #[test]
    fn errors_mean_what_their_class_says() {
        let told = |code: &str| Refusal::Told { code: code.into(), message: "m".into() };
        let cases = [
            (
                threw("WrongUsernameOrPasswordError", json!({"user": "ann@example.com"})),
                Refusal::WrongPassword,
            ),
            (threw("WrongUsernameOrPasswordError", json!({"user": 7})), Refusal::WrongPassword),
            (threw("WrongUsernameOrPasswordError", json!({"user": ""})), Refusal::Unknown),
            (threw("WrongUsernameOrPasswordError", json!({"user": 0})), Refusal::Unknown),
            (threw("WrongUsernameOrPasswordError", json!({})), Refusal::Unknown),
            (threw("UnauthorizedError", json!({"code": "unauthorized"})), told("unauthorized")),
            (threw("ValidationError", json!({"code": "user_exists"})), Refusal::Exists),
            (threw("ValidationError", json!({"code": "bad_name"})), told("bad_name")),
            (threw("ValidationError", json!({})), told("invalid_request")),
            (threw("TypeError", json!({})), Refusal::Failed { reason: "script_threw", message: "m".into() }),
            (Answer::Result(Value::Null), Refusal::Unknown),
        ];
        for (answer, refusal) in cases {
            assert_eq!(login(&answer), Err(refusal), "{answer:?}");
        }
        let none = threw("WrongUsernameOrPasswordError", json!({"user": "x"}));
        assert_eq!(get_user(&none), Ok(None));
        assert_eq!(get_user(&Answer::Result(Value::Null)), Ok(None));
    }

    #[test]
    fn a_profile_is_read_with_what_is_of_the_right_type() {
        let answer = Answer::Result(json!({
            "user_id": 42, "email": " Ann@Example.COM ", "email_verified": "yes", "name": "Ann", "nickname": "",
            "username": "ANN", "user_metadata": {"a": 1}, "app_metadata": [1], "password": "p", "identities": [],
        }));
        let profile = login(&answer).unwrap();
        assert_eq!(profile.local_id, "42");
        assert_eq!(
            Value::Object(profile.members),
            json!({"email": "ann@example.com", "username": "ann", "name": "Ann", "user_metadata": {"a": 1}})
        );
        for bad in [
            json!({"email": "ann@example.com"}),
            json!({"user_id": "a b", "email": "ann@example.com"}),
            json!({"user_id": "1"}),
            json!({"user_id": "1", "email": "nobody"}),
            json!("ann"),
            json!([]),
        ] {
            let refused = login(&Answer::Result(bad.clone()));
            assert!(matches!(refused, Err(Refusal::Failed { reason: "script_profile", .. })), "{bad}");
        }
    }

    #[test]
    fn yes_and_no() {
        let cases = [
            (json!(true), true),
            (json!({"last_password_reset": 1}), true),
            (json!(false), false),
            (json!(null), false),
        ];
        for (result, expected) in cases {
            assert_eq!(changed(&Answer::Result(result.clone())), Ok(expected), "{result}");
            assert_eq!(done(&Answer::Result(result)), Ok(()));
        }
    }
}
