//! `gatewright actions run`: scripts without a server.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::command::Place;

const ACTION: &str = "exports.onExecutePostLogin = async (event, api) => {
  console.log('hello', event.user.name);
  api.idToken.setCustomClaim('plan', event.secrets.PLAN ?? 'none');
  const answer = await fetch('https://api.example/x');
  console.log((await answer.json()).value);
};
exports.onContinuePostLogin = async (event, api) => { api.access.deny('continued'); };";

#[test]
fn an_action_is_run_and_told_about() {
    let place = Place::new("actions-run");
    place.file("claims.js", ACTION);
    place.file("answers.json", r#"[{"url": "https://api.example/", "body": {"value": 42}}]"#);
    let (code, out, err) = place.run("actions run claims.js --secrets PLAN=gold --answers answers.json", &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    for expected in [
        "claims.js (post-login)\n",
        "\ncommands\n  idToken.setCustomClaim  line 3, name \"plan\", value \"gold\"\n",
        "\nconsole\n  hello Ann Example\n  42\n",
        "\nasked for\n  GET https://api.example/x\n",
        "\nit ran to its end; ",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    // Without answers nothing is asked of the outside.
    let (code, out, _) = place.run("actions run claims.js", &[]);
    assert_eq!(code, Some(1));
    assert!(out.contains("TypeError: fetch failed"), "{out}");
    assert!(
        out.contains("no request is made here; to answer https://api.example/x, name a file with --answers"),
        "{out}"
    );
    let (code, out, _) = place.run("actions run claims.js --resume --json", &[]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["outcome"]["ended"]), (Some(0), &json!("early")));
    assert_eq!(
        told["outcome"]["runs"][0]["commands"],
        json!([{"type": "access.deny", "reason": "continued"}])
    );
}

#[test]
fn errors_name_the_authors_line() {
    let place = Place::new("actions-errors");
    place.file(
        "broken.js",
        "exports.onExecuteCredentialsExchange = async (event, api) => {\n  event.nothing.here;\n};",
    );
    let (code, out, _) = place.run("actions run broken.js", &[]);
    assert_eq!(code, Some(1));
    assert!(out.starts_with("broken.js (credentials-exchange)\n"), "{out}");
    assert!(out.contains("error\n  TypeError: cannot read property 'here' of undefined\n"), "{out}");
    assert!(out.contains("(broken.js:2:"), "{out}");
    for (line, expected) in [
        ("actions run nowhere.js", "gatewright: cannot read nowhere.js: "),
        (
            "actions run broken.js --trigger no-such",
            "gatewright: there is no trigger no-such; there are post-login, ",
        ),
        ("actions run broken.js --event broken.js", "gatewright: broken.js is not JSON: "),
    ] {
        let (code, _, err) = place.run(line, &[]);
        assert_eq!(code, Some(1));
        assert!(err.starts_with(expected), "{err}");
    }
}

#[test]
fn rules_modules_and_own_events() {
    let place = Place::new("actions-rule");
    place.file("rule.js", "function (user, context, callback) {\n  context.idToken.x = require('own/part').of(configuration.KEY);\n  callback(null, user, context);\n}");
    std::fs::create_dir_all(place.0.join("lib/own")).unwrap();
    place.file("lib/own/part.js", "exports.of = (x) => x + require('./data.json').y;");
    place.file("lib/own/data.json", r#"{"y": "!"}"#);
    let (code, out, _) = place.run("actions run rule.js --rule --modules lib --secrets KEY=k --json", &[]);
    assert_eq!(code, Some(0), "{out}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["outcome"]["result"]["context"]["idToken"], json!({"x": "k!"}));
    place.file("event.json", r#"{"event": {"user": {"name": "Eve"}}}"#);
    place.file("a.js", "exports.onExecutePostLogin = async (event) => { console.log(event.user.name); };");
    let (_, out, _) = place.run("actions run a.js --event event.json", &[]);
    assert!(out.contains("console\n  Eve\n"), "{out}");
    let (code, _, err) = place.run("actions run rule.js --rule --event event.json", &[]);
    assert_eq!(
        (code, err.as_str()),
        (Some(1), "gatewright: event.json must hold the objects user and context\n")
    );
}

#[test]
fn the_sample_event_of_every_trigger_can_be_printed_and_used() {
    let place = Place::new("actions-samples");
    for trigger in gatewright_script::triggers() {
        let code = format!("exports.{} = async (event) => {{}};", gatewright_script::export_name(trigger));
        place.file("a.js", &code);
        let (code, out, err) = place.run("actions run a.js --print-event", &[]);
        assert_eq!(code, Some(0), "{err}");
        place.file("event.json", &out);
        let (code, out, _) = place.run("actions run a.js --event event.json", &[]);
        assert_eq!(code, Some(0), "{out}");
        assert!(out.starts_with(&format!("a.js ({trigger})\n")), "{out}");
    }
}

#[test]
fn a_watched_script_is_run_again_when_it_changes() {
    let place = Place::new("actions-watch");
    place.file("a.js", "exports.onExecutePostLogin = async () => { console.log('first'); };");
    let mut child =
        place.command("actions run a.js --watch --json", &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut console = || {
        let told: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        told["outcome"]["runs"][0]["console"][0].clone()
    };
    let first = console();
    // Files keep the time of a change in ticks of the kernel.
    std::thread::sleep(std::time::Duration::from_millis(50));
    place.file("a.js", "exports.onExecutePostLogin = async () => { console.log('second'); };");
    let second = console();
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!((first, second), (json!("first"), json!("second")));
}

#[test]
fn the_worker_is_not_shown_in_the_help() {
    let place = Place::new("actions-help");
    let (_, out, _) = place.run("--help", &[]);
    assert!(out.contains("actions") && !out.contains("script-worker"), "{out}");
    // A worker ends with its input.
    let (code, out, _) = place.run("script-worker", &[]);
    assert_eq!(code, Some(0));
    assert!(out[4..].starts_with(r#"{"ready":{"unconfined":"#), "{out}");
}
