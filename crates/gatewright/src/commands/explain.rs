//! `gatewright explain`: why something was decided as it was, and what would change it.

mod place;

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use gatewright_core::explain::{Report, apply, table};
use gatewright_core::terminal::{printable, printable_json};
use serde_json::{Value, json};

use self::place::Place;
use crate::cli::ExplainArgs;

/// Exit status: 0 explained, 1 there is nothing to say about it, 2 it could not run.
pub(super) fn run(args: &ExplainArgs) -> ExitCode {
    match explained(args) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "gatewright: {}", printable(&format!("{error:#}")));
            ExitCode::from(2)
        }
    }
}

fn explained(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let what = match args.what.as_deref() {
        None | Some("-") => {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text).context("standard input")?;
            text
        }
        Some(what) => what.to_owned(),
    };
    super::runtime(0)?.block_on(async {
        let place = Place::open(args).await?;
        let done = answer(&place, args, what.trim()).await;
        place.close().await;
        done
    })
}

async fn answer(place: &Place, args: &ExplainArgs, what: &str) -> anyhow::Result<ExitCode> {
    let report = match place.explain(what, args.now).await? {
        Ok(report) => report,
        Err(nothing) => {
            let _ = writeln!(std::io::stderr(), "gatewright: {}", printable(&nothing));
            return Ok(ExitCode::from(1));
        }
    };
    if args.json {
        super::say(&format!("{}\n", printable_json(&json!(report).to_string())))?;
    } else {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        super::say(&table::text(&report, colour))?;
    }
    if args.apply {
        change(place, &report, args.yes).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Carries out the changes that the report proposes, each after asking.
async fn change(place: &Place, report: &Report, yes: bool) -> anyhow::Result<()> {
    let plans: Vec<apply::Plan<'_>> = report.changes().into_iter().filter_map(apply::plan).collect();
    if plans.is_empty() {
        return note("No change of a setting would help; see the remedies.");
    }
    for plan in plans {
        if !(yes || asked(&plan.says())?) {
            continue;
        }
        let current = match plan.reads() {
            Some(path) => place.call("GET", &path, Value::Null).await?,
            None => Value::Null,
        };
        let call = plan.call(&current);
        place.call(call.method, &call.path, call.body).await?;
        note(&format!("Done: {} /api/v2{}", call.method, call.path))?;
    }
    Ok(())
}

/// What is said beside the report, which may be read by a program.
fn note(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{}", printable(text))?)
}

fn asked(what: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("would {what}: standard input is no terminal to ask at; --yes applies it without asking");
    }
    write!(std::io::stderr(), "Shall I {what}? [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
