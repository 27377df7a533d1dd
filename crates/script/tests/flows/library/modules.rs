//! `require`.

use serde_json::{Value, json};

use super::{expect, logs};
use crate::common::*;

#[test]
fn every_module_loads() {
    let lines = console(post_login(
        "try { require('nothing-of-that-name'); } catch (e) { console.log(e.message); console.log(e.code); }",
    ));
    assert_eq!(lines[1], "MODULE_NOT_FOUND");
    let (first, rest) = lines[0].split_once('\n').unwrap();
    assert_eq!(first, "Cannot find module 'nothing-of-that-name'");
    let names = rest.strip_prefix("The library has: ").unwrap().lines().next().unwrap();
    assert!(names.contains("lodash"), "{names}");
    let all = "axios, assert, auth0, async, bcrypt, bcryptjs, buffer, crypto, events, got, http, https, ip, jsonwebtoken, jwks-rsa, \
        lodash, lodash/get, lodash.merge, moment, node-fetch, os, path, perf_hooks, process, querystring, request, request-promise, \
        stream, string_decoder, timers, timers/promises, url, util, uuid, @auth0/rule-utilities, @auth0/rule-utilities@0.1.0, ipaddr.js, \
        auth0@2.40.0, lodash@4.17.21, node:crypto, node:util";
    for name in all.split(", ").map(str::trim) {
        let kinds = logs(&format!(
            "show(typeof require('{name}')); show(require('{name}') === require('{name}') || '{name}'.includes('auth0') || ['http','https'].includes('{name}') || true);"
        ));
        assert!(kinds[0] == "function" || kinds[0] == "object", "{name}: {kinds:?}");
    }
}

#[test]
fn lodash_and_moment() {
    expect(
        "const _ = require('lodash'); const moment = require('moment');",
        &[
            ("_.chunk([1, 2, 3, 4, 5], 2)", json!([[1, 2], [3, 4], [5]])),
            ("_.get({a: [{b: 7}]}, 'a[0].b')", json!(7)),
            ("_.merge({a: {b: 1}}, {a: {c: 2}})", json!({"a": {"b": 1, "c": 2}})),
            ("_.camelCase('Foo Bar')", json!("fooBar")),
            ("_.template('hello <%= user %>')({user: 'ann'})", json!("hello ann")),
            ("_.isEqual(new Map([[1, {}]]), new Map([[1, {}]]))", json!(true)),
            ("require('lodash/get')({a: 1}, 'a')", json!(1)),
            ("moment.utc('2024-02-29T12:00:00Z').add(1, 'year').format()", json!("2025-02-28T12:00:00Z")),
            ("moment.utc(0).format('YYYY-MM-DD HH:mm')", json!("1970-01-01 00:00")),
            ("moment('2013-02-08').isValid()", json!(true)),
            ("moment.duration(90, 'minutes').humanize()", json!("2 hours")),
        ],
    );
}

#[test]
fn jsonwebtoken_signs_and_verifies() {
    let preamble = "
        const jwt = require('jsonwebtoken'); const crypto = require('crypto');
        const rsa = crypto.generateKeyPairSync('rsa', {modulusLength: 2048,
            publicKeyEncoding: {type: 'spki', format: 'pem'}, privateKeyEncoding: {type: 'pkcs8', format: 'pem'}});
        const ec = crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'});
        // RFC 7515 appendix A.1.
        const rfc = 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
        const rfcKey = Buffer.from('AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow', 'base64url');
        const round = (alg, key, pub) => jwt.verify(jwt.sign({a: 1}, key, {algorithm: alg, noTimestamp: true}), pub, {algorithms: [alg]});
    ";
    expect(
        preamble,
        &[
            (
                "jwt.verify(rfc, rfcKey, {ignoreExpiration: true})",
                json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true}),
            ),
            ("jwt.verify(rfc, rfcKey)", json!("threw TokenExpiredError: jwt expired")),
            (
                "jwt.verify(rfc, 'wrong', {ignoreExpiration: true})",
                json!("threw JsonWebTokenError: invalid signature"),
            ),
            ("jwt.decode(rfc).iss", json!("joe")),
            ("round('HS256', 'secret', 'secret')", json!({"a": 1})),
            ("round('HS512', 'secret', 'secret')", json!({"a": 1})),
            ("round('RS256', rsa.privateKey, rsa.publicKey)", json!({"a": 1})),
            ("round('RS512', rsa.privateKey, rsa.publicKey)", json!({"a": 1})),
            ("round('PS256', rsa.privateKey, rsa.publicKey)", json!({"a": 1})),
            ("round('ES256', ec.privateKey, ec.publicKey)", json!({"a": 1})),
            (
                "jwt.verify(jwt.sign({}, 's', {audience: 'a'}), 's', {audience: 'b'})",
                json!("threw JsonWebTokenError: jwt audience invalid. expected: b"),
            ),
            (
                "jwt.verify(jwt.sign({}, 's', {notBefore: 60}), 's')",
                json!("threw NotBeforeError: jwt not active"),
            ),
            ("jwt.verify('x.y.z', 's')", json!("threw JsonWebTokenError: invalid token")),
            ("jwt.verify('nonsense', 's')", json!("threw JsonWebTokenError: jwt malformed")),
            ("(t => t.exp - t.iat)(jwt.decode(jwt.sign({}, 's', {expiresIn: '2h'})))", json!(7200)),
            (
                "new Promise(r => jwt.verify(jwt.sign({b: 2}, 's', {noTimestamp: true}), 's', (e, v) => r(v)))",
                json!({"b": 2}),
            ),
            (
                "new Promise(r => jwt.sign({}, 's', {noTimestamp: true}, (e, t) => r(t)))",
                json!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.cBpLROYKcG1qvnz7s0SARUf4ElNsfEY5kG1wMA2xvXI"),
            ),
            (
                "jwt.verify(jwt.sign({}, rsa.privateKey, {algorithm: 'RS256'}).replace(/\\.[^.]*$/, '.'), rsa.publicKey)",
                json!("threw JsonWebTokenError: jwt signature is required"),
            ),
        ],
    );
}

#[test]
fn bcrypt_both_ways() {
    expect(
        "const bcrypt = require('bcrypt'); const old = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';",
        &[
            ("bcrypt.compare('U*U', old)", json!(true)),
            ("bcrypt.compareSync('U*V', old)", json!(false)),
            ("bcrypt.hashSync('U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.') === old", json!(true)),
            ("bcrypt.hash('x', 4).then(h => bcrypt.compare('x', h))", json!(true)),
            (
                "new Promise(r => bcrypt.hash('x', 4, (e, h) => bcrypt.compare('x', h, (e, same) => r(same))))",
                json!(true),
            ),
            ("bcrypt.getRounds(old)", json!(5)),
            ("require('bcryptjs').compareSync('x', 'no hash')", json!(false)),
            ("bcrypt.hashSync('x', bcrypt.genSaltSync(4)).length", json!(60)),
            (
                "bcrypt.hashSync('x', 30)",
                json!("threw RangeError: The rounds of bcrypt must be between 4 and 14: more takes too long"),
            ),
        ],
    );
}

#[test]
fn small_modules() {
    expect(
        "const util = require('util'); const EventEmitter = require('events'); const { Readable } = require('stream');",
        &[
            ("require('uuid').v4().length", json!(36)),
            (
                "require('uuid').v5('hello.example.com', require('uuid').v5.DNS)",
                json!("fdda765f-fc57-5604-a269-52a7df8164ec"),
            ),
            ("require('uuid').validate('nope')", json!(false)),
            ("require('querystring').stringify({a: [1, 2], b: 'x y'})", json!("a=1&a=2&b=x%20y")),
            ("require('querystring').parse('a=1&a=2&b=x+y')", json!({"a": ["1", "2"], "b": "x y"})),
            ("require('path').join('/a', '../b', 'c.js')", json!("/b/c.js")),
            ("require('path').extname('x.tar.gz')", json!(".gz")),
            ("require('url').parse('https://u:p@a.example:8080/p?q=1#h').port", json!("8080")),
            ("require('url').resolve('https://a.example/b/c', '../d')", json!("https://a.example/d")),
            (
                "require('ipaddr.js').parse('192.0.2.7').match(require('ipaddr.js').parseCIDR('192.0.2.0/24'))",
                json!(true),
            ),
            ("util.promisify((a, cb) => cb(null, a + 1))(1)", json!(2)),
            ("util.format('%s %d %j %%', 'a', 1, {b: 2})", json!("a 1 {\"b\":2} %")),
            (
                "util.inspect({a: [1, 'x'], b: new Date(0), c: undefined})",
                json!("{ a: [ 1, 'x' ], b: 1970-01-01T00:00:00.000Z, c: undefined }"),
            ),
            (
                "util.inspect(new Map([['k', {deep: {er: {est: 1}}}]]))",
                json!("Map(1) { 'k' => { deep: { er: [Object] } } }"),
            ),
            ("util.isDeepStrictEqual({a: [1]}, {a: [1]})", json!(true)),
            ("util.types.isRegExp(/x/)", json!(true)),
            ("new Promise(r => { const e = new EventEmitter(); e.once('x', r); e.emit('x', 5); })", json!(5)),
            (
                "new Promise(r => { let all = ''; Readable.from(['a', 'b']).on('data', c => all += c).on('end', () => r(all)); })",
                json!("ab"),
            ),
            ("require('assert').deepStrictEqual({a: 1}, {a: 1})", Value::Null),
            ("require('assert').strictEqual(1, 2)", json!("threw AssertionError: 1 strictEqual 2")),
            ("require('async').mapSeries([1, 2], async (x) => x * 2)", json!([2, 4])),
            (
                "new (require('string_decoder').StringDecoder)('utf8').write(Buffer.from([0xe2, 0x82])).length",
                json!(0),
            ),
            ("require('timers/promises').setTimeout(1, 'done')", json!("done")),
        ],
    );
}

#[test]
fn rule_utilities_make_and_read_tokens() {
    let mut flow = rule(
        "const { Auth0RedirectRuleUtilities, Auth0UserUpdateUtilities } = require('@auth0/rule-utilities@0.2.0');
        const u = new Auth0RedirectRuleUtilities(user, context, configuration);
        const own = new Auth0UserUpdateUtilities(user, auth0, 'own');
        own.setAppMeta('seen', true);
        context.seen = [own.getAppMeta('seen'), user.app_metadata.own.seen];
        context.canRedirect = u.canRedirect;
        u.doRedirect('https://page.example/x?y=1', u.createSessionToken({ more: 1 }));
        context.request.query.session_token = new URL(context.redirect.url).searchParams.get('session_token');
        const { more, sub } = u.validateSessionToken();
        context.token = { more, sub };
        callback(null, user, context);",
    );
    let mut input = flow.input.value();
    input["context"]["request"] = json!({"query": {}, "ip": "192.0.2.1", "hostname": "acme.example"});
    flow.input = input.into();
    let mut program = (*flow.programs[0]).clone();
    program.secrets.insert("SESSION_TOKEN_SECRET".to_owned(), "shh".to_owned());
    flow.programs = vec![std::sync::Arc::new(program)];
    let outcome = run(flow);
    assert_eq!(outcome.runs[0].error, None);
    let context = &outcome.result["context"];
    assert_eq!(context["token"], json!({"more": 1, "sub": "auth0|1"}));
    assert_eq!((&context["canRedirect"], &context["seen"]), (&json!(true), &json!([true, true])));
    assert!(
        context["redirect"]["url"]
            .as_str()
            .unwrap()
            .starts_with("https://page.example/x?y=1&session_token=ey")
    );
}

#[test]
fn own_modules_are_found_first_and_find_each_other() {
    let mut flow = post_login(
        "const own = require('own'); show(own.sum(2)); show(require('lodash').mine); show(require('own') === own);
        show(require('data/list.json')); show(require('own@1.2.3').name);
        show(require('strict').x);
        try { require('broken'); } catch (e) { show(e.message); } try { require('broken'); } catch (e) { show(e.message); }",
    );
    let mut program = (*flow.programs[0]).clone();
    program.code = format!("const show = (v) => console.log(JSON.stringify(v)); {}", program.code);
    for (name, code) in [
        (
            "own",
            "implicit = 40; exports.sum = (x) => require('./lib/deep').base + x; exports.name = module.id;",
        ),
        ("lib/deep", "'use strict'; exports.base = require('../own') && implicit;"),
        ("lodash", "exports.mine = true"),
        ("data/list.json", "[1, 2]"),
        ("broken", "throw new Error('no good')"),
        (
            "strict",
            "\"use strict\";\nvar await = 1; exports.x = [await, (function () { return this === undefined; })()];",
        ),
    ] {
        program.modules.insert(name.to_owned(), code.to_owned());
    }
    flow.programs = vec![std::sync::Arc::new(program)];
    assert_eq!(
        super::parse(console(flow)),
        [
            json!(42),
            json!(true),
            json!(true),
            json!([1, 2]),
            json!("own"),
            json!([1, true]),
            json!("no good"),
            json!("no good")
        ]
    );
}
