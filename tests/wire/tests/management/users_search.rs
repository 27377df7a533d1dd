//! `GET /users` as tools ask it: queries, sorting, totals, both styles of pages.

use gatewright_testkit::{Admin, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const DATABASE: &str = "Username-Password-Authentication";

async fn people(admin: &Admin) {
    for (number, email, name, plan) in [
        (1, "jane1@example.com", "Jane Smith", "gold"),
        (2, "jane2@example.com", "jane doe", "gold"),
        (3, "john3@example.com", "John Smith", "free"),
    ] {
        let user = json!({"connection": DATABASE, "user_id": format!("u{number}"), "email": email, "name": name,
            "password": "Correct-horse-7", "email_verified": number == 1,
            "app_metadata": {"plan": plan, "seats": number * 10},
            "user_metadata": {"addresses": [{"city": "Paris"}, {"city": format!("Town {number}")}]}});
        admin.create("/users", user).await;
    }
    admin.patch("/users/auth0%7Cu3", json!({"blocked": true})).await;
}

/// The local ids of those found, or the status and message of the refusal.
async fn found(admin: &Admin, query: &[(&str, &str)]) -> String {
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(query);
    let answer = admin.call(Method::GET, &format!("/users?{}", encoded.finish()), None).await;
    if answer.status != 200 {
        return format!("{} {}", answer.status, answer.json()["message"].as_str().unwrap_or_default());
    }
    let body = answer.json();
    let users = body.as_array().or_else(|| body["users"].as_array()).cloned().unwrap_or_default();
    let ids: Vec<String> =
        users.iter().map(|user| user["user_id"].as_str().unwrap_or("?").replace("auth0|", "")).collect();
    ids.join(" ")
}

#[tokio::test]
async fn users_are_found_by_queries() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        people(&admin).await;
        for (query, expect) in [
            ("email:\"JANE1@example.com\"", "u1"),
            ("name:jane*", "u1 u2"),
            ("name:\"jane smith\"", "u1"),
            (r"name:Jane\ Smith", "u1"),
            ("name:*smith", "u1 u3"),
            ("email.domain:example.com AND NOT blocked:true", "u1 u2"),
            ("app_metadata.plan:gold", "u1 u2"),
            ("app_metadata.plan:Gold", ""),
            ("app_metadata.seats:[20 TO *]", "u2 u3"),
            ("app_metadata.seats:{20 TO 30]", "u3"),
            ("user_metadata.addresses.city:Paris", "u1 u2 u3"),
            ("user_metadata.addresses.city:\"Town 2\"", "u2"),
            ("_exists_:blocked", "u3"),
            ("email_verified:true OR blocked:true", "u1 u3"),
            ("(name:jane* AND email_verified:false) OR user_id:\"auth0|u3\"", "u2 u3"),
            ("identities.connection:\"Username-Password-Authentication\" -name:john*", "u1 u2"),
            ("gold", ""),
            ("john3@example.com", "u3"),
            ("created_at:[2001-01-01 TO *]", "u1 u2 u3"),
            ("_exists_:last_login", ""),
        ] {
            assert_eq!(found(&admin, &[("q", query), ("search_engine", "v3")]).await, expect, "{query}");
        }
        // What was changed is found at once, and what was deleted is not.
        admin.patch("/users/auth0%7Cu1", json!({"app_metadata": {"plan": "silver"}})).await;
        admin.call(Method::DELETE, "/users/auth0%7Cu2", None).await.expect(204);
        assert_eq!(found(&admin, &[("q", "app_metadata.plan:gold")]).await, "");
        assert_eq!(found(&admin, &[("q", "app_metadata.plan:silver")]).await, "u1");
    })
    .await;
}

#[tokio::test]
async fn queries_that_cannot_be_used_are_refused_with_the_reason() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        for (query, reason) in [
            ("name:(a", "a ( is not closed"),
            ("nonsense:x", "nonsense is not searchable"),
            ("user_metadata.a:b*", "user_metadata has no wildcards and no ranges"),
            ("name:*ab", "needs 3 or more other characters"),
            ("email_verified:maybe", "email_verified is true or false"),
        ] {
            let refusal = found(&admin, &[("q", query)]).await;
            assert!(
                refusal.starts_with("400 Query validation error: 'The query cannot be used: "),
                "{refusal}"
            );
            assert!(refusal.contains(reason) && refusal.contains("on property q"), "{refusal}");
        }
        for engine in ["v1", "v2"] {
            assert!(found(&admin, &[("q", "a:b"), ("search_engine", engine)]).await.starts_with("400 "));
        }
        assert!(found(&admin, &[("sort", "app_metadata.plan:1")]).await.starts_with("400 "));
        assert!(found(&admin, &[("page", "10"), ("per_page", "100")]).await.starts_with("400 "));
        assert!(found(&admin, &[("take", "2"), ("sort", "name:1")]).await.starts_with("400 "));
    })
    .await;
}

#[tokio::test]
async fn results_are_sorted_counted_and_paged() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        people(&admin).await;
        for (sort, expect) in [
            ("created_at:-1", "u3 u2 u1"),
            ("name:1", "u2 u1 u3"),
            ("name:-1", "u3 u1 u2"),
            ("email:1", "u1 u2 u3"),
            ("last_login:1", "u1 u2 u3"),
            ("user_id:-1", "u3 u2 u1"),
        ] {
            assert_eq!(found(&admin, &[("sort", sort)]).await, expect, "{sort}");
        }
        let page = admin.get("/users?q=name:ja*&include_totals=true&per_page=1&page=1&fields=user_id").await;
        let expect =
            json!({"start": 1, "limit": 1, "length": 1, "total": 2, "users": [{"user_id": "auth0|u2"}]});
        assert_eq!(page, expect);
        let all = admin.get("/users?include_totals=true").await;
        assert_eq!((&all["total"], &all["length"]), (&json!(3), &json!(3)));

        let (mut ids, mut from) = (Vec::new(), String::new());
        loop {
            let page = admin.get(&format!("/users?take=1{from}&q=app_metadata.seats:*")).await;
            ids.extend(page["users"].as_array().unwrap().iter().map(|user| user["user_id"].clone()));
            let Some(next) = page.get("next").and_then(Value::as_str) else { break };
            from = format!("&from={}", next.replace('|', "%7C"));
        }
        assert_eq!(ids, ["auth0|u1", "auth0|u2", "auth0|u3"]);
        assert_eq!(found(&admin, &[("connection", DATABASE), ("q", "name:john*")]).await, "u3");
        assert_eq!(found(&admin, &[("connection", "sms")]).await, "");
    })
    .await;
}
