//! The programs that this worker has seen, ready to be run.

use std::collections::HashMap;
use std::rc::Rc;

use crate::flow::Wrapper;
use crate::protocol::{Code, Shipped};

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
    pub(super) modules: HashMap<String, String>,
}

impl Book {
    /// The author's code alone, if it is a whole program and not an expression.
    pub(super) fn alone(&self) -> Option<&str> {
        self.source.strip_prefix(MODULE)?.strip_suffix(MODULE_END)
    }
}

/// Programs by their hashes. The parent bounds what it sends to a worker, so nothing has to be thrown away.
#[derive(Debug, Default)]
pub(super) struct Shelf(HashMap<String, Rc<Book>>);

impl Shelf {
    /// The program, which was sent with this flow or an earlier one.
    pub(super) fn take(&mut self, wrapper: &Wrapper, shipped: &mut Shipped) -> Option<Rc<Book>> {
        if let Some(code) = shipped.code.take() {
            self.0.insert(shipped.hash.clone(), Rc::new(bind(wrapper, code)));
        }
        self.0.get(&shipped.hash).cloned()
    }
}

/// What a module's code is wrapped in. Its own `'use strict'` is the first statement of the function.
pub(super) const MODULE: &str = "(function (exports, require, module, __filename, __dirname) {";

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
    Book {
        name: code.name,
        source: format!("{before}{text}{after}"),
        shift: before.len(),
        modules: code.modules.into_iter().collect(),
    }
}
