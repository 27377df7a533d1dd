//! The device flow: a television without a keyboard, and the browser of its user.

mod codes;
mod pages;
mod tokens;

use gatewright_testkit::{Admin, Answer, Form, Page, Server};
use serde_json::{Value, json};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const WRONG: &str = "The code is not right, or its time is over.";

/// A television: a public client with the grant, and a user who can log in to it.
struct Tv {
    tool: Page,
    admin: Admin,
    client_id: String,
    user_id: String,
}

impl Tv {
    async fn new(server: &Server) -> Self {
        let admin = server.admin().await;
        let tv = json!({"name": "Living room TV", "app_type": "native", "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE_CODE, "refresh_token"]});
        let client_id = admin.create("/clients", tv).await["client_id"].as_str().unwrap().to_owned();
        let connection = admin.connection("Username-Password-Authentication").await;
        let mut enabled = connection["enabled_clients"].as_array().unwrap().clone();
        enabled.push(json!(client_id));
        let path = format!("/connections/{}", connection["id"].as_str().unwrap());
        admin.patch(&path, json!({"enabled_clients": enabled})).await;
        let ada = json!({"connection": "Username-Password-Authentication", "email": EMAIL, "password": PASSWORD,
            "email_verified": true});
        let user_id = admin.create("/users", ada).await["user_id"].as_str().unwrap().to_owned();
        Self { tool: server.tool(), admin, client_id, user_id }
    }

    async fn change(&self, settings: Value) {
        self.admin.patch(&format!("/clients/{}", self.client_id), settings).await;
    }

    async fn ask(&self, more: Value) -> Answer {
        let mut body = json!({"client_id": self.client_id, "scope": "openid profile email"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.tool.post("/oauth/device/code", body).await
    }

    async fn codes(&self, more: Value) -> Codes {
        let answer = self.ask(more).await.expect(200).json();
        let text =
            |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{name}: {answer}")).to_owned();
        let codes = (text("device_code"), text("user_code"), text("verification_uri_complete"));
        Codes { device: codes.0, user: codes.1, complete: codes.2 }
    }

    async fn poll(&self, codes: &Codes) -> Answer {
        let fields =
            [("grant_type", DEVICE_CODE), ("client_id", &*self.client_id), ("device_code", &codes.device)];
        self.tool.post_form("/oauth/token", &fields).await
    }
}

struct Codes {
    device: String,
    user: String,
    complete: String,
}

/// Types a code and comes to the next page.
async fn enter(browser: &Page, typed: &str) -> Answer {
    let page = browser.open("/activate").await;
    assert!(page.expect(200).body.contains("id=\"device-code-activation\""), "{}", page.body);
    Form::of(&page).with("code", typed).submit(browser, "default").await
}

async fn confirm(browser: &Page, codes: &Codes) -> Answer {
    let page = enter(browser, &codes.user).await;
    assert!(page.expect(200).body.contains("id=\"device-code-confirmation\""), "{}", page.body);
    assert!(page.body.contains(&format!("<strong>{}</strong>", codes.user)), "{}", page.body);
    Form::of(&page).submit(browser, "confirm").await
}

async fn log_in(browser: &Page, page: &Answer) -> Answer {
    let form = Form::of(page.expect(200)).with("username", EMAIL).with("password", PASSWORD);
    form.submit(browser, "default").await
}

#[track_caller]
fn is_screen(answer: &Answer, screen: &str) {
    assert!(
        answer.body.contains(&format!("id=\"{screen}\"")),
        "{} {}\n{}",
        answer.asked,
        answer.status,
        answer.body
    );
}

#[track_caller]
fn pending(answer: &Answer) {
    let text = "User has yet to authorize device code.";
    assert_eq!(answer.expect(403).error(), ("authorization_pending".into(), text.into()));
}

#[track_caller]
fn invalid(answer: &Answer) {
    assert_eq!(
        answer.expect(403).error(),
        ("invalid_grant".into(), "Invalid or expired device code.".into())
    );
}
