//! Scripts that mean harm, or are merely broken: each ends by its own limits with an error that says so, and
//! the next flow works.

use std::sync::Arc;
use std::time::Duration;

use gatewright_script::{Ended, ErrorKind, Flow, HostError, Limits, Outcome};
use serde_json::{Value, json};

use crate::common::*;

/// Limits that end a test soon.
fn tight() -> Limits {
    Limits {
        // Far more than is needed on a machine that has nothing else to do.
        wall: Duration::from_secs(60),
        cpu: Duration::from_millis(200),
        memory_bytes: 32 * 1024 * 1024,
        output_bytes: 64 * 1024,
        ..Limits::default()
    }
}

fn limited(mut flow: Flow) -> Flow {
    flow.limits = tight();
    flow
}

/// Runs the body of an Action under tight limits, and an innocent one after it.
fn attack(body: &str) -> Outcome {
    let outcome = run(limited(post_login(body)));
    innocent();
    outcome
}

/// A flow of the same tenant sees nothing of what ran before.
fn innocent() {
    let outcome = run(post_login(
        "if (typeof leaked !== 'undefined' || ({}).polluted || [].polluted) throw new Error('something was left');
        api.accessToken.addScope('read:things'); console.log(JSON.stringify({a: [1]}), [1, 2].map((x) => x * 2).join());",
    ));
    assert_eq!(outcome.ended, Ended::Whole, "{outcome:?}");
    let command = json!({"type": "accessToken.addScope", "scope": "read:things", "line": 2});
    assert_eq!(outcome.runs[0].commands, [command]);
    assert_eq!(outcome.runs[0].console, ["{\"a\":[1]} 2,4"]);
}

#[track_caller]
fn ends_as(kinds: &[ErrorKind], body: &str) -> Outcome {
    let outcome = attack(body);
    assert_eq!(outcome.ended, Ended::Failed, "{body}");
    let found = error(&outcome);
    assert!(kinds.contains(&found.kind), "{body}\n{found:?}");
    outcome
}

#[test]
fn endless_loops() {
    for body in [
        "for (;;) {}",
        "try { for (;;) {} } catch (e) { for (;;) {} } finally { for (;;) {} }",
        "while (true) { try { while (true) {} } catch { continue; } finally { continue; } }",
        "function* g() { for (;;) yield 1; } for (const x of g()) {}",
        "const spin = () => queueMicrotask(spin); spin(); await new Promise(() => {});",
        "(async function f() { for (;;) await null; })(); await new Promise(() => {});",
        "const a = [3, 2, 1]; for (;;) a.sort(() => { for (;;) {} });",
        "JSON.stringify({ toJSON() { for (;;) {} } });",
        "api.idToken.setCustomClaim('x', { get y() { for (;;) {} } });",
        "throw { get message() { for (;;) {} } };",
        "/(a+)+$/.test('a'.repeat(50) + 'b');",
        "/^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(60));",
        "new Array(1e9).indexOf({});",
    ] {
        ends_as(&[ErrorKind::Cpu, ErrorKind::Memory], body);
    }
    // It fills memory too. The engine drops the error of a job that ran out of it, and then nothing is left to run.
    let chain = "const spin = () => Promise.resolve().then(spin); await spin();";
    ends_as(&[ErrorKind::Cpu, ErrorKind::Memory, ErrorKind::Stuck], chain);
    let outcome = run(limited(rule("for (;;) {}")));
    assert_eq!(error(&outcome).kind, ErrorKind::Cpu);
    assert_eq!(error(&outcome).message, "The script used more than 200 ms of processor time");
}

#[test]
fn recursion() {
    for body in [
        "(function f() { f(); })();",
        "const f = () => { try { f(); } finally { f(); } }; f();",
        "let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; JSON.stringify(o);",
        "let s = '['.repeat(1e5); JSON.parse(s);",
        "eval('('.repeat(1e5));",
        "new RegExp('('.repeat(1e5));",
        "const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x;",
        "function f() { return [f].map(f); } f();",
        "class A { constructor() { new A(); } } new A();",
        "const a = []; a[0] = a; a.toString(); a.flat(Infinity);",
        "let f = () => {}; for (let i = 0; i < 1e5; i++) f = f.bind(); f();",
    ] {
        ends_as(&[ErrorKind::Memory, ErrorKind::Cpu, ErrorKind::Thrown], body);
    }
    assert_eq!(error(&attack("(function f() { f(); })();")).kind, ErrorKind::Memory);
}

#[test]
fn memory_bombs() {
    for body in [
        "const a = []; for (;;) a.push(new Array(1000).fill('x'));",
        "let s = 'x'; for (;;) s += s;",
        "const a = []; for (;;) a.push(new Uint8Array(1e6));",
        "const a = []; for (;;) a.push(new ArrayBuffer(1e7));",
        "new Uint8Array(2 ** 31);",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, {});",
        "'x'.repeat(2 ** 29) + 'y'.repeat(2 ** 29);",
        "const a = []; try { for (;;) a.push({}); } finally { for (;;) a.push([]); }",
        "Buffer.alloc(1e9);",
        "const a = []; for (;;) a.push(crypto.getRandomValues(new Uint8Array(65536)));",
        "const c = require('crypto'); const a = []; for (;;) a.push(c.randomBytes(1 << 20));",
        "const a = []; for (;;) a.push(Symbol('x'.repeat(100)));",
        "const a = []; for (let i = 0; ; i++) a.push(BigInt(2) ** BigInt(10000));",
    ] {
        ends_as(&[ErrorKind::Memory, ErrorKind::Cpu, ErrorKind::Thrown], body);
    }
    assert_eq!(
        error(&attack("const a = []; for (;;) a.push(new Array(1000).fill('x'));")).kind,
        ErrorKind::Memory
    );
}

/// What the worker makes for a script counts as if the script had made it.
#[test]
fn memory_that_the_worker_makes_is_counted() {
    for body in [
        "const c = require('crypto'); const all = []; for (let i = 0; i < 60; i++) all.push(c.randomBytes(1 << 20));",
        "const e = new TextEncoder(), all = [], text = 'x'.repeat(1 << 20); for (let i = 0; i < 60; i++) all.push(e.encode(text));",
        "const all = [], text = 'x'.repeat(1 << 20); for (let i = 0; i < 60; i++) all.push(Buffer.from(text));",
        "const c = require('crypto'); const all = []; for (let i = 0; i < 60; i++) {
            const cipher = c.createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12));
            all.push(cipher.update(Buffer.alloc(1 << 20)), cipher.final()); }",
    ] {
        let mut flow = limited(post_login(body));
        // Nothing else is to end it.
        flow.limits.cpu = Duration::from_secs(50);
        let outcome = run(flow);
        assert_eq!(error(&outcome).kind, ErrorKind::Memory, "{body}\n{outcome:?}");
        innocent();
    }
}

/// The engine asks nobody during these, so the kernel or the parent has to end them.
#[test]
fn built_ins_that_run_on() {
    for body in [
        "new Array(3e7) + '';",
        "const a = new Array(1e6); for (let i = 0; i < 1e6; i++) a[i] = (i * 7919) % 1e6; for (;;) a.slice().sort();",
        "'x'.repeat(1e7).split('').reverse().join('').normalize('NFKD').replaceAll('x', 'yy');",
        "const s = 'a'.repeat(3e6); for (;;) s.indexOf('a'.repeat(1e6) + 'b');",
        "const b = 3n ** 200000n; for (;;) b * b * b;",
        "require('crypto').pbkdf2Sync('x', 'y', 4e9, 64, 'sha512');",
        "for (;;) require('bcrypt').hashSync('x', 10);",
    ] {
        ends_as(&[ErrorKind::Memory, ErrorKind::Cpu, ErrorKind::Time, ErrorKind::Thrown], body);
    }
}

#[test]
fn too_much_output() {
    for body in [
        "for (;;) console.log('x'.repeat(1000));",
        "for (;;) console.log();",
        "console.log('x'.repeat(1e6)); for (;;) {}",
        "for (;;) api.idToken.setCustomClaim('x', 'y');",
        "api.idToken.setCustomClaim('x', 'y'.repeat(1e6));",
        "for (;;) api.transaction.setMetadata('a', 1);",
        "try { for (;;) console.log('x'.repeat(1000)); } catch { for (;;) {} }",
    ] {
        ends_as(&[ErrorKind::Output], body);
    }
    let mut flow = limited(rule("user.big = 'x'.repeat(1e6); callback(null, user, context);"));
    let outcome = run(flow.clone());
    assert_eq!(error(&outcome).kind, ErrorKind::Output);
    assert_eq!(outcome.result, Value::Null);
    // Control characters become six times as long on the wire.
    flow = limited(post_login("for (let i = 0; i < 60; i++) console.log('\\u0001'.repeat(1000));"));
    assert_eq!(run(flow).ended, Ended::Failed);
    innocent();
}

#[test]
fn pollution_changes_nothing_that_crosses() {
    let outcome = run(post_login(
        "Object.prototype.polluted = 1; Object.prototype.type = 'access.deny'; Object.prototype.name = 'evil';
        Object.prototype.toJSON = () => 'gone'; Array.prototype.polluted = 1; String.prototype.toJSON = () => 'gone';
        Object.defineProperty(Object.prototype, 'scope', { set() { throw new Error('setter'); }, get() { return 'evil'; }, configurable: true });
        Array.prototype.push = () => { throw new Error('push'); }; JSON.stringify = () => 'forged'; JSON.parse = () => 'forged';
        Promise.prototype.then = () => { throw new Error('then'); }; Array.prototype.map = () => ['evil'];
        Array.prototype[Symbol.iterator] = function* () { yield 'evil'; }; Function.prototype.call = Function.prototype.apply = () => 'evil';
        String.prototype.slice = () => 'evil'; Reflect.apply = () => 'evil'; globalThis.Object = null; Map.prototype.get = () => 'evil';
        String.prototype.toWellFormed = () => 'evil'; globalThis.Promise = null;
        api.accessToken.addScope('read:things'); api.idToken.setCustomClaim('n', 1);",
    ));
    assert_eq!(outcome.runs[0].error, None);
    assert_eq!(
        outcome.runs[0].commands,
        [
            json!({"type": "accessToken.addScope", "scope": "read:things", "line": 9}),
            json!({"type": "idToken.setCustomClaim", "name": "n", "value": 1, "line": 9})
        ]
    );
    innocent();
    let outcome = run(rule(
        "JSON.stringify = () => 'forged'; Object.prototype.user = 'evil'; Array.prototype.push = null; callback(null, user, context);",
    ));
    assert_eq!(
        outcome.result,
        json!({"user": {"user_id": "auth0|1", "name": "Ann"}, "context": {"idToken": {}}})
    );
    innocent();
}

#[test]
fn a_script_cannot_change_what_the_next_one_is_told() {
    let codes = [
        "leaked = 1; exports.onExecutePostLogin = async (event, api) => { event.user.name = 'Eve'; event.secrets.x = 1; delete event.client; globalThis.shared = 1; };",
        "exports.onExecutePostLogin = async (event, api) => { console.log(event.user.name, JSON.stringify(event.secrets), event.client.name); };",
    ];
    let outcome = run(flow(action("post-login"), &codes, event()));
    assert_eq!(outcome.runs[1].console, ["Ann {} App"]);
    innocent();
}

#[test]
fn ways_out_of_the_sandbox() {
    let lines = console(post_login(
        "const attempt = (f) => { try { const v = f(); console.log(typeof v); return v; } catch (e) { console.log(e.code ?? e.name); } };
        attempt(() => require('fs')); attempt(() => require('child_process')); attempt(() => require('/etc/passwd'));
        attempt(() => require('../../../etc/passwd')); attempt(() => process.exit(1)); attempt(() => process.binding('fs'));
        const root = attempt(() => Function('return this')()); console.log(root === globalThis);
        attempt(() => (() => {}).constructor.constructor('return process')().mainModule);
        attempt(() => require.cache.x); attempt(() => module.constructor._load('fs')); attempt(() => globalThis.std); attempt(() => globalThis.os);
        attempt(() => new Worker('x')); attempt(() => WebAssembly); attempt(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
        attempt(() => globalThis.Deno ?? globalThis.Bun ?? globalThis.scriptArgs);
        await import('fs').catch((e) => console.log('import', e.name));
        await import('data:text/javascript,1').catch((e) => console.log('import', e.name));
        attempt(() => $redirect); attempt(() => globalThis.$rules);",
    ));
    assert_eq!(
        lines,
        [
            "MODULE_NOT_FOUND",
            "MODULE_NOT_FOUND",
            "MODULE_NOT_FOUND",
            "MODULE_NOT_FOUND",
            "Error",
            "Error",
            "object",
            "true",
            "undefined",
            "undefined",
            "TypeError",
            "undefined",
            "undefined",
            "ReferenceError",
            "ReferenceError",
            "TypeError",
            "undefined",
            "import ReferenceError",
            "import ReferenceError",
            "ReferenceError",
            "undefined"
        ]
    );
}

#[test]
fn what_never_ends_is_said_to() {
    let outcome = attack("await new Promise(() => {});");
    assert_eq!(error(&outcome).kind, ErrorKind::Stuck);
    assert_eq!(error(&run(rule("context.x = 1;"))).kind, ErrorKind::Stuck);
    let outcome = run(rule("(async () => { throw new TypeError('lost'); })();"));
    assert_eq!(error(&outcome).kind, ErrorKind::Stuck);
    assert!(error(&outcome).message.ends_with("An error was not handled: TypeError: lost"), "{outcome:?}");
    assert_eq!(outcome.runs[0].console, ["Unhandled rejection: TypeError: lost"]);
    let mut waits = post_login("setInterval(() => {}, 100); await new Promise(() => {});");
    waits.limits.wall = Duration::from_millis(300);
    let outcome = run(waits);
    assert_eq!(error(&outcome).kind, ErrorKind::Time);
    assert_eq!(error(&outcome).message, "The scripts did not end within 300 ms");
}

#[test]
fn too_many_requests() {
    let host = TestHost::new(|_| Err(HostError::new("no")));
    let flow = post_login(
        "const all = await Promise.allSettled(Array.from({ length: 10000 }, (_, i) => fetch('https://a.example/' + i)));
        console.log(all.length, all[99].reason.cause.message, '|', all[100].reason.cause.message);",
    );
    let outcome = run_with(flow, Arc::clone(&host));
    assert_eq!(outcome.runs[0].error, None);
    assert_eq!(outcome.runs[0].console, ["10000 no | The scripts of a flow may make 100 calls, and no more"]);
    assert_eq!(host.calls.lock().unwrap().len(), 100);
    innocent();
}

#[test]
fn whatever_is_thrown_becomes_a_bounded_error() {
    for (thrown, name, message) in [
        ("'text'", "Error", "text"),
        ("null", "Error", "null"),
        ("undefined", "Error", "undefined"),
        ("42", "Error", "42"),
        ("-0.5", "Error", "-0.5"),
        ("true", "Error", "true"),
        ("Symbol('s')", "Error", "a symbol"),
        ("10n", "Error", "a big integer"),
        ("({a: 1})", "Error", "{\"a\":1}"),
        ("({message: 'm', name: 'N'})", "N", "m"),
        ("({get message() { throw 1; }})", "Error", "an object that cannot be shown"),
        ("({get name() { throw 1; }, message: 'm'})", "Error", "m"),
        ("({message: 7, toJSON() { throw 2; }})", "Error", "an object that cannot be shown"),
        (
            "new Proxy({}, {get() { throw 1; }, ownKeys() { throw 2; }, getPrototypeOf() { throw 3; }})",
            "Error",
            "an object that cannot be shown",
        ),
        ("new Proxy(new Error('p'), {})", "Error", "p"),
        ("Object.create(null)", "Error", "{}"),
        ("(() => { const o = {}; o.o = o; return o; })()", "Error", "an object that cannot be shown"),
        ("Object.defineProperty(new RangeError('r'), 'stack', {value: {}})", "RangeError", "r"),
        ("new Error('\\ud800 half')", "Error", "\u{fffd} half"),
        ("[1, 2]", "Error", "[1,2]"),
        ("() => {}", "", "null"),
    ] {
        for body in [format!("throw {thrown};"), format!("await Promise.reject({thrown});")] {
            let outcome = run(post_login(&body));
            let found = error(&outcome);
            assert_eq!(found.kind, ErrorKind::Thrown, "{body}");
            assert_eq!(found.message, message, "{body}");
            assert!(found.name == name || name.is_empty(), "{body}: {}", found.name);
        }
    }
    let outcome = attack(
        "const e = new Error('m'.repeat(1e6)); e.name = 'n'.repeat(1e6); e.stack = 's'.repeat(1e6); e.code = 'c'.repeat(1e6); e.n = 1; e.deep = {};
        for (let i = 0; i < 1000; i++) e['k' + i] = i; throw e;",
    );
    let found = error(&outcome);
    assert!(found.message.len() <= 4096 && found.name.len() <= 512 && found.stack.len() <= 4096);
    assert!(found.members.len() <= 32 && !found.members.contains_key("deep"));
    assert_eq!(found.members["n"], 1);
}

#[test]
fn odd_values_cross_or_are_refused() {
    let lines = console(post_login(
        "const attempt = (v) => { try { api.idToken.setCustomClaim('c', v); console.log('ok'); } catch (e) { console.log(e.name); } };
        let deep = 1; for (let i = 0; i < 200; i++) deep = [deep]; const cyclic = {}; cyclic.c = cyclic;
        attempt(deep); attempt(cyclic); attempt(1n); attempt('\\ud800'); attempt({ a: undefined, f() {} }); attempt(NaN);
        attempt(new Date(0)); attempt(Symbol('x')); attempt(new Proxy({}, { ownKeys() { throw new EvalError(); } })); attempt('\\u0000');",
    ));
    assert_eq!(
        lines,
        ["RangeError", "TypeError", "TypeError", "ok", "ok", "ok", "ok", "ok", "EvalError", "ok"]
    );
    let outcome = run(post_login(
        "api.idToken.setCustomClaim('c', ['\\ud800', '\\u0000', { __proto__: 1, constructor: 2 }]);",
    ));
    assert_eq!(outcome.runs[0].commands[0]["value"], json!(["\u{fffd}", "\u{0}", {"constructor": 2}]));
}

#[test]
fn programs_that_are_none() {
    for (code, message) in [
        ("exports.onExecutePostLogin = async (event, api) => {", "unexpected token in expression: ''"),
        ("exports.onExecutePostLogin = async (event, api) => { })", "expecting ';'"),
        ("this is not JavaScript", "expecting ';'"),
        (
            "exports.other = 1; exports.more = 2;",
            "The script has no export onExecutePostLogin that is a function. It exports other, more.",
        ),
        (
            "exports.onExecutePostLogin = 1;",
            "The script has no export onExecutePostLogin that is a function. It exports onExecutePostLogin.",
        ),
        ("", "The script has no export onExecutePostLogin that is a function. It exports nothing."),
        (
            "module.exports = null;",
            "The script has no export onExecutePostLogin that is a function. It exports nothing.",
        ),
    ] {
        let outcome = run(flow(action("post-login"), &[code], event()));
        assert_eq!(error(&outcome).kind, ErrorKind::Invalid, "{code}");
        assert_eq!(error(&outcome).message, message, "{code}");
    }
    let outcome = run(flow(action("post-login"), &["let a = 1;\nlet b = 2;\nlet ] = 3;"], event()));
    assert!(error(&outcome).stack.contains("script0:3:5"), "{:?}", error(&outcome));
    for code in ["42", "function (user, context, callback) {", "", "'text'"] {
        let mut bad = rule("");
        bad.programs = vec![Arc::new(program("bad", code))];
        assert_eq!(error(&run(bad)).kind, ErrorKind::Invalid, "{code}");
    }
    let outcome = run(flow(action("post-login"), &["throw new TypeError('while loading')"], event()));
    assert_eq!((error(&outcome).kind, error(&outcome).name.as_str()), (ErrorKind::Thrown, "TypeError"));
    // A NUL byte is no JavaScript to the engine.
    let outcome = run(flow(action("post-login"), &["exports.a = '\0'"], event()));
    assert_eq!(error(&outcome).kind, ErrorKind::Invalid);
    innocent();
}

#[test]
fn limits_too_small_to_start_with() {
    for memory_bytes in [1, 50_000, 100_000] {
        let mut flow = post_login("");
        flow.limits.memory_bytes = memory_bytes;
        let outcome = run(flow);
        assert_eq!(outcome.ended, Ended::Failed);
        assert!(matches!(error(&outcome).kind, ErrorKind::Memory | ErrorKind::Worker), "{outcome:?}");
        innocent();
    }
    let mut flow = post_login("");
    flow.limits.wall = Duration::ZERO;
    assert_eq!(run(flow).ended, Ended::Failed);
    let mut flow = post_login("");
    flow.limits.stack_bytes = 1000;
    assert_eq!(run(flow).ended, Ended::Failed);
    innocent();
}
