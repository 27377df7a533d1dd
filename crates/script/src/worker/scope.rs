//! Where the scripts of a flow run: an engine of their own, in which nothing has run.

use std::rc::Rc;

use rquickjs::context::intrinsic;
use rquickjs::{Context, Runtime};

use super::shelf::Book;

/// Garbage is looked for past this many bytes: most flows end before.
const GARBAGE_BYTES: usize = 8 * 1024 * 1024;

/// What ordinary scripts use of the language. To make the rest and take it down costs an eighth of their flow.
type Usual = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::Promise,
);

/// How much of the language there is in a global scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    /// Without maps, sets, bytes and weak references, which the scripts do not name.
    Usual,
    /// All of it.
    Whole,
}

impl Extent {
    /// What a flow of these programs needs.
    pub(super) fn of(books: &[Rc<Book>]) -> Self {
        books.iter().map(|book| book.extent).max().unwrap_or(Self::Whole)
    }
}

/// A global scope in which nothing has run.
pub(super) struct Fresh {
    pub(super) runtime: Runtime,
    pub(super) context: Context,
    extent: Extent,
}

impl Fresh {
    /// Makes one. This is a quarter of what an ordinary flow costs, so it is done before the flow comes.
    pub(super) fn new(extent: Extent) -> Option<Self> {
        let runtime = Runtime::new().ok()?;
        runtime.set_gc_threshold(GARBAGE_BYTES);
        let context = match extent {
            Extent::Usual => Context::custom::<Usual>(&runtime),
            Extent::Whole => Context::full(&runtime),
        };
        Some(Self { context: context.ok()?, runtime, extent })
    }

    /// Whether it has what a flow needs.
    pub(super) fn serves(&self, extent: Extent) -> bool {
        self.extent >= extent
    }
}
