//! What scripts find ready: globals, and modules for `require`. Written in JavaScript (`library/*.js`) or
//! taken from npm (`library/vendor`), compiled once in each worker when first used.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rquickjs::context::intrinsic;
use rquickjs::loader::bundle::ScaBundleData;
use rquickjs::{Context, Module, Runtime, WriteOptions};

mod table;

pub(crate) use table::names;

/// Bytecode as the engine's loader takes it: one module of that name.
pub(crate) type Compiled = ScaBundleData<&'static [u8]>;

/// The files that are modules themselves, as nothing is there before them.
const BOOT: &str = "boot";

/// The bytecode of a file of the library, or `None` if there is no such file.
///
/// It stays for the life of the process: the engine runs it where it lies.
pub(crate) fn compiled(name: &str) -> Option<Compiled> {
    static DONE: Mutex<Option<HashMap<&'static str, Compiled>>> = Mutex::new(None);
    let (name, source) = table::source(name)?;
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let done = done.get_or_insert_default();
    if let Some(known) = done.get(name) {
        return Some(known);
    }
    let file = format!("gatewright:{name}");
    let source = match name {
        BOOT => source.to_owned(),
        // `require` for modules from npm, `lib` for ours.
        _ => format!("export default function (module, exports, lib, machine, require) {{{source}\n}}"),
    };
    let compiled = compile(&file, &source)?;
    done.insert(name, compiled);
    Some(compiled)
}

/// Compiles a module apart from any script, so that no script's limits or doings matter. `None` if it cannot be.
pub(crate) fn compile(name: &str, source: &str) -> Option<Compiled> {
    let context =
        Context::custom::<(intrinsic::Eval, intrinsic::RegExpCompiler)>(&Runtime::new().ok()?).ok()?;
    context.with(|ctx| {
        let written = Module::declare(ctx.clone(), name, source)
            .and_then(|module| module.write(WriteOptions { strip_source: true, ..WriteOptions::default() }));
        match written {
            Ok(bytecode) => {
                let entry: (&'static str, &'static [u8]) = (name.to_owned().leak(), bytecode.leak());
                Some(&*Vec::from([entry]).leak())
            }
            Err(error) => {
                let error = rquickjs::CaughtError::from_error(&ctx, error);
                tracing::debug!(name, %error, "not compiled");
                None
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_compiles() {
        for name in table::all() {
            assert!(compiled(name).is_some(), "{name}");
        }
    }
}
