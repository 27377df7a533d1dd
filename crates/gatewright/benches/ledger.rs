//! What the ledger costs at the token endpoint, and that it is at most a few hundredths of an exchange.
//!
//! `cargo bench -p gatewright --bench ledger`. One exchange of a refresh token is measured as processor time of
//! this process, which is server and client; what a request without any decision costs (the key set) is taken off
//! it, so that the share is rather too high than too low. The ledger is measured as what it adds: making its
//! members, and writing them with the event's row.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement prints, reads the real clock, and stops where it cannot go on"
)]

use std::time::Instant;

use gatewright_ambient::Random;
use gatewright_core::client::Client;
use gatewright_core::ids::{Issuer, TenantId};
use gatewright_core::ledger::{self, AudienceFacts, IssuedFacts};
use gatewright_core::resource_server::ResourceServer;
use gatewright_core::scope::Audience;
use gatewright_core::script::Verdict;
use gatewright_core::tokens::access_token::{self, AccessTokenFacts};
use gatewright_core::tokens::{Channel, id_token};
use gatewright_core::user::User;
use gatewright_core::{Timestamp, tokens::claims::ClaimTypes};
use gatewright_resources::MIGRATIONS;
use gatewright_resources::logs::{self, LogEvent};
use gatewright_store::{Db, DbConfig, StoreError};
use gatewright_testkit::{Options, Page, Server, Start};
use serde_json::{Map, Value, json};

const APP: &str = "http://localhost:4200";
const SCOPE: &str = "openid profile email phone read:orders write:orders";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The most that the ledger may be of an exchange.
const MOST: f64 = 0.03;

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` runs this too, without `--bench`: then it only has to run.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let (rounds, times) = if measuring { (5, 400) } else { (1, 3) };
    let server = Server::start(Options::default()).await;
    let page = server.page(APP);
    let token = refresh_token(&server, &page).await;
    let db = Db::open(&DbConfig::SqliteMemory).await.unwrap();
    db.migrate(MIGRATIONS, Timestamp::from_seconds(1)).await.unwrap();

    let mut figures: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        figures[0].push(cpu(times, async || renew(&server, &page, &token).await).await);
        let keys = async || drop(page.get("/.well-known/jwks.json").await.expect(200).json());
        figures[1].push(cpu(times, keys).await);
        figures[2].push(making(times * 20));
        figures[3].push(writing(&db, times, &made()).await - writing(&db, times, &Value::Null).await);
    }
    let [exchange, request, making, writing] = figures.map(median);
    let decided = exchange - request;
    println!("processor time, µs, median of {rounds} rounds of {times}");
    println!("exchange of a refresh token      {exchange:9.1}");
    println!("of it a request without decision {request:9.1}");
    println!("making the ledger                {making:9.1}");
    println!("writing it with the event        {:9.1}", writing.max(0.0));
    let share = (making + writing.max(0.0)) / decided;
    println!("the ledger's share of the decision: {:.2} % (at most {:.0} %)", share * 100.0, MOST * 100.0);
    if measuring {
        assert!(share <= MOST, "the ledger costs too much");
    }
}

async fn refresh_token(server: &Server, page: &Page) -> String {
    let mut start = Start::seed(server)
        .scope(&format!("{SCOPE} offline_access"))
        .with("code_challenge", CHALLENGE)
        .with("code_challenge_method", "S256");
    start.response_type = "code".into();
    start.audience = Some(server.audience().to_owned());
    let admin = server.admin().await;
    let settings = json!({
        "refresh_token": { "rotation_type": "non-rotating", "expiration_type": "expiring", "token_lifetime": 2_592_000,
            "idle_token_lifetime": 1_296_000, "leeway": 0 },
        "app_type": "native",
    });
    admin.patch(&format!("/clients/{}", server.client_id()), settings).await;
    let api = server.audience().replace(':', "%3A").replace('/', "%2F");
    admin.patch(&format!("/resource-servers/{api}"), json!({ "allow_offline_access": true })).await;
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

/// Microseconds of processor time for one time.
async fn cpu(times: u32, work: impl AsyncFn()) -> f64 {
    work().await;
    let before = cpu_seconds();
    for _ in 0..times {
        work().await;
    }
    (cpu_seconds() - before) / f64::from(times) * 1e6
}

/// Microseconds for making the members once.
fn making(times: u32) -> f64 {
    let began = Instant::now();
    let mut bytes = 0;
    for _ in 0..times {
        bytes += made().to_string().len();
    }
    assert!(bytes > 0);
    // Making the tokens' claims is no part of it: they are planned in any case.
    let with_claims = began.elapsed().as_secs_f64();
    let began = Instant::now();
    for _ in 0..times {
        std::hint::black_box(planned());
    }
    (with_claims - began.elapsed().as_secs_f64()) / f64::from(times) * 1e6
}

/// Microseconds for writing an event with these members.
async fn writing(db: &Db, times: u32, members: &Value) -> f64 {
    let (random, began) = (Random::seeded(1), Instant::now());
    for _ in 0..times {
        let (random, details) = (random.clone(), json!({ "decision": members }));
        let write = db.write(move |tx| {
            Box::pin(async move {
                let event = LogEvent { r#type: "sertft", details, ..LogEvent::default() };
                let tenant = TenantId::new("localhost");
                logs::append(tx, &tenant, Timestamp::from_seconds(1), &random, &event).await?;
                Ok::<_, StoreError>(())
            })
        });
        write.await.unwrap();
    }
    began.elapsed().as_secs_f64() / f64::from(times) * 1e6
}

/// An API, an access token for it, and the claims of an ID token.
fn planned() -> (access_token::AccessTokenPlan, Map<String, Value>, Client, ResourceServer) {
    let issuer = Issuer::new("https", "localhost:8443");
    let user: User = serde_json::from_value(json!({
        "user_id": "sms|5b5e0c4e1f2a3b4c5d6e7f80", "name": "Ada", "nickname": "ada", "picture": "https://x/y.png",
        "email": "ada@example.com", "email_verified": true, "phone_number": "+61400000000", "phone_verified": true,
        "updated_at": "2018-07-29T19:13:34.311Z",
    }))
    .unwrap();
    let (client, api) = (Client::default(), ResourceServer::default());
    let (none, scopes): (Map<String, Value>, Vec<&str>) = (Map::new(), SCOPE.split(' ').collect());
    let now = Timestamp::from_seconds(1_700_000_000);
    let audience = Audience::Api { identifier: "https://api.localhost/".into(), with_userinfo: true };
    let plan = access_token::plan(&AccessTokenFacts {
        issuer: &issuer,
        subject: &user.user_id,
        client_id: "client",
        audience: &audience,
        api: Some(&api),
        scope: SCOPE,
        permissions: &[],
        channel: Channel::Back,
        grant: Some("refresh_token"),
        now,
        jti: "j",
        custom: &none,
    });
    let claims = id_token::plan(&id_token::IdTokenFacts {
        issuer: &issuer,
        client: &client,
        user: &user,
        scopes: &scopes,
        nonce: None,
        session_id: Some("session"),
        auth_time: None,
        at_hash: None,
        c_hash: None,
        multifactor: false,
        claim_types: ClaimTypes::Auth0,
        custom: &none,
        now,
    });
    let Value::Object(claims) = claims else { panic!("claims are an object") };
    (plan, claims, client, api)
}

/// What the ledger adds to an event.
fn made() -> Value {
    let (plan, claims, client, api) = planned();
    json!(ledger::issued(IssuedFacts {
        client: &client,
        api: Some(&api),
        audience: AudienceFacts {
            asked: None,
            audience: Some("https://api.localhost/"),
            api: Some(&api),
            carried: true
        },
        channel: Channel::Back,
        access: Some(&plan),
        id_token: Some(&claims),
        verdict: &Verdict::default(),
        machine: false,
    }))
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Processor time of this process so far; 0 where there is no `/proc`.
fn cpu_seconds() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    // The command's name in parentheses may hold spaces; fields 14 and 15 of proc(5) are 11 and 12 after it.
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or(Vec::new(), |(_, rest)| rest.split(' ').collect());
    let time = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    // Linux presents ticks of 10 ms to programs on every architecture in use.
    (time(11) + time(12)) as f64 / 100.0
}
