//! What scripts cost a login, and what hostile ones cost everybody else.
//!
//! Each figure is processor time of the server, its workers and the client that asks, for one login or one exchange of
//! a refresh token, against the same without scripts, measured in turn. The second part measures `/userinfo` while
//! another client's logins run endless loops and fill memory.
//!
//! `cargo bench -p gatewright --bench scripts -- --only "1 rule" login` does nothing but such logins: for a profiler.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement prints, reads the real clock, and stops where it cannot go on"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gatewright_testkit::measure::{Renewal, cpu_seconds, median, percentile};
use gatewright_testkit::{Admin, Options, Page, Server, Start};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
/// A typical rule of a tenant's: claims from metadata and roles.
const RULE: &str = "function (user, context, callback) {
  const namespace = 'https://example.com/';
  context.idToken[namespace + 'user_metadata'] = user.user_metadata || {};
  context.accessToken[namespace + 'roles'] = (context.authorization || {}).roles;
  return callback(null, user, context);
}";
const ACTION: &str = "exports.onExecutePostLogin = async (event, api) => {
  const namespace = 'https://example.com/';
  api.idToken.setCustomClaim(namespace + 'user_metadata', event.user.user_metadata);
  api.accessToken.setCustomClaim(namespace + 'roles', event.authorization.roles);
};";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --all-targets` runs this too, without `--bench`: then it only has to run.
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_gatewright"));
    let server = Server::start(Options {
        worker_program: Some(program),
        on_disk: true,
        discreet: true,
        ..Options::default()
    });
    let server = server.await;
    let (page, admin) = (server.page(APP), server.admin().await);
    let session = Renewal::log_in(&server, &page, "openid profile", false).await;
    if let Some(at) = arguments.iter().position(|argument| argument == "--only") {
        return only(&admin, &session, &arguments[at + 1..]).await;
    }
    let (rounds, times) = if measuring { (25, 50) } else { (1, 3) };
    for what in WHATS {
        println!("processor time of one {what}, median of {rounds} rounds of {times}");
        compare(&admin, &session, what, (rounds, times)).await;
        println!();
    }
    set_scripts(&admin, "none", 0).await;
    beside_hostile_scripts(&server, &admin, measuring).await;
}

const WHATS: [&str; 2] = ["login", "renewal"];
const KINDS: [(&str, u32); 5] =
    [("none", 0), ("1 rule", 1), ("6 rules", 6), ("1 action", 1), ("6 actions", 6)];

async fn once(session: &Renewal<'_>, what: &str) {
    if what == "login" { session.log_in_again().await } else { session.renew().await }
}

/// Prints what each kind of scripts adds: the median of differences within a round, as machines that are shared change
/// their speed from one moment to the next.
async fn compare(admin: &Admin, session: &Renewal<'_>, what: &str, (rounds, times): (u32, u32)) {
    println!("scripts               µs  more than none, µs  for each further script, µs");
    let mut measured: Vec<Vec<f64>> = vec![Vec::new(); KINDS.len()];
    for _ in 0..rounds {
        for ((kind, count), figures) in KINDS.iter().zip(&mut measured) {
            set_scripts(admin, kind, *count).await;
            once(session, what).await;
            let before = cpu_seconds();
            for _ in 0..times {
                once(session, what).await;
            }
            figures.push((cpu_seconds() - before) / f64::from(times) * 1e6);
        }
    }
    let more = |than: usize, index: usize| {
        median(measured[index].iter().zip(&measured[than]).map(|(this, that)| this - that).collect())
    };
    for (index, (kind, count)) in KINDS.iter().enumerate() {
        let each = if *count > 1 { more(index - 1, index) / f64::from(count - 1) } else { 0.0 };
        let (all, more) = (median(measured[index].clone()), more(0, index));
        println!("{kind:12}  {all:10.0}  {more:19.0}  {each:27.0}");
    }
}

/// The same again and again; `wanted` is a kind of scripts, and what to do.
async fn only(admin: &Admin, session: &Renewal<'_>, wanted: &[String]) {
    let [kind, what, ..] = wanted else { panic!("--only KIND login|renewal") };
    let (kind, count) = KINDS.into_iter().find(|(known, _)| known == kind).expect("a kind of scripts");
    set_scripts(admin, kind, count).await;
    once(session, what).await;
    let before = cpu_seconds();
    for _ in 0..1000 {
        once(session, what).await;
    }
    println!("{kind}, {what}: {:.0} µs", (cpu_seconds() - before) * 1e3);
}

/// Puts so many scripts of a kind into the tenant, and no others.
async fn set_scripts(admin: &Admin, kind: &str, count: u32) {
    for rule in admin.get("/rules").await.as_array().unwrap() {
        let path = format!("/rules/{}", rule["id"].as_str().unwrap());
        admin.call(Method::DELETE, &path, None).await.expect(204);
    }
    let mut bindings = Vec::new();
    for number in 0..count {
        if kind.contains("rule") {
            admin.create("/rules", json!({ "name": format!("Rule {number}"), "script": RULE })).await;
        } else {
            bindings.push(
                json!({ "ref": { "type": "action_id", "value": action(admin, number, ACTION).await } }),
            );
        }
    }
    admin.patch("/actions/triggers/post-login/bindings", json!({ "bindings": bindings })).await;
}

/// The action of this number, made if there is none.
async fn action(admin: &Admin, number: u32, code: &str) -> Value {
    let name = format!("Action {number}");
    let found = admin.get(&format!("/actions/actions?actionName={}", name.replace(' ', "%20"))).await;
    if let Some(known) = found["actions"].get(0) {
        return known["id"].clone();
    }
    let made = json!({ "name": name, "code": code, "supported_triggers": [{ "id": "post-login" }] });
    let made = admin.create("/actions/actions", made).await;
    let deploy = format!("/actions/actions/{}/deploy", made["id"].as_str().unwrap());
    admin.call(Method::POST, &deploy, None).await.expect(200);
    made["id"].clone()
}

/// `/userinfo` alone, then while logins run scripts that mean ill.
async fn beside_hostile_scripts(server: &Server, admin: &Admin, measuring: bool) {
    let page = server.page(APP);
    let token = Start::seed(server).scope("openid profile").log_in(server, &page).await;
    let length = if measuring { Duration::from_secs(10) } else { Duration::from_millis(50) };
    let quiet = latencies(&page, token.access_token(), length).await;
    let evil = [
        "exports.onExecutePostLogin = async () => { while (true) {} };",
        "exports.onExecutePostLogin = async () => { const a = []; while (true) a.push('x'.repeat(1e5) + a.length); };",
        "exports.onExecutePostLogin = async () => { await new Promise(() => {}); };",
    ];
    let stop = Arc::new(AtomicBool::new(false));
    let hostile = async {
        let mut rounds = 0;
        while !stop.load(Ordering::Relaxed) {
            let id = action(admin, 100 + rounds, evil[rounds as usize % evil.len()]).await;
            let bindings = json!({ "bindings": [{ "ref": { "type": "action_id", "value": id } }] });
            admin.patch("/actions/triggers/post-login/bindings", bindings).await;
            let logins = (0..4).map(|number| async move {
                let mut start = Start::seed(server);
                start.phone_number = format!("+6140000020{number}");
                start.log_in(server, &server.page(APP)).await
            });
            futures_util::future::join_all(logins).await;
            rounds = (rounds + 1) % 90;
        }
    };
    let measured = async {
        let measured = latencies(&page, token.access_token(), length).await;
        stop.store(true, Ordering::Relaxed);
        measured
    };
    let (beside, ()) = tokio::join!(measured, hostile);
    println!();
    println!("/userinfo, ms               median     p99");
    for (name, figures) in [("alone", &quiet), ("beside hostile scripts", &beside)] {
        println!("{name:24}  {:8.2}  {:6.2}", percentile(figures, 0.5), percentile(figures, 0.99));
    }
}

async fn latencies(page: &Page, token: &str, length: Duration) -> Vec<f64> {
    let began = Instant::now();
    let mut figures = Vec::new();
    while began.elapsed() < length {
        let asked = Instant::now();
        let request = page.request(Method::GET, "/userinfo").bearer_auth(token);
        page.send(request).await.expect(200);
        figures.push(asked.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    figures.sort_by(f64::total_cmp);
    figures
}
