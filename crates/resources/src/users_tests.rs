use gatewright_core::connection::Connection;
use serde_json::{Value, json};

use super::{by_id, find_or_create_passwordless, record_login};
use crate::seed::dev_tenant;
use crate::testing::{Conversation, on_every_engine, tenant};

async fn prepared(server: Conversation) -> Conversation {
    let seed = server.seed.clone();
    server.write(move |tx| Box::pin(async move { dev_tenant(tx, &tenant(), &seed).await })).await;
    server
}

async fn log_in(server: &Conversation, number: &'static str) -> (Value, bool) {
    let seed = server.seed.clone();
    server
        .write(move |tx| {
            Box::pin(async move {
                let sms = Connection { name: "sms".into(), strategy: "sms".into(), ..Connection::default() };
                find_or_create_passwordless(tx, &tenant(), &sms, number, seed.now, &seed.random).await
            })
        })
        .await
}

#[tokio::test]
async fn two_first_logins_make_one_user() {
    on_every_engine(async |server| {
        let server = prepared(server).await;
        let (one, two) = tokio::join!(log_in(&server, "+610400000000"), log_in(&server, "+610400000000"));
        assert_eq!(one.0["user_id"], two.0["user_id"]);
        assert!(one.1 != two.1, "exactly one of them makes the user");
        let (again, made) = log_in(&server, "+610400000000").await;
        assert_eq!((again["user_id"].clone(), made), (one.0["user_id"].clone(), false));
        let (_, users) = server.call("GET", "/users?include_totals=true", json!(null)).await;
        assert_eq!(users["total"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_login_is_counted() {
    on_every_engine(async |server| {
        let server = prepared(server).await;
        let (user, _) = log_in(&server, "+1").await;
        let id = user["user_id"].as_str().unwrap().to_owned();
        let now = server.seed.now.plus_seconds(60);
        let after = server
            .write(move |tx| {
                Box::pin(async move {
                    record_login(tx, &tenant(), &id, "10.0.0.1", now).await?;
                    record_login(tx, &tenant(), &id, "10.0.0.2", now).await
                })
            })
            .await
            .unwrap();
        assert_eq!(after["logins_count"], 2);
        assert_eq!(after["last_ip"], "10.0.0.2");
        assert_eq!(after["last_login"], "2023-11-14T22:14:20.000Z");
        let gone = server
            .write(move |tx| Box::pin(async move { record_login(tx, &tenant(), "sms|no", "x", now).await }))
            .await;
        assert_eq!(gone, None);
    })
    .await;
}

#[tokio::test]
async fn a_precreated_user_becomes_verified_at_the_first_login() {
    on_every_engine(async |server| {
        let server = prepared(server).await;
        let (status, made) = server
            .call(
                "POST",
                "/users",
                json!({"connection": "sms", "phone_number": "+2", "app_metadata": {"a": 1}}),
            )
            .await;
        assert_eq!((status, &made["phone_verified"]), (201, &json!(false)));
        let (user, new) = log_in(&server, "+2").await;
        assert_eq!((user["user_id"].clone(), new), (made["user_id"].clone(), false));
        assert_eq!(user["phone_verified"], true);
        let id = made["user_id"].as_str().unwrap().to_owned();
        let stored =
            server.write(move |tx| Box::pin(async move { by_id(tx, &tenant(), &id).await })).await.unwrap();
        assert_eq!(stored["phone_verified"], true);
        assert_eq!(stored["app_metadata"], json!({"a": 1}));
    })
    .await;
}

#[tokio::test]
async fn users_are_made_changed_and_deleted() {
    on_every_engine(async |server| {
    let server = prepared(server).await;
    let refused = |answer: (u16, Value)| format!("{} {}", answer.0, answer.1.as_str().unwrap_or_default());
    let (_, user) =
        server.call("POST", "/users", json!({"connection": "email", "email": "Jo@Example.com"})).await;
    let path = format!("/users/{}", user["user_id"].as_str().unwrap().replace('|', "%7C"));
    assert_eq!(
        refused(
            server.call("POST", "/users", json!({"connection": "email", "email": "jo@example.com"})).await
        ),
        "409 The user already exists. (auth0_idp_error)"
    );
    assert_eq!(
        refused(
            server.call("POST", "/users", json!({"connection": "nope", "email": "jo@example.com"})).await
        ),
        "400 The connection does not exist. (inexistent_connection)"
    );
    assert_eq!(
        refused(server.call("POST", "/users", json!({"connection": "email", "emial": "x"})).await),
        "400 Payload validation error: 'Additional properties not allowed: emial'. (invalid_body)"
    );
    let (status, patched) =
        server.call("PATCH", &path, json!({"blocked": true, "app_metadata": {"plan": "pro"}})).await;
    assert_eq!(
        (status, &patched["blocked"], &patched["app_metadata"]["plan"]),
        (200, &json!(true), &json!("pro"))
    );
    let (_, other) =
        server.call("POST", "/users", json!({"connection": "email", "email": "sam@example.com"})).await;
    let other = format!("/users/{}", other["user_id"].as_str().unwrap());
    assert_eq!(
        refused(server.call("PATCH", &other, json!({"email": "JO@example.com"})).await),
        "409 The user already exists. (auth0_idp_error)"
    );
    assert_eq!(server.call("PATCH", &other, json!({"email": "sam2@example.com"})).await.0, 200);
    assert_eq!(
        refused(server.call("PATCH", &other, json!({"password": "x"})).await),
        "400 Users of email connections have no password. (operation_not_supported)"
    );
    assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 204);
    assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 204);
    assert_eq!(
        refused(server.call("GET", &path, json!(null)).await),
        "404 The user does not exist. (inexistent_user)"
    );
    assert_eq!(
        server.call("POST", "/users", json!({"connection": "email", "email": "jo@example.com"})).await.0,
        201
    );
    assert_eq!(
        refused(server.call("GET", "/users/nonsense", json!(null)).await),
        "400 Path validation error: 'Object didn't pass validation for format user-id: nonsense' on property id. (invalid_uri)"
    );
    }).await;
}

#[tokio::test]
async fn users_are_listed_and_found() {
    on_every_engine(async |server| {
        let server = prepared(server).await;
        for number in ["+1", "+2", "+3"] {
            server.call("POST", "/users", json!({"connection": "sms", "phone_number": number})).await;
        }
        server.call("POST", "/users", json!({"connection": "email", "email": "Jo@Example.com"})).await;
        let found = |target: &'static str| {
            let server = &server;
            async move {
                let (status, users) = server.call("GET", target, json!(null)).await;
                let users = users.get("users").cloned().unwrap_or(users);
                let names: Vec<String> = users
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|user| user["name"].as_str().unwrap_or("-").to_owned())
                    .collect();
                format!("{status} {}", names.join(" "))
            }
        };
        assert_eq!(found("/users?connection=sms&per_page=2").await.len(), "200 +1 +2".len());
        assert_eq!(
            found("/users?q=email%3A%22jo%40example.com%22&search_engine=v3").await,
            "200 Jo@Example.com"
        );
        assert_eq!(found("/users?q=phone_number%3A%22%2B2%22").await, "200 +2");
        assert_eq!(
            found("/users?q=identities.connection%3A%22sms%22&sort=phone_number:-1").await,
            "200 +3 +2 +1"
        );
        assert_eq!(found("/users?q=name%3Aj*").await, "200 Jo@Example.com");
        assert_eq!(found("/users?q=nonsense%3Aj*").await, "400 ");
        assert_eq!(found("/users?page=20&per_page=100").await, "400 ");
        assert_eq!(found("/users-by-email?email=Jo%40Example.com").await, "200 Jo@Example.com");
        assert_eq!(found("/users-by-email?email=jo%40example.com").await, "200 ");
        let (_, page) = server.call("GET", "/users?include_totals=true&per_page=3&page=1", json!(null)).await;
        assert_eq!(
            (&page["start"], &page["limit"], &page["length"], &page["total"]),
            (&json!(3), &json!(3), &json!(1), &json!(4))
        );
        let (_, only) = server.call("GET", "/users?fields=user_id&per_page=1", json!(null)).await;
        assert_eq!(only[0].as_object().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_users_own_token_reads_and_changes_metadata_and_nothing_else() {
    on_every_engine(async |server| {
    let server = prepared(server).await;
    let (user, _) = log_in(&server, "+1").await;
    let (other, _) = log_in(&server, "+2").await;
    let id = user["user_id"].as_str().unwrap();
    let (own, encoded) = (format!("/users/{id}"), format!("/users/{}", id.replace('|', "%7C")));
    let other = format!("/users/{}", other["user_id"].as_str().unwrap());
    let scopes =
        &["openid", "read:current_user", "update:current_user_metadata", "read:users", "update:users"];
    let me = || Conversation::user(id, scopes);
    let refusal = |method: &'static str, target: String, body: Value| {
        let server = &server;
        let caller = me();
        async move {
            let (status, body) = server.call_as(caller, method, &target, body).await;
            format!("{status} {}", body.as_str().unwrap_or_default())
        }
    };

    assert_eq!(server.call_as(me(), "GET", &encoded, json!(null)).await.0, 200);
    let (status, changed) = server
        .call_as(me(), "PATCH", &encoded, json!({"user_metadata": {"colour": "blue", "x": null}}))
        .await;
    assert_eq!((status, &changed["user_metadata"]), (200, &json!({"colour": "blue"})));

    let mismatch = "403 User to be acted on does not match subject in bearer token. (insufficient_scope)";
    assert_eq!(refusal("GET", other.clone(), json!(null)).await, mismatch);
    assert_eq!(refusal("PATCH", other, json!({"user_metadata": {}})).await, mismatch);
    for (body, named) in [
        (json!({"app_metadata": {"a": 1}}), "app_metadata"),
        (json!({"email_verified": true}), "email_verified"),
        (json!({"email": "a@b", "blocked": false, "user_metadata": {"a": 1}}), "blocked, email"),
        (json!({"made_up": 1}), "made_up"),
    ] {
        assert_eq!(
            refusal("PATCH", own.clone(), body).await,
            format!("403 You cannot update the following fields: {named} (insufficient_scope)")
        );
    }
    assert_eq!(
        refusal("GET", "/users".into(), json!(null)).await,
        "403 Insufficient scope, expected any of: read:users,read:user_idp_tokens (insufficient_scope)"
    );
    assert_eq!(
        refusal("DELETE", own.clone(), json!(null)).await,
        "403 Insufficient scope, expected any of: delete:users,delete:current_user (insufficient_scope)"
    );
    let without = Conversation::user(id, &["openid", "profile"]);
    let (status, message) = server.call_as(without, "PATCH", &own, json!({"user_metadata": {}})).await;
    assert_eq!(
        (status, message.as_str().unwrap()),
        (
            403,
            "Insufficient scope, expected any of: update:users,update:users_app_metadata,update:current_user_metadata (insufficient_scope)"
        )
    );
    let (_, stored) = server.call("GET", &own, json!(null)).await;
    assert_eq!(stored["user_metadata"], json!({"colour": "blue"}));
    assert_eq!((stored.get("app_metadata"), stored.get("blocked"), stored.get("email")), (None, None, None));
    }).await;
}
