//! The query language of user and log search.

use gatewright_core::search::{logs, syntax, users};

/// Whatever the text: it is read or refused, and what was read is printed as a text that means the same.
pub fn run(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let _ = users::read(query);
    let _ = logs::read(query);
    if let Ok(clause) = syntax::parse(query) {
        let printed = clause.to_string();
        // Printing adds quotes and brackets, so it may pass the limits.
        if printed.len() <= syntax::LONGEST_QUERY {
            match syntax::parse(&printed) {
                Ok(again) => assert_eq!(again, clause, "{printed}"),
                Err(refused) => assert!(refused.0.contains("deeply"), "{printed}: {refused}"),
            }
        }
    }
}
