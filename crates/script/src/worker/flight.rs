//! What the worker knows of the flow under way: what it may still use, and what its scripts left.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use gatewright_ambient::Random;
use rquickjs::{Ctx, Error, Exception};
use serde_json::value::RawValue;

use super::timers::Timers;
use super::wire::{Wire, WireError};
use super::{json, time};
use crate::flow::{Ended, ErrorKind, Limits};
use crate::protocol::{Answer, FromWorker, Ran, ToWorker};

/// A flow under way, and after it the next. Shared by the functions that scripts call.
pub(super) struct Flight {
    wire: Rc<RefCell<Wire>>,
    limits: Cell<Limits>,
    random: Random,
    pub(super) timers: RefCell<Timers>,
    /// Whether there is a flow; none when the library is loaded that all flows find.
    is_under_way: Cell<bool>,
    /// When the flow began.
    began: Cell<Duration>,
    program: Cell<usize>,
    cpu_limit: Cell<Duration>,
    /// The limit that the script went beyond. It gets no further turn.
    broken: Cell<Option<ErrorKind>>,
    /// Why the script cannot be called at all.
    invalid: RefCell<Option<String>>,
    commands: RefCell<Vec<Box<RawValue>>>,
    ends_flow: Cell<bool>,
    console: RefCell<Vec<String>>,
    output_left: Cell<usize>,
    calls: Cell<u64>,
    waiting: RefCell<BTreeSet<u64>>,
    answers: RefCell<VecDeque<Answer>>,
    /// Rejections that nobody has handled, as text.
    rejections: RefCell<Vec<String>>,
}

impl Flight {
    pub(super) fn new(wire: &Rc<RefCell<Wire>>) -> Self {
        Self {
            wire: Rc::clone(wire),
            limits: Cell::new(Limits::default()),
            random: Random::system(),
            timers: RefCell::default(),
            is_under_way: Cell::new(false),
            began: Cell::new(time::now()),
            program: Cell::new(0),
            cpu_limit: Cell::new(Duration::MAX),
            broken: Cell::new(None),
            invalid: RefCell::default(),
            commands: RefCell::default(),
            ends_flow: Cell::new(false),
            console: RefCell::default(),
            output_left: Cell::new(0),
            calls: Cell::new(0),
            waiting: RefCell::default(),
            answers: RefCell::default(),
            rejections: RefCell::default(),
        }
    }

    /// A flow begins. Nothing is left of the one before.
    pub(super) fn set_out(&self, limits: Limits) {
        self.is_under_way.set(true);
        self.limits.set(limits);
        self.began.set(time::now());
        self.program.set(0);
        self.cpu_limit.set(Duration::MAX);
        self.broken.set(None);
        self.invalid.take();
        self.commands.take();
        self.ends_flow.set(false);
        self.console.take();
        self.output_left.set(limits.output_bytes);
        self.calls.set(0);
        self.waiting.take();
        self.answers.take();
        self.rejections.take();
        self.timers.borrow_mut().clear();
    }

    /// Where random values come from.
    ///
    /// # Errors
    /// When there is no flow: what is drawn then would be the same in all of them.
    pub(super) fn random(&self, ctx: &Ctx<'_>) -> Result<&Random, Error> {
        match self.is_under_way.get() {
            true => Ok(&self.random),
            false => Err(Exception::throw_message(ctx, "There is nothing random before a flow")),
        }
    }

    /// What the flow may use.
    pub(super) fn limits(&self) -> Limits {
        self.limits.get()
    }

    /// A script begins: its processor time counts from here.
    pub(super) fn begin(&self, program: usize) {
        self.program.set(program);
        self.cpu_limit.set(time::cpu() + self.limits().cpu);
        self.output_left.set(self.limits().output_bytes);
        self.ends_flow.set(false);
    }

    /// The script that runs.
    pub(super) fn program(&self) -> usize {
        self.program.get()
    }

    /// A script ended: what it left. Its timers no longer fire.
    pub(super) fn finish(&self) -> Ran<Box<RawValue>> {
        self.timers.borrow_mut().clear();
        let mut console = self.console.take();
        console.extend(self.rejections.take().into_iter().map(|text| format!("Unhandled rejection: {text}")));
        Ran {
            program: self.program.get(),
            commands: self.commands.take(),
            console,
            error: None,
            wall_micros: 0,
            cpu_micros: 0,
        }
    }

    /// Processor time that the script has used.
    pub(super) fn cpu_used(&self) -> Duration {
        (time::cpu() + self.limits().cpu).saturating_sub(self.cpu_limit.get())
    }

    /// Whether a command of the script ends the flow.
    pub(super) fn ends_flow(&self) -> bool {
        self.ends_flow.get()
    }

    /// Whether the script has to stop, because it went beyond a limit. The engine asks this as it runs.
    pub(super) fn must_stop(&self) -> bool {
        if self.broken.get().is_none() {
            if time::cpu() > self.cpu_limit.get() {
                self.broken.set(Some(ErrorKind::Cpu));
            } else if time::now() > self.deadline() {
                self.broken.set(Some(ErrorKind::Time));
            }
        }
        self.broken.get().is_some()
    }

    /// When the flow's time on the clock is over.
    pub(super) fn deadline(&self) -> Duration {
        self.began.get().saturating_add(self.limits().wall)
    }

    /// The limit that was broken.
    pub(super) fn broken(&self) -> Option<ErrorKind> {
        self.broken.get()
    }

    /// Notes that a limit was broken.
    pub(super) fn breaks(&self, kind: ErrorKind) {
        self.broken.set(Some(kind));
    }

    /// Counts output of the script.
    pub(super) fn spend(&self, ctx: &Ctx<'_>, bytes: usize) -> Result<(), Error> {
        match self.output_left.get().checked_sub(bytes) {
            Some(left) => {
                self.output_left.set(left);
                Ok(())
            }
            None => {
                self.broken.set(Some(ErrorKind::Output));
                Err(Exception::throw_range(ctx, "The script's output is too long"))
            }
        }
    }

    /// How much output the script has left, in bytes.
    pub(super) fn output_left(&self) -> usize {
        self.output_left.get()
    }

    /// Takes a command: its type, its members as JSON, and the line of the script that gave it, where it is known.
    pub(super) fn command(
        &self,
        ctx: &Ctx<'_>,
        name: &str,
        members: &str,
        line: Option<u32>,
    ) -> Result<(), Error> {
        // Nothing of a command is worth counting less than this, or empty ones could be given for ever.
        self.spend(ctx, members.len() + name.len() + 64)?;
        let rest = members.strip_prefix('{').unwrap_or("}");
        let comma = if rest.starts_with('}') { "" } else { "," };
        let line = line.map(|line| format!(",\"line\":{line}")).unwrap_or_default();
        let text = format!("{{\"type\":\"{name}\"{line}{comma}{rest}");
        let Ok(command) = RawValue::from_string(text) else {
            return Err(Exception::throw_type(ctx, "The command is no JSON"));
        };
        self.commands.borrow_mut().push(command);
        if crate::triggers::ends_flow(name) {
            self.ends_flow.set(true);
        }
        Ok(())
    }

    /// Takes a line of the console.
    pub(super) fn log(&self, ctx: &Ctx<'_>, line: String) -> Result<(), Error> {
        // As JSON has it, since that is what crosses.
        let escaped = line.bytes().map(|byte| match byte {
            b'"' | b'\\' => 2,
            0..0x20 => 6,
            _ => 1,
        });
        self.spend(ctx, escaped.sum::<usize>() + 8)?;
        self.console.borrow_mut().push(line);
        Ok(())
    }

    /// Notes why the script cannot be called.
    pub(super) fn invalid(&self, message: String) {
        self.invalid.replace(Some(message));
    }

    /// Why the script cannot be called, if it cannot.
    pub(super) fn take_invalid(&self) -> Option<String> {
        self.invalid.take()
    }

    /// A promise was rejected and nobody handles it; or somebody does after all.
    pub(super) fn rejected(&self, text: String, handled: bool) {
        let mut rejections = self.rejections.borrow_mut();
        if !handled {
            // A script may reject promises for ever; the first few tell its author enough.
            if rejections.len() < 16 {
                rejections.push(text);
            }
        } else if let Some(at) = rejections.iter().position(|known| *known == text) {
            rejections.remove(at);
        }
    }

    /// The first rejection that nobody has handled.
    pub(super) fn first_rejection(&self) -> Option<String> {
        self.rejections.borrow().first().cloned()
    }

    /// Sends a call to the parent and gives its number.
    pub(super) fn call<'js>(
        &self,
        ctx: &Ctx<'js>,
        name: String,
        args: rquickjs::Value<'js>,
    ) -> Result<u64, Error> {
        let id = self.calls.get();
        if usize::try_from(id).unwrap_or(usize::MAX) >= self.limits().calls {
            let text = format!("The scripts of a flow may make {} calls, and no more", self.limits().calls);
            return Err(Exception::throw_range(ctx, &text));
        }
        let args = json::text(ctx, args)?;
        let Ok(args) = RawValue::from_string(args) else {
            return Err(Exception::throw_type(ctx, "The arguments are no JSON"));
        };
        let frame = FromWorker::Call { id, program: self.program.get(), name, args };
        match self.wire.borrow_mut().write(&frame) {
            Ok(()) => {}
            Err(WireError::Frame(_)) => return Err(Exception::throw_range(ctx, "The call is too long")),
            Err(_) => return Err(self.parent_is_gone(ctx)),
        }
        self.calls.set(id + 1);
        self.waiting.borrow_mut().insert(id);
        Ok(id)
    }

    fn parent_is_gone(&self, ctx: &Ctx<'_>) -> Error {
        self.broken.set(Some(ErrorKind::Worker));
        Exception::throw_internal(ctx, "The server is gone")
    }

    /// Whether an answer is still to come.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    /// An answer that has come.
    pub(super) fn take_answer(&self) -> Option<Answer> {
        self.answers.borrow_mut().pop_front()
    }

    /// Waits for an answer until `until`; false if none came.
    pub(super) fn wait(&self, until: Duration) -> Result<bool, WireError> {
        let patience = until.saturating_sub(time::now());
        match self.wire.borrow_mut().read_within(patience)? {
            Some(ToWorker::Answer(answer)) => {
                if self.waiting.borrow_mut().remove(&answer.id) {
                    self.answers.borrow_mut().push_back(answer);
                }
                Ok(true)
            }
            // One flow at a time.
            Some(ToWorker::Run(_)) => Err(WireError::Gone),
            None => Ok(false),
        }
    }

    /// Waits for the answer to one call, letting the script stand still.
    pub(super) fn wait_for(&self, ctx: &Ctx<'_>, id: u64) -> Result<Answer, Error> {
        loop {
            let found = self.answers.borrow().iter().position(|answer| answer.id == id);
            if let Some(answer) = found.and_then(|at| self.answers.borrow_mut().remove(at)) {
                return Ok(answer);
            }
            if self.must_stop() {
                return Err(Exception::throw_internal(ctx, "The script's time is over"));
            }
            if self.wait(self.deadline()).is_err() {
                return Err(self.parent_is_gone(ctx));
            }
        }
    }

    /// Whether scripts have this process to themselves.
    pub(super) fn is_process(&self) -> bool {
        self.wire.borrow().is_process()
    }

    /// Tells what a script left. Of the last one, the end of the flow is told with it.
    pub(super) fn tell_run(&self, ran: Ran<Box<RawValue>>, is_last: bool) -> Result<(), WireError> {
        let mut wire = self.wire.borrow_mut();
        let frame = FromWorker::Ran(ran);
        if is_last { wire.put_off(&frame) } else { wire.write(&frame) }
    }

    /// Tells the end of the flow.
    pub(super) fn tell_end(&self, result: Box<RawValue>, ended: Ended) -> Result<(), WireError> {
        let spent = self.broken().is_some();
        self.wire.borrow_mut().write(&FromWorker::Done { result, ended, spent })
    }
}
