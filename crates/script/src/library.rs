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

/// What runs first, and files that most flows of its kind need: read at once, as each reading has its price.
const BOOTS: &[(&str, &[&str])] = &[
    ("boot+actions", &["actions", "api", "api/checks", "api/idToken", "api/accessToken"]),
    ("boot+rules", &["rules"]),
];

/// The factory of a file: `require` for modules from npm, `lib` for ours.
fn factory(source: &str) -> String {
    format!("function (module, exports, lib, machine, require) {{{source}\n}}")
}

/// A file as the module that is compiled, under its lasting name.
fn module(name: &str) -> Option<(&'static str, String)> {
    if let Some((name, parts)) = BOOTS.iter().find(|(boot, _)| *boot == name) {
        let (_, boot) = table::source("boot")?;
        let part = |name: &&str| Some(format!("'{name}': {},\n", factory(table::source(name)?.1)));
        let parts = parts.iter().map(part).collect::<Option<String>>()?;
        return Some((name, format!("{boot}\nexport const parts = {{ __proto__: null,\n{parts}}};")));
    }
    let (name, source) = table::source(name)?;
    Some((name, format!("export default {}", factory(source))))
}

/// The bytecode of a file of the library, or `None` if there is no such file.
///
/// It stays for the life of the process: the engine runs it where it lies.
pub(crate) fn compiled(name: &str) -> Option<Compiled> {
    static DONE: Mutex<Option<HashMap<&'static str, Compiled>>> = Mutex::new(None);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let done = done.get_or_insert_default();
    if let Some(known) = done.get(name) {
        return Some(known);
    }
    let (name, source) = module(name)?;
    let compiled = compile(&format!("gatewright:{name}"), &source)?;
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
        let boots = BOOTS.iter().map(|(name, _)| *name);
        for name in table::all().filter(|name| *name != "boot").chain(boots) {
            assert!(compiled(name).is_some(), "{name}");
        }
    }
}
