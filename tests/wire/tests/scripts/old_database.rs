//! A database of accounts outside the server, reached over HTTP on this machine by the scripts of a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gatewright_testkit::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::DATABASE;

/// Every script as a tenant would write it: one request each.
const SCRIPT: &str = "function script(...args) {
    const callback = args.pop();
    fetch(configuration.URL, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: configuration.KEY },
        body: JSON.stringify({ script: 'NAME', args }),
    })
        .then((response) => response.json())
        .then(({ error, result }) => {
            if (!error) return callback(null, result);
            const kinds = {
                wrong: () => new WrongUsernameOrPasswordError(args[0], 'wrong'),
                unknown: () => new WrongUsernameOrPasswordError(null, 'unknown'),
                exists: () => new ValidationError('user_exists', 'taken'),
                closed: () => new UnauthorizedError('Closed for repairs.'),
            };
            callback(kinds[error]());
        })
        .catch((failure) => callback(new Error('not reached: ' + failure.message)));
}";

#[derive(Default)]
struct Kept {
    accounts: BTreeMap<String, Value>,
    calls: Vec<String>,
    closed: bool,
}

/// The database.
#[derive(Clone)]
pub(crate) struct OldDatabase {
    url: String,
    kept: Arc<Mutex<Kept>>,
}

impl OldDatabase {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let database = Self { url, kept: Arc::default() };
        let serving = database.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.answer(socket).await });
            }
        });
        database
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, mut socket: TcpStream) {
        let mut text = Vec::new();
        loop {
            let mut part = [0; 4096];
            let read = socket.read(&mut part).await.unwrap_or(0);
            text.extend_from_slice(&part[..read]);
            let whole = String::from_utf8_lossy(&text).into_owned();
            if let Some((head, body)) = whole.split_once("\r\n\r\n")
                && let Ok(asked) = serde_json::from_str::<Value>(body)
            {
                let allowed = head.to_lowercase().contains("authorization: the-key");
                let answer = if allowed { self.ask(&asked) } else { json!({ "error": "closed" }) };
                let body = answer.to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
                return;
            }
            if read == 0 {
                return;
            }
        }
    }

    fn ask(&self, asked: &Value) -> Value {
        let mut kept = self.kept();
        let (script, args) = (asked["script"].as_str().unwrap(), &asked["args"]);
        kept.calls.push(script.to_owned());
        if kept.closed {
            return json!({ "error": "closed" });
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let shown = |account: &Value| {
            let mut account = account.clone();
            account.as_object_mut().unwrap().remove("password");
            json!({ "result": account })
        };
        let found = kept.accounts.get(&text(&args[0])).cloned();
        match (script, found) {
            ("login", Some(account)) if account["password"] == args[1] => shown(&account),
            ("login", Some(_)) => json!({ "error": "wrong" }),
            ("login", None) => json!({ "error": "unknown" }),
            ("get_user", Some(account)) => shown(&account),
            ("get_user", None) => json!({ "result": null }),
            ("create", _) => {
                let (email, password) = (text(&args[0]["email"]), args[0]["password"].clone());
                if kept.accounts.contains_key(&email) {
                    return json!({ "error": "exists" });
                }
                let id = format!("old-{}", kept.accounts.len());
                let account =
                    json!({ "user_id": id, "email": email, "password": password, "email_verified": false });
                kept.accounts.insert(email, account);
                json!({ "result": null })
            }
            ("change_password", Some(mut account)) => {
                account["password"] = args[1].clone();
                kept.accounts.insert(text(&args[0]), account);
                json!({ "result": true })
            }
            ("change_email", Some(mut account)) => {
                account["email"] = args[1].clone();
                kept.accounts.remove(&text(&args[0]));
                kept.accounts.insert(text(&args[1]), account);
                json!({ "result": true })
            }
            ("verify", Some(mut account)) => {
                account["email_verified"] = json!(true);
                kept.accounts.insert(text(&args[0]), account);
                json!({ "result": true })
            }
            ("delete", _) => {
                kept.accounts.retain(|_, account| account["user_id"] != args[0]);
                json!({ "result": null })
            }
            _ => json!({ "result": false }),
        }
    }

    /// Adds an account.
    pub(crate) fn add(&self, id: &str, email: &str, password: &str) {
        let account = json!({
            "user_id": id, "email": email, "password": password, "email_verified": true, "nickname": "Old Ann",
            "app_metadata": { "plan": "gold" },
        });
        self.kept().accounts.insert(email.to_owned(), account);
    }

    /// Changes an account.
    pub(crate) fn set(&self, email: &str, name: &str, value: Value) {
        self.kept().accounts.get_mut(email).unwrap()[name] = value;
    }

    /// An account; null if there is none.
    pub(crate) fn account(&self, email: &str) -> Value {
        self.kept().accounts.get(email).cloned().unwrap_or_default()
    }

    /// From now on every script is told that it is closed.
    pub(crate) fn close(&self) {
        self.kept().closed = true;
    }

    /// The scripts that have asked since the last look.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.kept().calls)
    }

    /// Makes the dev tenant's database this one, with these scripts.
    pub(crate) async fn attach(&self, server: &Server, imports: bool, scripts: &[&str]) {
        let scripts: serde_json::Map<String, Value> =
            scripts.iter().map(|name| ((*name).to_owned(), SCRIPT.replace("NAME", name).into())).collect();
        let change = json!({
            "enabledDatabaseCustomization": true, "import_mode": imports, "customScripts": scripts,
            "configuration": { "URL": self.url, "KEY": "the-key" },
        });
        options(server, change).await;
    }
}

/// Changes options of the dev tenant's database.
pub(crate) async fn options(server: &Server, change: Value) {
    let admin = server.admin().await;
    let connection = admin.connection(DATABASE).await;
    let mut options = connection["options"].clone();
    for (name, value) in change.as_object().unwrap() {
        options[name] = value.clone();
    }
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    admin.patch(&path, json!({ "options": options })).await;
}
