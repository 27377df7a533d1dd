//! The server as a certification run sees it: two static clients, one user, a browser without scripts.

use gatewright_testkit::{Admin, Answer, Form, Page, Server};
use reqwest::Method;
use serde_json::{Value, json};

use super::checks::{self, Tokens};

pub(crate) const CALLBACK: &str = "https://rp.example/callback";
pub(crate) const OTHER_CALLBACK: &str = "https://other.example/callback";
pub(crate) const LOGGED_OUT: &str = "https://rp.example/logged-out";
pub(crate) const DATABASE: &str = "Username-Password-Authentication";
/// E-mail address and password of the user who has every standard claim.
pub(crate) const ADA: (&str, &str) = ("ada@example.com", "Correct-horse-battery-1");
/// Those of another user.
pub(crate) const EVE: (&str, &str) = ("eve@example.com", "Correct-horse-battery-2");

/// How a client shows who it is at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    Basic,
    Post,
}

/// A static client.
#[derive(Clone, Debug)]
pub(crate) struct Rp {
    pub(crate) client_id: String,
    pub(crate) secret: String,
    pub(crate) auth: Auth,
    pub(crate) callback: &'static str,
}

/// What a pass of a plan varies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    pub(crate) response_type: &'static str,
    pub(crate) form_post: bool,
    pub(crate) auth: Auth,
}

/// A server that is certified in one variant.
pub(crate) struct Op<'a> {
    pub(crate) server: &'a Server,
    pub(crate) admin: Admin,
    pub(crate) variant: Variant,
    pub(crate) rp: Rp,
    pub(crate) other: Rp,
    pub(crate) user_id: String,
}

/// An authorization request. [`Op::ask`] begins one.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) rp: Rp,
    pub(crate) response_type: &'static str,
    pub(crate) scope: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) extra: Vec<(String, String)>,
    pub(crate) form_post: bool,
}

impl Ask {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.extra.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn scope(mut self, scope: &str) -> Self {
        scope.clone_into(&mut self.scope);
        self
    }

    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("client_id".to_owned(), self.rp.client_id.clone()),
            ("redirect_uri".to_owned(), self.rp.callback.to_owned()),
            ("response_type".to_owned(), self.response_type.to_owned()),
            ("scope".to_owned(), self.scope.clone()),
        ];
        pairs.extend(self.state.iter().map(|state| ("state".to_owned(), state.clone())));
        pairs.extend(self.nonce.iter().map(|nonce| ("nonce".to_owned(), nonce.clone())));
        if self.form_post {
            pairs.push(("response_mode".to_owned(), "form_post".to_owned()));
        }
        pairs.extend(self.extra.clone());
        pairs
    }

    pub(crate) fn path(&self) -> String {
        path("/authorize", &self.pairs())
    }
}

/// A path with a query.
pub(crate) fn path(path: &str, pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

impl<'a> Op<'a> {
    /// Prepares a tenant: strict claim types, a user with every standard claim, two clients.
    pub(crate) async fn prepare(server: &'a Server) -> Self {
        let admin = server.admin().await;
        admin.patch("/tenants/settings", json!({"gatewright_strict_oidc_claims": true})).await;
        let ada = json!({
            "connection": DATABASE, "email": ADA.0, "password": ADA.1, "email_verified": true,
            "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "nickname": "ada",
            "picture": "https://example.com/ada.png", "phone_number": "+442079460000", "phone_verified": true,
            "user_metadata": {
                "middle_name": "King", "preferred_username": "ada", "gender": "female",
                "profile": "https://example.com/ada", "website": "https://ada.example.com/",
                "birthdate": "1815-12-10", "zoneinfo": "Europe/London", "locale": "en-GB",
                "address": {"formatted": "St James's Square\nLondon", "locality": "London", "country": "GB"},
            },
        });
        let user = admin.create("/users", ada).await;
        let eve = json!({"connection": DATABASE, "email": EVE.0, "password": EVE.1});
        admin.create("/users", eve).await;
        let rp = register(&admin, "RP", CALLBACK).await;
        let other = register(&admin, "Other RP", OTHER_CALLBACK).await;
        let variant = Variant { response_type: "code", form_post: false, auth: Auth::Basic };
        let user_id = user["user_id"].as_str().unwrap().to_owned();
        Self { server, admin, variant, rp, other, user_id }
    }

    /// The same server in another variant.
    pub(crate) async fn vary(&mut self, variant: Variant) {
        self.variant = variant;
        for rp in [&mut self.rp, &mut self.other] {
            rp.auth = variant.auth;
            let method = match variant.auth {
                Auth::Basic => "client_secret_basic",
                Auth::Post => "client_secret_post",
            };
            let change = json!({"token_endpoint_auth_method": method});
            self.admin.patch(&format!("/clients/{}", rp.client_id), change).await;
        }
    }

    pub(crate) fn browser(&self) -> Page {
        self.server.tool()
    }

    /// A request of this variant with the scope `openid`, a state and a nonce.
    pub(crate) fn ask(&self) -> Ask {
        Ask {
            rp: self.rp.clone(),
            response_type: self.variant.response_type,
            scope: "openid".to_owned(),
            state: Some("a state: +&=%".to_owned()),
            nonce: Some("a-nonce".to_owned()),
            extra: Vec::new(),
            form_post: self.variant.form_post,
        }
    }

    pub(crate) fn has(&self, part: &str) -> bool {
        self.variant.response_type.split(' ').any(|given| given == part)
    }

    /// Opens a request, logs in on the page that comes, and returns the checked response.
    pub(crate) async fn log_in(&self, browser: &Page, ask: &Ask) -> Tokens {
        let page = browser.open(&ask.path()).await;
        let answer = type_password(browser, &page, ADA).await;
        self.finish(ask, &answer).await
    }

    /// A request that is answered without a page.
    pub(crate) async fn silently(&self, browser: &Page, ask: &Ask) -> Tokens {
        let answer = browser.open(&ask.path()).await;
        self.finish(ask, &answer).await
    }

    /// Checks a response at the callback, redeems its code, and checks all that came.
    pub(crate) async fn finish(&self, ask: &Ask, answer: &Answer) -> Tokens {
        let front = checks::front(ask, answer);
        let keys = self.keys().await;
        let issuer = self.server.issuer();
        let mut tokens = checks::tokens_of_front(ask, &front, issuer, &keys);
        if let Some(code) = tokens.code.clone() {
            let answer = self.redeem(&ask.rp, &code, &[]).await;
            checks::token_answer(&answer);
            let body = answer.json();
            tokens.token_response(ask, &body, issuer, &keys);
        }
        tokens
    }

    /// Redeems a code as this client.
    pub(crate) async fn redeem(&self, rp: &Rp, code: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", rp.callback)];
        fields.extend(more);
        self.token(rp, &fields).await
    }

    /// A request to the token endpoint with the client's credentials.
    pub(crate) async fn token(&self, rp: &Rp, fields: &[(&str, &str)]) -> Answer {
        let tool = self.server.tool();
        let mut fields = fields.to_vec();
        let mut request = tool.request(Method::POST, "/oauth/token");
        match rp.auth {
            Auth::Basic => request = request.basic_auth(&rp.client_id, Some(&rp.secret)),
            Auth::Post => fields.extend([("client_id", &*rp.client_id), ("client_secret", &*rp.secret)]),
        }
        tool.send(request.form(&fields)).await
    }

    /// `/userinfo` by GET with the header, checked against the ID token's subject.
    pub(crate) async fn userinfo(&self, tokens: &Tokens, access_token: &str) -> Value {
        let tool = self.server.tool();
        let answer = tool.send(tool.request(Method::GET, "/userinfo").bearer_auth(access_token)).await;
        checks::userinfo(tokens, &answer)
    }

    pub(crate) async fn discovery(&self) -> Value {
        self.server.tool().get("/.well-known/openid-configuration").await.expect(200).json()
    }

    /// The published keys.
    pub(crate) async fn keys(&self) -> Value {
        self.server.tool().get("/.well-known/jwks.json").await.expect(200).json()
    }
}

/// Registers a confidential client that may do what the plans ask for.
pub(crate) async fn register(admin: &Admin, name: &str, callback: &'static str) -> Rp {
    let client = json!({
        "name": name, "app_type": "regular_web", "callbacks": [callback], "oidc_conformant": true,
        "allowed_logout_urls": [LOGGED_OUT], "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "implicit", "refresh_token"],
    });
    let client = admin.create("/clients", client).await;
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let database = admin.connection(DATABASE).await;
    let mut enabled = database["enabled_clients"].as_array().cloned().unwrap_or_default();
    enabled.push(client["client_id"].clone());
    let path = format!("/connections/{}", database["id"].as_str().unwrap());
    admin.patch(&path, json!({"enabled_clients": enabled})).await;
    Rp { client_id: text("client_id"), secret: text("client_secret"), auth: Auth::Basic, callback }
}

/// Types a user's password into a login page and follows to the callback.
pub(crate) async fn type_password(browser: &Page, page: &Answer, (email, password): (&str, &str)) -> Answer {
    assert!(is_login(page), "a login page: {}\n{}", page.asked, page.body);
    let form = Form::of(page).with("username", email).with("password", password);
    form.submit(browser, "default").await
}

/// Whether an answer is the page that asks for the password.
pub(crate) fn is_login(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("type=\"password\"")
}
