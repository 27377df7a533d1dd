//! Statements: SQL texts with a name, known at compile time.

use std::fmt;
use std::sync::OnceLock;

use crate::dialect;

/// A named SQL text in the common dialect. Declare it with [`sql!`](crate::sql).
pub struct Statement {
    name: &'static str,
    text: &'static str,
    sqlite: OnceLock<String>,
}

impl Statement {
    /// For [`sql!`](crate::sql), which also registers the statement for [`check`](crate::check).
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, sqlite: OnceLock::new() }
    }

    /// Module path and name, e.g. `gatewright_resources::clients::BY_ID`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text as written.
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// The text with SQLite's placeholders, made on first use.
    pub(crate) fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| dialect::to_sqlite(self.text))
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// An entry of the register of statements.
#[doc(hidden)]
pub struct Registered(pub &'static Statement);

inventory::collect!(Registered);

/// Declares a statement and registers it, so that a test can prepare it on both engines.
///
/// ```
/// use gatewright_store::sql;
/// sql!(BY_ID, "SELECT doc FROM clients WHERE tenant_id = $1 AND client_id = $2");
/// assert_eq!(BY_ID.text(), "SELECT doc FROM clients WHERE tenant_id = $1 AND client_id = $2");
/// ```
#[macro_export]
macro_rules! sql {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $text:expr $(,)?) => {
        $(#[$attribute])*
        $visibility static $name: $crate::Statement =
            $crate::Statement::new(concat!(module_path!(), "::", stringify!($name)), $text);
        $crate::inventory::submit! { $crate::Registered(&$name) }
    };
}
