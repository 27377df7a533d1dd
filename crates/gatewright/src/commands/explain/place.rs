//! Where a decision is explained and changes are made: in the local data, or at a server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::http::{HeaderMap, HeaderValue, Method as HttpMethod, header};
use gatewright_adapters::{GuardedClient, OutboundPolicy, OutboundRequest};
use gatewright_ambient::{Clock, Random};
use gatewright_core::explain::Report;
use gatewright_core::ids::Issuer;
use gatewright_passwords::{Cost, Hasher};
use gatewright_resources::engine::body::RawBody;
use gatewright_resources::engine::execute::{Call, execute};
use gatewright_resources::engine::routes::{Routes, Target};
use gatewright_resources::engine::{ApiError, Caller, Method, OpRequest};
use gatewright_resources::resource_servers::management_scopes;
use gatewright_resources::{operations, own_operations};
use serde_json::{Value, json};

use crate::cli::ExplainArgs;
use crate::commands::local::Local;
use crate::tls::Authority;

/// The host under which the local data is spoken of where nothing names another.
const NO_HOST: &str = "localhost:8443";

pub(super) enum Place {
    /// The data of this machine: whoever can read the folder may do anything.
    Here(Box<Local>),
    /// A server, as its Management API lets the token.
    There(Remote),
}

impl Place {
    pub(super) async fn open(args: &ExplainArgs) -> anyhow::Result<Self> {
        match (&args.server, &args.token) {
            (None, None) => Ok(Self::Here(Box::new(Local::open(&args.data).await?))),
            (None, Some(_)) => bail!("--token is for a server: name it with --server"),
            (Some(_), None) => bail!(
                "a server asks for a token of its Management API with the scope read:explanations: give it with \
                 --token or GATEWRIGHT_TOKEN"
            ),
            (Some(server), Some(token)) => Ok(Self::There(Remote::new(args, server, token)?)),
        }
    }

    pub(super) async fn close(self) {
        if let Self::Here(local) = self {
            local.db.close().await;
        }
    }

    /// The report, or why there is none.
    pub(super) async fn explain(&self, what: &str, now: bool) -> anyhow::Result<Result<Report, String>> {
        let body = json!({"what": what, "basis": if now { "now" } else { "recorded" }});
        let (status, answer) = self.send("POST", "/explain", body).await?;
        match status {
            200 => Ok(Ok(serde_json::from_value(answer).context("the answer is no report")?)),
            400 | 404 => Ok(Err(message(&answer))),
            _ => bail!("{status}: {}", message(&answer)),
        }
    }

    /// Calls the Management API; a refusal is an error.
    pub(super) async fn call(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let (status, answer) = self.send(method, path, body).await?;
        if !(200..300).contains(&status) {
            bail!("{method} /api/v2{path}: {status}: {}", message(&answer));
        }
        Ok(answer)
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> anyhow::Result<(u16, Value)> {
        match self {
            Self::Here(local) => here(local, method, path, body).await,
            Self::There(remote) => remote.send(method, path, body).await,
        }
    }
}

fn message(answer: &Value) -> String {
    answer["message"].as_str().map_or_else(|| answer.to_string(), str::to_owned)
}

/// The same operations as the server runs, in the name of whoever holds the data.
async fn here(local: &Local, method: &str, path: &str, body: Value) -> anyhow::Result<(u16, Value)> {
    let random = Random::system();
    let request = OpRequest {
        tenant: local.tenant.clone(),
        issuer: Issuer::new("https", NO_HOST),
        caller: Caller {
            subject: "gatewright explain@clients".into(),
            client_id: "gatewright explain".into(),
            client_name: Some("gatewright explain".into()),
            scopes: management_scopes().map(str::to_owned).collect(),
            is_user: false,
        },
        now: Clock::system().now(),
        // No operation that a change leads to takes a password.
        passwords: Hasher::new(Cost::LEAST, 1, random.clone()),
        random,
        master_key: Arc::clone(&local.master_key),
        ip: "127.0.0.1".into(),
        user_agent: Some(concat!("gatewright/", env!("CARGO_PKG_VERSION")).into()),
        custom_domain: None,
        flows: None,
        trial: None,
    };
    let method = Method::named(method).context("no such method")?;
    let routes = Routes::new(operations().chain(own_operations()));
    let refused = |error: ApiError| (error.status, error.body());
    let (target, params) = match routes.find(method, path) {
        Ok(found) => found,
        Err(error) => return Ok(refused(error)),
    };
    let Target::Built(operation) = target else { bail!("{path} is not built") };
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let body = RawBody { content_type: Some("application/json".into()), bytes };
    let call = Call { params, path: path.to_owned(), query: String::new(), body };
    match execute(&local.db, operation, Arc::new(request), call).await {
        Ok(answer) => Ok((answer.status.unwrap_or(operation.success), answer.body.unwrap_or_default())),
        Err(error) => match &error.cause {
            Some(cause) => bail!("{cause}"),
            None => Ok(refused(error)),
        },
    }
}

pub(super) struct Remote {
    client: GuardedClient,
    base: String,
    authorization: HeaderValue,
}

impl Remote {
    fn new(args: &ExplainArgs, server: &str, token: &str) -> anyhow::Result<Self> {
        let base = server.trim_end_matches('/').to_owned();
        if !(base.starts_with("https://") || base.starts_with("http://")) {
            bail!("--server is a URL, such as https://login.example.com");
        }
        // Whoever runs the command names the server: it may be one of the own network.
        let host = base.split_once("://").map_or("", |(_, host)| host);
        let allow = [host.to_owned(), format!("{host}:443")];
        let allow = allow.iter().filter_map(|entry| entry.parse().ok()).collect();
        let policy = OutboundPolicy { allow_loopback: true, allow };
        let data_dir = args.data.data_dir.clone().unwrap_or_else(|| ".gatewright".into());
        let authority = std::fs::read(Authority::certificate_file_in(&data_dir)).ok();
        let client = GuardedClient::trusting(policy, authority.as_deref())
            .context("the certificate of the data folder's authority")?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}")).context("--token")?;
        authorization.set_sensitive(true);
        Ok(Self { client, base, authorization })
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> anyhow::Result<(u16, Value)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = OutboundRequest {
            headers,
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
            timeout: Duration::from_secs(30),
            ..OutboundRequest::new(
                HttpMethod::from_bytes(method.as_bytes())?,
                format!("{}/api/v2{path}", self.base),
            )
        };
        let answer = self.client.send(request).await?;
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Ok((answer.status, body))
    }
}
