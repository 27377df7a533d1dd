//! What one tenant has, another can neither see nor change, whatever operation names it.

use std::collections::BTreeMap;

use gatewright_resources::engine::{Method as Verb, Operation};
use gatewright_testkit::{Admin, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const DATABASE: &str = "Username-Password-Authentication";
const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

/// Paths whose parameters are names that every tenant may use, not ids of something a tenant has.
const NAMES: &[&str] = &[
    "/actions/triggers/{triggerId}",
    "/anomaly/blocks/ips/{id}",
    "/email-templates/{templateName}",
    "/guardian/factors/{name}",
    "/prompts/{prompt}",
    "/rules-configs/{key}",
];

/// Where ids come from rows that only a whole login makes: `oauth/sessions.rs` tries them.
const ELSEWHERE: &[&str] = &["/grants/{id}"];

fn encoded(id: &str) -> String {
    id.replace('|', "%7C").replace(':', "%3A").replace('/', "%2F")
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("no id in {made}")).to_owned()
}

/// The paths of one object of everything a tenant can have, by the template that names it.
async fn furnish(server: &Server, admin: &Admin) -> BTreeMap<&'static str, String> {
    let mut paths = BTreeMap::new();
    let mut note = |template: &'static str, ids: &[&str]| {
        let mut ids = ids.iter();
        let segments = template.split('/').map(|segment| match segment.starts_with('{') {
            true => encoded(ids.next().expect("an id for each parameter")),
            false => segment.to_owned(),
        });
        paths.insert(template, segments.collect::<Vec<_>>().join("/"));
    };

    let action = json!({"name": "a", "code": "exports.onExecutePostLogin = async () => {};",
        "supported_triggers": [{"id": "post-login", "version": "v3"}]});
    let action = id(&admin.create("/actions/actions", action).await);
    admin.call(Method::POST, &format!("/actions/actions/{action}/deploy"), None).await.expect(200);
    let versions = admin.get(&format!("/actions/actions/{action}/versions")).await;
    let bindings = json!({"bindings": [{"ref": {"type": "action_id", "value": action}}]});
    admin.patch("/actions/triggers/post-login/bindings", bindings).await;
    note("/actions/actions/{id}", &[&action]);
    note("/actions/actions/{actionId}", &[&action]);
    note("/actions/actions/{actionId}/versions/{id}", &[&action, &id(&versions["versions"][0])]);

    let judge = json!({"name": "judge", "code": "exports.onExecuteCustomTokenExchange = async () => {};",
        "supported_triggers": [{"id": "custom-token-exchange"}]});
    let judge = id(&admin.create("/actions/actions", judge).await);
    let profile = json!({"name": "legacy", "subject_token_type": "urn:acme:isolated", "action_id": judge,
        "type": "custom_authentication"});
    note("/token-exchange-profiles/{id}", &[&id(&admin.create("/token-exchange-profiles", profile).await)]);

    let module = json!({"name": "shared", "code": "exports.one = 1;", "publish": true});
    let module = admin.create("/actions/modules", module).await;
    note("/actions/modules/{id}", &[&id(&module)]);
    note("/actions/modules/{id}/versions/{versionId}", &[&id(&module), &id(&module["latest_version"])]);

    let rule = json!({"name": "rule", "script": "function (user, context, callback) { callback(null, user, context); }"});
    note("/rules/{id}", &[&id(&admin.create("/rules", rule).await)]);
    let hook =
        json!({"name": "hook", "script": "module.exports = () => {};", "triggerId": "credentials-exchange"});
    note("/hooks/{id}", &[&id(&admin.create("/hooks", hook).await)]);
    let stream = json!({"name": "s", "type": "http", "sink": {"httpEndpoint": "https://logs.example/in"}});
    let stream = admin.call(Method::POST, "/log-streams", Some(stream)).await.expect(200).json();
    note("/log-streams/{id}", &[&id(&stream)]);

    let provider = json!({"name": "custom", "credentials": {}});
    note(
        "/branding/phone/providers/{id}",
        &[&id(&admin.create("/branding/phone/providers", provider).await)],
    );
    let template = json!({"type": "otp_enroll"});
    note(
        "/branding/phone/templates/{id}",
        &[&id(&admin.create("/branding/phone/templates", template).await)],
    );
    let mut theme = example_of("post_branding_theme");
    theme["fonts"]["reference_text_size"] = json!(16);
    theme["fonts"]["title"]["size"] = json!(100);
    let theme = admin.call(Method::POST, "/branding/themes", Some(theme)).await.expect(200).json();
    note("/branding/themes/{themeId}", &[theme["themeId"].as_str().unwrap()]);

    let client = json!({"name": "App", "app_type": "non_interactive", "grant_types": ["client_credentials"]});
    let client = admin.create("/clients", client).await["client_id"].as_str().unwrap().to_owned();
    note("/clients/{id}", &[&client]);
    note("/clients/{client_id}", &[&client]);
    let credential = json!({"credential_type": "public_key", "name": "k", "pem": PUBLIC_KEY});
    let credential = admin.create(&format!("/clients/{client}/credentials"), credential).await;
    note("/clients/{client_id}/credentials/{credential_id}", &[&client, &id(&credential)]);
    let grant = json!({"client_id": client, "audience": server.audience(), "scope": ["read:orders"]});
    let grant = id(&admin.create("/client-grants", grant).await);
    note("/client-grants/{id}", &[&grant]);
    let api = admin.create("/resource-servers", json!({"identifier": "https://isolated.example/"})).await;
    note("/resource-servers/{id}", &[&id(&api)]);
    let connection = json!({"name": "directory", "strategy": "auth0"});
    let connection = id(&admin.create("/connections", connection).await);
    note("/connections/{id}", &[&connection]);
    let domain = json!({"domain": "isolated.localhost", "type": "self_managed_certs"});
    let domain = admin.create("/custom-domains", domain).await;
    note("/custom-domains/{id}", &[domain["custom_domain_id"].as_str().unwrap()]);
    note("/keys/signing/{kid}", &[admin.get("/keys/signing").await[0]["kid"].as_str().unwrap()]);
    let role = admin.call(Method::POST, "/roles", Some(json!({"name": "Clerk"}))).await.expect(200).json();
    note("/roles/{id}", &[&id(&role)]);

    let user = json!({"connection": DATABASE, "email": "ann@example.com", "password": "Correct-horse-7"});
    let user = admin.create("/users", user).await["user_id"].as_str().unwrap().to_owned();
    note("/users/{id}", &[&user]);
    note("/users/{user_id}", &[&user]);
    let method = json!({"type": "phone", "phone_number": "+61400000000"});
    let method =
        id(&admin.create(&format!("/users/{}/authentication-methods", encoded(&user)), method).await);
    note("/users/{id}/authentication-methods/{authentication_method_id}", &[&user, &method]);
    note("/guardian/enrollments/{id}", &[&method]);
    note("/jobs/{id}", &[&finished_job(admin, &user).await]);
    let organization = json!({"name": "guild", "enabled_connections": [{"connection_id": connection}]});
    let organization = id(&admin.create("/organizations", organization).await);
    let of_organization = format!("/organizations/{organization}");
    let member = json!({ "members": [user] });
    admin.call(Method::POST, &format!("{of_organization}/members"), Some(member)).await.expect(204);
    admin.create(&format!("{of_organization}/client-grants"), json!({ "grant_id": grant })).await;
    note("/organizations/{id}", &[&organization]);
    note("/organizations/name/{name}", &["guild"]);
    note("/organizations/{id}/connections", &[&organization]);
    note("/organizations/{id}/connections/{connection_id}", &[&organization, &connection]);
    note("/organizations/{id}/enabled_connections/{connectionId}", &[&organization, &connection]);
    note("/organizations/{id}/client-grants", &[&organization]);
    note("/organizations/{id}/client-grants/{grant_id}", &[&organization, &grant]);
    note("/organizations/{id}/members", &[&organization]);
    note("/organizations/{id}/members/{user_id}", &[&organization, &user]);
    note("/user-blocks/{id}", &[&user]);
    log_in(server, admin).await;
    let of_user = format!("/users/{}", encoded(&user));
    let tokens = admin.get(&format!("{of_user}/refresh-tokens")).await;
    note("/refresh-tokens/{id}", &[&id(&tokens["tokens"][0])]);
    note("/device-credentials/{id}", &[&id(&tokens["tokens"][0])]);
    let sessions = admin.get(&format!("{of_user}/sessions")).await;
    note("/sessions/{id}", &[&id(&sessions["sessions"][0])]);
    let login = admin.newest_log("sepft").await;
    note("/actions/executions/{id}", &[login["details"]["actions"]["executions"][0].as_str().unwrap()]);
    note("/logs/{id}", &[admin.get("/logs?per_page=1").await[0]["log_id"].as_str().unwrap()]);
    paths
}

/// A body that the operation of this id takes, as far as its declaration says.
fn example_of(id: &str) -> Value {
    let operation = gatewright_resources::operations().find(|operation| operation.id == id).unwrap();
    operation.body.unwrap().example()
}

/// Leaves the user with a refresh token, and with a session.
async fn log_in(server: &Server, admin: &Admin) {
    let client = format!("/clients/{}", server.client_id());
    let types = json!({"grant_types": ["implicit", "authorization_code", "refresh_token", PASSWORD_REALM]});
    admin.patch(&client, types).await;
    let page = server.page("http://localhost:4200");
    let asked = json!({"grant_type": PASSWORD_REALM, "client_id": server.client_id(), "realm": DATABASE,
        "username": "ann@example.com", "password": "Correct-horse-7", "scope": "openid offline_access"});
    page.post("/oauth/token", asked).await.expect(200);
    let proof = json!({"client_id": server.client_id(), "username": "ann@example.com", "realm": DATABASE,
        "password": "Correct-horse-7", "credential_type": PASSWORD_REALM});
    let ticket = page.post("/co/authenticate", proof).await.expect(200).json()["login_ticket"].clone();
    let path = format!(
        "/authorize?client_id={}&response_type=token&redirect_uri=http%3A%2F%2Flocalhost%3A4200%2F&scope=openid\
         &state=s&prompt=none&response_mode=web_message&login_ticket={}",
        server.client_id(),
        ticket.as_str().unwrap()
    );
    page.get(&path).await.expect(200);
}

/// The operation's path with the first tenant's ids.
fn path_of(operation: &Operation, paths: &BTreeMap<&'static str, String>) -> String {
    let known = paths.iter().filter(|(template, _)| {
        operation.path == **template || operation.path.starts_with(&format!("{template}/"))
    });
    let (template, path) = known.max_by_key(|(template, _)| template.len()).unwrap_or_else(|| {
        panic!("{} {}: `furnish` makes nothing that this path names", operation.id, operation.path)
    });
    // What hangs on an object is named by its owner already.
    let rest = operation.path[template.len()..].split('/');
    let factor = operation.path.contains("/multifactor/");
    let rest = rest.map(|segment| match segment {
        "{provider}" if factor => "google-authenticator",
        segment if segment.starts_with('{') => "auth0",
        segment => segment,
    });
    format!("{path}{}", rest.collect::<Vec<_>>().join("/"))
}

/// A job that is over, so that it does not change by itself any more.
async fn finished_job(admin: &Admin, user_id: &str) -> String {
    let job = id(&admin.create("/jobs/verification-email", json!({"user_id": user_id})).await);
    while admin.get(&format!("/jobs/{job}")).await["status"] != "completed" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    job
}

/// A body that the operation takes; where no member has to be there but one of some, that one.
fn body_of(operation: &Operation) -> Option<Value> {
    Some(match operation.id {
        "post_identities" => json!({"provider": "auth0", "user_id": "somebody"}),
        "patch_sessions_by_id" => json!({"session_metadata": {"a": "b"}}),
        "patch_refresh_tokens_by_id" => json!({"refresh_token_metadata": {"a": "b"}}),
        _ => operation.body?.example(),
    })
}

/// Everything the tenant shows of what `furnish` made.
async fn shown(admin: &Admin, paths: &BTreeMap<&'static str, String>) -> BTreeMap<&'static str, Value> {
    let mut shown = BTreeMap::new();
    for operation in gatewright_resources::operations() {
        if operation.method == Verb::Get && paths.contains_key(operation.path) {
            let answer = admin.call(Method::GET, &paths[operation.path], None).await;
            shown.insert(operation.path, answer.expect(200).json());
        }
    }
    shown
}

#[tokio::test]
async fn no_operation_reaches_what_another_tenant_has() {
    on_every_database(async |server: Server| {
        let (owner, stranger) = (server.admin().await, server.admin_of("acme").await);
        let paths = furnish(&server, &owner).await;
        let before = shown(&owner, &paths).await;
        assert!(before.len() >= 12, "{:?}", before.keys());
        let named = |list: &[&str], path: &str| list.iter().any(|prefix| path.starts_with(prefix));
        for operation in gatewright_resources::operations().filter(|operation| operation.path.contains('{')) {
            if named(NAMES, operation.path) || named(ELSEWHERE, operation.path) {
                continue;
            }
            let mut path = path_of(operation, &paths);
            if operation.id == "delete_users_by_email" {
                path += "?email=ann@example.com";
            }
            let method = Method::from_bytes(operation.method.name().as_bytes()).unwrap();
            let answer = stranger.call(method, &path, body_of(operation)).await;
            // Compat: deleting what is not there is a success for most resources.
            let deleted = operation.method == Verb::Delete && answer.status == operation.success;
            // The log outlives the users it tells of, so it does not ask whether there is one.
            let nothing = operation.id == "get_logs_by_user" && answer.body == "[]";
            assert!(
                answer.status == 404 || deleted || nothing,
                "{}: {}\n{}",
                operation.id,
                answer.status,
                answer.body
            );
        }
        assert_eq!(shown(&owner, &paths).await, before);
    })
    .await;
}

/// Calls that name the first tenant's things in a body or a query, some of them beside the stranger's own.
fn names_in_passing(
    theirs: impl Fn(&str) -> String,
    own: impl Fn(&str) -> String,
) -> Vec<(Method, String, Option<Value>)> {
    let (user, client, connection) =
        (theirs("/users/{id}"), theirs("/clients/{id}"), theirs("/connections/{id}"));
    let (role, grant, action) =
        (theirs("/roles/{id}"), theirs("/client-grants/{id}"), theirs("/actions/actions/{id}"));
    let (session, token) = (theirs("/sessions/{id}"), theirs("/refresh-tokens/{id}"));
    let (my_user, my_role) = (own("/users/{id}"), own("/roles/{id}"));
    let (my_connection, my_guild) = (own("/connections/{id}"), own("/organizations/{id}"));
    let local = user.trim_start_matches("auth0|");
    let post = |path: &str, body: Value| (Method::POST, path.to_owned(), Some(body));
    let get = |path: String| (Method::GET, path, None);
    let encoded_user = encoded(&user);
    vec![
        post(
            "/client-grants",
            json!({"client_id": client, "audience": "https://isolated.example/", "scope": []}),
        ),
        post(&format!("{my_user}/roles"), json!({"roles": [role]})),
        post(&format!("{my_role}/users"), json!({"users": [user]})),
        post(&format!("{my_user}/identities"), json!({"provider": "auth0", "user_id": local})),
        post(&format!("{my_user}/revoke-access"), json!({"session_id": session})),
        (
            Method::PATCH,
            format!("{my_connection}/clients"),
            Some(json!([{"client_id": client, "status": true}])),
        ),
        post(&format!("{my_guild}/members"), json!({"members": [user]})),
        post(&format!("{my_guild}/connections"), json!({"connection_id": connection})),
        post(&format!("{my_guild}/enabled_connections"), json!({"connection_id": connection})),
        post(&format!("{my_guild}/client-grants"), json!({"grant_id": grant})),
        post(
            &format!("{my_guild}{}/roles", my_user.replace("/users/", "/members/")),
            json!({"roles": [role]}),
        ),
        (
            Method::PATCH,
            "/actions/triggers/post-login/bindings".to_owned(),
            Some(json!({"bindings": [{"ref": {"type": "action_id", "value": action}, "display_name": "a"}]})),
        ),
        post("/jobs/users-exports", json!({"connection_id": connection})),
        post("/jobs/verification-email", json!({"user_id": user})),
        post("/tickets/email-verification", json!({"user_id": user})),
        post("/tickets/password-change", json!({"user_id": user})),
        post("/tickets/password-change", json!({"connection_id": connection, "email": "ann@example.com"})),
        post("/refresh-tokens/revoke", json!({"ids": [token]})),
        post("/refresh-tokens/revoke", json!({"user_id": user})),
        (Method::DELETE, format!("/grants?user_id={encoded_user}"), None),
        (Method::DELETE, "/user-blocks?identifier=ann@example.com".to_owned(), None),
        get(format!("/grants?user_id={encoded_user}")),
        get(format!("/refresh-tokens?user_id={encoded_user}")),
        get(format!("/device-credentials?user_id={encoded_user}")),
        get(format!("/client-grants?client_id={client}")),
        get(format!("/users?q=user_id%3A%22{encoded_user}%22")),
        get(format!("/logs?q=user_id%3A%22{encoded_user}%22")),
    ]
}

#[tokio::test]
async fn no_body_and_no_query_reaches_what_another_tenant_has() {
    on_every_database(async |server: Server| {
        let (owner, stranger) = (server.admin().await, server.admin_of("acme").await);
        let paths = furnish(&server, &owner).await;
        let theirs = |template: &str| {
            paths[template].rsplit('/').next().unwrap_or_default().replace("%7C", "|").replace("%3A", ":")
        };
        let mut own = BTreeMap::new();
        let user = json!({"connection": DATABASE, "email": "bob@example.com", "password": "Correct-horse-7"});
        let user = stranger.create("/users", user).await["user_id"].as_str().unwrap().to_owned();
        own.insert("/users/{id}", format!("/users/{}", encoded(&user)));
        let role =
            stranger.call(Method::POST, "/roles", Some(json!({"name": "Clerk"}))).await.expect(200).json();
        own.insert("/roles/{id}", format!("/roles/{}", id(&role)));
        let connection = stranger.create("/connections", json!({"name": "own", "strategy": "auth0"})).await;
        own.insert("/connections/{id}", format!("/connections/{}", id(&connection)));
        let guild = stranger.create("/organizations", json!({"name": "guild"})).await;
        own.insert("/organizations/{id}", format!("/organizations/{}", id(&guild)));
        stranger.create("/resource-servers", json!({"identifier": "https://isolated.example/"})).await;
        let member = json!({"members": [user]});
        let members = format!("{}/members", own["/organizations/{id}"]);
        stranger.call(Method::POST, &members, Some(member)).await.expect(204);

        let before = shown(&owner, &paths).await;
        for (method, path, body) in names_in_passing(theirs, |template| own[template].clone()) {
            let answer = stranger.call(method.clone(), &path, body).await;
            let found_nothing = match method {
                Method::GET => matches!(&*answer.body, "[]" | r#"{"refresh_tokens":[]}"#),
                // Compat: ending what is not there is a success, and so is a client that is nobody's.
                _ => matches!(answer.status, 400 | 404 | 202 | 204),
            };
            assert!(found_nothing, "{method} {path}: {} {}", answer.status, answer.body);
        }
        assert_eq!(shown(&owner, &paths).await, before);
        let enabled = owner.get(&format!("{}/connections", paths["/clients/{id}"])).await;
        assert_eq!(enabled["connections"], json!([]));
    })
    .await;
}

const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo
4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u
+qKhbwKfBstIs+bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyeh
kd3qqGElvW/VDL5AaWTg0nLVkjRo9z+40RQzuVaE8AkAFmxZzow3x+VJYKdjykkJ
0iT9wCS0DRTXu269V264Vf/3jvredZiKRkgwlL9xNAwxXFg0x/XFw005UWVRIkdg
cKWTjpBP2dPwVZ4WWC+9aGVd+Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbc
mwIDAQAB
-----END PUBLIC KEY-----
";
