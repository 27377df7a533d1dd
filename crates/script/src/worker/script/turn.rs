//! A script from the moment it was called: its promises, timers and calls, until it has ended.

use rquickjs::promise::PromiseState;
use rquickjs::{CatchResultExt, CaughtError, Ctx, Error, Value};

use super::Run;
use crate::flow::{ErrorKind, Wrapper};
use crate::protocol::Answer;
use crate::worker::machine::Machine;
use crate::worker::time;

/// Why a script goes no further.
pub(super) enum Stop<'js> {
    Thrown(CaughtError<'js>),
    Limit,
    Stuck,
}

impl<'js> Run<'_, 'js> {
    /// Turns the script's promises, timers and calls until it has ended.
    pub(super) fn turn(
        &self,
        ctx: &Ctx<'js>,
        machine: &Machine<'js>,
        returned: Value<'js>,
    ) -> Result<(), Stop<'js>> {
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
}

/// The value of an answer, or what its error tells.
pub(in crate::worker) fn answer_value<'js>(
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
