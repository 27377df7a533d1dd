//! The functions of the worker that the library's JavaScript can ask for, by name.
//!
//! None of them holds a JavaScript value: the engine could not see it, and a cycle through it would stay for ever. All
//! are made with the scope, and none while a flow runs: what Rust holds of them is not taken back with the memory.

mod address;
mod bytes;
mod ciphers;
mod flow;
mod hashes;
mod keys;
mod token;

pub(super) use flow::evaluate;

use std::rc::Rc;

use rquickjs::loader::Loader;
use rquickjs::loader::bundle::Bundle;
use rquickjs::module::Evaluated;
use rquickjs::{Ctx, Error, Function, Module, Object, Value};

use super::flight::Flight;
use super::shelf::Book;
use crate::library;

/// What the functions know.
pub(super) struct Known {
    pub(super) flight: Rc<Flight>,
    pub(super) trigger: String,
    pub(super) books: Vec<Rc<Book>>,
}

/// The functions, by name.
pub(super) fn all<'js>(ctx: &Ctx<'js>, known: Known) -> Result<Vec<(&'static str, Function<'js>)>, Error> {
    let known = Rc::new(known);
    let mut all =
        vec![("load", Function::new(ctx.clone(), |ctx: Ctx<'js>, name: String| load(&ctx, &name))?)];
    let mut add = |names: &[&'static str], find: &dyn Fn(&str) -> Result<Option<Function<'js>>, Error>| {
        for name in names {
            all.extend(find(name)?.map(|found| (*name, found)));
        }
        Ok::<_, Error>(())
    };
    add(flow::NAMES, &|name| flow::find(ctx, name, &known))?;
    add(bytes::NAMES, &|name| bytes::find(ctx, name, &known))?;
    add(hashes::NAMES, &|name| hashes::find(ctx, name, &known))?;
    add(token::NAMES, &|name| token::find(ctx, name))?;
    add(address::NAMES, &|name| address::find(ctx, name))?;
    add(ciphers::NAMES, &|name| ciphers::find(ctx, name))?;
    add(keys::NAMES, &|name| keys::find(ctx, name))?;
    Ok(all)
}

/// The factory of a file of the library; undefined if there is no such file.
pub(super) fn load<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Value<'js>, Error> {
    // Packages ask for `string_decoder/` where they mean the package and not Node's own.
    match library::compiled(name.trim_end_matches('/')) {
        Some(compiled) => load_compiled(ctx, compiled),
        None => Ok(Value::new_undefined(ctx.clone())),
    }
}

/// What starts the library for a kind of script, and the files that come with it.
pub(super) fn boot<'js>(ctx: &Ctx<'js>, kind: &str) -> Result<(Function<'js>, Object<'js>), Error> {
    let name = format!("boot+{kind}");
    let compiled = library::compiled(&name).ok_or_else(|| Error::new_loading(&name))?;
    let module = evaluated(ctx, compiled)?;
    Ok((module.get("default")?, module.get("parts")?))
}

/// What bytecode exports by default.
fn load_compiled<'js>(ctx: &Ctx<'js>, compiled: library::Compiled) -> Result<Value<'js>, Error> {
    evaluated(ctx, compiled)?.get("default")
}

fn evaluated<'js>(ctx: &Ctx<'js>, compiled: library::Compiled) -> Result<Module<'js, Evaluated>, Error> {
    let (module, _) = Bundle(compiled).load(ctx, compiled[0].0, None)?.eval()?;
    Ok(module)
}
