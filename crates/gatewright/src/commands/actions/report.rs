//! The outcome of a script in words.

use std::fmt::Write as _;
use std::path::Path;

use gatewright_script::{Ended, Outcome, Run, ScriptError};
use serde_json::Value;

/// What a person reads.
pub(super) fn text(file: &Path, kind: &str, outcome: &Outcome, calls: &[Value]) -> String {
    let mut text = format!("{} ({kind})\n", file.display());
    for run in &outcome.runs {
        add_run(&mut text, run);
    }
    if !calls.is_empty() {
        text.push_str("\nasked for\n");
        for call in calls {
            let what = call["args"]["url"]
                .as_str()
                .map(|url| format!("{} {url}", call["args"]["method"].as_str().unwrap_or("GET")));
            let what = what
                .unwrap_or_else(|| format!("{} {}", call["name"].as_str().unwrap_or_default(), call["args"]));
            let _ = match call["error"].as_str() {
                Some(error) => writeln!(text, "  {what}\n      failed: {error}"),
                None => writeln!(text, "  {what}"),
            };
        }
    }
    if !outcome.result.is_null() {
        let result = serde_json::to_string_pretty(&outcome.result).unwrap_or_default();
        let _ = writeln!(text, "\nresult\n{}", indented(&result));
    }
    let ended = match outcome.ended {
        Ended::Whole => "it ran to its end",
        Ended::Early => "it ended the flow: no later script would run",
        Ended::Failed => "it failed",
    };
    let (wall, cpu) =
        outcome.runs.iter().fold((0, 0), |(wall, cpu), run| (wall + run.wall_micros, cpu + run.cpu_micros));
    let _ = writeln!(text, "\n{ended}; {} on the clock, {} of processor time", millis(wall), millis(cpu));
    text
}

fn add_run(text: &mut String, run: &Run) {
    text.push_str("\ncommands\n");
    if run.commands.is_empty() {
        text.push_str("  none\n");
    }
    for command in &run.commands {
        let _ = writeln!(text, "  {}{}", command["type"].as_str().unwrap_or_default(), members(command));
    }
    if !run.console.is_empty() {
        text.push_str("\nconsole\n");
        for line in &run.console {
            let _ = writeln!(text, "{}", indented(line));
        }
    }
    if let Some(error) = &run.error {
        add_error(text, error);
    }
}

/// The members of a command besides its type: ` name "plan", value "gold"`.
fn members(command: &Value) -> String {
    let members = command.as_object().into_iter().flatten().filter(|(name, _)| *name != "type");
    let members: Vec<_> = members.map(|(name, value)| format!("{name} {value}")).collect();
    if members.is_empty() { String::new() } else { format!("  {}", members.join(", ")) }
}

fn add_error(text: &mut String, error: &ScriptError) {
    let _ = writeln!(text, "\nerror\n{}", indented(&format!("{}: {}", error.name, error.message)));
    for (name, value) in &error.members {
        let _ = writeln!(text, "      {name}: {value}");
    }
    for line in error.stack.lines() {
        let _ = writeln!(text, "      {}", line.trim_start());
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^52")]
fn millis(micros: u64) -> String {
    format!("{:.1} ms", micros as f64 / 1000.0)
}
