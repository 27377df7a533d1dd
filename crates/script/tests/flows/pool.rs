//! The pool: workers of both kinds, tenants side by side, workers that are killed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use gatewright_script::{
    Call, Ended, ErrorKind, Host, HostError, Limits, Outcome, Pool, PoolSettings, Workers, Wrapper,
};
use serde_json::{Value, json};

use crate::common::*;

#[test]
fn threads_run_the_same_scripts() {
    let outcomes = wait(async {
        let pool = Pool::new(PoolSettings::threads());
        let mut outcomes: Vec<Outcome> = Vec::new();
        for _ in 0..3 {
            outcomes.push(pool.run(post_login("api.accessToken.addScope('x');"), TestHost::silent()).await);
            outcomes.push(pool.run(rule("callback(null, user, context);"), TestHost::silent()).await);
            let mut endless = post_login("for (;;) {}");
            endless.limits.cpu = Duration::from_millis(50);
            outcomes.push(pool.run(endless, TestHost::silent()).await);
        }
        outcomes
    });
    for three in outcomes.chunks(3) {
        assert_eq!(three[0].ended, Ended::Whole);
        assert_eq!(three[1].ended, Ended::Whole);
        assert_eq!(error(&three[2]).kind, ErrorKind::Cpu);
    }
}

#[test]
fn a_flow_without_scripts_needs_no_worker() {
    let nowhere = Workers::Process { exe: "/nonexistent/worker".into(), args: Vec::new() };
    let outcomes = wait(async move {
        let pool = Pool::new(PoolSettings { workers: nowhere, max: 1, idle: 1 });
        let mut empty = rule("");
        empty.programs.clear();
        (pool.run(empty, TestHost::silent()).await, pool.run(rule(""), TestHost::silent()).await)
    });
    assert_eq!((outcomes.0.ended, &outcomes.0.result["user"]["name"]), (Ended::Whole, &json!("Ann")));
    assert_eq!(error(&outcomes.1).kind, ErrorKind::Worker);
    assert!(error(&outcomes.1).message.starts_with("a worker could not be started"), "{outcomes:?}");
}

/// What a program says that only looks like a worker.
#[test]
fn programs_that_are_no_workers() {
    for script in [
        "exit 3",
        "echo hello there",
        "cat",
        "head -c 100000 /dev/zero",
        "printf '\\377\\377\\377\\377'",
        "kill -9 $$",
    ] {
        let workers =
            Workers::Process { exe: "/bin/sh".into(), args: vec!["-c".to_owned(), script.to_owned()] };
        let outcome = wait(async move {
            let pool = Pool::new(PoolSettings { workers, max: 1, idle: 1 });
            pool.run(post_login(""), TestHost::silent()).await
        });
        assert_eq!(error(&outcome).kind, ErrorKind::Worker, "{script}");
    }
    // One that says nothing is given up when the time is over.
    let workers = Workers::Process { exe: "/bin/sleep".into(), args: vec!["60".to_owned()] };
    let outcome = wait(async move {
        let pool = Pool::new(PoolSettings { workers, max: 1, idle: 1 });
        let mut flow = post_login("");
        flow.limits.wall = Duration::from_millis(100);
        pool.run(flow, TestHost::silent()).await
    });
    assert_eq!(error(&outcome).kind, ErrorKind::Time);
}

#[test]
fn a_hostile_tenant_does_not_hold_up_another() {
    let (normal, hostile) = wait(async {
        let pool = processes(4);
        let hostile: Vec<_> = (0..20)
            .map(|index| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let mut flow = if index % 2 == 0 {
                        post_login("for (;;) {}")
                    } else {
                        post_login("await new Promise((r) => setTimeout(r, 1e6));")
                    };
                    flow.tenant = "hostile".to_owned();
                    flow.limits = Limits {
                        wall: Duration::from_secs(2),
                        cpu: Duration::from_millis(500),
                        ..Limits::default()
                    };
                    pool.run(flow, TestHost::silent()).await
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let began = Instant::now();
            let outcome = pool.run(post_login("api.accessToken.addScope('x');"), TestHost::silent()).await;
            assert_eq!(outcome.ended, Ended::Whole, "{outcome:?}");
            slowest = slowest.max(began.elapsed());
        }
        let mut ended = Vec::new();
        for flow in hostile {
            ended.push(flow.await.unwrap());
        }
        (slowest, ended)
    });
    // Two endless loops share the processors with it, no more.
    assert!(normal < Duration::from_secs(5), "{normal:?}");
    assert!(hostile.iter().all(|outcome| outcome.ended == Ended::Failed));
    let waited = hostile.iter().filter(|outcome| error(outcome).kind == ErrorKind::Worker).count();
    assert!(waited > 0, "those beyond its half waited in vain");
}

/// Kills the workers of this process that have the name as an argument.
fn kill_workers_named(name: &str) {
    let parent = format!("PPid:\t{}\n", std::process::id());
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |file| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        if read("status").contains(&parent) && read("cmdline").contains(name) {
            let pid =
                entry.file_name().to_string_lossy().parse().ok().and_then(rustix::process::Pid::from_raw);
            let _ = rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::KILL);
        }
    }
}

#[test]
fn a_worker_killed_from_outside_is_replaced() {
    let outcomes = wait(async {
        let asked = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&asked);
        let killer = TestHost::new(move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
            kill_workers_named("kill-me");
            Ok(Value::Null)
        });
        let workers = Workers::Process {
            exe: env!("CARGO_BIN_EXE_gatewright-test-script-worker").into(),
            args: vec!["kill-me".to_owned()],
        };
        let pool = Pool::new(PoolSettings { workers, max: 2, idle: 2 });
        let first = pool.run(post_login("await fetch('https://a.example/'); for (;;) {}"), killer).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        (first, pool.run(post_login(""), TestHost::silent()).await)
    });
    assert_eq!(error(&outcomes.0).kind, ErrorKind::Worker);
    assert_eq!(error(&outcomes.0).message, "the worker died: signal: 9 (SIGKILL)");
    assert_eq!(outcomes.1.ended, Ended::Whole);
}

#[test]
fn runs_before_the_worker_died_are_kept() {
    let mut flow = flow(
        Wrapper::Action { trigger: "post-login".to_owned(), resume: None },
        &[
            "exports.onExecutePostLogin = async (event, api) => { api.accessToken.addScope('a'); };",
            "exports.onExecutePostLogin = async () => { require('crypto').pbkdf2Sync('x', 'y', 4e9, 64, 'sha512'); };",
        ],
        event(),
    );
    flow.limits.cpu = Duration::from_millis(200);
    flow.limits.wall = Duration::from_secs(10);
    let outcome = run(flow);
    assert_eq!(outcome.runs[0].commands.len(), 1);
    assert_eq!((outcome.runs[1].program, error(&outcome).kind), (1, ErrorKind::Cpu));
}

#[test]
fn a_flow_that_is_dropped_takes_its_worker_with_it() {
    wait(async {
        let pool = processes(1);
        let flow = pool.run(post_login("await new Promise((r) => setTimeout(r, 1e6));"), TestHost::silent());
        assert!(tokio::time::timeout(Duration::from_millis(200), flow).await.is_err());
        let outcome = pool.run(post_login(""), TestHost::silent()).await;
        assert_eq!(outcome.ended, Ended::Whole);
    });
}

#[test]
fn a_worker_is_used_again_and_keeps_nothing() {
    let consoles = wait(async {
        let pool = processes(1);
        let mut lines = Vec::new();
        for _ in 0..3 {
            let mut flow = post_login(
                "globalThis.count = (globalThis.count ?? 0) + 1; console.log(count, event.secrets.S);",
            );
            let mut program = (*flow.programs[0]).clone();
            program.secrets.insert("S".to_owned(), format!("secret{}", lines.len()));
            flow.programs = vec![Arc::new(program)];
            lines.push(pool.run(flow, TestHost::silent()).await.runs[0].console[0].clone());
        }
        lines
    });
    assert_eq!(consoles, ["1 secret0", "1 secret1", "1 secret2"]);
}

#[test]
fn much_goes_both_ways_at_once() {
    let host = TestHost::new(|call| {
        Ok(
            json!({"status": 200, "status_text": "", "url": "", "headers": [], "body_base64": call.args["body_base64"]}),
        )
    });
    let lines = console_with(
        post_login(
            "const body = 'x'.repeat(700000); const all = await Promise.all(Array.from({ length: 20 }, async () =>
                (await (await fetch('https://a.example/', { method: 'POST', body })).text()).length));
            console.log(all.every((length) => length === body.length), all.length);",
        ),
        host,
    );
    assert_eq!(lines, ["true 20"]);
}

/// A worker that never read an answer would take the rest of it for its next flow.
#[test]
fn an_answer_that_nobody_reads_does_not_reach_the_next_flow() {
    let host = || TestHost::new(|_| Ok(json!({ "body": "x".repeat(1_000_000) })));
    let outcomes = wait(async move {
        let pool = processes(1);
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            let unread = "fetch('https://a.example/').catch(() => {}); for (const end = Date.now() + 100; Date.now() < end;);";
            outcomes.push(pool.run(post_login(unread), host()).await);
            outcomes.push(pool.run(post_login("console.log('next');"), TestHost::silent()).await);
        }
        outcomes
    });
    for outcome in outcomes {
        assert_eq!(outcome.ended, Ended::Whole, "{outcome:?}");
    }
}

/// A host whose calls take some time, and which counts them.
#[derive(Default)]
struct SlowHost {
    under_way: AtomicUsize,
    most: AtomicUsize,
    done: AtomicUsize,
}

impl Host for SlowHost {
    fn call(&self, _: Call) -> Pin<Box<dyn Future<Output = Result<Value, HostError>> + Send + '_>> {
        Box::pin(async {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            self.done.fetch_add(1, Ordering::SeqCst);
            Err(HostError::new("slow"))
        })
    }
}

#[test]
fn calls_that_a_flow_left_behind_keep_its_seat() {
    let (left, done) = wait(async {
        let (pool, host) = (processes(1), Arc::new(SlowHost::default()));
        let left = post_login("for (let i = 0; i < 5; i++) fetch('https://a.example/').catch(() => {});");
        let slow: Arc<dyn Host> = host.clone();
        let left = pool.run(left, slow).await;
        pool.run(post_login(""), TestHost::silent()).await;
        (left, host.done.load(Ordering::SeqCst))
    });
    assert_eq!((left.ended, done), (Ended::Whole, 5), "the next flow waits until all are done");
}

#[test]
fn a_flow_has_few_calls_under_way_at_once() {
    let (outcomes, most) = wait(async {
        let (pool, host) = (processes(1), Arc::new(SlowHost::default()));
        let all = "const all = await Promise.allSettled(
                Array.from({ length: 40 }, () => fetch('https://a.example/', { method: 'POST', body: 'x'.repeat(10000) })));
            console.log(all.filter((one) => one.reason.cause.message === 'slow').length);";
        let slow = || -> Arc<dyn Host> { host.clone() };
        let waited = pool.run(post_login(all), slow()).await;
        // Those that nobody waits for are counted too, and are no reason to wait with the answer.
        let left = post_login("for (let i = 0; i < 16; i++) fetch('https://a.example/').catch(() => {});");
        let left = pool.run(left, slow()).await;
        ((waited, left), host.most.load(Ordering::SeqCst))
    });
    assert_eq!(outcomes.0.runs[0].console, ["40"], "{outcomes:?}");
    assert_eq!(outcomes.1.ended, Ended::Whole);
    assert_eq!(most, 16);
}

/// Whether a process of ours has the name as an argument, or did until it ended.
fn has_child_named(name: &str) -> bool {
    let parent = format!("PPid:\t{}\n", std::process::id());
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.into_iter().any(|entry| {
        let read = |file| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        read("status").contains(&parent) && read("cmdline").contains(name)
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_flow_that_is_dropped_while_its_worker_starts_leaves_no_process() {
    let mark = std::env::temp_dir().join(format!("gatewright-script-{}-started", std::process::id()));
    let script = format!("echo started > '{}'; exec sleep 4321", mark.display());
    let started = mark.clone();
    wait(async move {
        let workers = Workers::Process { exe: "/bin/sh".into(), args: vec!["-c".to_owned(), script] };
        let pool = Pool::new(PoolSettings { workers, max: 1, idle: 1 });
        // It is polled once, which asks for the process, and dropped.
        assert!(pool.run(post_login(""), TestHost::silent()).now_or_never().is_none());
        let wait_until = async |seconds: u64, happened: &(dyn Fn() -> bool + Sync)| {
            let patience = Instant::now() + Duration::from_secs(seconds);
            while !happened() && Instant::now() < patience {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // It begins meanwhile, or is killed before it could say so.
        wait_until(1, &|| started.exists()).await;
        wait_until(30, &|| !has_child_named("4321")).await;
        assert!(!has_child_named("4321"));
    });
    let _ = std::fs::remove_file(mark);
}
