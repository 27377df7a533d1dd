//! What goes into a worker and what comes out of it, as plain values.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// How the scripts of a flow are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wrapper {
    /// A CommonJS module whose export of this name is called with `(event, api)`. The flow's input is the
    /// event, the same for each script. A script that denies, fails, redirects or asks for something ends the flow.
    Action {
        /// `post-login`, ...: which methods `api` has.
        trigger: String,
        /// The export that the first script is called at, when the flow goes on after an interruption:
        /// `onContinuePostLogin`. Later scripts are called at the trigger's own export.
        resume: Option<String>,
    },
    /// `function (user, context, callback)`. The input is `{"user", "context"}`, and so is the result; each
    /// script gets what the one before it gave to its callback. If the input has `told` as well, such as
    /// `{"user": ["name"], "context": ["idToken"]}`, the result has no other members.
    Rule,
    /// `module.exports = function (...args, callback)`. The input is `{"args": [...]}`, the result what the
    /// callback was given.
    Hook,
    /// `function (...args, callback)`: database and social scripts. Input and result as for hooks.
    Callback,
}

/// A script, immutable and shared: workers keep what they compiled of it, by [`Program::hash`].
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    /// The id of the action, the rule or the connection it belongs to.
    pub id: String,
    /// Shown in logs and stack traces.
    pub name: String,
    /// Which version of it, for logs.
    pub version: String,
    /// The JavaScript as its author wrote it.
    pub code: String,
    /// `event.secrets` of an action, `configuration` of the others.
    pub secrets: BTreeMap<String, String>,
    /// What `require` finds besides the library: the name of a module and its CommonJS code.
    pub modules: BTreeMap<String, String>,
}

impl Program {
    /// SHA-256 of what runs, in hexadecimal digits: name, code and modules. Secrets do not count, as they are
    /// handed over with each flow.
    pub fn hash(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        let texts = [&self.name, &self.code].into_iter().chain(self.modules.iter().flat_map(|(k, v)| [k, v]));
        for text in texts {
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        }
        context.finish().as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// Shows neither code nor secrets.
impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What scripts look at: JSON, written once for all of them.
#[derive(Clone, Debug)]
pub struct Input(Box<RawValue>);

impl Input {
    /// Writes it.
    ///
    /// # Errors
    /// The value is nothing that JSON can hold, such as a map with keys that are no text.
    pub fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        to_raw_value(value).map(Self)
    }

    /// The JSON.
    pub fn json(&self) -> &RawValue {
        &self.0
    }

    /// The same as a value.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl From<Value> for Input {
    fn from(value: Value) -> Self {
        Self(to_raw_value(&value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

/// The scripts of one step and the event they look at.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Whose scripts: workers are shared fairly between tenants, and nothing of one is seen by another.
    pub tenant: String,
    /// How the scripts are called.
    pub wrapper: Wrapper,
    /// The scripts, in order.
    pub programs: Vec<Arc<Program>>,
    /// See [`Wrapper`].
    pub input: Input,
    /// More globals for all scripts, by name.
    pub globals: Map<String, Value>,
    /// What the flow may use.
    pub limits: Limits,
}

/// What a flow may use. Going beyond one ends the script with an error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Time on the clock for all scripts together: 20 s, as at Auth0.
    pub wall: Duration,
    /// Processor time of each script: 2 s.
    pub cpu: Duration,
    /// Memory of all scripts together, in bytes: 64 MiB.
    pub memory_bytes: usize,
    /// The call stack, in bytes: 512 KiB.
    pub stack_bytes: usize,
    /// Commands, console and result of one script as JSON, in bytes: 1 MiB.
    pub output_bytes: usize,
    /// Calls of [`crate::Host`] that all scripts together may make: 100.
    pub calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(20),
            cpu: Duration::from_secs(2),
            memory_bytes: 64 * 1024 * 1024,
            stack_bytes: 512 * 1024,
            output_bytes: 1024 * 1024,
            calls: 100,
        }
    }
}

/// What came of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// One for each script that began, in order.
    pub runs: Vec<Run>,
    /// See [`Wrapper`]; null where a script failed.
    pub result: Value,
    /// Why later scripts did not run, if any were left or the last one ended the flow.
    pub ended: Ended,
}

impl Outcome {
    /// Why the flow failed; `None` unless it did. A [`crate::Pool`] never says [`Ended::Failed`] without an error
    /// in the last run.
    pub fn failure(&self) -> Option<&ScriptError> {
        match self.ended {
            Ended::Failed => self.runs.last()?.error.as_ref(),
            Ended::Whole | Ended::Early => None,
        }
    }
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every script ran to its end.
    Whole,
    /// The last script that ran denied, or asked to interrupt the flow.
    Early,
    /// The last script that ran failed: its [`Run::error`] says how.
    Failed,
}

/// One script's run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Which of the flow's programs.
    pub program: usize,
    /// What it told its `api` to do, in order: objects whose `type` is the method (`accessToken.addScope`) and
    /// whose other members are the arguments by name.
    pub commands: Vec<Value>,
    /// What it wrote to the console, a line each.
    pub console: Vec<String>,
    /// Why it failed.
    pub error: Option<ScriptError>,
    /// Time on the clock, in microseconds.
    pub wall_micros: u64,
    /// Processor time, in microseconds.
    pub cpu_micros: u64,
}

/// Why a script failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptError {
    /// Whose doing it was.
    pub kind: ErrorKind,
    /// `name` of the exception: `UnauthorizedError`, `TypeError`, ...
    pub name: String,
    /// Its message.
    pub message: String,
    /// Where it was thrown, with the author's line numbers; empty where nobody knows.
    pub stack: String,
    /// Other members of the exception that are text, numbers or booleans, such as `code`.
    pub members: Map<String, Value>,
}

/// Whose doing an error was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The script threw, rejected, or gave an error to its callback.
    Thrown,
    /// It is no JavaScript, or has not the export that the trigger calls.
    Invalid,
    /// It went beyond a limit: time on the clock.
    Time,
    /// Processor time.
    Cpu,
    /// Memory, including the stack.
    Memory,
    /// Commands, console or result too long.
    Output,
    /// It will never end: nothing is left to wait for.
    Stuck,
    /// The worker died, or none could be had.
    Worker,
}
