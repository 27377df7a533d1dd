//! What `fetchUserProfile` of a social connection answers.

use serde_json::{Map, Value};

use super::database::{Answer, Profile, Refusal, refusal, user_id, users_own};

/// The account at the provider. It needs nothing but its id: providers may tell no address.
///
/// # Errors
/// [`Refusal::Told`] and [`Refusal::Failed`].
pub fn profile(answer: &Answer) -> Result<Profile, Refusal> {
    let failed = |message: &str| Refusal::Failed { reason: "script_profile", message: message.to_owned() };
    let given = match answer {
        Answer::Result(Value::Object(given)) => given,
        Answer::Result(_) => return Err(failed("The profile is not an object.")),
        answer => {
            return Err(match refusal(answer) {
                told @ (Refusal::Told { .. } | Refusal::Failed { .. }) => told,
                _ => failed("The script named a wrong user or password, which nobody gave."),
            });
        }
    };
    let local_id = user_id(given.get("user_id"))
        .ok_or_else(|| failed("The profile has no user_id, or one that is too long or holds spaces."))?;
    let mut members: Map<String, Value> = users_own(given);
    // Who answers here is the provider, whose answer scripts may pass on as it is: it must not write what is ours.
    members.retain(|name, _| !matches!(name.as_str(), "user_metadata" | "app_metadata" | "blocked"));
    Ok(Profile { local_id, members })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_profile_needs_an_id_only() {
        let read = |profile: Value| super::profile(&Answer::Result(profile));
        let profile = read(json!({"user_id": 7, "email": "Ann@Example.com", "locale": "de", "blocked": true,
            "email_verified": true, "app_metadata": {"admin": true}, "name": "Ann"}));
        let profile = profile.unwrap();
        assert_eq!(profile.local_id, "7");
        assert_eq!(
            Value::Object(profile.members),
            json!({"email": "ann@example.com", "email_verified": true, "name": "Ann"})
        );
        assert_eq!(read(json!({"user_id": "a|b"})).unwrap().local_id, "a|b");
        for bad in
            [json!({}), json!({"id": "7"}), json!({"user_id": "a b"}), json!({"user_id": ""}), json!(null)]
        {
            assert!(
                matches!(read(bad.clone()), Err(Refusal::Failed { reason: "script_profile", .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn only_words_for_the_user_are_told() {
        let threw =
            |name: &str| Answer::Threw { name: name.into(), message: "m".into(), members: Map::new() };
        let told = Refusal::Told { code: "unauthorized".into(), message: "m".into() };
        assert_eq!(profile(&threw("UnauthorizedError")), Err(told));
        let failed = |reason| Err(Refusal::Failed { reason, message: "m".into() });
        assert_eq!(profile(&threw("Error")), failed("script_threw"));
        assert_eq!(
            profile(&Answer::Failed { reason: "script_time", message: "m".into() }),
            failed("script_time")
        );
        let odd = profile(&threw("WrongUsernameOrPasswordError"));
        assert!(matches!(odd, Err(Refusal::Failed { reason: "script_profile", .. })));
    }
}
