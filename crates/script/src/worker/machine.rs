//! The JavaScript side of the worker: `library/boot.js` and how it calls the kind of script at hand.

use std::rc::Rc;

use rquickjs::{Ctx, Error, Function, Object, Value};

use super::natives;
use super::shelf::Book;

/// What the worker turns.
pub(super) struct Machine<'js> {
    /// Calls a script: `(factory, index, name, event or secrets, require)`.
    pub(super) begin: Function<'js>,
    /// Hands over an answer: `(id, failed, value)`.
    pub(super) settle: Function<'js>,
    /// Lets a timer fire: `(id)`.
    pub(super) fire: Function<'js>,
    /// Makes the `require` of a program: `(index)`.
    pub(super) requirer: Function<'js>,
    /// Makes a global of the library: `(name, module, member)`.
    provide: Function<'js>,
    /// Makes all of them.
    furnish: Function<'js>,
    /// What the flow gives back, for all but Actions.
    pub(super) result: Option<Function<'js>>,
    /// Where a script's end is noted: `state` is 1 when its callback was called, 2 when it failed; `value`.
    pub(super) slot: Object<'js>,
}

impl<'js> Machine<'js> {
    /// Starts the library's part: `kind` is the file that knows how to call the scripts, `setting` what it
    /// needs to know.
    pub(super) fn start(
        ctx: &Ctx<'js>,
        native: Function<'js>,
        kind: &str,
        setting: Object<'js>,
    ) -> Result<Self, Error> {
        let slot = Object::new_proto(ctx.clone(), None)?;
        slot.set("state", 0)?;
        slot.set("value", Value::new_undefined(ctx.clone()))?;
        let (boot, parts) = natives::boot(ctx, kind)?;
        let machine: Object<'js> = boot.call((native, slot.clone(), parts))?;
        let lib: Function<'js> = machine.get("lib")?;
        let kind: Object<'js> = lib.call::<_, Function>((kind,))?.call((setting,))?;
        Ok(Self {
            begin: kind.get("begin")?,
            result: kind.get("result")?,
            settle: machine.get("settle")?,
            fire: machine.get("fire")?,
            requirer: machine.get("requirer")?,
            provide: machine.get("provide")?,
            furnish: machine.get("furnish")?,
            slot,
        })
    }

    /// Makes the globals that the programs need.
    pub(super) fn furnish(&self, books: &[Rc<Book>]) -> Result<(), Error> {
        if books.iter().any(|book| book.globals.is_none()) {
            return self.furnish.call(());
        }
        for (name, module, member) in books.iter().flat_map(|book| &book.globals).flatten() {
            self.provide.call::<_, ()>((*name, *module, *member))?;
        }
        Ok(())
    }

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
