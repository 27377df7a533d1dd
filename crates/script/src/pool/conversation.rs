//! One flow with one worker: what it asks is answered, what it says is checked.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use rustix::process::Signal;
use serde_json::value::to_raw_value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::hashes::Hashes;
use super::worker::Worker;
use super::{GRACE, failed, trouble};
use crate::flow::{Ended, ErrorKind, Flow, Outcome, Run, ScriptError, Wrapper};
use crate::host::{Call, Host, HostError};
use crate::protocol::{
    Answer, CallError, Code, Decoder, FROM_WORKER_BYTES, FromWorker, Shipped, TO_WORKER_BYTES, Task,
    ToWorker, encode,
};
use crate::triggers;

/// Bytes that a worker may say in one flow: what the limits allow is far less.
const MOST_SAID: usize = 64 * 1024 * 1024;

/// The most output a flow may be allowed: it has to fit into a frame.
const MOST_OUTPUT: usize = FROM_WORKER_BYTES - 1024 * 1024;

/// Calls of one flow that are under way at the same time. Others wait, and so does the worker that makes them.
const MOST_AT_ONCE: usize = 16;

/// What is left of a conversation.
pub(super) struct Held {
    pub(super) outcome: Outcome,
    /// The worker, if it can be used again.
    pub(super) worker: Option<Worker>,
    /// Calls that no script waits for any more. They are still made: a rule may well not wait for its metadata.
    pub(super) calls: Calls,
}

/// Calls under way.
pub(super) type Calls = FuturesUnordered<Answered>;

/// Runs a flow in a worker.
pub(super) async fn hold(mut worker: Worker, flow: &Flow, host: Arc<dyn Host>, hashes: &Hashes) -> Held {
    let first = match task(&mut worker, flow, hashes) {
        Ok(first) => first,
        Err(error) => return broken_off(failed(flow, Vec::new(), error)),
    };
    let mut talk = Talk::new(flow, host, worker.ready, first);
    let ended = tokio::time::timeout(flow.limits.wall + GRACE, talk.carry(&mut worker)).await;
    let error = match ended {
        Ok(Ok(done)) => {
            worker.ready = true;
            // What is left of an answer would be read as part of the next flow.
            let keeps = !done.spent && worker.is_fresh() && !talk.has_rest();
            let outcome = Outcome { runs: talk.runs, result: done.result, ended: done.ended };
            return Held { outcome, worker: keeps.then_some(worker), calls: talk.calls };
        }
        Ok(Err(Trouble::Gone)) => died(&mut worker, flow).await,
        Ok(Err(Trouble::Nonsense(why))) => {
            tracing::error!(tenant = %flow.tenant, why, "a script worker said what it must not say");
            trouble("the worker misbehaved and was stopped")
        }
        // The engine was in the middle of something that cannot be interrupted.
        Err(_) => ScriptError {
            kind: ErrorKind::Time,
            name: "TimeoutError".to_owned(),
            message: format!("The scripts did not end within {} ms", flow.limits.wall.as_millis()),
            ..trouble("")
        },
    };
    // Dropping the worker kills it.
    broken_off(failed(flow, talk.runs, error))
}

/// A conversation that has come to no good end: neither the worker nor its calls go on.
fn broken_off(outcome: Outcome) -> Held {
    Held { outcome, worker: None, calls: Calls::new() }
}

/// What a worker has to be told to begin.
fn task(worker: &mut Worker, flow: &Flow, hashes: &Hashes) -> Result<Vec<u8>, ScriptError> {
    let json = |error: serde_json::Error| trouble(&format!("the flow cannot be sent: {error}"));
    let mut limits = flow.limits;
    limits.output_bytes = limits.output_bytes.min(MOST_OUTPUT);
    let mut globals = std::collections::BTreeMap::new();
    for (name, value) in &flow.globals {
        globals.insert(name.clone(), to_raw_value(value).map_err(json)?);
    }
    let ship = |program: &Arc<crate::Program>| {
        let hash = hashes.of(program);
        let modules: usize = program.modules.iter().map(|(name, code)| name.len() + code.len()).sum();
        let code = (!worker.knows(&hash, program.code.len() + modules)).then(|| Code {
            name: program.name.clone(),
            code: program.code.clone(),
            modules: program.modules.clone(),
        });
        Shipped { hash, code, secrets: program.secrets.clone() }
    };
    let programs = flow.programs.iter().map(ship).collect();
    let input = flow.input.json().to_owned();
    let task = Task { wrapper: flow.wrapper.clone(), programs, input, globals, limits };
    encode(&ToWorker::Run(Box::new(task)), TO_WORKER_BYTES)
        .map_err(|error| trouble(&format!("the flow cannot be sent: {error}")))
}

/// Why a conversation broke off.
enum Trouble {
    /// The worker's output ended.
    Gone,
    /// It said what it must not say.
    Nonsense(String),
}

struct Done {
    result: serde_json::Value,
    ended: Ended,
    spent: bool,
}

pub(super) type Answered =
    std::pin::Pin<Box<dyn Future<Output = (u64, Result<serde_json::Value, HostError>)> + Send>>;

struct Talk<'a> {
    flow: &'a Flow,
    host: Arc<dyn Host>,
    runs: Vec<Run>,
    calls: Calls,
    /// A call that came while as many as may be were under way.
    held: Option<Answered>,
    asked: u64,
    said: usize,
    /// Whether the worker has said that it runs, now or in an earlier flow.
    ready: bool,
    /// What is written to the worker, and how much of it has been.
    out: Vec<u8>,
    written: usize,
}

impl<'a> Talk<'a> {
    fn new(flow: &'a Flow, host: Arc<dyn Host>, ready: bool, out: Vec<u8>) -> Self {
        let (runs, calls) = (Vec::new(), Calls::new());
        Self { flow, host, runs, calls, held: None, asked: 0, said: 0, ready, out, written: 0 }
    }

    async fn carry(&mut self, worker: &mut Worker) -> Result<Done, Trouble> {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            while self.listens()
                && let Some(frame) = worker.decoder.next(FROM_WORKER_BYTES).map_err(nonsense)?
            {
                if let Some(done) = self.hear(frame)? {
                    return Ok(done);
                }
            }
            if !self.has_rest() {
                self.out.clear();
                self.written = 0;
            }
            // A worker that writes does not read meanwhile, so neither side may wait for the other.
            tokio::select! {
                biased;
                wrote = worker.to.write(&self.out[self.written..]), if self.has_rest() => {
                    self.written += wrote.map_err(|_| Trouble::Gone)?;
                }
                read = worker.from.read(&mut chunk), if self.listens() => match read {
                    Ok(0) | Err(_) => return Err(Trouble::Gone),
                    Ok(length) => {
                        self.said += length;
                        if self.said > MOST_SAID {
                            return Err(nonsense("too much"));
                        }
                        worker.decoder.push(&chunk[..length]);
                    }
                },
                Some((id, answer)) = self.calls.next(), if !self.calls.is_empty() => {
                    self.calls.extend(self.held.take());
                    let frame = answer_frame(id, answer).map_err(nonsense)?;
                    self.out.extend_from_slice(&frame);
                }
            }
        }
    }

    /// Whether the worker is listened to now.
    fn listens(&self) -> bool {
        self.held.is_none()
    }

    /// Whether something has still to be written to the worker.
    fn has_rest(&self) -> bool {
        self.written < self.out.len()
    }

    fn hear(&mut self, frame: FromWorker) -> Result<Option<Done>, Trouble> {
        if !self.ready && !matches!(frame, FromWorker::Ready { .. }) {
            return Err(nonsense("it did not say that it is ready"));
        }
        match frame {
            FromWorker::Ready { unconfined } => {
                if std::mem::replace(&mut self.ready, true) {
                    return Err(nonsense("it is ready twice"));
                }
                warn_unconfined(unconfined);
            }
            FromWorker::Call { id, program, name, args } => {
                let most = u64::try_from(self.flow.limits.calls).unwrap_or(u64::MAX);
                if id != self.asked
                    || id >= most
                    || program != self.runs.len()
                    || program >= self.flow.programs.len()
                {
                    return Err(nonsense("a call out of order"));
                }
                self.asked += 1;
                let host = Arc::clone(&self.host);
                let call: Answered =
                    Box::pin(async move { (id, host.call(Call { program, name, args }).await) });
                if self.calls.len() < MOST_AT_ONCE {
                    self.calls.push(call);
                } else {
                    self.held = Some(call);
                }
            }
            FromWorker::Ran(ran) => {
                let run = Run::from(ran);
                self.check(&run)?;
                self.runs.push(run);
            }
            FromWorker::Done { result, ended, spent } => {
                self.check_end(ended)?;
                return Ok(Some(Done { result, ended, spent }));
            }
        }
        Ok(None)
    }

    /// A run must be of the next program, after one that ended well, with commands that the trigger has.
    fn check(&self, run: &Run) -> Result<(), Trouble> {
        let follows = self.runs.last().is_none_or(|last| last.error.is_none() && !ends_flow(last));
        if run.program != self.runs.len() || run.program >= self.flow.programs.len() || !follows {
            return Err(nonsense("a run out of order"));
        }
        let allowed = match &self.flow.wrapper {
            Wrapper::Action { trigger, .. } => triggers::commands(trigger),
            _ => &[],
        };
        for command in &run.commands {
            let name = command.get("type").and_then(serde_json::Value::as_str);
            if !name.is_some_and(|name| allowed.contains(&name)) {
                return Err(nonsense("a command that the trigger has not"));
            }
        }
        Ok(())
    }

    fn check_end(&self, ended: Ended) -> Result<(), Trouble> {
        let Some(last) = self.runs.last() else { return Err(nonsense("an end without a run")) };
        let ends = ends_flow(last);
        let right = match ended {
            Ended::Failed => last.error.is_some(),
            Ended::Early => last.error.is_none() && ends,
            Ended::Whole => last.error.is_none() && !ends && self.runs.len() == self.flow.programs.len(),
        };
        if right { Ok(()) } else { Err(nonsense("an end that does not follow from the runs")) }
    }
}

/// Whether a command of the run ends the flow.
fn ends_flow(run: &Run) -> bool {
    let names = run.commands.iter().filter_map(|command| command.get("type")?.as_str());
    names.into_iter().any(triggers::ends_flow)
}

/// Listens to a worker that says these bytes, as far as they make sense; for tests.
pub(crate) fn overhear(flow: &Flow, host: Arc<dyn Host>, bytes: &[u8]) -> Option<Outcome> {
    let mut talk = Talk::new(flow, host, false, Vec::new());
    let mut decoder = Decoder::default();
    for chunk in bytes.chunks(1024) {
        decoder.push(chunk);
        while let Some(frame) = decoder.next(FROM_WORKER_BYTES).ok()? {
            if let Some(done) = talk.hear(frame).ok()? {
                return Some(Outcome { runs: talk.runs, result: done.result, ended: done.ended });
            }
        }
    }
    None
}

fn nonsense(why: impl ToString) -> Trouble {
    Trouble::Nonsense(why.to_string())
}

fn answer_frame(id: u64, answer: Result<serde_json::Value, HostError>) -> Result<Vec<u8>, String> {
    let (value, error) = match answer {
        Ok(value) => (Some(to_raw_value(&value).map_err(|error| error.to_string())?), None),
        Err(HostError { code, message }) => (None, Some(CallError { code, message })),
    };
    let frame = encode(&ToWorker::Answer(Answer { id, value, error }), TO_WORKER_BYTES);
    frame.map_err(|error| error.to_string())
}

/// The worker's output ended in the middle of a flow.
async fn died(worker: &mut Worker, flow: &Flow) -> ScriptError {
    let status = worker.end().await;
    if status.and_then(|status| status.signal()) == Some(Signal::XCPU.as_raw()) {
        return ScriptError {
            kind: ErrorKind::Cpu,
            name: "CpuLimitError".to_owned(),
            message: format!(
                "The script used more than {} ms of processor time",
                flow.limits.cpu.as_millis()
            ),
            ..trouble("")
        };
    }
    let how = status.map_or_else(|| "it closed its output".to_owned(), |status| status.to_string());
    tracing::error!(tenant = %flow.tenant, how, "a script worker died");
    trouble(&format!("the worker died: {how}"))
}

/// Says once that the kernel's filter is missing.
fn warn_unconfined(why: Option<String>) {
    static SAID: std::sync::Once = std::sync::Once::new();
    if let Some(why) = why {
        SAID.call_once(|| tracing::warn!(why, "script workers run without a filter of system calls"));
    }
}
