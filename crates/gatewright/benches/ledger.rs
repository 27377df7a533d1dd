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
use gatewright_testkit::measure::{Renewal, cpu_seconds, median};
use gatewright_testkit::{Options, Server};
use serde_json::{Map, Value, json};

const APP: &str = "http://localhost:4200";
const SCOPE: &str = "openid profile email phone read:orders write:orders";
/// The most that the ledger may be of an exchange.
const MOST: f64 = 0.03;

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` runs this too, without `--bench`: then it only has to run.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let (rounds, times) = if measuring { (5, 400) } else { (1, 3) };
    let server = Server::start(Options::default()).await;
    let page = server.page(APP);
    let renewal = Renewal::log_in(&server, &page, SCOPE, true).await;
    let db = Db::open(&DbConfig::SqliteMemory).await.unwrap();
    db.migrate(MIGRATIONS, Timestamp::from_seconds(1)).await.unwrap();

    let mut figures: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        figures[0].push(cpu(times, async || renewal.renew().await).await);
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
