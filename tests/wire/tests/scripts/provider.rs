//! An OAuth 2.0 provider outside the server, on this machine: its users, its token endpoint, its profiles.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gatewright_testkit::{Answer, Page, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::{Url, form_urlencoded};

/// The connection's name.
pub(crate) const ACME: &str = "acme-id";
/// The script as a tenant would write it.
pub(crate) const SCRIPT: &str = "function (accessToken, ctx, callback) {
    request.get({ url: 'URL/me', headers: { authorization: 'Bearer ' + accessToken }, json: true },
        (error, response, body) => {
            if (error) return callback(error);
            if (response.statusCode !== 200) return callback(new Error('me said ' + response.statusCode));
            console.log('got', accessToken, ctx.id_token, JSON.stringify(ctx));
            body.nickname = [Object.keys(ctx).sort().join(), ctx.id_token].join(' ');
            callback(null, body);
        });
}";

#[derive(Default)]
struct Kept {
    profiles: BTreeMap<String, Value>,
    asked: Vec<(String, BTreeMap<String, String>)>,
    answer: Option<(u16, String)>,
    silent: bool,
}

/// The provider.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { url, kept: Arc::default() };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(socket).await });
            }
        });
        provider
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut socket: TcpStream) {
        let mut text = String::new();
        loop {
            let mut part = [0; 4096];
            let read = socket.read(&mut part).await.unwrap_or(0);
            text.push_str(&String::from_utf8_lossy(&part[..read]));
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                if read == 0 {
                    return;
                }
                continue;
            };
            let header = |name: &str| {
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
            };
            let length: usize = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if body.len() < length {
                continue;
            }
            let (status, body) = match head.starts_with("POST /token ") {
                true => {
                    let form = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                    let Some(answer) = self.token(header("x-key").unwrap_or_default(), form) else { return };
                    answer
                }
                false => self.me(&header("authorization").unwrap_or_default()),
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                body.len()
            );
            let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
            return;
        }
    }

    /// The token endpoint: the code is the user's name.
    fn token(&self, key: String, form: BTreeMap<String, String>) -> Option<(u16, String)> {
        let mut kept = self.kept();
        let user = form.get("code").cloned().unwrap_or_default();
        kept.asked.push((key, form));
        if kept.silent {
            return None;
        }
        if let Some(answer) = kept.answer.clone() {
            return Some(answer);
        }
        let tokens = json!({
            "access_token": format!("secret-at-{user}"), "refresh_token": format!("secret-rt-{user}"),
            "id_token": format!("secret-it-{user}"), "token_type": "Bearer", "expires_in": 60,
        });
        Some((200, tokens.to_string()))
    }

    fn me(&self, authorization: &str) -> (u16, String) {
        let user = authorization.strip_prefix("Bearer secret-at-").unwrap_or_default();
        match self.kept().profiles.get(user) {
            Some(profile) => (200, profile.to_string()),
            None => (401, "{}".to_owned()),
        }
    }

    /// What it says of a user.
    pub(crate) fn set(&self, user: &str, profile: Value) {
        self.kept().profiles.insert(user.to_owned(), profile);
    }

    /// What its token endpoint answers from now on.
    pub(crate) fn answer(&self, status: u16, body: &str) {
        self.kept().answer = Some((status, body.to_owned()));
    }

    /// From now on its token endpoint hangs up.
    pub(crate) fn hang_up(&self) {
        self.kept().silent = true;
    }

    /// What the token endpoint was asked since the last look: the header `x-key`, and the form.
    pub(crate) fn asked(&self) -> Vec<(String, BTreeMap<String, String>)> {
        std::mem::take(&mut self.kept().asked)
    }

    /// Makes it a connection of the dev client, with more options.
    pub(crate) async fn attach(&self, server: &Server, more: Value) -> String {
        let mut options = json!({
            "authorizationURL": "https://acme.example/authorize?theme=dark", "tokenURL": format!("{}/token", self.url),
            "client_id": "our-id", "client_secret": "our-secret", "scope": "openid profile",
            "scripts": { "fetchUserProfile": SCRIPT.replace("URL", &self.url) },
        });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let connection = json!({
            "name": ACME, "strategy": "oauth2", "display_name": "Acme <ID>", "options": options,
            "enabled_clients": [server.client_id()],
        });
        server.admin().await.create("/connections", connection).await["id"].as_str().unwrap().to_owned()
    }
}

/// The parameters with which a browser was sent to the provider.
#[track_caller]
pub(crate) fn sent(answer: &Answer) -> BTreeMap<String, String> {
    let location = answer.expect(302).location();
    assert_eq!(location.host_str(), Some("acme.example"), "{location}");
    location.query_pairs().into_owned().collect()
}

/// Where the provider sends the browser back to, with its answer.
pub(crate) fn back(sent: &BTreeMap<String, String>, answer: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&sent["redirect_uri"]).unwrap();
    url.query_pairs_mut().extend_pairs(answer).append_pair("state", &sent["state"]);
    format!("{}?{}", url.path(), url.query().unwrap())
}

/// The browser is at the provider, logs in there as `user`, and comes back; the answer of the last address here.
pub(crate) async fn log_in(browser: &Page, at_provider: &Answer, user: &str) -> Answer {
    let answer = browser.get(&back(&sent(at_provider), &[("code", user)])).await;
    browser.follow(answer).await
}
