//! What the tenant log keeps of scripts: each run with its version, time, console and commands.

use std::sync::Arc;

use gatewright_script::{Outcome, Program};
use serde_json::{Value, json};

/// Most characters of a script's console that the log keeps.
const MAX_CONSOLE_CHARS: usize = 4096;
/// Most commands of a script that the log keeps.
const MAX_COMMANDS: usize = 50;

/// Each run of an outcome; `kind` is `action`, `rule` or `hook`.
pub(crate) fn runs(kind: &str, programs: &[Arc<Program>], outcome: &Outcome) -> Vec<Value> {
    let told = outcome.runs.iter().filter_map(|run| {
        let program = programs.get(run.program)?;
        let mut told = json!({
            "kind": kind,
            "id": program.id,
            "name": program.name,
            "version": program.version,
            "wall_ms": millis(run.wall_micros),
            "cpu_ms": millis(run.cpu_micros),
            "commands": run.commands.iter().take(MAX_COMMANDS).collect::<Vec<_>>(),
            "console": console(&run.console),
        });
        if let Some(error) = &run.error {
            told["error"] = json!({
                "kind": error.kind, "name": error.name, "message": error.message, "stack": error.stack,
            });
        }
        Some(told)
    });
    told.collect()
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^52")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
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
