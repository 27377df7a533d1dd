//! The JavaScript side of the worker: `library/boot.js`, how it calls the kind of script at hand, and the scripts.

#![expect(clippy::disallowed_types, reason = "these values are made before the engine's memory is copied")]

use std::rc::Rc;

use rquickjs::{Ctx, Error, Function, Object, Persistent, Value};

use super::compiled::Compiled;
use super::errors::Saved;
use super::flight::Flight;
use super::globals;
use super::natives::{self, Known};
use super::shelf::Book;
use crate::flow::Wrapper;
use crate::triggers;

/// A machine between flows.
pub(super) struct Kept {
    begin: Persistent<Function<'static>>,
    open: Persistent<Function<'static>>,
    settle: Persistent<Function<'static>>,
    fire: Persistent<Function<'static>>,
    result: Option<Persistent<Function<'static>>>,
    slot: Persistent<Object<'static>>,
    saved: [Persistent<Function<'static>>; 2],
    pub(super) scripts: Vec<Script>,
    /// The engine must not find one that nobody needs any more: what Rust holds of it would be gone for good.
    _natives: Vec<Persistent<Function<'static>>>,
}

/// A program that is ready to be called.
pub(super) struct Script {
    pub(super) book: Rc<Book>,
    /// Unless it is no JavaScript.
    pub(super) compiled: Option<Compiled>,
    require: Persistent<Function<'static>>,
}

impl Script {
    /// Its `require`.
    pub(super) fn require<'js>(&self, ctx: &Ctx<'js>) -> Result<Function<'js>, Error> {
        self.require.clone().restore(ctx)
    }
}

impl Kept {
    /// Starts the library's part for a kind of script, and compiles the scripts. None of them runs.
    pub(super) fn make<'js>(
        ctx: &Ctx<'js>,
        flight: &Rc<Flight>,
        wrapper: &Wrapper,
        books: Vec<Rc<Book>>,
    ) -> Result<Self, Error> {
        let setting = Object::new(ctx.clone())?;
        let mut trigger = "";
        let kind = match wrapper {
            Wrapper::Action { trigger: id, .. } => {
                trigger = id;
                setting.set("trigger", id.as_str())?;
                setting.set("exportName", triggers::export_name(id))?;
                "actions"
            }
            legacy => {
                let kind = match legacy {
                    Wrapper::Hook => "hook",
                    Wrapper::Callback => "callback",
                    _ => "rule",
                };
                setting.set("kind", kind)?;
                "rules"
            }
        };
        let is_action = matches!(wrapper, Wrapper::Action { .. });
        let known = Known { flight: Rc::clone(flight), trigger: trigger.to_owned(), books: books.clone() };
        let natives = natives::all(ctx, known)?;
        let table = Object::new_proto(ctx.clone(), None)?;
        for (name, native) in &natives {
            table.set(*name, native.clone())?;
        }
        let slot = Object::new_proto(ctx.clone(), None)?;
        slot.set("state", 0)?;
        slot.set("value", Value::new_undefined(ctx.clone()))?;
        let saved = Saved::new(ctx)?;
        let (boot, parts) = natives::boot(ctx, kind)?;
        let machine: Object<'js> = boot.call((table, slot.clone(), parts))?;
        let lib: Function<'js> = machine.get("lib")?;
        let kind: Object<'js> = lib.call::<_, Function>((kind,))?.call((setting,))?;
        let provide: Function<'js> = machine.get("provide")?;
        for (name, module, member) in globals::all(is_action) {
            provide.call::<_, ()>((*name, *module, *member))?;
        }
        for module in books.iter().flat_map(|book| &book.likely) {
            // One that cannot be loaded yet tells why where a script uses it.
            if lib.call::<_, Value>((*module,)).is_err() {
                ctx.catch();
            }
        }
        let requirer: Function<'js> = machine.get("requirer")?;
        let keep = |function: Function<'js>| Persistent::save(ctx, function);
        let scripts = books.into_iter().enumerate().map(|(index, book)| {
            let compiled = Compiled::new(ctx, &book.source, &book.name);
            if compiled.is_none() {
                ctx.catch();
            }
            Ok(Script { book, compiled, require: keep(requirer.call((index,))?) })
        });
        Ok(Self {
            begin: keep(kind.get("begin")?),
            open: keep(kind.get("open")?),
            settle: keep(machine.get("settle")?),
            fire: keep(machine.get("fire")?),
            result: kind.get::<_, Option<Function>>("result")?.map(keep),
            scripts: scripts.collect::<Result<_, Error>>()?,
            slot: Persistent::save(ctx, slot),
            saved: saved.functions().map(keep),
            _natives: natives.into_iter().map(|(_, native)| keep(native)).collect(),
        })
    }

    /// The machine for one flow.
    pub(super) fn restore<'js>(&self, ctx: &Ctx<'js>) -> Result<(Machine<'js>, Saved<'js>), Error> {
        let take = |function: &Persistent<Function<'static>>| function.clone().restore(ctx);
        let machine = Machine {
            begin: take(&self.begin)?,
            open: take(&self.open)?,
            settle: take(&self.settle)?,
            fire: take(&self.fire)?,
            result: self.result.as_ref().map(take).transpose()?,
            slot: self.slot.clone().restore(ctx)?,
        };
        let [slice, well_formed] = &self.saved;
        Ok((machine, Saved::of(take(slice)?, take(well_formed)?)))
    }
}

/// What the worker turns.
pub(super) struct Machine<'js> {
    /// Tells what is different in each flow: `(setting)`.
    pub(super) open: Function<'js>,
    /// Calls a script: `(factory, index, name, event or secrets, require)`.
    pub(super) begin: Function<'js>,
    /// Hands over an answer: `(id, failed, value)`.
    pub(super) settle: Function<'js>,
    /// Lets a timer fire: `(id)`.
    pub(super) fire: Function<'js>,
    /// What the flow gives back, for all but Actions.
    pub(super) result: Option<Function<'js>>,
    /// Where a script's end is noted: `state` is 1 when its callback was called, 2 when it failed; `value`.
    pub(super) slot: Object<'js>,
}

impl<'js> Machine<'js> {
    /// Forgets how the script before ended.
    pub(super) fn reset(&self) -> Result<(), Error> {
        self.slot.set("state", 0)
    }

    /// How the script ended, if its callback was called or something failed beside it.
    pub(super) fn noted(&self) -> Result<Option<Result<Value<'js>, Value<'js>>>, Error> {
        Ok(match self.slot.get::<_, i32>("state")? {
            0 => None,
            1 => Some(Ok(self.slot.get("value")?)),
            _ => Some(Err(self.slot.get("value")?)),
        })
    }
}
