//! A flow from its first script to its end.

mod explain;
mod turn;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::{CatchResultExt, Ctx, Error, Exception, Object, Value};
use serde_json::value::RawValue;

use super::errors::{self, Saved};
use super::flight::Flight;
use super::machine::{Kept, Machine, Script};
use super::natives::evaluate;
use super::{json, sandbox, time};
use crate::flow::{Ended, ErrorKind, ScriptError, Wrapper};
use crate::protocol::Task;
pub(super) use explain::brief;
use turn::Stop;
pub(super) use turn::answer_value;

/// How much longer the kernel lets a script compute than the engine does; it counts whole seconds.
const KERNEL_GRACE: Duration = Duration::from_millis(500);

/// Runs a flow and tells the parent what came of it. False if nobody could be told.
pub(super) fn run(ctx: &Ctx<'_>, flight: &Rc<Flight>, kept: &Kept, task: Task) -> bool {
    Run::new(ctx, flight, kept, task).and_then(|run| run.all(ctx)).is_ok()
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
    machine: Machine<'js>,
    saved: Saved<'js>,
    scripts: &'a [Script],
    task: Task,
    /// Whether there was room for what the scripts look at.
    is_open: bool,
}

impl<'a, 'js> Run<'a, 'js> {
    fn new(ctx: &Ctx<'js>, flight: &'a Rc<Flight>, kept: &'a Kept, task: Task) -> Result<Self, Over> {
        let (machine, saved) = kept.restore(ctx)?;
        let mut run = Self { flight, machine, saved, scripts: &kept.scripts, task, is_open: false };
        // A flow whose limits do not even allow the start fails like one whose script goes beyond them.
        run.is_open = run.open(ctx).catch(ctx).is_ok();
        Ok(run)
    }

    /// Hands over what is different in each flow.
    fn open(&self, ctx: &Ctx<'js>) -> Result<(), Error> {
        let globals = ctx.globals();
        for (name, value) in &self.task.globals {
            if !name.starts_with('$') {
                globals.set(name.as_str(), ctx.json_parse(value.get())?)?;
            }
        }
        let global = |name: &str, missing| {
            let value = self.task.globals.get(name).map_or(missing, |value| value.get());
            ctx.json_parse(value)
        };
        let setting = Object::new(ctx.clone())?;
        if let Wrapper::Action { resume, .. } = &self.task.wrapper {
            setting.set("resumeName", resume.as_deref())?;
            setting.set("redirect", global("$redirect", "{}")?)?;
            setting.set("executedRules", global("$rules", "[]")?)?;
        } else {
            setting.set("auth0", global("$auth0", "{}")?)?;
            setting.set("input", ctx.json_parse(self.task.input.get())?)?;
        }
        self.machine.open.call((setting,))
    }

    /// Runs the scripts in order, as long as none ends the flow.
    fn all(&self, ctx: &Ctx<'js>) -> Result<(), Over> {
        let mut ended = Ended::Whole;
        let mut result = None;
        for index in 0..self.scripts.len() {
            let (wall, cpu) = (time::now(), time::cpu());
            self.flight.begin(index);
            // A thread shares its process with those that have done nothing.
            if self.flight.is_process() {
                let limit = time::process_cpu() + self.task.limits.cpu;
                sandbox::end_after_cpu((limit + KERNEL_GRACE).as_secs() + 1);
            }
            let mut outcome = self.one(ctx, index);
            let is_last = index + 1 == self.scripts.len();
            if outcome.is_ok() && is_last {
                match self.result(ctx) {
                    Ok(text) => result = Some(text),
                    Err(error) => outcome = Err(self.explain(ctx, error, &self.scripts[index].book)),
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
        let Script { book, compiled, .. } = &self.scripts[index];
        if !self.is_open {
            self.flight.breaks(ErrorKind::Memory);
            return Err(errors::broken(ErrorKind::Memory, &self.task.limits));
        }
        let factory = match compiled {
            Some(compiled) => compiled.evaluate(ctx),
            None => evaluate(ctx, book.source.as_str(), book.name.clone()),
        };
        let factory = match factory.catch(ctx) {
            Ok(factory) => factory,
            Err(error) => {
                let error = self.explain_caught(ctx, error, book);
                return Err(match error.kind {
                    ErrorKind::Thrown => self.syntax(ctx, error, index),
                    _ => error,
                });
            }
        };
        self.begin(ctx, index, factory).and_then(|returned| self.turn(ctx, &self.machine, returned)).map_err(
            |stop| match stop {
                Stop::Thrown(error) => self.explain_caught(ctx, error, book),
                Stop::Limit => {
                    errors::broken(self.flight.broken().unwrap_or(ErrorKind::Worker), &self.task.limits)
                }
                Stop::Stuck => self.stuck(),
            },
        )
    }

    fn begin(&self, ctx: &Ctx<'js>, index: usize, factory: Value<'js>) -> Result<Value<'js>, Stop<'js>> {
        let script = &self.scripts[index];
        let began = || {
            self.machine.reset()?;
            let secrets = &self.task.programs[index].secrets;
            let own = match &self.task.wrapper {
                Wrapper::Action { .. } => ctx.json_parse(event(self.task.input.get(), secrets))?,
                _ => ctx.json_parse(serde_json::to_string(secrets).unwrap_or_default())?,
            };
            let require = script.require(ctx)?;
            self.machine.begin.call((factory, index, script.book.name.as_str(), own, require))
        };
        let began: Result<Value<'js>, Error> = began();
        began.catch(ctx).map_err(|error| self.stopped(error))
    }

    /// What the flow gives back, as JSON.
    fn result(&self, ctx: &Ctx<'js>) -> Result<Box<RawValue>, Error> {
        let Some(result) = &self.machine.result else {
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
