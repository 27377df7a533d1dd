//! The work a template may do, and the lenient view of its variables.

use std::collections::BTreeSet;
use std::io;

use liquid_core::model::{KString, KStringCow, KStringRef, ScalarCow};
use liquid_core::runtime::{PartialStore, Registers, RuntimeBuilder};
use liquid_core::{Error, Object, Renderable, Result, Runtime, Template, Value, ValueCow, ValueView};

use super::{MAX_OUTPUT_BYTES, TemplateError};

/// Units of work: about one byte read, copied or written each.
const BUDGET: usize = 2 * 1024 * 1024;

/// What the smallest step costs.
const STEP: usize = 16;

/// The account of one rendering, kept in the engine's registers.
#[derive(Debug, Default)]
pub(super) struct Account {
    spent: usize,
    /// A turn of a loop costs the length of the template: its body cannot take more steps than that,
    /// loops within it aside, which pay for themselves.
    turn: usize,
}

impl Account {
    fn charge(&mut self, units: usize) -> Result<()> {
        self.spent = self.spent.saturating_add(units).saturating_add(STEP);
        if self.spent > BUDGET { Err(Error::with_msg("too much work")) } else { Ok(()) }
    }
}

/// Charges for some bytes of work; an error ends the rendering.
pub(super) fn charge(runtime: &dyn Runtime, bytes: usize) -> Result<()> {
    runtime.registers().get_mut::<Account>().charge(bytes)
}

/// Charges for some turns of a loop, before they are taken.
pub(super) fn charge_turns(runtime: &dyn Runtime, turns: usize) -> Result<()> {
    let mut account = runtime.registers().get_mut::<Account>();
    let cost = account.turn.saturating_mul(turns);
    account.charge(cost)
}

/// The bytes of a value, and those of its members.
pub(super) fn size(value: &dyn ValueView) -> usize {
    if let Some(array) = value.as_array() {
        array.values().map(|member| STEP + size(member)).sum()
    } else if let Some(object) = value.as_object() {
        object.iter().map(|(key, member)| STEP + key.len() + size(member)).sum()
    } else {
        value.to_kstr().len()
    }
}

/// Renders within the budget. `length` is the template's, in bytes.
pub(super) fn render(template: &Template, length: usize, globals: &Object) -> Result<String, TemplateError> {
    let runtime = Lenient(RuntimeBuilder::new().set_globals(globals).build());
    runtime.registers().get_mut::<Account>().turn = length;
    let mut output = Output::default();
    let rendered = template.render_to(&mut output, &runtime);
    // Lookups that may fail swallow the error, so the account decides, not the result.
    if runtime.registers().get_mut::<Account>().spent > BUDGET {
        return Err(TemplateError::TooMuchWork);
    }
    if output.full {
        return Err(TemplateError::OutputTooLarge);
    }
    // The engine's error quotes values of variables, and one of them is the code.
    rendered.map_err(|_| TemplateError::Failed)?;
    String::from_utf8(output.bytes).map_err(|_| TemplateError::Failed)
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT_BYTES {
            self.full = true;
            return Err(io::Error::other("the output is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A runtime in which an unknown name is nothing, at every depth, and every lookup is paid for.
///
/// Loops put one around each of their frames, because a frame looks into its own variables strictly.
pub(super) struct Lenient<R>(pub(super) R);

impl<R: Runtime> Runtime for Lenient<R> {
    fn try_get(&self, path: &[ScalarCow<'_>]) -> Option<ValueCow<'_>> {
        let found = self.0.try_get(path);
        let bytes = found.as_ref().map_or(0, |value| size(value.as_view()));
        charge(&self.0, bytes).ok()?;
        found
    }

    fn get(&self, path: &[ScalarCow<'_>]) -> Result<ValueCow<'_>> {
        let found = self.0.try_get(path).unwrap_or(ValueCow::Owned(Value::Nil));
        charge(&self.0, size(found.as_view()))?;
        Ok(found)
    }

    fn partials(&self) -> &dyn PartialStore {
        self.0.partials()
    }

    fn name(&self) -> Option<KStringRef<'_>> {
        self.0.name()
    }

    fn roots(&self) -> BTreeSet<KStringCow<'_>> {
        self.0.roots()
    }

    fn set_global(&self, name: KString, value: Value) -> Option<Value> {
        self.0.set_global(name, value)
    }

    fn set_index(&self, name: KString, value: Value) -> Option<Value> {
        self.0.set_index(name, value)
    }

    fn get_index<'a>(&'a self, name: &str) -> Option<ValueCow<'a>> {
        self.0.get_index(name)
    }

    fn registers(&self) -> &Registers {
        self.0.registers()
    }
}
