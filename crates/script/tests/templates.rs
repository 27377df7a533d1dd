//! What tenants' scripts are made of: for each template that Auth0's documentation and marketplace offer, a script
//! of our own that does the same by the same means.
//!
//! Each file in `templates/` is a script. The comment at its top says as JSON what it runs as, what the usual event
//! differs in, what the outside answers, and what must come of it (members that are not named may be anything,
//! `"*"` is any text, `"<absent>"` is nothing).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_script::{
    Call, Ended, Flow, Host, HostError, Limits, Outcome, Pool, PoolSettings, Program, Wrapper,
};
use serde_json::{Map, Value, json};

/// Answers what a template says and keeps what was asked.
struct Outside {
    answers: Vec<Value>,
    calls: Mutex<Vec<Value>>,
}

impl Host for Outside {
    fn call(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Value, HostError>> + Send + '_>> {
        let Call { name, args, .. } = call;
        self.calls.lock().unwrap().push(json!({ "name": name, "args": args }));
        let answer = match name.as_str() {
            "fetch" => self.fetch(args["url"].as_str().unwrap_or_default()),
            "cache.get" => Ok(Value::Null),
            _ => Ok(json!({})),
        };
        Box::pin(async move { answer })
    }
}

impl Outside {
    fn fetch(&self, url: &str) -> Result<Value, HostError> {
        let known = self.answers.iter().find(|answer| url.starts_with(answer["url"].as_str().unwrap()));
        let Some(answer) = known else {
            let message = format!("nobody answers {url}");
            return Err(HostError { code: Some("ECONNREFUSED".into()), message });
        };
        let (body, kind) = match &answer["body"] {
            Value::String(text) => (text.clone(), "text/plain"),
            body => (body.to_string(), "application/json"),
        };
        Ok(json!({
            "url": url, "status": answer["status"].as_u64().unwrap_or(200), "status_text": "",
            "headers": [["content-type", kind]], "body_base64": STANDARD.encode(body),
        }))
    }
}

fn user() -> Value {
    json!({
        "user_id": "auth0|1", "email": "ada@example.com", "email_verified": true, "name": "Ada",
        "nickname": "ada", "picture": "https://example.com/ada.png", "created_at": "2026-11-01T10:00:00.000Z",
        "updated_at": "2026-11-30T10:00:00.000Z", "user_metadata": {}, "app_metadata": {},
        "identities": [{ "connection": "db", "provider": "auth0", "user_id": "1", "isSocial": false }],
    })
}

fn rule_input() -> Value {
    json!({
        "user": user(),
        "context": {
            "tenant": "tenant", "clientID": "client", "clientName": "An app", "clientMetadata": {},
            "connection": "db", "connectionID": "con_1", "connectionStrategy": "auth0", "connectionOptions": {},
            "sessionID": "s", "protocol": "oidc-basic-profile", "stats": { "loginsCount": 2 }, "sso": {},
            "request": { "userAgent": "Browser", "ip": "192.0.2.1", "hostname": "tenant.example.com", "query": {}, "body": {} },
            "authentication": { "methods": [{ "name": "pwd", "timestamp": 1 }] },
            "authorization": { "roles": [] }, "accessToken": {}, "idToken": {},
        },
    })
}

fn event() -> Value {
    let mut user = user();
    user["multifactor"] = json!([]);
    user["enrolledFactors"] = json!([]);
    json!({
        "client": { "client_id": "client", "name": "An app", "metadata": {} },
        "connection": { "id": "con_1", "name": "db", "strategy": "auth0", "metadata": {} },
        "request": { "ip": "192.0.2.1", "method": "GET", "query": {}, "body": {}, "geoip": {} },
        "tenant": { "id": "tenant" },
        "transaction": { "acr_values": [], "locale": "en", "protocol": "oidc-basic-profile", "requested_scopes": [],
            "ui_locales": [], "metadata": {} },
        "authentication": { "methods": [{ "name": "pwd", "timestamp": "2026-11-30T10:00:00.000Z" }] },
        "authorization": { "roles": [] },
        "stats": { "logins_count": 2 },
        "user": user,
    })
}

/// RFC 7396, but null stays null: a template may want a member that is nothing.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// Where what came of it is not what was expected.
fn differs(path: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::String(any), Value::String(_)) if any == "*" => None,
        (Value::String(absent), Value::Null) if absent == "<absent>" => None,
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(name, value)| {
            differs(&format!("{path}.{name}"), value, found.get(name).unwrap_or(&Value::Null))
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => expected
            .iter()
            .zip(found)
            .enumerate()
            .find_map(|(at, (expected, found))| differs(&format!("{path}[{at}]"), expected, found)),
        _ if expected == found => None,
        _ => Some(format!("{path}: expected {expected}, found {found}")),
    }
}

/// Runs a template; what is wrong with what came of it.
async fn run(pool: &Pool, name: &str, code: &str) -> Option<String> {
    let head = code.strip_prefix("/*").and_then(|rest| rest.split_once("*/")).expect("a comment first").0;
    let says: Value = serde_json::from_str(head).unwrap_or_else(|error| panic!("{name}: {error}"));
    let kind = says["kind"].as_str().expect("a kind");
    let (wrapper, mut input) = match kind {
        "rule" => (Wrapper::Rule, rule_input()),
        trigger => (Wrapper::Action { trigger: trigger.to_owned(), resume: None }, event()),
    };
    if kind == "rule" {
        merge(&mut input["user"], &says["user"].as_object().map_or(json!({}), |user| json!(user)));
        merge(
            &mut input["context"],
            &says["context"].as_object().map_or(json!({}), |context| json!(context)),
        );
    } else {
        merge(&mut input, &says["event"].as_object().map_or(json!({}), |event| json!(event)));
    }
    let secrets: BTreeMap<String, String> =
        serde_json::from_value(says["secrets"].clone()).unwrap_or_default();
    let program = Program {
        id: name.to_owned(),
        name: name.to_owned(),
        version: String::new(),
        code: code.to_owned(),
        secrets,
        modules: BTreeMap::new(),
    };
    let mut globals = Map::new();
    globals.insert(
        "$redirect".into(),
        json!({ "iss": "tenant.example.com", "state": "s", "now": 1_796_000_000, "ip": "192.0.2.1" }),
    );
    globals.insert("$rules".into(), json!([]));
    globals.insert("$auth0".into(), json!({
        "accessToken": "token", "domain": "tenant.example.com", "baseUrl": "https://tenant.example.com/api/v2",
    }));
    let answers = says["answers"].as_array().cloned().unwrap_or_default();
    let outside = Arc::new(Outside { answers, calls: Mutex::default() });
    let flow = Flow {
        tenant: "tenant".into(),
        wrapper,
        programs: vec![Arc::new(program)],
        input: input.into(),
        globals,
        limits: Limits::default(),
    };
    let outcome = pool.run(flow, outside.clone()).await;
    // A script may leave a call behind that is carried out after its end.
    for _ in 0..100 {
        if outside.calls.lock().unwrap().len() >= says["expect"]["calls"].as_array().map_or(0, Vec::len) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let calls = outside.calls.lock().unwrap().clone();
    judge(&says["expect"], &outcome, &calls)
}

fn judge(expect: &Value, outcome: &Outcome, calls: &[Value]) -> Option<String> {
    let run = outcome.runs.first()?;
    let error = run
        .error
        .as_ref()
        .map_or(Value::Null, |error| json!({ "name": error.name, "message": error.message }));
    let found = json!({
        "error": error,
        "user": outcome.result["user"],
        "context": outcome.result["context"],
        "commands": run.commands,
        "console": run.console,
        "calls": calls,
        "ended": match outcome.ended { Ended::Whole => "whole", Ended::Early => "early", Ended::Failed => "failed" },
    });
    let mut expect = expect.clone();
    if expect.get("error").is_none() {
        expect["error"] = Value::Null;
    }
    differs("", &expect, &found).map(|difference| format!("{difference} ({})", found["error"]))
}

#[tokio::test]
async fn templates_run_with_the_outcome_that_they_have_at_auth0() {
    let pool = Pool::new(PoolSettings::threads());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 50, "{} templates", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let code = std::fs::read_to_string(&file).unwrap();
        if let Some(difference) = run(&pool, &name, &code).await {
            wrong.push(format!("{name}{difference}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
