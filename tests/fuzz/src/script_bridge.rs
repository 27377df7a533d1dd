//! Between the server and the workers that run tenants' scripts: what a worker says, and what a script is.
//!
//! The first byte chooses: frames of a worker that was taken over, an Action, or a rule.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use gatewright_script::{
    Call, Ended, Flow, Host, HostError, Limits, Outcome, Pool, PoolSettings, Program, Wrapper, commands,
    overhear,
};
use serde_json::{Map, Value, json};

struct Nobody;

impl Host for Nobody {
    fn call(&self, _: Call) -> Pin<Box<dyn Future<Output = Result<Value, HostError>> + Send + '_>> {
        Box::pin(std::future::ready(Err(HostError::new("nobody is there"))))
    }
}

/// Whatever a worker says and a script does: the outcome is of the flow's own programs, in order, with commands
/// that the trigger has, and ends as its runs did.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let action = Wrapper::Action { trigger: "post-login".to_owned(), resume: None };
    match choice % 3 {
        0 => {
            let flow = flow(action, &["", ""]);
            if let Some(outcome) = overhear(&flow, Arc::new(Nobody), rest) {
                check(&flow, &outcome);
            }
        }
        1 => through_a_worker(flow(action, &[&String::from_utf8_lossy(rest)])),
        _ => through_a_worker(flow(Wrapper::Rule, &[&String::from_utf8_lossy(rest)])),
    }
}

fn flow(wrapper: Wrapper, codes: &[&str]) -> Flow {
    let program = |code: &&str| {
        Arc::new(Program {
            id: "id".to_owned(),
            name: "script".to_owned(),
            version: "1".to_owned(),
            code: (*code).to_owned(),
            secrets: BTreeMap::new(),
            modules: BTreeMap::new(),
        })
    };
    Flow {
        tenant: "acme".to_owned(),
        wrapper,
        programs: codes.iter().map(program).collect(),
        input: json!({"user": {"user_id": "auth0|1"}, "context": {}}).into(),
        globals: Map::new(),
        limits: Limits {
            wall: Duration::from_millis(200),
            cpu: Duration::from_millis(20),
            memory_bytes: 4 * 1024 * 1024,
            stack_bytes: 128 * 1024,
            output_bytes: 16 * 1024,
            calls: 4,
        },
    }
}

fn through_a_worker(flow: Flow) {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("starts")
    });
    static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new(PoolSettings::threads()));
    let outcome = RUNTIME.block_on(POOL.run(flow.clone(), Arc::new(Nobody)));
    check(&flow, &outcome);
}

fn check(flow: &Flow, outcome: &Outcome) {
    let allowed = match &flow.wrapper {
        Wrapper::Action { trigger, .. } => commands(trigger),
        _ => &[],
    };
    assert!((1..=flow.programs.len()).contains(&outcome.runs.len()));
    for (index, run) in outcome.runs.iter().enumerate() {
        assert_eq!(run.program, index);
        assert!(run.error.is_none() || index + 1 == outcome.runs.len());
        assert!(
            run.commands
                .iter()
                .all(|command| command["type"].as_str().is_some_and(|name| allowed.contains(&name)))
        );
    }
    let failed = outcome.runs.last().is_some_and(|run| run.error.is_some());
    assert_eq!(failed, outcome.ended == Ended::Failed);
    if outcome.ended == Ended::Whole {
        assert_eq!(outcome.runs.len(), flow.programs.len());
    }
}
