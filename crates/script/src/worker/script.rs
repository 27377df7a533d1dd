//! A flow from its first script to its end.

mod explain;
mod turn;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::{CatchResultExt, Ctx, Error, Exception, Object, Value};
use serde_json::value::RawValue;

use super::errors::{self, Saved};
use super::flight::Flight;
use super::machine::Machine;
use super::natives::{self, Known, evaluate};
use super::scope::Fresh;
use super::shelf::Book;
use super::wire::Wire;
use super::{json, sandbox, time};
use crate::flow::{Ended, ErrorKind, ScriptError, Wrapper};
use crate::protocol::Task;
use crate::triggers;
use explain::brief;
use turn::Stop;
pub(super) use turn::answer_value;

/// How much longer the kernel lets a script compute than the engine does; it counts whole seconds.
const KERNEL_GRACE: Duration = Duration::from_millis(500);

/// Runs a flow and tells the parent what came of it. False if this worker must not run another: a script broke
/// a limit, so who knows in which state the engine is.
pub(super) fn run(fresh: Fresh, wire: &Rc<RefCell<Wire>>, books: Vec<Rc<Book>>, task: Task) -> bool {
    let flight = Rc::new(Flight::new(wire, task.limits));
    let Fresh { runtime, context, .. } = fresh;
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
    let told = context.with(|ctx| Run::new(&ctx, &flight, books, task).and_then(|run| run.all(&ctx)));
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
    fn new(ctx: &Ctx<'js>, flight: &'a Rc<Flight>, books: Vec<Rc<Book>>, task: Task) -> Result<Self, Over> {
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
            let require = match self.books[index].requires {
                true => machine.requirer.call((index,))?,
                false => Value::new_undefined(ctx.clone()),
            };
            machine.begin.call((factory, index, self.books[index].name.as_str(), own, require))
        };
        let began: Result<Value<'js>, Error> = began();
        began.catch(ctx).map_err(|error| self.stopped(error))
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
