//! Globals.

use serde_json::{Value, json};

use super::expect;
use crate::common::*;

#[test]
fn url_and_its_parameters() {
    expect(
        "const u = new URL('../x?a=1&b=%20y#h', 'https://user:pw@Example.COM:443/p/q/');",
        &[
            ("u.href", json!("https://user:pw@example.com/p/x?a=1&b=%20y#h")),
            (
                "[u.origin, u.host, u.port, u.pathname, u.search, u.hash, u.username]",
                json!(["https://example.com", "example.com", "", "/p/x", "?a=1&b=%20y", "#h", "user"]),
            ),
            ("(u.searchParams.append('c', 'ü &'), u.search)", json!("?a=1&b=+y&c=%C3%BC+%26")),
            ("(u.search = '?z=1', u.searchParams.get('z'))", json!("1")),
            (
                "(u.port = '8443', u.pathname = '/ä', String(u))",
                json!("https://user:pw@example.com:8443/%C3%A4?z=1#h"),
            ),
            ("new URL('nope')", json!("threw TypeError: Invalid URL")),
            ("URL.canParse('https://a')", json!(true)),
            ("JSON.stringify(new URL('https://a/'))", json!("\"https://a/\"")),
            ("[...new URLSearchParams({a: 1, b: 'x'})]", json!([["a", "1"], ["b", "x"]])),
            ("new URLSearchParams('a=1&a=2').getAll('a')", json!(["1", "2"])),
            ("String(new URLSearchParams([['q', \"it's *~\"]]))", json!("q=it%27s+*%7E")),
            (
                "(p => (p.set('a', 9), p.delete('b'), p.sort(), String(p)))(new URLSearchParams('c=1&b=2&a=3&a=4'))",
                json!("a=9&c=1"),
            ),
            ("new URLSearchParams('a=%ff').get('a')", json!("\u{fffd}")),
        ],
    );
}

#[test]
fn bytes_and_text() {
    expect(
        "const hex = (b) => Buffer.from(b).toString('hex');",
        &[
            ("hex(new TextEncoder().encode('ü€😀'))", json!("c3bce282acf09f9880")),
            ("new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0xc3, 0xbc]))", json!("ü")),
            (
                "new TextDecoder('utf-8', {fatal: true}).decode(new Uint8Array([0xff]))",
                json!("threw TypeError: The encoded data was not valid for encoding utf-8"),
            ),
            (
                "(d => d.decode(new Uint8Array([0xe2, 0x82]), {stream: true}) + d.decode(new Uint8Array([0xac])))(new TextDecoder())",
                json!("€"),
            ),
            ("new TextDecoder('utf-16le').decode(new Uint8Array([0x41, 0, 0x42, 0]))", json!("AB")),
            ("btoa('hello') + atob('aGk=')", json!("aGVsbG8=hi")),
            ("Buffer.from('aGk_', 'base64url').toString('hex')", json!("68693f")),
            ("Buffer.from('hi?').toString('base64url')", json!("aGk_")),
            ("Buffer.from('aGk_!!', 'base64').toString('latin1')", json!("hi?")),
            ("Buffer.from('zz11', 'hex').length", json!(0)),
            ("Buffer.concat([Buffer.from('a'), Buffer.alloc(2, 'b')]).toString()", json!("abb")),
            ("Buffer.from('€').length + Buffer.byteLength('€')", json!(6)),
            ("Buffer.from([1, 2, 3]).readUInt16BE(1)", json!(0x0203)),
            ("(b => (b.writeDoubleLE(1.5), b.readDoubleLE(0)))(Buffer.alloc(8))", json!(1.5)),
            ("(b => (b.writeFloatBE(-2.5, 1), b.readFloatBE(1)))(Buffer.alloc(8))", json!(-2.5)),
            ("Buffer.isBuffer(Buffer.from('a').subarray(0, 1))", json!(true)),
            ("Buffer.from('abc').equals(Buffer.from('abc'))", json!(true)),
            ("JSON.stringify(Buffer.from('a'))", json!("{\"type\":\"Buffer\",\"data\":[97]}")),
            ("Buffer.compare(Buffer.from('a'), Buffer.from('b'))", json!(-1)),
            ("Buffer.from('ab').toString('utf16le').length", json!(1)),
            ("Buffer.from('\\ud800x').toString()", json!("\u{fffd}x")),
        ],
    );
}

#[test]
fn cloning() {
    expect(
        "const cyclic = {a: new Date(0), m: new Map([[1, new Set(['x'])]])}; cyclic.self = cyclic; const c = structuredClone(cyclic);",
        &[
            ("c !== cyclic && c.self === c && c.a.getTime() === 0 && c.m.get(1).has('x')", json!(true)),
            ("structuredClone(new Uint8Array([1, 2])).length", json!(2)),
            ("structuredClone(new TypeError('x')) instanceof TypeError", json!(true)),
            ("structuredClone(() => 1)", json!("threw DataCloneError: () => 1 could not be cloned.")),
        ],
    );
}

#[test]
fn timers_and_jobs_run_in_order() {
    let lines = console(post_login(
        "const order = []; const t = setTimeout(() => order.push('never'), 1);
        clearTimeout(t);
        setTimeout((a) => order.push('late' + a), 20, 1);
        setTimeout(() => order.push('early'), 2);
        setImmediate(() => order.push('immediate'));
        process.nextTick((x) => order.push('tick' + x), 1);
        queueMicrotask(() => order.push('micro'));
        let n = 0;
        await new Promise((resolve) => { const i = setInterval(() => { if (++n === 3) { clearInterval(i); resolve(); } }, 3); });
        await new Promise((resolve) => setTimeout(resolve, 25).unref());
        order.push('sync'); console.log(order.join(), n);",
    ));
    assert_eq!(lines, ["tick1,micro,immediate,early,late1,sync 3"]);
}

#[test]
fn what_is_thrown_in_a_timer_ends_the_script() {
    for body in [
        "setTimeout(() => { throw new TypeError('from a timer'); }, 1); await new Promise(() => {});",
        "queueMicrotask(() => { throw new TypeError('from a timer'); }); await new Promise(() => {});",
        "process.nextTick(() => { throw new TypeError('from a timer'); }); await new Promise(() => {});",
    ] {
        let outcome = run(post_login(body));
        assert_eq!(
            (error(&outcome).name.as_str(), error(&outcome).message.as_str()),
            ("TypeError", "from a timer")
        );
    }
}

#[test]
fn the_console_shows_values_as_node_does() {
    let lines = console(post_login(
        "console.log('a', 1, null, undefined, true, 1n, Symbol('s'));
        console.info({a: 1, b: {c: {d: {e: 1}}}}, [1, [2]], [,1]);
        console.warn(new Error('oops').message, [new Date(0)], /x/g, () => 1, class A {}, function f() {});
        console.error('%s is %d years', 'Ann', 42, 'more');
        console.debug(new Set([1]), Buffer.from('ab'), new Uint8Array(2), Object.create(null));
        class P { constructor() { this.x = \"it's\"; } get y() { return 1; } }
        console.dir(new P()); const o = {}; o.o = o; console.log(o);
        console.log(); console.log(-0, [undefined, null], {f() {}, 'a-b': 1, get g() { return 1; }});
        console.log({ toJSON: 1, [Symbol('k')]: 2 }, 'x'.repeat(3), ['line\\n']);
        console.table([1]); console.assert(1 === 2, 'not', 'so'); console.count(); console.count('x');
        console.group('g'); console.groupEnd(); console.log(new Proxy({a: 1}, {}), Promise.resolve(1));",
    ));
    let expected: Vec<&str> = vec![
        "a 1 null undefined true 1n Symbol(s)",
        "{ a: 1, b: { c: { d: [Object] } } } [ 1, [ 2 ] ] [ <empty>, 1 ]",
        "oops [ 1970-01-01T00:00:00.000Z ] /x/g [Function (anonymous)] [class A] [Function: f]",
        "Ann is 42 years more",
        "Set(1) { 1 } <Buffer 61 62> Uint8Array(2) [ 0, 0 ] [Object: null prototype] {}",
        "P { x: \"it's\" }",
        "{ o: [Circular *1] }",
        "",
        "-0 [ undefined, null ] { f: [Function: f], 'a-b': 1, g: [Getter] }",
        "{ toJSON: 1, [Symbol(k)]: 2 } xxx [ 'line\\n' ]",
        "[ 1 ]",
        "Assertion failed: not so",
        "default: 1",
        "x: 1",
        "g",
        "{ a: 1 } Promise {}",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn errors_in_the_console_have_their_stack() {
    let lines = console(post_login("console.log(new TypeError('bad'));"));
    assert!(lines[0].starts_with("TypeError: bad\n    at "), "{lines:?}");
}

#[test]
fn abort_signals() {
    expect(
        "const c = new AbortController(); const seen = []; c.signal.addEventListener('abort', (e) => seen.push(e.type));",
        &[
            ("(c.abort(), c.signal.aborted && seen)", json!(["abort"])),
            ("c.signal.throwIfAborted()", json!("threw AbortError: This operation was aborted")),
            ("AbortSignal.abort(new Error('x')).reason.message", json!("x")),
            (
                "new Promise(r => AbortSignal.timeout(1).addEventListener('abort', (e) => r(e.target.reason.name)))",
                json!("TimeoutError"),
            ),
            ("AbortSignal.any([c.signal]).aborted", json!(true)),
        ],
    );
}

#[test]
fn the_rest_of_the_surroundings() {
    expect(
        "",
        &[
            ("process.env", json!({})),
            ("process.version", json!("v22.0.0")),
            ("Number.isInteger(performance.now())", json!(true)),
            ("global === globalThis", json!(true)),
            ("typeof module + typeof exports + typeof require + __dirname", json!("objectobjectfunction.")),
            ("Math.random() !== Math.random()", json!(true)),
            ("new Date(2024, 0, 1).toISOString()", json!("2024-01-01T00:00:00.000Z")),
            ("typeof undeclared", json!("undefined")),
            ("undeclared", json!("threw ReferenceError: undeclared is not defined")),
            ("process.exit()", json!("threw Error: process.exit is not available to scripts")),
            ("(Buffer = 1, Buffer)", json!(1)),
            ("typeof _", json!("undefined")),
        ],
    );
}

#[test]
fn rules_have_their_globals() {
    let outcome = run(rule(
        "context.seen = [_.chunk([1]).length, typeof jwt.sign, typeof bcrypt.hash, typeof crypto.createHash, typeof Buffer.from,
            typeof moment.utc, typeof uuid.v4, typeof querystring.parse, typeof request.get, typeof auth0.users.updateUserMetadata,
            typeof async.map, typeof configuration, typeof global, new ValidationError('user_exists', 'm').code];
        global.mine = 1; implicit = 2;
        callback(null, user, context);",
    ));
    assert_eq!(outcome.runs[0].error, None);
    let expected: Value = json!([
        1,
        "function",
        "function",
        "function",
        "function",
        "function",
        "function",
        "function",
        "function",
        "function",
        "function",
        "object",
        "object",
        "user_exists"
    ]);
    assert_eq!(outcome.result["context"]["seen"], expected);
}

#[test]
fn a_global_is_whole_beside_the_module_it_comes_from() {
    for code in ["const l = require('lodash'); const g = _;", "const g = _; const l = require('lodash');"] {
        let outcome = run(rule(&format!(
            "{code} context.seen = [l === g, typeof l.chunk]; callback(null, user, context);"
        )));
        assert_eq!(outcome.result["context"]["seen"], json!([true, "function"]), "{code}");
    }
}
