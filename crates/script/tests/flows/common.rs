//! Flows for tests: scripts in, outcome out.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};

use gatewright_script::{
    Call, Flow, Host, HostError, Limits, Outcome, Pool, PoolSettings, Program, ScriptError, Workers, Wrapper,
};
use serde_json::{Map, Value, json};

type Reply = dyn Fn(&Call) -> Result<Value, HostError> + Send + Sync;

/// A host that answers as the test says, and remembers what it was asked.
pub(crate) struct TestHost {
    pub(crate) calls: Mutex<Vec<Call>>,
    reply: Box<Reply>,
}

impl TestHost {
    pub(crate) fn new(
        reply: impl Fn(&Call) -> Result<Value, HostError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { calls: Mutex::default(), reply: Box::new(reply) })
    }

    /// A host to which nothing may be said.
    pub(crate) fn silent() -> Arc<Self> {
        Self::new(|call| Err(HostError::new(format!("no {} here", call.name))))
    }
}

impl Host for TestHost {
    fn call(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Value, HostError>> + Send + '_>> {
        let reply = (self.reply)(&call);
        self.calls.lock().unwrap().push(call);
        Box::pin(async move {
            tokio::task::yield_now().await;
            reply
        })
    }
}

/// Workers as processes of this crate's worker program.
pub(crate) fn processes(max: usize) -> Pool {
    let workers = Workers::Process {
        exe: env!("CARGO_BIN_EXE_gatewright-test-script-worker").into(),
        args: Vec::new(),
    };
    Pool::new(PoolSettings { workers, max, idle: max })
}

/// A runtime of its own, with which the pool's workers live.
fn on_runtime<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });
    RUNTIME.block_on(RUNTIME.spawn(work)).unwrap()
}

/// One pool for most tests: each flow must work whatever ran before it.
pub(crate) static POOL: LazyLock<Pool> = LazyLock::new(|| processes(16));

pub(crate) fn program(name: &str, code: &str) -> Program {
    Program {
        id: format!("id-of-{name}"),
        name: name.to_owned(),
        version: "1".to_owned(),
        code: code.to_owned(),
        secrets: BTreeMap::new(),
        modules: BTreeMap::new(),
    }
}

pub(crate) fn flow(wrapper: Wrapper, codes: &[&str], input: Value) -> Flow {
    let programs =
        codes.iter().enumerate().map(|(index, code)| Arc::new(program(&format!("script{index}"), code)));
    Flow {
        tenant: "acme".to_owned(),
        wrapper,
        programs: programs.collect(),
        input: input.into(),
        globals: Map::new(),
        limits: Limits::default(),
    }
}

pub(crate) fn action(trigger: &str) -> Wrapper {
    Wrapper::Action { trigger: trigger.to_owned(), resume: None }
}

/// A post-login Action whose body is `body`.
pub(crate) fn post_login(body: &str) -> Flow {
    let code = format!("exports.onExecutePostLogin = async (event, api) => {{ {body} }};");
    flow(action("post-login"), &[&code], event())
}

/// A rule whose body is `body`.
pub(crate) fn rule(body: &str) -> Flow {
    let code = format!("function (user, context, callback) {{ {body} }}");
    flow(
        Wrapper::Rule,
        &[&code],
        json!({"user": {"user_id": "auth0|1", "name": "Ann"}, "context": {"idToken": {}}}),
    )
}

pub(crate) fn event() -> Value {
    json!({
        "user": {"user_id": "auth0|1", "name": "Ann", "email": "ann@example.com", "app_metadata": {"plan": "gold"},
            "identities": [{"provider": "auth0", "user_id": "1"}, {"provider": "sms", "user_id": "2"}]},
        "client": {"client_id": "app", "name": "App"},
        "request": {"ip": "192.0.2.1", "query": {}, "body": {}},
        "transaction": {"protocol": "oidc-basic-profile", "requested_scopes": ["openid"]},
    })
}

pub(crate) fn run_with(flow: Flow, host: Arc<TestHost>) -> Outcome {
    on_runtime(async move { POOL.run(flow, host).await })
}

pub(crate) fn run(flow: Flow) -> Outcome {
    run_with(flow, TestHost::silent())
}

/// The work on the runtime of the tests.
pub(crate) fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    on_runtime(work)
}

/// The error of the last run.
pub(crate) fn error(outcome: &Outcome) -> &ScriptError {
    outcome.runs.last().and_then(|run| run.error.as_ref()).unwrap_or_else(|| panic!("no error: {outcome:?}"))
}

/// What a script's console says when it ran well: for scripts that print what they found.
pub(crate) fn console(flow: Flow) -> Vec<String> {
    console_with(flow, TestHost::silent())
}

pub(crate) fn console_with(flow: Flow, host: Arc<TestHost>) -> Vec<String> {
    let outcome = run_with(flow, host);
    let run = &outcome.runs[0];
    assert_eq!(run.error, None, "{:?}", run.console);
    run.console.clone()
}
