//! What every flow needs: console, commands, calls, timers, modules.

use std::rc::Rc;
use std::time::Duration;

use rquickjs::context::EvalOptions;
use rquickjs::function::Opt;
use rquickjs::{Ctx, Error, Exception, Function, Value};

use super::Known;
use crate::worker::shelf::Module;
use crate::worker::{errors, json, script, time};
use crate::{library, triggers};

pub(super) const NAMES: &[&str] = &[
    "log",
    "outputLeft",
    "command",
    "call",
    "callSync",
    "arm",
    "disarm",
    "random",
    "invalid",
    "methods",
    "hasModule",
    "moduleFactory",
    "libraryHas",
    "libraryNames",
];

pub(super) fn find<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    known: &Rc<Known>,
) -> Result<Option<Function<'js>>, Error> {
    let known = Rc::clone(known);
    let ctx = ctx.clone();
    match name {
        "log" => Function::new(ctx, move |ctx: Ctx<'js>, line: String| known.flight.log(&ctx, line)),
        "outputLeft" => Function::new(ctx, move || known.flight.output_left() as f64),
        "command" => {
            let give = move |ctx: Ctx<'js>, name: String, members: Value<'js>, stack: Opt<String>| {
                let members = json::text(&ctx, members)?;
                let book = known.books.get(known.flight.program());
                let line = stack.0.zip(book).and_then(|(stack, book)| errors::line_of(&stack, &book.name));
                known.flight.command(&ctx, &name, &members, line)
            };
            Function::new(ctx, give)
        }
        "call" => Function::new(ctx, move |ctx: Ctx<'js>, name: String, args: Value<'js>| {
            known.flight.call(&ctx, name, args).map(|id| id as f64)
        }),
        "callSync" => Function::new(ctx, move |ctx: Ctx<'js>, name: String, args: Value<'js>| {
            let id = known.flight.call(&ctx, name, args)?;
            let answer = known.flight.wait_for(&ctx, id)?;
            match script::answer_value(&ctx, &answer)? {
                Ok(value) => Ok(value),
                Err(error) => Err(ctx.throw(error)),
            }
        }),
        "arm" => Function::new(ctx, move |timer: u32, delay: f64| {
            let at = time::now().saturating_add(Duration::from_secs_f64(delay.clamp(0.0, 1e10) / 1000.0));
            known.flight.timers.borrow_mut().arm(timer, at);
        }),
        "disarm" => Function::new(ctx, move |timer: u32| known.flight.timers.borrow_mut().disarm(timer)),
        // 53 bits, as many as a number between 0 and 1 can tell apart.
        "random" => Function::new(ctx, move |ctx: Ctx<'js>| {
            let bits = u64::from_le_bytes(known.flight.random(&ctx)?.bytes());
            Ok::<_, Error>((bits >> 11) as f64 / (1_u64 << 53) as f64)
        }),
        "invalid" => Function::new(ctx, move |ctx: Ctx<'js>, message: String| {
            known.flight.invalid(message.clone());
            Err::<(), Error>(Exception::throw_type(&ctx, &message))
        }),
        "methods" => Function::new(ctx, move |group: String| {
            let methods: Vec<_> = triggers::methods(&known.trigger)
                .filter_map(|method| method.split_once('.').filter(|(of, _)| *of == group))
                .map(|(_, method)| method)
                .collect();
            (!methods.is_empty()).then_some(methods)
        }),
        "hasModule" => Function::new(ctx, move |program: usize, name: String| {
            known.books.get(program).is_some_and(|book| book.has_module(&name))
        }),
        "moduleFactory" => {
            Function::new(ctx, move |ctx: Ctx<'js>, program: usize, name: String| {
                match known.books.get(program).and_then(|book| book.module(&name)) {
                    Some(Module::Source(source)) => evaluate(&ctx, source, name),
                    Some(Module::Bytecode(compiled)) => super::load_compiled(&ctx, compiled),
                    None => Err(Exception::throw_reference(&ctx, "There is no such module")),
                }
            })
        }
        "libraryHas" => Function::new(ctx, |name: String| library::names().contains(&name.as_str())),
        "libraryNames" => Function::new(ctx, || library::names().join(", ")),
        _ => return Ok(None),
    }
    .map(Some)
}

/// Evaluates an expression in the global scope, as script and not strict: that is how Node takes modules.
pub(in crate::worker) fn evaluate<'js>(
    ctx: &Ctx<'js>,
    source: impl Into<Vec<u8>>,
    file: String,
) -> Result<Value<'js>, Error> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(file);
    ctx.eval_with_options(source, options)
}
