//! The login that Lock and auth0.js make: start, authenticate, authorize in a hidden frame.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::exchange::Answer;
use crate::page::Page;
use crate::server::Server;

/// `credential_type` of a one-time code at `/co/authenticate`.
pub const OTP_CREDENTIAL: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";
/// A number for tests, in its normal form.
pub const PHONE: &str = "+61400000000";
/// The scopes of the forum question.
pub const SEED_SCOPES: &str = "openid profile email user_metadata read:users";

/// What a login asks for.
#[derive(Clone, Debug)]
pub struct Start {
    /// The client.
    pub client_id: String,
    /// The number that gets the code.
    pub phone_number: String,
    /// `scope`.
    pub scope: String,
    /// `audience`, if any.
    pub audience: Option<String>,
    /// `response_type`.
    pub response_type: String,
    /// `redirect_uri`.
    pub redirect_uri: String,
    /// More parameters of `/authorize`.
    pub extra: Vec<(String, String)>,
}

/// What a login returned.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The whole response.
    pub response: Value,
}

impl Tokens {
    /// The access token.
    #[track_caller]
    pub fn access_token(&self) -> &str {
        self.response["access_token"].as_str().unwrap_or_else(|| panic!("no access token: {}", self.response))
    }

    /// The claims of the access token.
    #[track_caller]
    pub fn access_claims(&self) -> Value {
        crate::claims(self.access_token())
    }

    /// The claims of the ID token.
    #[track_caller]
    pub fn id_claims(&self) -> Value {
        crate::claims(
            self.response["id_token"].as_str().unwrap_or_else(|| panic!("no ID token: {}", self.response)),
        )
    }
}

impl Start {
    /// The forum's request: the dev client, the Management API, the seed's scopes.
    pub fn seed(server: &Server) -> Self {
        Self {
            client_id: server.client_id().to_owned(),
            phone_number: PHONE.to_owned(),
            scope: SEED_SCOPES.to_owned(),
            audience: Some(server.management_audience()),
            response_type: "token id_token".to_owned(),
            redirect_uri: "http://localhost:4200/".to_owned(),
            extra: Vec::new(),
        }
    }

    /// The same with other scopes.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        scope.clone_into(&mut self.scope);
        self
    }

    /// The same with one more parameter of `/authorize`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.extra.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Asks for a code.
    pub async fn send_code(&self, page: &Page) -> Answer {
        let body = json!({
            "client_id": self.client_id, "connection": "sms", "phone_number": self.phone_number, "send": "code",
            "authParams": {"response_type": self.response_type, "redirect_uri": self.redirect_uri, "scope": self.scope},
        });
        page.post("/passwordless/start", body).await
    }

    /// Presents a code.
    pub async fn authenticate(&self, page: &Page, code: &str) -> Answer {
        let body = json!({
            "client_id": self.client_id, "username": self.phone_number, "otp": code, "realm": "sms",
            "credential_type": OTP_CREDENTIAL,
        });
        page.post("/co/authenticate", body).await
    }

    /// The path of `/authorize` with these parameters and more.
    pub fn authorize_path(&self, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &self.client_id);
        query.append_pair("response_type", &self.response_type);
        query.append_pair("redirect_uri", &self.redirect_uri);
        query.append_pair("scope", &self.scope);
        query.append_pair("state", "the-state");
        query.append_pair("nonce", "the-nonce");
        if let Some(audience) = &self.audience {
            query.append_pair("audience", audience);
        }
        query.extend_pairs(&self.extra);
        query.extend_pairs(more);
        format!("/authorize?{}", query.finish())
    }

    /// From the number to a login ticket, with the code that was sent.
    pub async fn ticket(&self, server: &Server, page: &Page) -> String {
        self.send_code(page).await.expect(200);
        let code = server.mailbox.code_to(&self.phone_number);
        let answer = self.authenticate(page, &code).await;
        answer.expect(200).json()["login_ticket"].as_str().expect("a ticket").to_owned()
    }

    /// The whole login in a hidden frame, as Lock does it with `redirect: false`.
    pub async fn log_in(&self, server: &Server, page: &Page) -> Tokens {
        let ticket = self.ticket(server, page).await;
        let frame = [("login_ticket", &*ticket), ("prompt", "none"), ("response_mode", "web_message")];
        Tokens { response: page.get(&self.authorize_path(&frame)).await.web_message() }
    }
}
