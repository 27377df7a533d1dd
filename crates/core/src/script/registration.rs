//! pre-user-registration: what scripts make of an account that is about to be made.

use serde_json::{Map, Value};

use super::{Note, NoteReason, ScriptFacts, actions};

/// What who signs up is told where a script fails, or names no text for them.
const DENIED: &str = "The sign-up was refused.";

/// What scripts made of a sign-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// Metadata of the new account; null takes away what the sign-up itself brought.
    pub user_metadata: Map<String, Value>,
    /// Likewise.
    pub app_metadata: Map<String, Value>,
    /// Why no account is made, if none is.
    pub refusal: Option<Refusal>,
    /// What was left out, and why.
    pub notes: Vec<Note>,
}

/// Why a script refuses a sign-up: one text for who signs up, one for the tenant's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `extensibility_error`, or the code of `api.validation.error`.
    pub code: String,
    /// Told to who signs up.
    pub message: String,
    /// For the log only.
    pub log: String,
    /// The stable reason code.
    pub reason: &'static str,
}

impl Refusal {
    /// A refusal by a script that failed; its author's words stay in the log.
    pub fn failed(log: impl Into<String>, reason: &'static str) -> Self {
        Self::new(DENIED.to_owned(), log.into(), reason)
    }

    fn new(message: String, log: String, reason: &'static str) -> Self {
        let message = if message.is_empty() { DENIED.to_owned() } else { message };
        Self { code: "extensibility_error".to_owned(), message, log, reason }
    }
}

/// What one action's commands come to; `by` is the action.
pub fn of_commands(by: &str, commands: &[Value]) -> Registration {
    let mut rest = Vec::new();
    let mut refusal = None;
    for command in commands {
        let text = |name: &str| command[name].as_str().unwrap_or_default().to_owned();
        match command["type"].as_str() {
            Some("access.deny") => {
                refusal = Some(Refusal::new(text("user_message"), text("reason"), "denied_by_script"));
            }
            Some("validation.error") => {
                let (code, message) = (text("code"), text("message"));
                let log = format!("{code}: {message}");
                refusal = Some(Refusal { code, ..Refusal::new(message, log, "script_validation_error") });
            }
            _ => rest.push(command.clone()),
        }
    }
    let verdict = actions::judge(by, &rest, &ScriptFacts::default());
    Registration {
        user_metadata: verdict.user_metadata,
        app_metadata: verdict.app_metadata,
        refusal,
        notes: verdict.notes,
    }
}

/// What a hook gave to its callback: `{user: {user_metadata, app_metadata}}`.
pub fn of_hook(result: &Value) -> Registration {
    let metadata = |name: &str| result["user"][name].as_object().cloned().unwrap_or_default();
    Registration {
        user_metadata: metadata("user_metadata"),
        app_metadata: metadata("app_metadata"),
        ..Registration::default()
    }
}

/// What an exception of a hook refuses with. A `PreUserRegistrationError` may have a text for the user.
pub fn of_hook_error(name: &str, message: &str, members: &Map<String, Value>) -> Refusal {
    match name {
        "PreUserRegistrationError" => {
            let told = members.get("friendlyMessage").and_then(Value::as_str).unwrap_or_default();
            Refusal::new(told.to_owned(), message.to_owned(), "denied_by_script")
        }
        _ => Refusal::failed(message, "script_threw"),
    }
}

impl Registration {
    /// This one, and after it another.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.user_metadata.extend(later.user_metadata);
        self.app_metadata.extend(later.app_metadata);
        self.refusal = later.refusal.or(self.refusal);
        self.notes.extend(later.notes);
        self
    }

    /// Puts the metadata into the profile of the account to be made.
    pub fn apply(&self, profile: &mut Map<String, Value>) {
        for (name, changes) in [("user_metadata", &self.user_metadata), ("app_metadata", &self.app_metadata)]
        {
            if changes.is_empty() {
                continue;
            }
            let mut merged = profile.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
            for (key, value) in changes {
                match value {
                    Value::Null => merged.remove(key),
                    value => merged.insert(key.clone(), value.clone()),
                };
            }
            profile.insert(name.to_owned(), Value::Object(merged));
        }
    }

    /// Leaves the metadata out, and says so: a passwordless account begins without any.
    pub fn without_metadata(&mut self, by: &str) {
        for (changes, command) in [
            (&mut self.user_metadata, "user.setUserMetadata"),
            (&mut self.app_metadata, "user.setAppMetadata"),
        ] {
            for name in std::mem::take(changes).keys() {
                self.notes.push(Note::new(by, command, name, NoteReason::PasswordlessMetadata));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(commands: Value) -> Registration {
        of_commands("Mine", commands.as_array().unwrap())
    }

    #[test]
    fn a_denial_has_one_text_for_the_log_and_one_for_the_user() {
        let cases = [
            (
                json!({"type": "access.deny", "reason": "spam list", "user_message": "Not you"}),
                ("extensibility_error", "Not you", "spam list", "denied_by_script"),
            ),
            (
                json!({"type": "access.deny", "reason": "spam list"}),
                ("extensibility_error", DENIED, "spam list", "denied_by_script"),
            ),
            (
                json!({"type": "validation.error", "code": "bad_name", "message": "No such name"}),
                ("bad_name", "No such name", "bad_name: No such name", "script_validation_error"),
            ),
        ];
        for (command, (code, message, log, reason)) in cases {
            let refusal = of(json!([command])).refusal.unwrap();
            let told =
                (refusal.code.as_str(), refusal.message.as_str(), refusal.log.as_str(), refusal.reason);
            assert_eq!(told, (code, message, log, reason), "{command}");
        }
    }

    #[test]
    fn metadata_goes_into_the_profile_and_null_takes_away() {
        let first = of(json!([
            {"type": "user.setUserMetadata", "name": "color", "value": "red"},
            {"type": "user.setUserMetadata", "name": "gone", "value": null},
            {"type": "user.setAppMetadata", "name": "plan", "value": 1},
            {"type": "idToken.setCustomClaim", "name": "sub", "value": 1},
        ]));
        assert_eq!((first.notes.len(), &first.refusal), (1, &None));
        let both = first.then(of(json!([{"type": "user.setAppMetadata", "name": "plan", "value": 2}])));
        let mut profile = json!({"user_metadata": {"gone": 1, "kept": 2}}).as_object().unwrap().clone();
        both.apply(&mut profile);
        let expected = json!({"user_metadata": {"kept": 2, "color": "red"}, "app_metadata": {"plan": 2}});
        assert_eq!(Value::Object(profile), expected);
        let mut none = both;
        none.without_metadata("Mine");
        let left_out: Vec<&str> = none.notes.iter().skip(1).map(|note| note.about.as_str()).collect();
        assert_eq!((none.user_metadata.len() + none.app_metadata.len(), left_out.len()), (0, 3));
    }

    #[test]
    fn hooks_answer_with_a_user_or_an_error() {
        let made = of_hook(&json!({"user": {"user_metadata": {"a": 1}, "email": "b@example.com"}}));
        assert_eq!((json!(made.user_metadata), made.app_metadata.len()), (json!({"a": 1}), 0));
        assert_eq!(of_hook(&Value::Null), Registration::default());
        let members = json!({"friendlyMessage": "Not today"}).as_object().unwrap().clone();
        let told = of_hook_error("PreUserRegistrationError", "closed", &members);
        assert_eq!((told.message.as_str(), told.log.as_str()), ("Not today", "closed"));
        let told = of_hook_error("TypeError", "x is undefined", &Map::new());
        assert_eq!((told.message.as_str(), told.reason), (DENIED, "script_threw"));
    }
}
