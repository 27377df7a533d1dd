//! Administrators of the dashboard: who gets in, and when they are out again.

use std::time::Duration;

use gatewright_testkit::{Admin, Answer, Form, Page, Server, Start, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::oidc::op::{DATABASE, is_login};

const APP: &str = "http://localhost:4200";
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";

/// The path of a user at the Management API.
fn path(user: &Value, more: &str) -> String {
    format!("/users/{}{more}", user["user_id"].as_str().unwrap().replace('|', "%7C"))
}

/// A role that opens the dashboard: what it is called begins with the word that counts, and it has a permission.
async fn role(admin: &Admin, server: &Server) -> String {
    let role = json!({"name": "Gatewright Reader"});
    let role = admin.call(Method::POST, "/roles", Some(role)).await.expect(200).json();
    let id = role["id"].as_str().unwrap().to_owned();
    let permission = json!({"permissions": [{
        "resource_server_identifier": server.management_audience(), "permission_name": "read:users",
    }, {
        "resource_server_identifier": server.management_audience(), "permission_name": "create:users",
    }]});
    admin.create(&format!("/roles/{id}/permissions"), permission).await;
    id
}

/// An administrator with a password; the user, and the role.
async fn administrator(admin: &Admin, server: &Server) -> (Value, String) {
    let user = json!({"connection": DATABASE, "email": EMAIL, "password": PASSWORD, "email_verified": true});
    let user = admin.create("/users", user).await;
    let role = role(admin, server).await;
    let members = json!({"users": [user["user_id"]]});
    admin.call(Method::POST, &format!("/roles/{role}/users"), Some(members)).await.expect(200);
    (user, role)
}

async fn type_password(browser: &Page, page: &Answer) -> Answer {
    assert!(is_login(page), "a login page: {}\n{}", page.asked, page.body);
    Form::of(page).with("username", EMAIL).with("password", PASSWORD).submit(browser, "default").await
}

/// Logs in to the dashboard; the browser.
async fn log_in(server: &Server) -> Page {
    let browser = server.tool();
    let page = browser.open("/dashboard/users").await;
    let users = type_password(&browser, &page).await;
    assert!(users.expect(200).body.contains("<title>Users ·"), "{}", users.body);
    browser
}

/// Sends a form of the dashboard, as a page with the session's token does.
async fn send(browser: &Page, path: &str, fields: &[(&str, &str)]) -> Answer {
    let form = Form::of(&browser.get("/dashboard/users").await);
    let mut fields = fields.to_vec();
    fields.push(("_token", form.value("_token").expect("the session's token")));
    browser.post_form(path, &fields).await
}

/// Whether the browser is in the dashboard.
async fn is_in(browser: &Page) -> bool {
    let answer = browser.get("/dashboard/users").await;
    assert!(answer.status == 200 || answer.header("location").starts_with("/dashboard/login"));
    answer.status == 200
}

#[tokio::test]
async fn a_session_that_began_with_a_code_is_no_login_of_an_administrator() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let (user, _) = administrator(&admin, &server).await;
        let page = server.page(APP);
        let phone = Start { phone_number: "+61400000002".to_owned(), ..Start::seed(&server).scope("openid") };
        let sub = phone.log_in(&server, &page).await.id_claims()["sub"].clone();
        let linked = json!({"provider": "sms", "user_id": sub});
        admin.create(&path(&user, "/identities"), linked).await;
        let linked = phone.log_in(&server, &page).await;
        assert_eq!(linked.id_claims()["sub"], user["user_id"]);

        // The same browser, which every other client would let in without a word.
        let login = page.open("/dashboard/users").await;
        let users = type_password(&page, &login).await;
        assert!(users.expect(200).body.contains("<title>Users ·"), "{}", users.body);
        // A client that an older version made is taken out of single sign-on too.
        let client = "/clients/gatewright-dashboard";
        admin.patch(client, json!({"sso_disabled": false})).await;
        page.forget_cookies();
        phone.log_in(&server, &page).await;
        assert!(is_login(&page.open("/dashboard/users").await));
        assert_eq!(admin.get(client).await["sso_disabled"], true);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_makes_no_client_of_the_dashboard() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let client = "/clients/gatewright-dashboard";
        let page = server.tool().open("/dashboard/users").await;
        assert!(page.expect(403).body.contains("no administrator yet"), "{}", page.body);
        admin.call(Method::GET, client, None).await.expect(404);
        administrator(&admin, &server).await;
        log_in(&server).await;
        admin.call(Method::GET, client, None).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_ends_all_sessions_of_a_user_ends_those_in_the_dashboard() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let (user, _) = administrator(&admin, &server).await;
        let calls = [
            (Method::DELETE, path(&user, "/sessions"), None, 202),
            (Method::POST, path(&user, "/revoke-access"), Some(json!({})), 202),
            (Method::PATCH, path(&user, ""), Some(json!({"password": PASSWORD})), 200),
        ];
        for (method, path, body, status) in calls {
            let browser = log_in(&server).await;
            assert!(is_in(&browser).await);
            admin.call(method, &path, body).await.expect(status);
            assert!(!is_in(&browser).await, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_made_in_the_dashboard_is_told_to_the_scripts() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        administrator(&admin, &server).await;
        let code = "exports.onExecutePostUserRegistration = async (event) => console.log(event.user.email);";
        let trigger = "post-user-registration";
        let action = json!({"name": "Told", "code": code, "supported_triggers": [{"id": trigger}]});
        let id = admin.create("/actions/actions", action).await["id"].as_str().unwrap().to_owned();
        admin.call(Method::POST, &format!("/actions/actions/{id}/deploy"), None).await.expect(200);
        let bindings = json!({"bindings": [{"ref": {"type": "action_id", "value": id}}]});
        admin.patch(&format!("/actions/triggers/{trigger}/bindings"), bindings).await;

        let browser = log_in(&server).await;
        let bea = [("connection", DATABASE), ("email", "bea@example.com"), ("password", PASSWORD)];
        let made = send(&browser, "/dashboard/users/new", &bea).await;
        assert!(made.expect(303).header("location").ends_with("?done=created"), "{}", made.body);
        // It runs after the answer.
        let mut events = json!([]);
        for _ in 0..200 {
            events = admin.get("/logs?q=type:actions_executed").await;
            if events != json!([]) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let run = &events[0]["details"]["decision"]["scripts"]["runs"][0];
        assert_eq!(run["console"][0], "bea@example.com", "{events:#}");
    })
    .await;
}
