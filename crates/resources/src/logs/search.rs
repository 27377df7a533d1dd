//! Searching log events.

use gatewright_core::search::logs::Condition;
use gatewright_core::search::tree::Test;

use crate::engine::composed::{Params, text_test};

/// Members that have a column.
const COLUMNS: &[&str] = &["type", "client_id", "connection", "user_id", "ip", "log_id"];

/// A condition on a row of `logs`.
pub(super) fn tested(params: &mut Params, leaf: &Condition) -> String {
    if leaf.field == "date" {
        return match leaf.test {
            // Ids begin with the time, and they are the key.
            Test::Between(from, to) => {
                let (from, after) = (id_at(from), id_at(to.saturating_add(1)));
                format!("(log_id >= {} AND log_id < {})", params.bind(from), params.bind(after))
            }
            _ => "TRUE".to_owned(),
        };
    }
    let expression = if COLUMNS.contains(&leaf.field) {
        leaf.field.to_owned()
    } else {
        format!("((doc ->> '{}') {{collate_c}})", leaf.field)
    };
    format!("({expression} IS NOT NULL AND {})", text_test(params, &expression, "", &leaf.test))
}

/// What the ids of events at a time begin with.
pub(crate) fn id_at(micros: i64) -> String {
    format!("900{:017}", u64::try_from(micros).unwrap_or(0).min(99_999_999_999_999_999))
}
