//! The parent's side: workers started on demand, shared fairly, and killed when they misbehave.
//!
//! A worker serves one tenant all its life. The engine is written in C, and if code of one tenant ever took a
//! worker over, nothing of another tenant would come by there.

pub(crate) mod conversation;
mod hashes;
mod seats;
mod worker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::flow::{Ended, ErrorKind, Flow, Outcome, Run, ScriptError, Wrapper};
use crate::host::Host;
use conversation::Calls;
use futures_util::stream::StreamExt as _;
use hashes::Hashes;
use seats::{Seat, Seats};
use worker::Worker;

/// How workers run.
#[derive(Clone, Debug)]
pub enum Workers {
    /// As processes: this program, called so that it ends up in [`crate::run_worker`].
    Process {
        /// The program.
        exe: PathBuf,
        /// Its arguments.
        args: Vec<String>,
    },
    /// As threads of this process: for tests. They cannot be killed, and nothing but the engine confines them.
    Threads,
}

/// How many workers there may be, and how they run.
#[derive(Clone, Debug)]
pub struct PoolSettings {
    /// How workers run.
    pub workers: Workers,
    /// How many flows run at the same time, each in a worker of its own. At least 1.
    pub max: usize,
    /// How many workers are kept when they have nothing to do.
    pub idle: usize,
}

impl PoolSettings {
    /// Workers for a machine with that many processors: twice as many, at least 8, and half of them kept.
    pub fn for_processors(workers: Workers, processors: usize) -> Self {
        let max = processors.saturating_mul(2).max(8);
        Self { workers, max, idle: max / 2 }
    }

    /// Processes of the program that is running, for all its processors.
    ///
    /// # Errors
    /// If the system does not tell where the program is.
    pub fn this_program(args: Vec<String>) -> std::io::Result<Self> {
        // Even if the file is replaced while the server runs, workers and server are of the same version.
        let exe = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe()?
        };
        Ok(Self::for_processors(Workers::Process { exe, args }, processors()))
    }

    /// Threads, for tests.
    pub fn threads() -> Self {
        Self::for_processors(Workers::Threads, processors())
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs flows in workers. Clones share them. Costs nothing until the first script.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    settings: PoolSettings,
    seats: Seats,
    idle: Mutex<Vec<Worker>>,
    hashes: Hashes,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool without workers as yet.
    pub fn new(settings: PoolSettings) -> Self {
        let seats = Seats::new(settings.max.max(1));
        Self(Arc::new(Shared { settings, seats, idle: Mutex::default(), hashes: Hashes::default() }))
    }

    /// Runs a flow. Trouble with the engine is an [`Outcome`] too, whose last run says [`ErrorKind::Worker`].
    ///
    /// If the future is dropped, the worker is killed. Calls that a script did not wait for are still made, as
    /// long as the flow's time lasts.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time.
    pub async fn run(&self, flow: Flow, host: Arc<dyn Host>) -> Outcome {
        if flow.programs.is_empty() {
            let result =
                if flow.wrapper == Wrapper::Rule { flow.input.value() } else { serde_json::Value::Null };
            return Outcome { runs: Vec::new(), result, ended: Ended::Whole };
        }
        let seat = match tokio::time::timeout(flow.limits.wall, self.0.seats.take(&flow.tenant)).await {
            Ok(Ok(seat)) => seat,
            Ok(Err(seats::Full)) => {
                return failed(
                    &flow,
                    Vec::new(),
                    trouble("too many scripts of this tenant are waiting already"),
                );
            }
            Err(_) => {
                return failed(
                    &flow,
                    Vec::new(),
                    trouble("all workers were busy for as long as the scripts may take"),
                );
            }
        };
        let worker = match self.worker(&flow.tenant).await {
            Ok(worker) => worker,
            Err(error) => {
                tracing::error!(%error, "cannot start a script worker");
                return failed(
                    &flow,
                    Vec::new(),
                    trouble(&format!("a worker could not be started: {error}")),
                );
            }
        };
        let held = conversation::hold(worker, &flow, host, &self.0.hashes).await;
        if let Some(worker) = held.worker {
            self.keep(worker);
        }
        finish_calls(held.calls, flow.limits.wall, seat);
        held.outcome
    }

    /// A worker of the tenant that has nothing to do, or a new one.
    async fn worker(&self, tenant: &str) -> std::io::Result<Worker> {
        let (found, superfluous) = {
            let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let found = idle.iter().rposition(|worker| worker.tenant() == tenant).map(|at| idle.remove(at));
            // Others' workers make room: there are never more than flows may run at once, and those kept.
            let superfluous =
                (found.is_none() && idle.len() >= self.0.settings.idle.max(1)).then(|| idle.remove(0));
            (found, superfluous)
        };
        drop(superfluous);
        match found {
            Some(worker) => Ok(worker),
            None => Worker::start(&self.0.settings.workers, tenant).await,
        }
    }

    /// Keeps a worker for the next flow of its tenant; the one idle for longest goes if there are enough.
    fn keep(&self, worker: Worker) {
        let superfluous = {
            let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(worker);
            (idle.len() > self.0.settings.idle).then(|| idle.remove(0))
        };
        drop(superfluous);
    }
}

/// Makes the calls that a flow left behind, as long as another flow could take. They keep its seat, so that a tenant
/// has no more under way than its flows may have.
fn finish_calls(calls: Calls, patience: Duration, seat: Seat) {
    if calls.is_empty() {
        return;
    }
    tokio::spawn(async move {
        let all = calls.for_each(|_| std::future::ready(()));
        let _ = tokio::time::timeout(patience, all).await;
        drop(seat);
    });
}

/// How long a worker may be late, beyond the flow's own time on the clock, before it is killed.
const GRACE: Duration = Duration::from_secs(1);

fn trouble(message: &str) -> ScriptError {
    ScriptError {
        kind: ErrorKind::Worker,
        name: "WorkerError".to_owned(),
        message: message.to_owned(),
        stack: String::new(),
        members: serde_json::Map::new(),
    }
}

/// An outcome that ends with an error of the script after those that ran; of the last one, if it had just ended.
fn failed(flow: &Flow, mut runs: Vec<Run>, error: ScriptError) -> Outcome {
    match runs.last_mut() {
        Some(last) if last.error.is_some() => {}
        Some(last) if last.program + 1 >= flow.programs.len() => last.error = Some(error),
        _ => runs.push(Run { program: runs.len(), error: Some(error), ..Run::default() }),
    }
    Outcome { runs, result: serde_json::Value::Null, ended: Ended::Failed }
}
