//! What the Action of a profile decides: whose tokens an exchange gives, and who acts for them.

use serde_json::{Map, Value};

use crate::errors::OAuthError;

/// How many actors may stand behind each other in `act`, RFC 8693 section 4.1.
const MAX_ACTORS: usize = 5;

/// Whose tokens they become.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The user.
    pub user: Who,
    /// The claim `act`. With it no refresh token is issued: whoever acts has to ask again.
    pub actor: Option<Value>,
}

/// How the Action named the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    /// By the id of an account.
    ById(String),
    /// By the account that a connection knows under `attributes.user_id`.
    ByConnection {
        /// The connection's name.
        connection: String,
        /// What the account's profile is to hold.
        attributes: Map<String, Value>,
        /// The account is made if there is none.
        creates: bool,
        /// The profile of an account that exists is replaced.
        replaces: bool,
    },
}

/// Reads the commands that are left when claims and metadata are taken out of an Action's.
///
/// # Errors
/// A refusal whose reason is for the log: nobody was named, or two were, or the commands ask for what is not
/// built.
pub fn decided(commands: &[Value]) -> Result<Decided, OAuthError> {
    let (mut users, mut actor) = (Vec::new(), None);
    for command in commands {
        match command["type"].as_str().unwrap_or_default() {
            "authentication.setUserById" => {
                users.push(Who::ById(text(command, "user_id")?));
            }
            "authentication.setUserByConnection" => users.push(by_connection(command)?),
            "authentication.setActor" => actor = Some(checked(&command["actor"])?),
            "authentication.setOrganization" => {
                let text =
                    "Organizations at login are not built in this version, and the Action asks for one.";
                return Err(OAuthError::invalid_request(text).because("organizations_not_built"));
            }
            _ => {}
        }
    }
    match (users.pop(), users.is_empty()) {
        (Some(user), true) => Ok(Decided { user, actor }),
        (Some(_), false) => Err(failed("The Action named more than one user.", "exchange_with_two_users")),
        (None, _) => Err(failed("The Action named no user.", "exchange_without_user")),
    }
}

fn by_connection(command: &Value) -> Result<Who, OAuthError> {
    let attributes = command["attributes"].as_object().cloned().unwrap_or_default();
    let has_id = attributes.get("user_id").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
    if !has_id {
        return Err(failed("The Action named a user without user_id.", "exchange_without_user_id"));
    }
    Ok(Who::ByConnection {
        connection: text(command, "connection")?,
        attributes,
        creates: command["options"]["creationBehavior"] == "create_if_not_exists",
        replaces: command["options"]["updateBehavior"] == "replace",
    })
}

fn checked(actor: &Value) -> Result<Value, OAuthError> {
    let mut next = Some(actor);
    for _ in 0..MAX_ACTORS {
        let Some(at) = next else { return Ok(actor.clone()) };
        if at["sub"].as_str().is_none_or(str::is_empty) {
            return Err(failed("An actor has no sub.", "actor_without_sub"));
        }
        next = at.get("act").filter(|act| !act.is_null());
    }
    match next {
        None => Ok(actor.clone()),
        Some(_) => Err(failed("Actors may be nested five deep.", "actor_too_deep")),
    }
}

fn text(command: &Value, name: &str) -> Result<String, OAuthError> {
    let found = command[name].as_str().filter(|text| !text.is_empty());
    found.map(str::to_owned).ok_or_else(|| failed("The Action named no user.", "exchange_without_user"))
}

fn failed(text: &'static str, reason: &'static str) -> OAuthError {
    OAuthError::access_denied(text).because(reason)
}

#[cfg(test)]
mod tests {
    use super::{Who, decided};
    use serde_json::{Value, json};

    fn by_id(id: &str) -> Value {
        json!({"type": "authentication.setUserById", "user_id": id})
    }

    fn actor(depth: usize) -> Value {
        let nested = (0..depth).fold(Value::Null, |act, n| json!({"sub": format!("a{n}"), "act": act}));
        json!({"type": "authentication.setActor", "actor": nested})
    }

    #[test]
    fn exactly_one_user_is_named() {
        for (commands, reason) in [
            (json!([]), "exchange_without_user"),
            (json!([by_id("")]), "exchange_without_user"),
            (json!([by_id("auth0|1"), by_id("auth0|1")]), "exchange_with_two_users"),
            (json!([actor(1)]), "exchange_without_user"),
            (json!([by_id("auth0|1"), actor(6)]), "actor_too_deep"),
            (
                json!([by_id("auth0|1"), {"type": "authentication.setActor", "actor": {}}]),
                "actor_without_sub",
            ),
            (
                json!([by_id("auth0|1"), {"type": "authentication.setOrganization", "organization": "o"}]),
                "organizations_not_built",
            ),
            (
                json!([{"type": "authentication.setUserByConnection", "connection": "c", "attributes": {}}]),
                "exchange_without_user_id",
            ),
        ] {
            let got = decided(commands.as_array().unwrap()).expect_err("refused");
            assert_eq!(got.reason.as_deref(), Some(reason), "{commands}");
        }
    }

    #[test]
    fn the_commands_become_a_user_and_an_actor() {
        let got = decided(&[by_id("auth0|1"), actor(5)]).unwrap();
        assert_eq!(got.user, Who::ById("auth0|1".into()));
        assert_eq!(got.actor.unwrap()["act"]["sub"], "a3");
        let attributes = json!({"user_id": "7", "email": "a@example.com"});
        for (creation, update, expect) in
            [("create_if_not_exists", "replace", (true, true)), ("none", "none", (false, false))]
        {
            let command = json!({"type": "authentication.setUserByConnection", "connection": "c",
                "attributes": attributes,
                "options": {"creationBehavior": creation, "updateBehavior": update}});
            let Who::ByConnection { connection, attributes, creates, replaces } =
                decided(&[command]).unwrap().user
            else {
                panic!("by connection");
            };
            assert_eq!((connection.as_str(), creates, replaces), ("c", expect.0, expect.1));
            assert_eq!(attributes["email"], "a@example.com");
        }
    }
}
