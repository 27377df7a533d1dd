//! The programs that this worker has seen, ready to be run.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::globals;
use crate::flow::Wrapper;
use crate::library::{self, Compiled};
use crate::protocol::{Code, Task};

/// A program, wrapped into the function that its kind of script is.
#[derive(Debug)]
pub(super) struct Book {
    /// Its name in stack traces.
    pub(super) name: String,
    /// The program as one expression. Its lines are the author's lines.
    pub(super) source: String,
    /// How far the first line was moved to the right.
    pub(super) shift: usize,
    /// Its own modules.
    modules: HashMap<String, String>,
    /// Bytecode of those modules that were asked for and can have some.
    compiled: RefCell<HashMap<String, Option<Compiled>>>,
    /// Modules of the library that it is likely to use.
    pub(super) likely: Vec<&'static str>,
}

/// A module of a program, ready to become a function.
pub(super) enum Module {
    /// As an expression.
    Source(String),
    /// As bytecode.
    Bytecode(Compiled),
}

impl Book {
    /// Whether it has a module of this name.
    pub(super) fn has_module(&self, name: &str) -> bool {
        self.modules.contains_key(name)
    }

    /// A module of its own.
    pub(super) fn module(&self, name: &str) -> Option<Module> {
        let code = self.modules.get(name)?;
        if name.ends_with(".json") {
            return Some(Module::Source(format!("{MODULE} module.exports = {code}{MODULE_END}")));
        }
        let mut compiled = self.compiled.borrow_mut();
        let known = compiled.entry(name.to_owned()).or_insert_with(|| bytecode(name, code));
        Some(match known {
            Some(compiled) => Module::Bytecode(compiled),
            None => Module::Source(format!("{MODULE}{code}{MODULE_END}")),
        })
    }

    /// The author's code alone, if it is a whole program and not an expression.
    pub(super) fn alone(&self) -> Option<&str> {
        self.source.strip_prefix(MODULE)?.strip_suffix(MODULE_END)
    }
}

/// Bytecode of a module. The engine makes it of strict code only, so the module has to begin with
/// `'use strict'`, as bundlers write it. The comments of HTML are none in strict code.
fn bytecode(name: &str, code: &str) -> Option<Compiled> {
    let start = code.trim_start_matches('\u{feff}').trim_start();
    let is_strict = ["'use strict'", "\"use strict\""].iter().any(|mark| start.starts_with(mark));
    if !is_strict || code.contains("<!--") || code.contains("-->") {
        return None;
    }
    library::compile(name, &format!("export default {MODULE}{code}{MODULE_END};"))
}

/// Programs by their hashes. The parent bounds what it sends to a worker, so nothing has to be thrown away.
#[derive(Debug, Default)]
pub(super) struct Shelf(HashMap<String, Rc<Book>>);

impl Shelf {
    /// The programs of a flow, which were sent with it or an earlier one.
    pub(super) fn take(&mut self, task: &mut Task) -> Option<Vec<Rc<Book>>> {
        let Task { wrapper, programs, .. } = task;
        let take = programs.iter_mut().map(|shipped| {
            if let Some(code) = shipped.code.take() {
                self.0.insert(shipped.hash.clone(), Rc::new(bind(wrapper, code)));
            }
            self.0.get(&shipped.hash).cloned()
        });
        take.collect()
    }
}

/// What a module's code is wrapped in. Its own `'use strict'` is the first statement of the function.
const MODULE: &str = "(function (exports, require, module, __filename, __dirname) {";

const MODULE_END: &str = "\n})";

fn bind(wrapper: &Wrapper, code: Code) -> Book {
    // A line break before the end, as the last line may be a comment. An assignment rather than `return`, as
    // the first line may be one too.
    let (before, after) = match wrapper {
        Wrapper::Action { .. } | Wrapper::Hook => (MODULE, MODULE_END),
        Wrapper::Rule | Wrapper::Callback => {
            // A member, as a variable would give its name to the function.
            (
                "(function (configuration, require, global) { var $ = {}; $.script = ",
                "\n; return $.script; })",
            )
        }
    };
    // Node skips a first line that says what runs it.
    let text = match code.code.strip_prefix("#!") {
        Some(rest) => format!("//{rest}"),
        None => code.code,
    };
    let likely = globals::likely(&text, matches!(wrapper, Wrapper::Action { .. }));
    Book {
        name: code.name,
        source: format!("{before}{text}{after}"),
        shift: before.len(),
        modules: code.modules.into_iter().collect(),
        compiled: RefCell::default(),
        likely,
    }
}
