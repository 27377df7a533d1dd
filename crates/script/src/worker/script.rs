//! A flow from its first script to its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::promise::PromiseState;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Error, Exception, Module, Object, Runtime, Value};
use serde_json::value::RawValue;

use super::errors::{self, Saved, Source};
use super::flight::Flight;
use super::machine::Machine;
use super::natives::{self, Known, evaluate};
use super::shelf::{Book, Shelf};
use super::wire::Wire;
use super::{json, sandbox, time};
use crate::flow::{Ended, ErrorKind, ScriptError, Wrapper};
use crate::protocol::{Answer, Task};
use crate::triggers;

/// Garbage is looked for past this many bytes: most flows end before.
const GARBAGE_BYTES: usize = 8 * 1024 * 1024;

/// Processor time that it takes at least to fill the memory of a flow.
const FILLING: Duration = Duration::from_millis(2);

/// How much longer the kernel lets a script compute than the engine does; it counts whole seconds.
const KERNEL_GRACE: Duration = Duration::from_millis(500);

/// A global scope in which nothing has run.
pub(super) struct Fresh {
    runtime: Runtime,
    context: Context,
}

impl Fresh {
    /// Makes one. This is a third of what an ordinary flow costs, so it is done before the flow comes.
    pub(super) fn new() -> Option<Self> {
        let runtime = Runtime::new().ok()?;
        runtime.set_gc_threshold(GARBAGE_BYTES);
        let context = Context::full(&runtime).ok()?;
        Some(Self { runtime, context })
    }
}

/// Runs a flow and tells the parent what came of it. False if this worker must not run another: a script broke
/// a limit, so who knows in which state the engine is.
pub(super) fn run(fresh: Fresh, wire: &Rc<RefCell<Wire>>, shelf: &mut Shelf, task: Task) -> bool {
    let flight = Rc::new(Flight::new(wire, task.limits));
    let Fresh { runtime, context } = fresh;
    runtime.set_memory_limit(task.limits.memory_bytes);
    runtime.set_max_stack_size(task.limits.stack_bytes);
    let watch = Rc::clone(&flight);
    runtime.set_interrupt_handler(Some(Box::new(move || watch.must_stop())));
    let notes = Rc::clone(&flight);
    runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, _, reason, handled| {
        if notes.broken().is_none() {
            notes.rejected(brief(&ctx, &reason), handled);
        }
    })));
    let told = context.with(|ctx| Run::new(&ctx, &flight, shelf, task).and_then(|run| run.all(&ctx)));
    let spent = flight.broken().is_some();
    match told {
        Ok(()) if !spent => true,
        _ => {
            // Freeing what a script has filled takes time, and after running out of memory may not even work.
            // The process ends anyway.
            std::mem::forget((context, runtime));
            false
        }
    }
}

/// The parent is gone, or the engine is beyond use: nobody is left to tell.
struct Over;

impl From<Error> for Over {
    fn from(_: Error) -> Self {
        Self
    }
}

/// A flow in its global scope.
struct Run<'a, 'js> {
    flight: &'a Rc<Flight>,
    machine: Option<Machine<'js>>,
    saved: Saved<'js>,
    books: Vec<Rc<Book>>,
    task: Task,
}

impl<'a, 'js> Run<'a, 'js> {
    fn new(ctx: &Ctx<'js>, flight: &'a Rc<Flight>, shelf: &mut Shelf, mut task: Task) -> Result<Self, Over> {
        let books: Option<Vec<_>> =
            task.programs.iter_mut().map(|shipped| shelf.take(&task.wrapper, shipped)).collect();
        let books = books.ok_or(Over)?;
        let saved = Saved::new(ctx)?;
        let mut run = Self { flight, machine: None, saved, books, task };
        // A flow whose limits do not even allow the start fails like one whose script goes beyond them.
        run.machine = run.start(ctx).catch(ctx).ok();
        Ok(run)
    }

    fn start(&self, ctx: &Ctx<'js>) -> Result<Machine<'js>, Error> {
        let globals = ctx.globals();
        for (name, value) in &self.task.globals {
            if !name.starts_with('$') {
                globals.set(name.as_str(), ctx.json_parse(value.get())?)?;
            }
        }
        let setting = Object::new(ctx.clone())?;
        let mut trigger = String::new();
        let kind = match &self.task.wrapper {
            Wrapper::Action { trigger: id, resume } => {
                trigger.clone_from(id);
                setting.set("trigger", id.as_str())?;
                setting.set("exportName", triggers::export_name(id))?;
                setting.set("resumeName", resume.as_deref())?;
                for (member, global, missing) in
                    [("redirect", "$redirect", "{}"), ("executedRules", "$rules", "[]")]
                {
                    let value = self.task.globals.get(global).map_or(missing, |value| value.get());
                    setting.set(member, ctx.json_parse(value)?)?;
                }
                "actions"
            }
            other => {
                let kind = match other {
                    Wrapper::Hook => "hook",
                    Wrapper::Callback => "callback",
                    _ => "rule",
                };
                setting.set("kind", kind)?;
                let auth0 = self.task.globals.get("$auth0").map_or("{}", |value| value.get());
                setting.set("auth0", ctx.json_parse(auth0)?)?;
                setting.set("input", ctx.json_parse(self.task.input.get())?)?;
                "rules"
            }
        };
        let is_action = matches!(self.task.wrapper, Wrapper::Action { .. });
        let known = Known { flight: Rc::clone(self.flight), trigger, is_action, books: self.books.clone() };
        let machine = Machine::start(ctx, natives::native(ctx, known)?, kind, setting)?;
        machine.furnish(&self.books)?;
        Ok(machine)
    }

    /// Runs the scripts in order, as long as none ends the flow.
    fn all(&self, ctx: &Ctx<'js>) -> Result<(), Over> {
        let mut ended = Ended::Whole;
        let mut result = None;
        for index in 0..self.books.len() {
            let (wall, cpu) = (time::now(), time::cpu());
            self.flight.begin(index);
            // A thread shares its process with those that have done nothing.
            if self.flight.is_process() {
                let limit = time::process_cpu() + self.task.limits.cpu;
                sandbox::end_after_cpu((limit + KERNEL_GRACE).as_secs() + 1);
            }
            let mut outcome = self.one(ctx, index);
            let is_last = index + 1 == self.books.len();
            if outcome.is_ok() && is_last {
                match self.result(ctx) {
                    Ok(text) => result = Some(text),
                    Err(error) => outcome = Err(self.explain(ctx, error, &self.books[index])),
                }
            }
            let mut ran = self.flight.finish();
            if outcome.is_err() {
                ended = Ended::Failed;
            } else if self.flight.ends_flow() {
                ended = Ended::Early;
            }
            ran.error = outcome.err();
            ran.wall_micros = time::micros(time::now().saturating_sub(wall));
            ran.cpu_micros = time::micros(time::cpu().saturating_sub(cpu));
            let is_last = is_last || ended != Ended::Whole;
            self.flight.tell_run(ran, is_last).map_err(|_| Over)?;
            if ended != Ended::Whole {
                break;
            }
        }
        let result = result.unwrap_or_else(|| RawValue::NULL.to_owned());
        self.flight.tell_end(result, ended).map_err(|_| Over)
    }

    /// Runs one script to its end.
    fn one(&self, ctx: &Ctx<'js>, index: usize) -> Result<(), ScriptError> {
        let book = &self.books[index];
        let Some(machine) = &self.machine else {
            self.flight.breaks(ErrorKind::Memory);
            return Err(errors::broken(ErrorKind::Memory, &self.task.limits));
        };
        let factory = match evaluate(ctx, book.source.as_str(), book.name.clone()).catch(ctx) {
            Ok(factory) => factory,
            Err(error) => {
                let error = self.explain_caught(ctx, error, book);
                return Err(match error.kind {
                    ErrorKind::Thrown => self.syntax(ctx, error, index),
                    _ => error,
                });
            }
        };
        self.begin(ctx, machine, index, factory)
            .and_then(|returned| self.turn(ctx, machine, returned))
            .map_err(|stop| match stop {
                Stop::Thrown(error) => self.explain_caught(ctx, error, book),
                Stop::Limit => {
                    errors::broken(self.flight.broken().unwrap_or(ErrorKind::Worker), &self.task.limits)
                }
                Stop::Stuck => self.stuck(),
            })
    }

    fn begin(
        &self,
        ctx: &Ctx<'js>,
        machine: &Machine<'js>,
        index: usize,
        factory: Value<'js>,
    ) -> Result<Value<'js>, Stop<'js>> {
        let began = || {
            machine.reset()?;
            let secrets = &self.task.programs[index].secrets;
            let own = match &self.task.wrapper {
                Wrapper::Action { .. } => ctx.json_parse(event(self.task.input.get(), secrets))?,
                _ => ctx.json_parse(serde_json::to_string(secrets).unwrap_or_default())?,
            };
            let require: Value<'js> = machine.requirer.call((index,))?;
            machine.begin.call((factory, index, self.books[index].name.as_str(), own, require))
        };
        let began: Result<Value<'js>, Error> = began();
        began.catch(ctx).map_err(|error| self.stopped(error))
    }

    /// Turns the script's promises, timers and calls until it has ended.
    fn turn(&self, ctx: &Ctx<'js>, machine: &Machine<'js>, returned: Value<'js>) -> Result<(), Stop<'js>> {
        let is_action = matches!(self.task.wrapper, Wrapper::Action { .. });
        let takes_promise = matches!(self.task.wrapper, Wrapper::Hook | Wrapper::Callback);
        let promise = if returned.is_promise() {
            returned.as_promise().cloned()
        } else if is_action && returned.is_object() {
            // Something that has a `then`, perhaps. A promise takes it up as `await` would.
            let adopted = ctx.promise().and_then(|(promise, resolve, _)| {
                resolve.call::<_, ()>((returned,))?;
                Ok(promise)
            });
            Some(adopted.catch(ctx).map_err(|error| self.stopped(error))?)
        } else {
            None
        };
        loop {
            // The engine asks `must_stop` itself, in the middle of jobs too.
            while self.flight.broken().is_none() && ctx.execute_pending_job() {}
            if self.flight.must_stop() {
                return Err(Stop::Limit);
            }
            match machine.noted().catch(ctx).map_err(|error| self.stopped(error))? {
                Some(Ok(_)) => return Ok(()),
                Some(Err(value)) => return Err(Stop::Thrown(CaughtError::Value(value))),
                None => {}
            }
            match promise.as_ref().map(rquickjs::Promise::state) {
                Some(PromiseState::Rejected) => return Err(self.rejection(ctx, promise.as_ref())),
                Some(PromiseState::Resolved) if is_action => return Ok(()),
                Some(PromiseState::Resolved) if takes_promise => {
                    let value = promise.as_ref().and_then(|promise| promise.result::<Value<'js>>());
                    if let Some(Ok(value)) = value
                        && !value.is_undefined()
                    {
                        machine.slot.set("value", value).catch(ctx).map_err(|error| self.stopped(error))?;
                        return Ok(());
                    }
                }
                None if is_action => return Ok(()),
                _ => {}
            }
            if !self.step(ctx, machine)? {
                if takes_promise && promise.is_some_and(|promise| promise.state() == PromiseState::Resolved) {
                    return Ok(());
                }
                return Err(Stop::Stuck);
            }
        }
    }

    /// Hands over an answer, fires a timer, or waits for one of them. False if there is nothing to wait for.
    fn step(&self, ctx: &Ctx<'js>, machine: &Machine<'js>) -> Result<bool, Stop<'js>> {
        let flight = self.flight;
        let next = flight.timers.borrow_mut().next();
        let waiting = flight.is_waiting();
        let answer = flight.take_answer();
        if answer.is_none() {
            let until = match (waiting, next) {
                (false, None) => return Ok(false),
                (true, Some(at)) => at.min(flight.deadline()),
                (true, None) => flight.deadline(),
                (false, Some(at)) => at.min(flight.deadline()),
            };
            if flight.wait(until).is_err() {
                flight.breaks(ErrorKind::Worker);
                return Err(Stop::Limit);
            }
        }
        let done = || {
            if let Some(answer) = answer.or_else(|| flight.take_answer()) {
                let (failed, value) = match answer_value(ctx, &answer)? {
                    Ok(value) => (false, value),
                    Err(error) => (true, error),
                };
                return machine.settle.call::<_, ()>((answer.id as f64, failed, value));
            }
            let due = flight.timers.borrow_mut().take(time::now());
            match due {
                Some(timer) => machine.fire.call::<_, ()>((timer,)),
                None => Ok(()),
            }
        };
        let done: Result<(), Error> = done();
        done.catch(ctx).map_err(|error| self.stopped(error))?;
        Ok(true)
    }

    /// What the flow gives back, as JSON.
    fn result(&self, ctx: &Ctx<'js>) -> Result<Box<RawValue>, Error> {
        let Some(result) = self.machine.as_ref().and_then(|machine| machine.result.as_ref()) else {
            return Ok(RawValue::NULL.to_owned());
        };
        let value: Value<'js> = result.call(())?;
        let text = json::text(ctx, value)?;
        self.flight.spend(ctx, text.len())?;
        RawValue::from_string(text).map_err(|_| Exception::throw_type(ctx, "The result is no JSON"))
    }

    fn stopped(&self, error: CaughtError<'js>) -> Stop<'js> {
        if self.flight.broken().is_some() { Stop::Limit } else { Stop::Thrown(error) }
    }

    fn rejection(&self, ctx: &Ctx<'js>, promise: Option<&rquickjs::Promise<'js>>) -> Stop<'js> {
        match promise.and_then(|promise| promise.result::<Value<'js>>()) {
            Some(Err(error)) => {
                let error = CaughtError::from_error(ctx, error);
                // It has been told; no need to tell it in the console again.
                let reason = match &error {
                    CaughtError::Exception(exception) => Some(exception.as_object().clone().into_value()),
                    CaughtError::Value(value) => Some(value.clone()),
                    CaughtError::Error(_) => None,
                };
                if let Some(reason) = reason {
                    self.flight.rejected(brief(ctx, &reason), true);
                }
                self.stopped(error)
            }
            _ => Stop::Stuck,
        }
    }

    /// Why a program is no JavaScript. The wrapper hides where a bracket is missing, so the code is looked at
    /// once more without it, if it is one that can stand alone.
    fn syntax(&self, ctx: &Ctx<'js>, mut error: ScriptError, index: usize) -> ScriptError {
        let book = &self.books[index];
        if let Some(alone) = book.alone()
            && let Err(better) = Module::declare(ctx.clone(), book.name.as_str(), alone).catch(ctx)
        {
            let source = Source { file: &book.name, shift: 0 };
            if let CaughtError::Exception(exception) = better {
                error = errors::describe(ctx, &self.saved, &exception.into_object().into_value(), &source);
            }
        }
        error.kind = ErrorKind::Invalid;
        error
    }

    fn explain(&self, ctx: &Ctx<'js>, error: Error, book: &Book) -> ScriptError {
        let caught = CaughtError::from_error(ctx, error);
        self.explain_caught(ctx, caught, book)
    }

    fn explain_caught(&self, ctx: &Ctx<'js>, error: CaughtError<'js>, book: &Book) -> ScriptError {
        let broken = || self.flight.broken().map(|kind| errors::broken(kind, &self.task.limits));
        if let Some(message) = self.flight.take_invalid() {
            return errors::bare(ErrorKind::Invalid, "TypeError", message);
        }
        if let Some(error) = broken() {
            return error;
        }
        let source = Source { file: &book.name, shift: book.shift };
        let described = match error {
            // Out of memory, the engine has no room for an error and throws null. So may a script, but to fill its
            // memory takes longer.
            CaughtError::Value(value) if value.is_null() && self.flight.cpu_used() > FILLING => {
                errors::broken(ErrorKind::Memory, &self.task.limits)
            }
            CaughtError::Exception(exception) => {
                errors::describe(ctx, &self.saved, &exception.into_object().into_value(), &source)
            }
            CaughtError::Value(value) => errors::describe(ctx, &self.saved, &value, &source),
            CaughtError::Error(Error::Allocation) => errors::broken(ErrorKind::Memory, &self.task.limits),
            CaughtError::Error(error) => errors::bare(ErrorKind::Thrown, "Error", error.to_string()),
        };
        if let Some(error) = broken() {
            return error;
        }
        if described.kind == ErrorKind::Memory {
            self.flight.breaks(ErrorKind::Memory);
        }
        described
    }

    fn stuck(&self) -> ScriptError {
        let what = match self.task.wrapper {
            Wrapper::Action { .. } => "The promise that the script returned will never be settled",
            _ => "The script has not called its callback, and nothing is left that could",
        };
        let message = match self.flight.first_rejection() {
            Some(rejection) => format!("{what}. An error was not handled: {rejection}"),
            None => what.to_owned(),
        };
        errors::bare(ErrorKind::Stuck, "StuckError", message)
    }
}

/// Why a script goes no further.
enum Stop<'js> {
    Thrown(CaughtError<'js>),
    Limit,
    Stuck,
}

/// The value of an answer, or what its error tells.
pub(super) fn answer_value<'js>(
    ctx: &Ctx<'js>,
    answer: &Answer,
) -> Result<Result<Value<'js>, Value<'js>>, Error> {
    if let Some(error) = &answer.error {
        let text = serde_json::to_string(error).unwrap_or_default();
        return Ok(Err(ctx.json_parse(text)?));
    }
    let text = answer.value.as_ref().map_or("null", |value| value.get());
    Ok(Ok(ctx.json_parse(text)?))
}

/// The input of an Action with its secrets: text, so that nothing a script changed comes in between.
fn event(input: &str, secrets: &BTreeMap<String, String>) -> String {
    let secrets = serde_json::to_string(secrets).unwrap_or_default();
    let body = input.trim_end().strip_suffix('}').map(str::trim_end);
    match body {
        Some(body) if input.trim_start().starts_with('{') => {
            let comma = if body.trim_start() == "{" { "" } else { "," };
            format!("{body}{comma}\"secrets\":{secrets}}}")
        }
        _ => format!("{{\"secrets\":{secrets}}}"),
    }
}

/// A rejection's reason in a few words.
fn brief<'js>(ctx: &Ctx<'js>, reason: &Value<'js>) -> String {
    let text = match reason.as_object() {
        Some(object) => {
            let member = |name| object.get::<_, String>(name).catch(ctx).unwrap_or_default();
            format!("{}: {}", member("name"), member("message"))
        }
        None => reason.get::<rquickjs::Coerced<String>>().catch(ctx).map(|text| text.0).unwrap_or_default(),
    };
    text.chars().take(512).collect()
}
