//! Roles and permissions: given over the Management API, seen in the next token.

use gatewright_testkit::{Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";

fn encoded(id: &str) -> String {
    id.replace('|', "%7C").replace(':', "%3A").replace('/', "%2F")
}

#[tokio::test]
async fn a_role_gives_its_permissions_until_it_is_taken_away() {
    on_every_database(async |server: Server| {
        let mut start = Start::seed(&server).scope("openid read:orders write:orders");
        start.audience = Some(server.audience().to_owned());
        let page = server.page(APP);
        let admin = server.admin().await;
        let api = format!("/resource-servers/{}", encoded(server.audience()));
        admin.patch(&api, json!({"enforce_policies": true, "token_dialect": "access_token_authz"})).await;
        let first = start.log_in(&server, &page).await.access_claims();
        assert_eq!((&first["scope"], &first["permissions"]), (&json!("openid"), &json!([])));
        let user_id = first["sub"].as_str().unwrap().to_owned();
        let user = format!("/users/{}", encoded(&user_id));

        let made = admin.call(Method::POST, "/roles", Some(json!({"name": "Clerk"}))).await;
        let role = made.expect(200).json();
        assert!(role["id"].as_str().unwrap().starts_with("rol_"));
        assert_eq!(role["description"], Value::Null);
        let role = format!("/roles/{}", role["id"].as_str().unwrap());
        let orders =
            |name: &str| json!([{"resource_server_identifier": server.audience(), "permission_name": name}]);
        let permissions = |name: &str| Some(json!({"permissions": orders(name)}));
        admin
            .call(Method::POST, &format!("{role}/permissions"), permissions("read:orders"))
            .await
            .expect(201);
        let members = Some(json!({"users": [user_id]}));
        admin.call(Method::POST, &format!("{role}/users"), members).await.expect(200);
        admin
            .call(Method::POST, &format!("{user}/permissions"), permissions("write:orders"))
            .await
            .expect(201);
        let second = start.log_in(&server, &page).await.access_claims();
        assert_eq!(second["scope"], "openid read:orders write:orders");
        assert_eq!(second["permissions"], json!(["read:orders", "write:orders"]));

        let held = admin.get(&format!("{user}/permissions?include_totals=true")).await;
        assert_eq!((&held["total"], &held["limit"]), (&json!(2), &json!(50)));
        let [read, write] = [&held["permissions"][0], &held["permissions"][1]];
        assert_eq!(
            (&read["permission_name"], &read["sources"][0]["source_type"]),
            (&json!("read:orders"), &json!("ROLE"))
        );
        assert_eq!(read["sources"][0]["source_name"], "Clerk");
        assert_eq!(write["sources"], json!([{"source_id": "", "source_name": "", "source_type": "DIRECT"}]));
        assert_eq!(write["resource_server_identifier"], server.audience());
        assert_eq!(admin.get(&format!("{user}/roles")).await[0]["name"], "Clerk");
        let members = admin.get(&format!("{role}/users?take=1")).await;
        assert_eq!((&members["users"][0]["user_id"], members.get("next")), (&json!(user_id), None));

        let roles = Some(json!({"roles": [role.trim_start_matches("/roles/")]}));
        admin.call(Method::DELETE, &format!("{user}/roles"), roles).await.expect(204);
        admin
            .call(Method::DELETE, &format!("{user}/permissions"), permissions("write:orders"))
            .await
            .expect(204);
        assert_eq!(start.log_in(&server, &page).await.access_claims()["scope"], "openid");
    })
    .await;
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let role =
            admin.call(Method::POST, "/roles", Some(json!({"name": "Clerk", "description": "Books"}))).await;
        let role = format!("/roles/{}", role.json()["id"].as_str().unwrap());
        let again = admin.call(Method::POST, "/roles", Some(json!({"name": "Clerk"}))).await;
        assert_eq!(again.expect(409).json()["message"], "A role with this name already exists.");
        let entry = |api: &str, name: &str| {
            Some(json!({"permissions": [{"resource_server_identifier": api, "permission_name": name}]}))
        };
        let path = format!("{role}/permissions");
        let unknown = admin.call(Method::POST, &path, entry(server.audience(), "sing:songs")).await;
        assert!(unknown.expect(400).body.contains("permissions[0].permission_name"), "{}", unknown.body);
        admin.call(Method::POST, &path, entry("https://nothing.example/", "read:orders")).await.expect(404);
        admin.call(Method::POST, &path, Some(json!({"permissions": []}))).await.expect(400);
        admin
            .call(Method::POST, "/roles/rol_none/permissions", entry(server.audience(), "read:orders"))
            .await
            .expect(404);
        let nobody = Some(json!({"users": ["auth0|nobody"]}));
        admin.call(Method::POST, &format!("{role}/users"), nobody).await.expect(404);
        admin.call(Method::GET, "/users/auth0%7Cnobody/roles", None).await.expect(404);
        admin.call(Method::GET, "/users/auth0%7Cnobody/permissions", None).await.expect(404);

        // Another tenant's role is unknown, and the list finds by a part of the name.
        let there = server.admin_of("acme").await;
        there.call(Method::GET, &role, None).await.expect(404);
        assert_eq!(there.get("/roles").await, json!([]));
        assert_eq!(admin.get("/roles?name_filter=LER").await[0]["description"], "Books");
        assert_eq!(admin.get("/roles?name_filter=boss").await, json!([]));
        admin.call(Method::DELETE, &role, None).await.expect(200);
        admin.call(Method::GET, &role, None).await.expect(404);
    })
    .await;
}
