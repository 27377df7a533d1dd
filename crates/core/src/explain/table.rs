//! The table as text: aligned columns, colour where there is a terminal to show it.

use super::{Report, Row, Then};
use crate::terminal::printable;

/// How many characters a line may have before the sentence goes to a line of its own.
const WIDE: usize = 160;

/// The whole report.
pub fn text(report: &Report, colour: bool) -> String {
    let mut text = String::new();
    let width = report.facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in &report.facts {
        text.push_str(&format!("{:width$}  {}\n", printable(name), printable(value)));
    }
    if !report.facts.is_empty() {
        text.push('\n');
    }
    text.push_str(&rows(&report.rows, colour));
    if !report.verdict.is_empty() {
        text.push_str(&format!("\n{}\n", printable(&report.verdict)));
    }
    for line in &report.differs {
        text.push_str(&format!("now: {}\n", printable(line)));
    }
    text
}

/// The rows, by kind; neighbours that were granted for one reason share a line.
pub fn rows(rows: &[Row], colour: bool) -> String {
    // A report may come from a server, and what it tells of from anywhere.
    let rows: Vec<Row> = rows.iter().map(harmless).collect();
    let rows = rows.as_slice();
    let mut lines: Vec<(String, &Row)> = Vec::new();
    for row in rows {
        let name = row.item.clone();
        match lines.last_mut() {
            Some((names, first)) if alike(first, row) => {
                names.push_str(", ");
                names.push_str(&name);
            }
            _ => lines.push((name, row)),
        }
    }
    let widest = |lengths: &mut dyn Iterator<Item = usize>, most: usize| {
        lengths.filter(|length| *length <= most).max().unwrap_or(0)
    };
    let kinds = widest(&mut lines.iter().map(|(_, row)| row.kind.len()), 20);
    let names = widest(&mut lines.iter().map(|(names, _)| names.chars().count()), 44);
    let outcomes = widest(&mut lines.iter().map(|(_, row)| shown_outcome(row).len()), 24);
    let codes = widest(&mut lines.iter().map(|(_, row)| row.reason.len()), 40);
    let (mut text, mut before) = (String::new(), "");
    for (name, row) in &lines {
        let kind = if row.kind == before { "" } else { row.kind.as_str() };
        before = &row.kind;
        let outcome = painted(&shown_outcome(row), &row.outcome, outcomes, colour);
        let head = format!("{kind:kinds$}  {name:names$}  ");
        let indent = kinds + 2 + names + 2;
        let says = &row.says;
        let line = format!("{head}{outcome}  {:codes$}", row.reason);
        if indent + outcomes + codes + says.chars().count() > WIDE {
            text.push_str(&format!("{}\n{:indent$}{says}\n", line.trim_end(), ""));
        } else {
            text.push_str(format!("{line}  {says}").trim_end());
            text.push('\n');
        }
        if let Some(then) = row.then.as_ref().filter(|then| then.differs(row) && then.outcome != "absent") {
            let was = format!("{}  {}", then.reason, then.says);
            text.push_str(&format!("{:indent$}then: {}\n", "", was.trim()));
        }
        if let Some(kept) = &row.kept {
            text.push_str(&format!("{:indent$}not decided again: {kept}\n", ""));
        }
        if let Some(remedy) = &row.remedy {
            text.push_str(&format!("{:indent$}remedy: {remedy}\n", ""));
        }
    }
    text
}

fn harmless(row: &Row) -> Row {
    Row {
        kind: printable(&row.kind),
        item: printable(&row.item),
        outcome: printable(&row.outcome),
        reason: printable(&row.reason),
        says: printable(&row.says),
        remedy: row.remedy.as_deref().map(printable),
        kept: row.kept.as_deref().map(printable),
        then: row.then.as_ref().map(|then| Then {
            outcome: printable(&then.outcome),
            reason: printable(&then.reason),
            says: printable(&then.says),
        }),
        ..row.clone()
    }
}

fn alike(first: &Row, next: &Row) -> bool {
    first.is_good()
        && first.remedy.is_none()
        && next.remedy.is_none()
        && (&first.kind, &first.outcome, &first.reason, &first.says)
            == (&next.kind, &next.outcome, &next.reason, &next.says)
        && (&first.then, &first.kept) == (&next.then, &next.kept)
}

/// What became of it; decided again, what became of it then and now.
fn shown_outcome(row: &Row) -> String {
    match &row.then {
        Some(then) => format!("{} -> {}", then.outcome, row.outcome),
        None => row.outcome.clone(),
    }
}

/// The word, filled up to its column, in the colour of an outcome; the colour never stands alone for it.
fn painted(word: &str, outcome: &str, width: usize, colour: bool) -> String {
    let code = match outcome {
        _ if !colour => return format!("{word:width$}"),
        "granted" | "issued" | "matched" | "stated" => "32",
        "added" => "36",
        "dropped" | "ignored" => "33",
        "refused" => "31",
        _ => return format!("{word:width$}"),
    };
    format!("\x1b[{code}m{word}\x1b[0m{:1$}", "", width.saturating_sub(word.len()))
}
