use gatewright_core::Timestamp;
use gatewright_core::connection::Connection;
use serde_json::{Map, Value, json};

use super::{NewIdentifier, apply, draft, passwordless};

fn connection(strategy: &str) -> Connection {
    Connection { name: strategy.to_owned(), strategy: strategy.to_owned(), ..Connection::default() }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => panic!("not an object"),
    }
}

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[test]
fn a_passwordless_user_has_the_documented_profile() {
    let user = passwordless(&connection("sms"), "+610400000000", "0123".into(), NOW).user;
    assert_eq!(
        Value::Object(user),
        json!({
            "user_id": "sms|0123",
            "phone_number": "+610400000000",
            "phone_verified": true,
            "name": "+610400000000",
            "nickname": "",
            "picture": "https://s.gravatar.com/avatar/00000000000000000000000000000000?s=480&r=pg&d=mp&f=y",
            "identities": [{"connection": "sms", "provider": "sms", "user_id": "0123", "isSocial": false}],
            "created_at": "2023-11-14T22:13:20.000Z",
            "updated_at": "2023-11-14T22:13:20.000Z",
        })
    );
    let user = passwordless(&connection("email"), "Jo@Example.com", "0123".into(), NOW);
    assert_eq!(user.identifier, "jo@example.com");
    assert_eq!(user.user["email"], "Jo@Example.com");
    assert_eq!(user.user["nickname"], "Jo");
    assert_eq!(user.user["email_verified"], true);
}

#[test]
fn a_new_user_needs_what_it_logs_in_by() {
    let check = |strategy: &str, body: Value, expect: &str| {
        let got = draft(&connection(strategy), &object(body.clone()), NOW, || "0123".into());
        let got = match got {
            Ok(draft) => format!("{} {}", draft.user["user_id"].as_str().unwrap(), draft.identifier),
            Err(error) => error.message.into_owned(),
        };
        assert_eq!(got, expect, "{body}");
    };
    check("sms", json!({"phone_number": "+1"}), "sms|0123 +1");
    check(
        "sms",
        json!({"email": "a@b"}),
        "Payload validation error: 'Missing required property: phone_number'.",
    );
    check("email", json!({"email": "A@b"}), "email|0123 a@b");
    check("auth0", json!({"email": "A@B", "user_id": "x"}), "auth0|x a@b");
    check("auth0", json!({"username": "Jo"}), "auth0|0123 Jo");
    check("auth0", json!({}), "Payload validation error: 'Missing required property: email'.");
    check(
        "auth0",
        json!({"email": "a@b", "app_metadata": {"email": 1}}),
        "Payload validation error: 'The property name is reserved: email' on property app_metadata.",
    );
    check(
        "auth0",
        json!({"email": "a@b", "user_metadata": {"a.b": 1}}),
        "Payload validation error: 'Metadata property names cannot contain . or $: a.b' on property user_metadata.",
    );
}

fn patched(user: Value, body: Value) -> Result<(Value, Option<NewIdentifier>), String> {
    let mut user = object(user);
    let change = apply(&mut user, &object(body), NOW).map_err(|error| error.message.into_owned())?;
    user.remove("updated_at");
    user.remove("identities");
    Ok((Value::Object(user), change))
}

fn sms_user(more: Value) -> Value {
    let mut user = object(json!({"identities": [{"provider": "sms", "connection": "sms", "user_id": "1"}]}));
    user.extend(object(more));
    Value::Object(user)
}

#[test]
fn metadata_merge_one_level_and_null_removes() {
    let check = |stored: Value, body: Value, expect: Value| {
        let (user, change) =
            patched(sms_user(json!({"user_metadata": stored})), json!({"user_metadata": body})).unwrap();
        assert_eq!(user, json!({"user_metadata": expect}));
        assert_eq!(change, None);
    };
    check(
        json!({"a": 1, "b": {"x": 1}}),
        json!({"b": {"y": 2}, "c": 3}),
        json!({"a": 1, "b": {"y": 2}, "c": 3}),
    );
    check(json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2}));
    check(json!({"a": 1}), json!({"zzz": null}), json!({"a": 1}));
    check(json!({"a": 1}), json!({}), json!({}));
    let (user, _) = patched(sms_user(json!({})), json!({"user_metadata": {"a": 1, "b": null}})).unwrap();
    assert_eq!(user, json!({"user_metadata": {"a": 1}}));
}

#[test]
fn a_changed_number_is_unverified_and_changes_the_identifier() {
    let user = sms_user(json!({"phone_number": "+1", "phone_verified": true}));
    let (changed, identifier) = patched(user.clone(), json!({"phone_number": "+2"})).unwrap();
    assert_eq!(changed, json!({"phone_number": "+2", "phone_verified": false}));
    assert_eq!(
        identifier,
        Some(NewIdentifier { connection: "sms".into(), account_id: "sms|1".into(), identifier: "+2".into() })
    );
    let (changed, _) = patched(user.clone(), json!({"phone_number": "+2", "phone_verified": true})).unwrap();
    assert_eq!(changed["phone_verified"], true);
    assert!(patched(user, json!({"phone_number": null})).unwrap_err().contains("cannot be removed"));
}

#[test]
fn one_change_at_a_time_and_only_of_profiles_kept_here() {
    let user = sms_user(json!({"name": "Jo"}));
    assert_eq!(patched(user.clone(), json!({"name": null})).unwrap().0, json!({}));
    assert_eq!(
        patched(user.clone(), json!({"username": "a", "email": "a@b"})).unwrap_err(),
        "Cannot update email and username simultaneously"
    );
    assert!(
        patched(user.clone(), json!({"connection": "email", "name": "x"}))
            .unwrap_err()
            .contains("no identity in the connection email")
    );
    let upstream = json!({"identities": [{"provider": "github", "connection": "github", "user_id": "1"}]});
    assert!(patched(upstream.clone(), json!({"name": "x"})).unwrap_err().contains("cannot be updated: name"));
    assert_eq!(patched(upstream, json!({"blocked": true})).unwrap().0, json!({"blocked": true}));
}

#[test]
fn a_user_does_not_grow_without_bound() {
    let stored = json!({"user_metadata": {"a": "x".repeat(600 * 1024)}});
    let more = json!({"user_metadata": {"b": "x".repeat(600 * 1024)}});
    assert!(patched(sms_user(stored), more).unwrap_err().contains("maximum 1048576"));
}
