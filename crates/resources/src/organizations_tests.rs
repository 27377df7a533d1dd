use serde_json::{Value, json};

use crate::testing::{Conversation, on_every_engine};

async fn expect(server: &Conversation, status: u16, method: &str, target: &str, body: Value) -> Value {
    let (got, answer) = server.call(method, target, body).await;
    assert_eq!(got, status, "{method} {target}: {answer}");
    answer
}

async fn organization(server: &Conversation, name: &str) -> String {
    let made = expect(server, 201, "POST", "/organizations", json!({ "name": name })).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn user(server: &Conversation, email: &str) -> String {
    let body = json!({"connection": "Username-Password-Authentication", "email": email});
    let made = expect(server, 201, "POST", "/users", body).await;
    made["user_id"].as_str().unwrap().to_owned()
}

fn encoded(user_id: &str) -> String {
    user_id.replace('|', "%7C")
}

#[tokio::test]
async fn an_organization_is_made_found_changed_and_deleted() {
    on_every_engine(async |server| {
        let id = organization(&server, "acme").await;
        assert!(id.len() == 20 && id.starts_with("org_"), "{id}");
        let item = format!("/organizations/{id}");
        let found = expect(&server, 200, "GET", "/organizations/name/acme", json!(null)).await;
        assert_eq!((&found["id"], &found["display_name"]), (&json!(id), &json!("acme")));
        expect(&server, 409, "POST", "/organizations", json!({"name": "acme"})).await;
        for wrong in ["Acme", "-acme", "a b", ""] {
            expect(&server, 400, "POST", "/organizations", json!({ "name": wrong })).await;
        }
        let change = json!({
            "display_name": "Acme Inc.", "metadata": {"plan": "gold", "seats": "9"},
            "branding": {"colors": {"primary": "#123456", "page_background": "#ffffff"}},
        });
        expect(&server, 200, "PATCH", &item, change).await;
        let changed = expect(&server, 200, "PATCH", &item, json!({"metadata": {"seats": "10"}})).await;
        assert_eq!((&changed["metadata"], &changed["name"]), (&json!({"seats": "10"}), &json!("acme")));
        let changed = expect(&server, 200, "PATCH", &item, json!({"display_name": "Acme"})).await;
        assert_eq!(changed["metadata"], json!({"seats": "10"}), "it stays where a change does not name it");
        let none = json!({"metadata": {"plan": "gold", "seats": null}});
        assert_eq!(expect(&server, 200, "PATCH", &item, none).await["metadata"], json!({"plan": "gold"}));
        let half = json!({"branding": {"colors": {"primary": "#123456"}}});
        expect(&server, 400, "PATCH", &item, half).await;
        organization(&server, "other").await;
        let page = expect(&server, 200, "GET", "/organizations?take=1", json!(null)).await;
        assert!(page["organizations"].as_array().unwrap().len() == 1 && page["next"].is_string());
        let totals = expect(&server, 200, "GET", "/organizations?include_totals=true", json!(null)).await;
        assert_eq!(totals["total"], 2);
        expect(&server, 204, "DELETE", &item, json!(null)).await;
        expect(&server, 404, "GET", &item, json!(null)).await;
        expect(&server, 404, "DELETE", &item, json!(null)).await;
        expect(&server, 404, "GET", "/organizations/name/acme", json!(null)).await;
    })
    .await;
}

#[tokio::test]
async fn connections_are_seen_by_two_paths() {
    on_every_engine(async |server| {
        let known = expect(&server, 200, "GET", "/connections", json!(null)).await;
        let database = known[0]["id"].clone();
        let sms = json!({"name": "sms", "strategy": "sms"});
        let sms = expect(&server, 201, "POST", "/connections", sms).await["id"].clone();
        let made = json!({"name": "acme", "enabled_connections": [{"connection_id": database}]});
        let made = expect(&server, 201, "POST", "/organizations", made).await;
        let item = format!("/organizations/{}", made["id"].as_str().unwrap());

        let list = format!("{item}/connections");
        let off = json!({"connection_id": sms, "is_enabled": false, "organization_access_level": "full"});
        let added = expect(&server, 201, "POST", &list, off.clone()).await;
        assert_eq!(added["connection"], json!({"name": "sms", "strategy": "sms"}));
        assert_eq!(added["show_as_button"], true);
        expect(&server, 409, "POST", &list, off).await;
        expect(&server, 404, "POST", &list, json!({"connection_id": "con_nothing"})).await;

        assert_eq!(expect(&server, 200, "GET", &list, json!(null)).await.as_array().unwrap().len(), 2);
        let enabled = format!("{item}/enabled_connections");
        let older = expect(&server, 200, "GET", &format!("{enabled}?include_totals=true"), json!(null)).await;
        assert_eq!(
            (&older["total"], &older["enabled_connections"][0]["connection_id"]),
            (&json!(1), &database)
        );
        assert!(older["enabled_connections"][0].get("is_enabled").is_none());
        let sms = sms.as_str().unwrap();
        expect(&server, 404, "GET", &format!("{enabled}/{sms}"), json!(null)).await;
        let on = json!({"is_enabled": true, "assign_membership_on_login": true});
        expect(&server, 200, "PATCH", &format!("{list}/{sms}"), on).await;
        let one = expect(&server, 200, "GET", &format!("{enabled}/{sms}"), json!(null)).await;
        assert_eq!(one["assign_membership_on_login"], true);
        expect(&server, 400, "PATCH", &format!("{enabled}/{sms}"), json!({"is_enabled": false})).await;
        expect(&server, 204, "DELETE", &format!("{list}/{sms}"), json!(null)).await;
        expect(&server, 404, "GET", &format!("{list}/{sms}"), json!(null)).await;

        // A connection that is gone is gone from the organization.
        let database = format!("/connections/{}", database.as_str().unwrap());
        expect(&server, 204, "DELETE", &database, json!(null)).await;
        assert_eq!(expect(&server, 200, "GET", &list, json!(null)).await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn members_have_roles_until_they_leave() {
    on_every_engine(async |server| {
        let id = organization(&server, "acme").await;
        let (ana, ben) = (user(&server, "ana@example.com").await, user(&server, "ben@example.com").await);
        let role = expect(&server, 200, "POST", "/roles", json!({"name": "admin"})).await["id"].clone();
        let list = format!("/organizations/{id}/members");
        expect(&server, 404, "POST", &list, json!({"members": ["auth0|nobody"]})).await;
        expect(&server, 204, "POST", &list, json!({"members": [ana, ben]})).await;
        expect(&server, 204, "POST", &list, json!({"members": [ana]})).await;
        let roles = format!("{list}/{}/roles", encoded(&ana));
        expect(&server, 204, "POST", &roles, json!({"roles": [role]})).await;
        expect(&server, 404, "POST", &roles, json!({"roles": ["rol_nothing"]})).await;
        let stranger = format!("{list}/{}/roles", encoded("auth0|nobody"));
        expect(&server, 404, "POST", &stranger, json!({"roles": [role]})).await;
        let held = expect(&server, 200, "GET", &roles, json!(null)).await;
        assert_eq!(held, json!([{"id": role, "name": "admin", "description": null, "type": "tenant"}]));

        let all = expect(&server, 200, "GET", &format!("{list}?include_totals=true"), json!(null)).await;
        assert_eq!(all["total"], 2);
        assert!(all["members"][0].get("roles").is_none());
        let with_roles = format!("{list}?take=50&fields=user_id,roles&include_fields=true");
        let all = expect(&server, 200, "GET", &with_roles, json!(null)).await;
        let member = all["members"].as_array().unwrap().iter().find(|one| one["user_id"] == json!(ana));
        assert_eq!(member.unwrap(), &json!({"user_id": ana, "roles": [{"id": role, "name": "admin"}]}));
        let first = expect(&server, 200, "GET", &format!("{list}?take=1"), json!(null)).await;
        let next = encoded(first["next"].as_str().unwrap());
        let rest = expect(&server, 200, "GET", &format!("{list}?take=1&from={next}"), json!(null)).await;
        assert_ne!(first["members"], rest["members"]);
        assert!(rest.get("next").is_none());

        let of_ana = format!("/users/{}/organizations", encoded(&ana));
        assert_eq!(expect(&server, 200, "GET", &of_ana, json!(null)).await[0]["name"], "acme");
        // Who leaves and comes back has no roles, and who is deleted is no member.
        expect(&server, 204, "DELETE", &list, json!({"members": [ana]})).await;
        expect(&server, 404, "GET", &roles, json!(null)).await;
        assert_eq!(expect(&server, 200, "GET", &of_ana, json!(null)).await, json!([]));
        expect(&server, 204, "POST", &list, json!({"members": [ana]})).await;
        assert_eq!(expect(&server, 200, "GET", &roles, json!(null)).await, json!([]));
        expect(&server, 204, "DELETE", &format!("/users/{}", encoded(&ben)), json!(null)).await;
        let left = expect(&server, 200, "GET", &format!("{list}?include_totals=true"), json!(null)).await;
        assert_eq!((&left["total"], &left["members"][0]["user_id"]), (&json!(1), &json!(ana)));
    })
    .await;
}

#[tokio::test]
async fn a_role_of_an_organization_is_for_its_members_and_goes_with_it() {
    on_every_engine(async |server| {
        let (acme, other) = (organization(&server, "acme").await, organization(&server, "other").await);
        let ana = user(&server, "ana@example.com").await;
        let body = json!({"name": "clerk", "type": "organization", "owner_id": acme});
        let made = expect(&server, 200, "POST", "/roles", body.clone()).await;
        assert_eq!((&made["type"], &made["owner_id"]), (&json!("organization"), &json!(acme)));
        let plain = expect(&server, 200, "POST", "/roles", json!({"name": "admin"})).await;
        assert_eq!((&plain["type"], plain.get("owner_id")), (&json!("tenant"), None));
        for wrong in [
            json!({"name": "x", "type": "organization"}),
            json!({"name": "x", "owner_id": acme}),
            json!({"name": "x", "type": "team"}),
        ] {
            expect(&server, 400, "POST", "/roles", wrong).await;
        }
        let nowhere = json!({"name": "x", "type": "organization", "owner_id": "org_nothing"});
        expect(&server, 404, "POST", "/roles", nowhere).await;
        let item = format!("/roles/{}", made["id"].as_str().unwrap());
        expect(&server, 400, "PATCH", &item, json!({"owner_id": other})).await;
        let names = async |query: &str| -> Value {
            let found = expect(&server, 200, "GET", &format!("/roles?{query}"), json!(null)).await;
            found.as_array().unwrap().iter().map(|role| role["name"].clone()).collect()
        };
        assert_eq!(names("type=organization").await, json!(["clerk"]));
        assert_eq!(names("type=tenant").await, json!(["admin"]));
        assert_eq!(names(&format!("owner_id={acme}")).await, json!(["clerk"]));
        assert_eq!(names(&format!("owner_id={other}")).await, json!([]));

        // Nobody has it outside of its organization.
        let role = json!({"roles": [made["id"]]});
        expect(&server, 404, "POST", &format!("/users/{}/roles", encoded(&ana)), role.clone()).await;
        expect(&server, 404, "POST", &format!("{item}/users"), json!({"users": [ana]})).await;
        for (organization, status) in [(&acme, 204), (&other, 404)] {
            let members = format!("/organizations/{organization}/members");
            expect(&server, 204, "POST", &members, json!({"members": [ana]})).await;
            expect(&server, status, "POST", &format!("{members}/{}/roles", encoded(&ana)), role.clone())
                .await;
        }
        expect(&server, 204, "DELETE", &format!("/organizations/{acme}"), json!(null)).await;
        expect(&server, 404, "GET", &item, json!(null)).await;
        expect(&server, 404, "POST", "/roles", body).await;
    })
    .await;
}

#[tokio::test]
async fn client_grants_are_used_by_organizations() {
    on_every_engine(async |server| {
        let id = organization(&server, "acme").await;
        let client = expect(&server, 201, "POST", "/clients", json!({"name": "Robot"})).await;
        let api = json!({"identifier": "https://api.example/", "name": "API"});
        expect(&server, 201, "POST", "/resource-servers", api).await;
        let grant = json!({
            "client_id": client["client_id"], "audience": "https://api.example/", "scope": [],
            "organization_usage": "allow",
        });
        let grant = expect(&server, 201, "POST", "/client-grants", grant).await["id"].clone();
        let list = format!("/organizations/{id}/client-grants");
        let added = expect(&server, 201, "POST", &list, json!({"grant_id": grant})).await;
        assert_eq!((&added["grant_id"], &added["audience"]), (&grant, &json!("https://api.example/")));
        expect(&server, 409, "POST", &list, json!({"grant_id": grant})).await;
        expect(&server, 404, "POST", &list, json!({"grant_id": "cgr_nothing"})).await;
        let found = expect(&server, 200, "GET", &list, json!(null)).await;
        assert_eq!((&found[0]["id"], &found[0]["organization_usage"]), (&grant, &json!("allow")));
        let none = expect(&server, 200, "GET", &format!("{list}?audience=urn:x"), json!(null)).await;
        assert_eq!(none, json!([]));
        let item = format!("/client-grants/{}", grant.as_str().unwrap());
        let back = expect(&server, 200, "GET", &format!("{item}/organizations"), json!(null)).await;
        assert_eq!(back[0]["name"], "acme");
        expect(&server, 204, "DELETE", &format!("{list}/{}", grant.as_str().unwrap()), json!(null)).await;
        assert_eq!(expect(&server, 200, "GET", &list, json!(null)).await, json!([]));
        expect(&server, 201, "POST", &list, json!({"grant_id": grant})).await;
        expect(&server, 204, "DELETE", &item, json!(null)).await;
        assert_eq!(expect(&server, 200, "GET", &list, json!(null)).await, json!([]));
    })
    .await;
}
