//! The functions of the worker that the library's JavaScript can ask for, by name. Made when asked for: most
//! flows need few.
//!
//! None of them holds a JavaScript value: the engine could not see it, and a cycle through it would stay for ever.

mod bytes;
mod flow;
mod token;

pub(super) use flow::evaluate;

use std::rc::Rc;

use rquickjs::loader::Loader;
use rquickjs::loader::bundle::Bundle;
use rquickjs::{Ctx, Error, Exception, Function, Value};

use super::flight::Flight;
use super::shelf::Book;
use crate::library;

/// What the functions know.
pub(super) struct Known {
    pub(super) flight: Rc<Flight>,
    pub(super) trigger: String,
    pub(super) books: Vec<Rc<Book>>,
}

/// The function `native`, which gives the others by name.
pub(super) fn native<'js>(ctx: &Ctx<'js>, known: Known) -> Result<Function<'js>, Error> {
    let known = Rc::new(known);
    Function::new(ctx.clone(), move |ctx: Ctx<'js>, name: String| {
        if name == "load" {
            return Function::new(ctx, |ctx: Ctx<'js>, name: String| load(&ctx, &name));
        }
        if let Some(found) = flow::find(&ctx, &name, &known)? {
            return Ok(found);
        }
        if let Some(found) = bytes::find(&ctx, &name, &known)? {
            return Ok(found);
        }
        if let Some(found) = token::find(&ctx, &name)? {
            return Ok(found);
        }
        Err(Exception::throw_reference(&ctx, &format!("There is no native function {name}")))
    })
}

/// The factory of a file of the library; undefined if there is no such file.
pub(super) fn load<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Value<'js>, Error> {
    match library::compiled(name) {
        Some(compiled) => {
            let module = Bundle(compiled).load(ctx, compiled[0].0, None)?;
            let (module, _) = module.eval()?;
            module.get("default")
        }
        None => Ok(Value::new_undefined(ctx.clone())),
    }
}
