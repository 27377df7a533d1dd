//! What the tenant log keeps of scripts: each run with its version, time, console and commands.

use std::sync::Arc;

use gatewright_core::Timestamp;
use gatewright_core::script::Note;
use gatewright_script::Program;
use serde_json::{Value, json};

use super::Ran;

/// Most characters of a script's console that the log keeps.
const MAX_CONSOLE_CHARS: usize = 4096;
/// Most commands of a script that the log keeps.
const MAX_COMMANDS: usize = 50;
/// Most bytes of JSON that the log keeps of one command, and of all commands of a script.
const MAX_COMMAND_BYTES: usize = 4096;
const MAX_COMMANDS_BYTES: usize = 16 * 1024;
/// A shorter secret is a word that may stand anywhere, such as `true` or `eu`.
const MIN_SECRET_BYTES: usize = 8;
/// What stands for a text that nobody may read in a log.
const STARS: &str = "*****";

/// Each run of a flow; `kind` is `action`, `rule` or `hook`.
pub(crate) fn runs(kind: &str, programs: &[Arc<Program>], ran: &Ran) -> Vec<Value> {
    let mut started_micros = ran.started_at.micros();
    let mut event = ran.event.clone();
    let told = ran.runs.iter().filter_map(|run| {
        let program = programs.get(run.program)?;
        let started_at = Timestamp::from_micros(started_micros);
        started_micros = started_micros.saturating_add(i64::try_from(run.wall_micros).unwrap_or(0));
        let mut told = json!({
            "kind": kind,
            "trigger": ran.trigger,
            "id": program.id,
            "name": program.name,
            "version": program.version,
            "started_at": started_at.iso8601(),
            "ended_at": Timestamp::from_micros(started_micros).iso8601(),
            "wall_ms": millis(run.wall_micros),
            "cpu_ms": millis(run.cpu_micros),
            "commands": commands(&run.commands),
            "console": console(&run.console),
        });
        if let Some(error) = &run.error {
            told["error"] = json!({
                "kind": error.kind, "name": error.name, "message": error.message, "stack": error.stack,
            });
        }
        mask(&mut told, &ran.masked);
        // Not in commands: a secret may be the prefix of a claim's name, and what a command holds is given away.
        let own: Vec<String> = own_secrets(program).cloned().collect();
        for printed in ["console", "error"] {
            if let Some(printed) = told.get_mut(printed) {
                mask(printed, &own);
            }
        }
        // One flow has one event: its first run carries it until the log event is written.
        if let Some(event) = event.take() {
            told["event"] = event;
        }
        Some(told)
    });
    told.collect()
}

/// The `scripts` member of a log event's `details.decision`. The event is that of the last Actions.
pub(crate) fn told(runs: &[Value], ignored: &[Note]) -> Value {
    let (mut runs, mut event) = (runs.to_vec(), None);
    for run in runs.iter_mut().filter_map(Value::as_object_mut) {
        event = run.remove("event").or(event);
    }
    let mut told = json!({ "runs": runs, "ignored": ignored });
    if let Some(event) = event {
        told["event"] = event;
    }
    told
}

/// Covers every text that holds a secret: scripts may print what they look at.
fn mask(value: &mut Value, secrets: &[String]) {
    if secrets.is_empty() {
        return;
    }
    match value {
        Value::String(text) => {
            *text = covered(text, secrets);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secrets)),
        Value::Object(members) => members.values_mut().for_each(|member| mask(member, secrets)),
        _ => {}
    }
}

/// The secrets of a program's own that no printed text may show.
pub(crate) fn own_secrets(program: &Program) -> impl Iterator<Item = &String> {
    program.secrets.values().filter(|secret| secret.len() >= MIN_SECRET_BYTES)
}

/// The text with stars in place of secrets.
pub(crate) fn covered(text: &str, secrets: &[String]) -> String {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, STARS))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^52")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

/// The commands as they were given. Of one that is too long for a log its type remains.
fn commands(given: &[Value]) -> Vec<Value> {
    let mut left = MAX_COMMANDS_BYTES;
    let told = given.iter().take(MAX_COMMANDS).map(|command| {
        let length = command.to_string().len();
        if length > MAX_COMMAND_BYTES.min(left) {
            return json!({ "type": command["type"], "cut": true });
        }
        left -= length;
        command.clone()
    });
    told.collect()
}

fn console(lines: &[String]) -> Vec<String> {
    let mut left = MAX_CONSOLE_CHARS;
    let mut kept = Vec::new();
    for line in lines {
        let shown: String = line.chars().take(left).collect();
        left = left.saturating_sub(shown.chars().count() + 1);
        kept.push(shown);
        if left == 0 {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{commands, mask, told};
    use serde_json::{Value, json};

    #[test]
    fn secrets_are_covered_wherever_they_are_printed() {
        let mut value =
            json!({"console": ["code 123456!", "x"], "error": {"message": "123456"}, "id": 123_456});
        mask(&mut value, &["123456".to_owned(), String::new()]);
        assert_eq!(
            value,
            json!({"console": ["code *****!", "x"], "error": {"message": "*****"}, "id": 123_456})
        );
    }

    #[test]
    fn long_commands_are_cut() {
        let long = json!({"type": "cache.set", "value": "x".repeat(5000)});
        let short = json!({"type": "idToken.setCustomClaim", "name": "a", "value": "x".repeat(4000)});
        let cut = |command: &Value| json!({"type": command["type"], "cut": true});
        let given = [vec![long.clone()], vec![short.clone(); 5]].concat();
        let kept = commands(&given);
        assert_eq!(kept, [vec![cut(&long)], vec![short.clone(); 4], vec![cut(&short)]].concat());
    }

    #[test]
    fn the_event_of_the_last_actions_stands_beside_the_runs() {
        let runs = [json!({"id": "a", "event": 1}), json!({"id": "b", "event": 2}), json!({"id": "c"})];
        let told = told(&runs, &[]);
        assert_eq!(told, json!({"runs": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "ignored": [], "event": 2}));
    }
}
