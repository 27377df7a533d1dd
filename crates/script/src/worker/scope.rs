//! Where the scripts of a flow run: an engine of their own, in which nothing has run.

use rquickjs::{Context, Runtime};

/// Garbage is looked for past this many bytes: most flows end before.
const GARBAGE_BYTES: usize = 8 * 1024 * 1024;

/// A global scope in which nothing has run.
pub(super) struct Fresh {
    pub(super) runtime: Runtime,
    pub(super) context: Context,
}

impl Fresh {
    /// Makes one. This is a third of what an ordinary flow costs, so it is done before the flow comes.
    pub(super) fn new() -> Option<Self> {
        let runtime = Runtime::new().ok()?;
        runtime.set_gc_threshold(GARBAGE_BYTES);
        let context = Context::full(&runtime).ok()?;
        Some(Self { runtime, context })
    }
}
