//! What scripts cost a renewal, and what hostile ones cost everybody else.
//!
//! Each figure is processor time of the server and its workers for one exchange of a refresh token, against the
//! same exchange without scripts, measured in turn. The second part measures `/userinfo` while another client's
//! logins run endless loops and fill memory.

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

use gatewright_testkit::{Admin, Options, Page, Server, Start};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
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
    // `cargo test --all-targets` runs this too, without `--bench`: then it only has to run.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let (rounds, exchanges) = if measuring { (5, 400) } else { (1, 3) };
    let program = PathBuf::from(env!("CARGO_BIN_EXE_gatewright"));
    let server = Server::start(Options { worker_program: Some(program), ..Options::default() }).await;
    let (page, admin) = (server.page(APP), server.admin().await);
    let token = refresh_token(&server, &page).await;

    println!("processor time of one renewal, server and workers, median of {rounds} rounds of {exchanges}");
    println!("scripts               µs  more than none, µs  for each further script, µs");
    let kinds = [("none", 0), ("1 rule", 1), ("6 rules", 6), ("1 action", 1), ("6 actions", 6)];
    let mut measured: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
    for _ in 0..rounds {
        for ((kind, count), figures) in kinds.iter().zip(&mut measured) {
            set_scripts(&admin, kind, *count).await;
            renew(&server, &page, &token).await;
            let before = cpu_seconds();
            for _ in 0..exchanges {
                renew(&server, &page, &token).await;
            }
            figures.push((cpu_seconds() - before) / f64::from(exchanges) * 1e6);
        }
    }
    let medians: Vec<f64> = measured.into_iter().map(median).collect();
    for (index, (kind, count)) in kinds.iter().enumerate() {
        let more = medians[index] - medians[0];
        let each =
            if *count > 1 { (medians[index] - medians[index - 1]) / f64::from(count - 1) } else { 0.0 };
        println!("{kind:12}  {:10.0}  {more:19.0}  {each:27.0}", medians[index]);
    }
    set_scripts(&admin, "none", 0).await;
    beside_hostile_scripts(&server, &admin, measuring).await;
}

async fn refresh_token(server: &Server, page: &Page) -> String {
    let mut start = Start::seed(server)
        .scope("openid profile offline_access")
        .with("code_challenge", CHALLENGE)
        .with("code_challenge_method", "S256");
    start.response_type = "code".into();
    start.audience = None;
    let settings = json!({
        "refresh_token": { "rotation_type": "non-rotating", "expiration_type": "expiring", "token_lifetime": 2_592_000,
            "idle_token_lifetime": 1_296_000, "leeway": 0 },
        "app_type": "native",
    });
    server.admin().await.patch(&format!("/clients/{}", server.client_id()), settings).await;
    let ticket = start.ticket(server, page).await;
    let answer = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
    let code = answer.expect(302).returned("code").unwrap();
    let body = json!({ "grant_type": "authorization_code", "client_id": server.client_id(), "code": code,
        "code_verifier": VERIFIER, "redirect_uri": "http://localhost:4200/" });
    let tokens = page.post("/oauth/token", body).await.expect(200).json();
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

async fn renew(server: &Server, page: &Page, token: &str) {
    let fields =
        [("grant_type", "refresh_token"), ("client_id", server.client_id()), ("refresh_token", token)];
    page.post_form("/oauth/token", &fields).await.expect(200);
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

fn percentile(sorted: &[f64], part: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let at = ((sorted.len() as f64 - 1.0) * part) as usize;
    sorted[at]
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Processor time of this process and of its workers so far; 0 where there is no `/proc`.
fn cpu_seconds() -> f64 {
    let own = std::process::id().to_string();
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0.0 };
    let ticks = processes.flatten().filter_map(|entry| {
        let pid = entry.file_name().into_string().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The command's name in parentheses may hold spaces; proc(5): the parent is the second field after it, user
        // and system time the twelfth and thirteenth.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ours = pid == own || fields.get(1).is_some_and(|parent| *parent == own);
        let time = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
        ours.then(|| Some(time(11)? + time(12)?)).flatten()
    });
    // Linux presents ticks of 10 ms to programs on every architecture in use.
    ticks.sum::<u64>() as f64 / 100.0
}
