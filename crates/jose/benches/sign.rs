//! Signatures per second: the bare RSA operation, whole tokens, and tokens through the pool.
//!
//! Wall-clock rates move with whatever else the machine runs. The ratios therefore compare CPU time per
//! signature where the system tells it (Linux), measured in turn many times over.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints, and reads the real clock"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gatewright_ambient::{Clock, Random};
use gatewright_jose::{SignPool, SigningKey};
use serde_json::{Value, json};

/// Callers waiting at once on the pool: enough that it never runs dry.
const CALLERS: usize = 64;

fn main() {
    // `cargo test --all-targets` runs this too, without `--bench`: then it only has to run.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let (rounds, length) =
        if measuring { (9, Duration::from_millis(400)) } else { (1, Duration::from_millis(20)) };

    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let new =
        SigningKey::generate_rsa(&Random::system(), Clock::system().now(), "localhost").expect("generates");
    let key = Arc::new(SigningKey::load(&new.kid, &new.pkcs8, &new.certificate_der).expect("loads"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build().expect("starts");
    let pool = SignPool::new(threads);

    let mut measured: [Vec<Rate>; 3] = Default::default();
    for _ in 0..rounds {
        measured[0].push(rate(|| {
            on_threads(threads, length, || drop(key.sign_bytes(&[0x5a; 600]).expect("signs")))
        }));
        measured[1]
            .push(rate(|| on_threads(threads, length, || drop(key.sign("JWT", &claims()).expect("signs")))));
        measured[2].push(rate(|| runtime.block_on(on_pool(&pool, &key, length))));
    }

    println!("RSA-2048 with SHA-256 on {threads} threads, median of {rounds} rounds");
    println!("                    per second  per CPU second  of the bare signature");
    for (name, rates) in ["bare signature", "token", "token through pool"].iter().zip(&measured) {
        let ratio = median(rates.iter().zip(&measured[0]).map(|(rate, floor)| rate.per_cpu / floor.per_cpu));
        let per_wall = median(rates.iter().map(|rate| rate.per_wall));
        let per_cpu = median(rates.iter().map(|rate| rate.per_cpu));
        println!("{name:18}  {per_wall:10.0}  {per_cpu:14.0}  {ratio:21.3}");
    }
}

/// Signatures per second of wall-clock time and of CPU time.
struct Rate {
    per_wall: f64,
    per_cpu: f64,
}

/// Measures a piece of work that tells how many signatures it made.
fn rate(work: impl FnOnce() -> u64) -> Rate {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let done = work() as f64;
    let wall = wall.elapsed().as_secs_f64();
    let cpu = cpu_seconds().zip(cpu).map_or(wall, |(end, start)| end - start);
    Rate { per_wall: done / wall, per_cpu: done / cpu }
}

/// CPU time of this process so far, user and system, or `None` where there is no `/proc`.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The command's name in parentheses may hold spaces; fields 14 and 15 of proc(5) are 11 and 12 after it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    // Linux presents ticks of 10 ms to programs on every architecture in use.
    Some(ticks as f64 / 100.0)
}

/// The claims of an ordinary access token.
fn claims() -> Value {
    json!({
        "iss": "https://localhost:8443/",
        "sub": "sms|66f1c2d3e4a5b6c7d8e9f001",
        "aud": ["https://localhost:8443/api/v2/", "https://localhost:8443/userinfo"],
        "azp": "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
        "iat": 1_792_016_000,
        "exp": 1_792_023_200,
        "scope": "openid profile email read:current_user update:current_user_metadata",
    })
}

/// Runs a loop on every thread; tells how often it went round.
fn on_threads(threads: usize, length: Duration, work: impl Fn() + Sync) -> u64 {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    work();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
    });
    done.into_inner()
}

/// Lets many callers use one pool; tells how many tokens they got.
async fn on_pool(pool: &SignPool, key: &Arc<SigningKey>, length: Duration) -> u64 {
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (pool, key) = (pool.clone(), Arc::clone(key));
            tokio::spawn(async move {
                let mut done = 0;
                while start.elapsed() < length {
                    pool.sign(Arc::clone(&key), "JWT", claims()).await.expect("signs");
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for caller in callers {
        done += caller.await.expect("does not panic");
    }
    done
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
