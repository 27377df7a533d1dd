//! `gatewright actions run`: a script from a file, without a server.

mod answers;
mod report;
mod sample;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use gatewright_ambient::Clock;
use gatewright_script::{Ended, Flow, Limits, Pool, PoolSettings, Program, Wrapper, export_name, triggers};
use serde_json::{Map, Value, json};

use crate::cli::{ActionsCommand, ActionsRunArgs};
use answers::Answers;

/// How often `--watch` looks.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Runs the command.
pub(super) fn run(command: ActionsCommand) -> anyhow::Result<ExitCode> {
    let ActionsCommand::Run(args) = command;
    if args.print_event {
        let event = event(&args, &trigger(&args, &code(&args)?)?)?;
        super::say(&format!("{}\n", serde_json::to_string_pretty(&event)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = super::runtime(1)?;
    // This command's own program is the worker, as with the server.
    let pool = {
        let _within = runtime.enter();
        Pool::new(PoolSettings::this_program(vec!["script-worker".to_owned()])?)
    };
    if !args.watch {
        return runtime.block_on(once(&pool, &args));
    }
    loop {
        let seen = changed(&args);
        if let Err(error) = runtime.block_on(once(&pool, &args)) {
            super::say(&format!("{error:#}\n"))?;
        }
        if !args.json {
            super::say("\nwaiting for a change; Ctrl+C ends\n")?;
        }
        while changed(&args) == seen {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

async fn once(pool: &Pool, args: &ActionsRunArgs) -> anyhow::Result<ExitCode> {
    let code = code(args)?;
    let trigger = trigger(args, &code)?;
    let host = Arc::new(Answers::read(args.answers.as_deref(), Clock::system())?);
    let flow = flow(args, &trigger, code)?;
    let outcome = pool.run(flow, Arc::clone(&host) as _).await;
    let calls = host.calls();
    let text = if args.json {
        format!("{}\n", json!({"outcome": outcome, "calls": calls}))
    } else {
        report::text(&args.file, if args.rule { "rule" } else { &trigger }, &outcome, &calls)
    };
    super::say(&text)?;
    Ok(if outcome.ended == Ended::Failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn read_json(path: &Path) -> anyhow::Result<Value> {
    serde_json::from_str(&read(path)?).with_context(|| format!("{} is not JSON", path.display()))
}

fn code(args: &ActionsRunArgs) -> anyhow::Result<String> {
    read(&args.file)
}

/// The trigger that was named, or else the one that the code is written for.
fn trigger(args: &ActionsRunArgs, code: &str) -> anyhow::Result<String> {
    if let Some(named) = &args.trigger {
        ensure!(
            triggers().any(|known| known == named),
            "there is no trigger {named}; there are {}",
            triggers().collect::<Vec<_>>().join(", ")
        );
        return Ok(named.clone());
    }
    let written_for = triggers().find(|trigger| code.contains(&export_name(trigger)));
    Ok(written_for.unwrap_or("post-login").to_owned())
}

fn event(args: &ActionsRunArgs, trigger: &str) -> anyhow::Result<Value> {
    let Some(path) = &args.event else {
        return Ok(if args.rule { sample::rule() } else { sample::event(trigger) });
    };
    let mut event = read_json(path)?;
    if let Some(inner) = event.get_mut("event").filter(|inner| inner.is_object()) {
        event = inner.take();
    }
    ensure!(event.is_object(), "{} must hold an object", path.display());
    if args.rule && !(event["user"].is_object() && event["context"].is_object()) {
        bail!("{} must hold the objects user and context", path.display());
    }
    Ok(event)
}

fn flow(args: &ActionsRunArgs, trigger: &str, code: String) -> anyhow::Result<Flow> {
    let input = event(args, trigger)?;
    let program = Program {
        id: "local".to_owned(),
        name: args.file.file_name().unwrap_or(args.file.as_os_str()).to_string_lossy().into_owned(),
        version: "local".to_owned(),
        code,
        secrets: args.secrets.iter().cloned().collect(),
        modules: modules(args.modules.as_deref())?,
    };
    let wrapper = if args.rule {
        Wrapper::Rule
    } else {
        let resume = args.resume.then(|| export_name(trigger).replacen("onExecute", "onContinue", 1));
        Wrapper::Action { trigger: trigger.to_owned(), resume }
    };
    let state = input["transaction"]["state"].as_str().unwrap_or("state");
    let host = input["request"]["hostname"].as_str().unwrap_or("localhost");
    let mut globals = Map::new();
    globals.insert("$redirect".to_owned(), json!({"iss": host, "state": state}));
    Ok(Flow {
        tenant: "local".to_owned(),
        wrapper,
        programs: vec![Arc::new(program)],
        input: input.into(),
        globals,
        limits: Limits::default(),
    })
}

/// The modules of a folder: `lib/sign.js` is `lib/sign`.
fn modules(folder: Option<&Path>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut modules = BTreeMap::new();
    let Some(folder) = folder else { return Ok(modules) };
    for path in files(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("js" | "cjs") => {
                modules.insert(name.rsplit_once('.').unwrap_or_default().0.to_owned(), read(&path)?)
            }
            Some("json") => modules.insert(name, read(&path)?),
            _ => None,
        };
    }
    Ok(modules)
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(self::files(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// When each file that matters was last changed.
fn changed(args: &ActionsRunArgs) -> Vec<Option<SystemTime>> {
    let named = [Some(&args.file), args.event.as_ref(), args.answers.as_ref()].into_iter().flatten().cloned();
    let modules = args.modules.as_deref().and_then(|folder| files(folder).ok()).unwrap_or_default();
    named.chain(modules).map(|path| path.metadata().and_then(|data| data.modified()).ok()).collect()
}
