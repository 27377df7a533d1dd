//! One worker, the same scripts again and again: each flow finds everything as it was made.

use serde_json::json;

use crate::common::{TestHost, flow, processes, wait};
use gatewright_script::Wrapper;

/// What a flow finds, and then everything that it can do to those after it.
const RULE: &str = "function (user, context, callback) {
  const crypto = require('crypto');
  context.found = [
    typeof globalThis.left, ({}).left === undefined, typeof _.left, [].concat.left === undefined, Object.keys(global),
    typeof configuration.left, typeof require.left, Array.isArray([]), JSON.stringify({ a: 1 }), typeof moment.left,
    Math.max(1, 2), new Map([[1, 2]]).get(1), 'x'.padStart(2), typeof Promise.prototype.then, Symbol.for('left').left === undefined,
  ].join();
  context.random = [Math.random(), crypto.randomBytes(8).toString('hex'), uuid.v4()].join();
  globalThis.left = 1; left2 = 1; Object.prototype.left = 1; _.left = 1; [].concat.left = 1; global.left = 1;
  configuration.left = 1; require.left = 1; moment.left = 1; String.prototype.padStart = () => 'gone';
  Array.isArray = () => 'gone'; JSON.stringify = () => 'gone'; Math.max = () => 'gone'; Map.prototype.get = () => 'gone';
  delete globalThis.uuid; delete globalThis.Buffer; crypto.randomBytes = () => 'gone';
  globalThis.kept = [];
  for (let i = 0; i < 200; i++) globalThis.kept.push('x'.repeat(20000) + i, { i }, () => i, new Map([[i, globalThis.kept]]), /a/);
  setTimeout(() => { globalThis.late = 1; }, 1e6);
  new Promise(() => {}).then(() => 1);
  Promise.resolve().then(() => { globalThis.job = 1; });
  Object.defineProperty(Object.prototype, 'toJSON', { get() { delete this.toJSON; return undefined; }, configurable: true });
  callback(null, user, context);
  Promise.prototype.then = undefined;
}";

#[test]
fn nothing_that_a_flow_did_is_there_in_the_next() {
    let pool = processes(1);
    let mut seen: Vec<(String, String)> = Vec::new();
    for round in 0..40 {
        let (pool, flow) = (pool.clone(), flow(Wrapper::Rule, &[RULE], json!({"user": {}, "context": {}})));
        let outcome = wait(async move { pool.run(flow, TestHost::silent()).await });
        let run = &outcome.runs[0];
        assert_eq!(run.error, None, "round {round}: {:?}", run.console);
        let text = |name: &str| outcome.result["context"][name].as_str().unwrap().to_owned();
        seen.push((text("found"), text("random")));
    }
    let found =
        "undefined,true,undefined,true,,undefined,undefined,true,{\"a\":1},undefined,2,2, x,function,true";
    for (at, (this, random)) in seen.iter().enumerate() {
        assert_eq!(this, found, "round {at}");
        assert!(
            seen[..at].iter().all(|(_, earlier)| earlier != random),
            "the same random values again: {random}"
        );
    }
}
