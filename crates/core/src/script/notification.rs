//! What an Action that delivers messages asks for: another try, or none at all.

use serde_json::Value;

/// How often a message is tried again, as at Auth0.
pub const MAX_RETRIES: u32 = 5;
/// The pause before the first further try; each further one doubles it.
const FIRST_PAUSE_MS: u64 = 100;
/// Whoever asked for the message waits for it: no further try begins once the Action has run for so long.
const PATIENCE_MS: u64 = 20_000;

/// What becomes of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The Action has taken it.
    Taken,
    /// It is not to be delivered, for this reason.
    Dropped(String),
    /// The Action runs again after this many milliseconds.
    Again(u64),
    /// It asked for one try too many, for this reason.
    GivenUp(String),
}

/// Reads the commands of one run. Compat: the last one counts.
pub fn next(commands: &[Value], tries_before: u32, ran_ms: u64) -> Next {
    let asks = |command: &&Value| {
        matches!(command["type"].as_str(), Some("notification.retry" | "notification.drop"))
    };
    let Some(command) = commands.iter().rev().find(asks) else { return Next::Taken };
    let reason = command["reason"].as_str().unwrap_or_default().chars().take(1000).collect();
    if command["type"] == "notification.drop" {
        return Next::Dropped(reason);
    }
    match tries_before < MAX_RETRIES && ran_ms < PATIENCE_MS {
        true => Next::Again(FIRST_PAUSE_MS << tries_before),
        false => Next::GivenUp(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, next};
    use serde_json::json;

    #[test]
    fn the_last_command_counts_and_tries_are_limited() {
        let retry = json!({"type": "notification.retry", "reason": "busy"});
        let drop = json!({"type": "notification.drop", "reason": "no"});
        let other = json!({"type": "cache.set"});
        let cases = [
            (vec![], 0, 0, Next::Taken),
            (vec![other], 0, 0, Next::Taken),
            (vec![retry.clone()], 0, 0, Next::Again(100)),
            (vec![retry.clone()], 4, 19_999, Next::Again(1600)),
            (vec![retry.clone()], 5, 0, Next::GivenUp("busy".into())),
            (vec![retry.clone()], 0, 20_000, Next::GivenUp("busy".into())),
            (vec![retry.clone(), drop.clone()], 0, 0, Next::Dropped("no".into())),
            (vec![drop, retry], 1, 0, Next::Again(200)),
        ];
        for (commands, tries, ran_ms, expect) in cases {
            assert_eq!(next(&commands, tries, ran_ms), expect, "{commands:?} {tries} {ran_ms}");
        }
    }
}
