//! Processor time of a flow, parent and worker together, for ordinary scripts: the first of a flow and each
//! further one, and the parts of it that the worker tells about.
//!
//! The worker's time is read from `/proc`, so without one (outside Linux) only times on the clock are printed.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints, and reads the real clock"
)]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_script::{
    Call, Ended, Flow, Host, HostError, Limits, Pool, PoolSettings, Program, Workers, Wrapper,
};
use serde_json::{Map, Value, json};

const RULE: &str = r#"function addClaims(user, context, callback) {
  const namespace = 'https://example.com/';
  user.app_metadata = user.app_metadata || {};
  const roles = (context.authorization || {}).roles || [];
  if (context.clientName === 'Legacy') {
    return callback(null, user, context);
  }
  if (!user.email_verified && context.stats.loginsCount > 10) {
    return callback(new UnauthorizedError('Please verify your e-mail before logging in.'));
  }
  context.idToken[namespace + 'roles'] = roles;
  context.accessToken[namespace + 'roles'] = roles;
  context.idToken[namespace + 'plan'] = user.app_metadata.plan || 'free';
  context.accessToken[namespace + 'email'] = user.email;
  return callback(null, user, context);
}
"#;

const ACTION: &str = r#"/**
 * Handler that will be called during the execution of a PostLogin flow.
 */
exports.onExecutePostLogin = async (event, api) => {
  const namespace = 'https://example.com';
  if (event.authorization) {
    api.idToken.setCustomClaim(`${namespace}/roles`, event.authorization.roles);
    api.accessToken.setCustomClaim(`${namespace}/roles`, event.authorization.roles);
  }
  if (event.user.app_metadata.plan === 'gold') {
    api.accessToken.setCustomClaim(`${namespace}/plan`, event.user.app_metadata.plan);
  }
  if (!event.user.email_verified && event.stats.logins_count > 10) {
    api.access.deny('Please verify your e-mail before logging in.');
  }
};
"#;

const LODASH: &str = "const _ = require('lodash');
exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('x', _.get(event, 'user.app_metadata.plan')); };";

struct Nobody;

impl Host for Nobody {
    fn call(&self, _: Call) -> Pin<Box<dyn Future<Output = Result<Value, HostError>> + Send + '_>> {
        Box::pin(async { Err(HostError::new("nobody is there")) })
    }
}

fn main() {
    // `cargo test --all-targets` runs this too, without `--bench`: then it only has to run.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let (rounds, flows) = if measuring { (9, 400) } else { (1, 2) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
    let workers = Workers::Process {
        exe: env!("CARGO_BIN_EXE_gatewright-test-script-worker").into(),
        args: Vec::new(),
    };
    let pool = Pool::new(PoolSettings { workers, max: 2, idle: 1 });

    println!("microseconds for a flow, median of {rounds} rounds of {flows} flows in one worker");
    println!("                          CPU  on the clock  CPU within the scripts");
    for (name, kind, code) in
        [("rule", Kind::Rule, RULE), ("action", Kind::Action, ACTION), ("with lodash", Kind::Action, LODASH)]
    {
        let mut firsts = None;
        for scripts in [1, 2, 5] {
            let measured: Vec<_> = (0..rounds)
                .map(|_| runtime.block_on(measure(&pool, &kind.flow(code, scripts), flows)))
                .collect();
            let [cpu, wall, inside] =
                [0, 1, 2].map(|part| median(measured.iter().map(|of: &[f64; 3]| of[part])));
            println!("{name:12} {scripts} scripts  {cpu:8.0}  {wall:12.0}  {inside:22.0}");
            let (first, count) = *firsts.get_or_insert((cpu, scripts));
            if scripts > count {
                let further = (cpu - first) / f64::from(scripts - count);
                println!("{:12} each further  {further:5.0}", "");
            }
        }
    }
}

/// Runs a flow many times; gives what one cost, in microseconds: CPU time of parent and worker, time on the
/// clock, and CPU time that the worker counted for the scripts.
async fn measure(pool: &Pool, flow: &Flow, times: u32) -> [f64; 3] {
    let host: Arc<dyn Host> = Arc::new(Nobody);
    // The worker starts and learns the programs.
    for _ in 0..2 {
        pool.run(flow.clone(), Arc::clone(&host)).await;
    }
    let mut inside = 0;
    // Whoever runs a flow makes its input and gives it away.
    let flows: Vec<_> = (0..times).map(|_| flow.clone()).collect();
    let (cpu, began) = (cpu_time(), Instant::now());
    for flow in flows {
        let outcome = pool.run(flow, Arc::clone(&host)).await;
        assert_eq!(outcome.ended, Ended::Whole, "{outcome:?}");
        inside += outcome.runs.iter().map(|run| run.cpu_micros).sum::<u64>();
    }
    let wall = began.elapsed();
    let cpu = cpu_time().zip(cpu).map_or(wall, |(end, start)| end.saturating_sub(start));
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(times);
    [each(cpu), each(wall), inside as f64 / f64::from(times)]
}

/// CPU time of this process and its children so far, or `None` where the system does not tell it finely.
fn cpu_time() -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let own = std::process::id();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let parent = std::fs::read_to_string(entry.path().join("stat"))
            .ok()
            .and_then(|stat| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok());
        if pid != own && parent != Some(own) {
            continue;
        }
        // Nanoseconds on a processor, of each thread.
        for task in std::fs::read_dir(entry.path().join("task")).ok()?.flatten() {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            sum += Duration::from_nanos(stat.split(' ').next()?.parse().ok()?);
        }
    }
    Some(sum)
}

#[derive(Clone, Copy)]
enum Kind {
    Rule,
    Action,
}

impl Kind {
    fn flow(self, code: &str, scripts: u32) -> Flow {
        let program = |index: u32| {
            Arc::new(Program {
                id: format!("id{index}"),
                name: format!("script{index}"),
                version: "1".to_owned(),
                code: code.to_owned(),
                secrets: BTreeMap::from([("KEY".to_owned(), "value".to_owned())]),
                modules: BTreeMap::new(),
            })
        };
        let (wrapper, input) = match self {
            Self::Rule => (Wrapper::Rule, json!({"user": user(), "context": context()})),
            Self::Action => (Wrapper::Action { trigger: "post-login".to_owned(), resume: None }, event()),
        };
        Flow {
            tenant: "acme".to_owned(),
            wrapper,
            programs: (0..scripts).map(program).collect(),
            input: input.into(),
            globals: Map::new(),
            limits: Limits::default(),
        }
    }
}

fn user() -> Value {
    json!({
        "user_id": "auth0|66f1c2d3e4a5b6c7d8e9f001", "email": "ann@example.com", "email_verified": true, "name": "Ann Example",
        "nickname": "ann", "picture": "https://cdn.example.com/ann.png", "created_at": "2024-01-01T00:00:00.000Z",
        "updated_at": "2024-06-01T00:00:00.000Z", "app_metadata": {"plan": "gold"}, "user_metadata": {"color": "red"},
        "identities": [{"connection": "Username-Password-Authentication", "provider": "auth0", "user_id": "66f1c2d3e4a5b6c7d8e9f001", "isSocial": false}],
    })
}

fn request() -> Value {
    json!({
        "ip": "192.0.2.1", "method": "GET", "hostname": "acme.example.com", "language": "en", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "query": {"client_id": "AbCdEfGh", "response_type": "code", "scope": "openid profile email", "redirect_uri": "https://app.example.com/callback"},
        "body": {}, "geoip": {"countryCode": "DE", "cityName": "Berlin", "timeZone": "Europe/Berlin"},
    })
}

fn event() -> Value {
    json!({
        "user": user(), "request": request(), "client": {"client_id": "AbCdEfGh", "name": "App", "metadata": {}},
        "connection": {"id": "con_1", "name": "Username-Password-Authentication", "strategy": "auth0", "metadata": {}},
        "authorization": {"roles": ["admin", "editor"]}, "stats": {"logins_count": 3}, "tenant": {"id": "acme"},
        "authentication": {"methods": [{"name": "pwd", "timestamp": "2024-06-01T00:00:00.000Z"}]},
        "resource_server": {"identifier": "https://api.example.com"},
        "transaction": {"acr_values": [], "locale": "en", "protocol": "oidc-basic-profile", "requested_scopes": ["openid", "profile"], "ui_locales": []},
    })
}

fn context() -> Value {
    json!({
        "tenant": "acme", "clientID": "AbCdEfGh", "clientName": "App", "clientMetadata": {}, "connection": "Username-Password-Authentication",
        "connectionStrategy": "auth0", "protocol": "oidc-basic-profile", "stats": {"loginsCount": 3}, "sso": {"current_clients": []},
        "accessToken": {}, "idToken": {}, "authorization": {"roles": ["admin", "editor"]}, "request": request(),
        "authentication": {"methods": [{"name": "pwd", "timestamp": 1717200000}]}, "samlConfiguration": {},
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
