//! What the outside answers, from a file.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use gatewright_ambient::Clock;
use gatewright_script::{Cache, Call, Host, HostError};
use serde_json::{Value, json};

/// Answers calls of scripts, and remembers them.
pub(super) struct Answers {
    given: Vec<Value>,
    cache: Cache,
    clock: Clock,
    calls: Mutex<Vec<Value>>,
}

impl Answers {
    /// Reads the file, if there is one.
    pub(super) fn read(path: Option<&Path>, clock: Clock) -> anyhow::Result<Self> {
        let given = match path {
            Some(path) => {
                let value = super::read_json(path)?;
                value.as_array().cloned().with_context(|| format!("{} must hold an array", path.display()))?
            }
            None => Vec::new(),
        };
        Ok(Self { given, cache: Cache::default(), clock, calls: Mutex::default() })
    }

    /// What was asked, in order.
    pub(super) fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self, call: &Call) -> Result<Value, HostError> {
        if let Some(method) = call.name.strip_prefix("cache.") {
            let now_ms = self.clock.now().micros() / 1000;
            return self.cache.call(("local", "local"), method, &call.args, now_ms);
        }
        if call.name == "fetch" {
            return self.fetch(&call.args);
        }
        let given = self.given.iter().find(|answer| answer["call"] == call.name.as_str());
        match given {
            Some(answer) => Ok(answer["value"].clone()),
            // Changes of metadata give the user back; nobody is here.
            None if call.name.starts_with("users.") => Ok(json!({"user_id": call.args["user_id"]})),
            None => Err(HostError::new(format!(
                "{} is answered by a server; to answer it here, name a file with --answers",
                call.name
            ))),
        }
    }

    fn fetch(&self, args: &Value) -> Result<Value, HostError> {
        use base64::Engine as _;
        let url = args["url"].as_str().unwrap_or_default();
        let given = self.given.iter().find(|answer| {
            answer["url"].as_str().is_some_and(|start| url.starts_with(start))
                && answer["method"].as_str().is_none_or(|method| args["method"] == method)
        });
        let Some(answer) = given else {
            let message = format!("no request is made here; to answer {url}, name a file with --answers");
            return Err(HostError { code: Some("ENETUNREACH".to_owned()), message });
        };
        let (body, kind) = match &answer["body"] {
            Value::String(text) => (text.clone(), "text/plain"),
            Value::Null => (String::new(), "text/plain"),
            body => (body.to_string(), "application/json"),
        };
        let mut headers = vec![json!(["content-type", kind])];
        for (name, value) in answer["headers"].as_object().into_iter().flatten() {
            headers.push(json!([name, value.as_str().unwrap_or_default()]));
        }
        Ok(json!({
            "url": url,
            "status": answer["status"].as_u64().unwrap_or(200),
            "status_text": "",
            "headers": headers,
            "body_base64": base64::engine::general_purpose::STANDARD.encode(body),
        }))
    }
}

impl Host for Answers {
    fn call(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Value, HostError>> + Send + '_>> {
        let answer = self.answer(&call);
        let told = match &answer {
            Ok(_) => json!({"name": call.name, "args": call.args}),
            Err(error) => json!({"name": call.name, "args": call.args, "error": error.message}),
        };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        Box::pin(std::future::ready(answer))
    }
}
