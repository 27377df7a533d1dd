//! Why a script failed, in words for its author.

use std::time::Duration;

use rquickjs::{CatchResultExt, CaughtError, Ctx, Error, Module, Value};

use super::Run;
use super::turn::Stop;
use crate::flow::{ErrorKind, ScriptError, Wrapper};
use crate::worker::errors::{self, Source};
use crate::worker::shelf::Book;

/// Processor time that it takes at least to fill the memory of a flow.
const FILLING: Duration = Duration::from_millis(2);

impl<'js> Run<'_, 'js> {
    pub(super) fn stopped(&self, error: CaughtError<'js>) -> Stop<'js> {
        if self.flight.broken().is_some() { Stop::Limit } else { Stop::Thrown(error) }
    }

    pub(super) fn rejection(&self, ctx: &Ctx<'js>, promise: Option<&rquickjs::Promise<'js>>) -> Stop<'js> {
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
    pub(super) fn syntax(&self, ctx: &Ctx<'js>, mut error: ScriptError, index: usize) -> ScriptError {
        let book = &self.scripts[index].book;
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

    pub(super) fn explain(&self, ctx: &Ctx<'js>, error: Error, book: &Book) -> ScriptError {
        let caught = CaughtError::from_error(ctx, error);
        self.explain_caught(ctx, caught, book)
    }

    pub(super) fn explain_caught(&self, ctx: &Ctx<'js>, error: CaughtError<'js>, book: &Book) -> ScriptError {
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

    pub(super) fn stuck(&self) -> ScriptError {
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

/// A rejection's reason in a few words.
pub(in crate::worker) fn brief<'js>(ctx: &Ctx<'js>, reason: &Value<'js>) -> String {
    let text = match reason.as_object() {
        Some(object) => {
            let member = |name| object.get::<_, String>(name).catch(ctx).unwrap_or_default();
            format!("{}: {}", member("name"), member("message"))
        }
        None => reason.get::<rquickjs::Coerced<String>>().catch(ctx).map(|text| text.0).unwrap_or_default(),
    };
    text.chars().take(512).collect()
}
