//! The administrator: changes configuration over the Management API, as tools do.

use reqwest::Method;
use serde_json::{Value, json};

use crate::exchange::Answer;
use crate::page::Page;

/// A client with a token that holds every Management API scope.
pub struct Admin {
    page: Page,
    token: String,
}

impl Admin {
    pub(crate) async fn log_in(page: Page, issuer: &str, client_id: &str, secret: &str) -> Self {
        let grant = json!({
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "audience": format!("{issuer}api/v2/"),
        });
        let answer = page.post("/oauth/token", grant).await;
        let token = answer.expect(200).json()["access_token"].as_str().expect("a token").to_owned();
        Self { page, token }
    }

    /// The token itself.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A request to a path below `/api/v2`.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.page.request(method, &format!("/api/v2{path}")).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.page.send(request).await
    }

    /// `POST` whose links are to name this host.
    pub async fn post_naming(&self, host: &str, path: &str, body: Value) -> Answer {
        let request = self.page.request(Method::POST, &format!("/api/v2{path}")).bearer_auth(&self.token);
        self.page.send(request.header("auth0-custom-domain", host).json(&body)).await
    }

    /// `GET`, expecting 200.
    pub async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await.expect(200).json()
    }

    /// `POST`, expecting 201.
    pub async fn create(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, Some(body)).await.expect(201).json()
    }

    /// `PATCH`, expecting 200.
    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.call(Method::PATCH, path, Some(body)).await.expect(200).json()
    }

    /// The reason of an answer: that of the log event which the answer names, or the code that it names.
    pub async fn reason_of(&self, answer: &Answer) -> String {
        let named = answer.header("x-gatewright-decision");
        if named.len() != 56 {
            return named.to_owned();
        }
        let decision = self.get(&format!("/logs/{named}")).await["details"]["decision"].clone();
        let found = [&decision, &decision["login"], &decision["refresh_token"]];
        found.into_iter().find_map(|of| of["reason"].as_str()).unwrap_or_default().to_owned()
    }

    /// The newest log entry of a type; panics if there is none.
    pub async fn newest_log(&self, code: &str) -> Value {
        let logs = self.get("/logs?per_page=100&sort=date:-1").await;
        let found = logs.as_array().expect("an array").iter().find(|log| log["type"] == code).cloned();
        found.unwrap_or_else(|| panic!("no log entry of type {code} in {logs:#}"))
    }

    /// The connection of this name.
    pub async fn connection(&self, name: &str) -> Value {
        let found = self.get(&format!("/connections?name={name}")).await;
        found
            .as_array()
            .and_then(|list| list.first())
            .cloned()
            .unwrap_or_else(|| panic!("no connection {name}"))
    }
}
