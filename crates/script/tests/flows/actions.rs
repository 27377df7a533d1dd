//! Actions: what is called, what `api` has at each trigger, and what its methods leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use gatewright_script::{Ended, ErrorKind, HostError, Wrapper, commands, export_name, triggers};
use serde_json::{Value, json};

use crate::common::*;

/// Runs the body of an Action of a trigger and gives its commands.
fn commands_of(trigger: &str, body: &str) -> Vec<Value> {
    let code = format!("exports.{} = async (event, api) => {{ {body} }};", export_name(trigger));
    let outcome = run(flow(action(trigger), &[&code], event()));
    assert_eq!(outcome.runs[0].error, None, "{body}");
    outcome.runs[0].commands.clone()
}

/// Each call, and what it leaves besides its type.
const POST_LOGIN: &[(&str, &str)] = &[
    ("access.deny('because')", r#"{"reason":"because"}"#),
    (
        "accessToken.setCustomClaim('https://a.example/x', {y: [1]})",
        r#"{"name":"https://a.example/x","value":{"y":[1]}}"#,
    ),
    ("accessToken.addScope('read:x')", r#"{"scope":"read:x"}"#),
    ("accessToken.removeScope('read:x')", r#"{"scope":"read:x"}"#),
    ("idToken.setCustomClaim('n', null)", r#"{"name":"n","value":null}"#),
    (
        "authentication.challengeWith({type: 'otp'}, {additionalFactors: [{type: 'email'}]})",
        r#"{"factors":[{"type":"otp"}],"additional_factors":[{"type":"email"}]}"#,
    ),
    (
        "authentication.challengeWithAny([{type: 'otp'}, {type: 'phone', options: {preferredMethod: 'sms'}}])",
        r#"{"factors":[{"type":"otp"},{"type":"phone","options":{"preferredMethod":"sms"}}]}"#,
    ),
    ("authentication.enrollWith({type: 'webauthn-roaming'})", r#"{"factors":[{"type":"webauthn-roaming"}]}"#),
    ("authentication.enrollWithAny([{type: 'otp'}])", r#"{"factors":[{"type":"otp"}]}"#),
    ("authentication.recordMethod('https://a.example/proof')", r#"{"url":"https://a.example/proof"}"#),
    ("authentication.setPrimaryUser('sms|2')", r#"{"user_id":"sms|2"}"#),
    (
        "multifactor.enable('any', {allowRememberBrowser: false})",
        r#"{"provider":"any","options":{"allowRememberBrowser":false}}"#,
    ),
    (
        "redirect.sendUserTo('https://a.example/x?y=1', {query: {z: 'ü', n: 2, none: undefined}})",
        r#"{"url":"https://a.example/x?y=1&z=%C3%BC&n=2"}"#,
    ),
    ("user.setUserMetadata('color', 'red')", r#"{"name":"color","value":"red"}"#),
    ("user.setAppMetadata('plan', undefined)", r#"{"name":"plan","value":null}"#),
    ("validation.error('bad_thing', 'It is bad')", r#"{"code":"bad_thing","message":"It is bad"}"#),
    (
        "prompt.render('ap_1', {fields: {a: 1}, vars: {b: 2}})",
        r#"{"form_id":"ap_1","options":{"fields":{"a":1},"vars":{"b":2}}}"#,
    ),
    ("transaction.setMetadata('k', 5)", r#"{"name":"k","value":5}"#),
    (
        "session.revoke('bye', {preserveRefreshTokens: true})",
        r#"{"reason":"bye","options":{"preserveRefreshTokens":true}}"#,
    ),
    ("session.setExpiresAt(1700000000000)", r#"{"at_ms":1700000000000}"#),
    ("session.setIdleExpiresAt(new Date(5))", r#"{"at_ms":5}"#),
    ("session.setCookieMode('non-persistent')", r#"{"mode":"non-persistent"}"#),
    ("session.setMetadata('a', 'b')", r#"{"name":"a","value":"b"}"#),
    ("session.deleteMetadata('a')", r#"{"name":"a"}"#),
    ("session.evictMetadata()", "{}"),
    ("refreshToken.revoke('bye')", r#"{"reason":"bye","options":{}}"#),
    ("refreshToken.setExpiresAt(1)", r#"{"at_ms":1}"#),
    ("refreshToken.setIdleExpiresAt(2)", r#"{"at_ms":2}"#),
    ("refreshToken.setMetadata('a', 'b')", r#"{"name":"a","value":"b"}"#),
    ("refreshToken.deleteMetadata('a')", r#"{"name":"a"}"#),
    ("refreshToken.evictMetadata()", "{}"),
];

const OTHERS: &[(&str, &[(&str, &str)])] = &[
    (
        "credentials-exchange",
        &[
            ("access.deny('invalid_scope', 'not you')", r#"{"code":"invalid_scope","reason":"not you"}"#),
            ("accessToken.setCustomClaim('a', 1)", r#"{"name":"a","value":1}"#),
            ("transaction.addTargetScope('s')", r#"{"scope":"s"}"#),
            ("transaction.removeTargetScope('s')", r#"{"scope":"s"}"#),
            ("transaction.setTargetScopes(['s', 't'])", r#"{"scopes":["s","t"]}"#),
            ("transaction.clearTargetScopes()", "{}"),
        ],
    ),
    (
        "pre-user-registration",
        &[
            (
                "access.deny('for the log', 'for the user')",
                r#"{"reason":"for the log","user_message":"for the user"}"#,
            ),
            ("user.setUserMetadata('a', 1)", r#"{"name":"a","value":1}"#),
            ("user.setAppMetadata('a', 1)", r#"{"name":"a","value":1}"#),
            ("validation.error('c', 'm')", r#"{"code":"c","message":"m"}"#),
        ],
    ),
    ("post-user-registration", &[]),
    ("post-change-password", &[]),
    ("send-phone-message", &[]),
    (
        "password-reset-post-challenge",
        &[
            ("access.deny('no')", r#"{"reason":"no"}"#),
            ("authentication.challengeWith({type: 'otp'})", r#"{"factors":[{"type":"otp"}]}"#),
            ("authentication.challengeWithAny([{type: 'otp'}])", r#"{"factors":[{"type":"otp"}]}"#),
            ("redirect.sendUserTo('https://a.example/')", r#"{"url":"https://a.example/"}"#),
            ("prompt.render('f')", r#"{"form_id":"f","options":{}}"#),
            (
                "transaction.setResultUrl('https://a.example/done', {query: {a: 1}})",
                r#"{"url":"https://a.example/done?a=1"}"#,
            ),
        ],
    ),
    (
        "custom-phone-provider",
        &[("notification.drop('a')", r#"{"reason":"a"}"#), ("notification.retry('b')", r#"{"reason":"b"}"#)],
    ),
    (
        "custom-email-provider",
        &[("notification.drop('a')", r#"{"reason":"a"}"#), ("notification.retry('b')", r#"{"reason":"b"}"#)],
    ),
    (
        "custom-token-exchange",
        &[
            ("access.deny('any_code', 'no')", r#"{"code":"any_code","reason":"no"}"#),
            ("access.rejectInvalidSubjectToken('forged')", r#"{"reason":"forged"}"#),
            ("authentication.setUserById('auth0|1')", r#"{"user_id":"auth0|1"}"#),
            (
                "authentication.setUserByConnection('db', {user_id: '1', email: 'a@b.example'}, {creationBehavior: 'none', updateBehavior: 'replace'})",
                r#"{"connection":"db","attributes":{"user_id":"1","email":"a@b.example"},"options":{"creationBehavior":"none","updateBehavior":"replace"}}"#,
            ),
            ("authentication.setOrganization('org_1')", r#"{"organization":"org_1"}"#),
            (
                "authentication.setActor({sub: 'a', act: {sub: 'b'}})",
                r#"{"actor":{"sub":"a","act":{"sub":"b"}}}"#,
            ),
            ("user.setUserMetadata('a', 1)", r#"{"name":"a","value":1}"#),
            ("user.setAppMetadata('a', 1)", r#"{"name":"a","value":1}"#),
        ],
    ),
    ("event-stream", &[]),
];

#[test]
fn every_method_of_every_trigger_leaves_its_command() {
    let mut told = BTreeSet::new();
    for (trigger, cases) in OTHERS.iter().copied().chain([("post-login", POST_LOGIN)]) {
        told.insert(trigger);
        let mut tried = BTreeSet::new();
        for (call, members) in cases {
            let mut expected: Value = serde_json::from_str(members).unwrap();
            let name = call.split_once('(').unwrap().0;
            expected["type"] = name.into();
            if name.ends_with("setCustomClaim")
                || ["accessToken.addScope", "accessToken.removeScope"].contains(&name)
            {
                expected["line"] = 1.into();
            }
            tried.insert(name.to_owned());
            assert_eq!(
                commands_of(trigger, &format!("if (api.{call} !== api) throw new Error('not chainable');")),
                [expected],
                "{call}"
            );
        }
        let table: BTreeSet<_> = commands(trigger).iter().map(|name| (*name).to_owned()).collect();
        let (saml, others): (BTreeSet<_>, _) =
            table.into_iter().partition(|name| name.starts_with("samlResponse."));
        assert_eq!(tried, others, "{trigger}");
        for name in saml {
            let expected = json!({"type": name, "args": ["a", {"b": 1}]});
            assert_eq!(commands_of(trigger, &format!("api.{name}('a', {{b: 1}});")), [expected]);
        }
    }
    assert_eq!(told, triggers().collect());
}

#[test]
fn a_command_about_a_token_tells_its_line() {
    let code = "const helper = (api) => {\n  api.idToken.setCustomClaim('a', 1);\n};\n\n\
                exports.onExecutePostLogin = async (event, api) => {\n  await null;\n  helper(api);\n  \
                api.accessToken.addScope('x'); api.user.setUserMetadata('m', 1);\n};";
    let lines = |codes: &[&str]| -> Vec<Value> {
        let outcome = run(flow(action("post-login"), codes, event()));
        outcome.runs.iter().flat_map(|run| &run.commands).map(|command| command["line"].clone()).collect()
    };
    assert_eq!(lines(&[code]), [json!(2), json!(8), json!(null)]);
    // Whoever changes how stacks are written takes the line away, and no more.
    for change in [
        "Error.prepareStackTrace = () => { throw new Error('no'); };",
        "Error.prepareStackTrace = () => ({ split: 1 });",
        "Error.stackTraceLimit = 0;",
        "globalThis.Error = null;",
    ] {
        let first = format!("{change} exports.onExecutePostLogin = async () => {{}};");
        let known = lines(&[&first, code]);
        assert_eq!(known.len(), 3, "{change}");
        assert!(known[0] == 2 || known[0].is_null(), "{change} {known:?}");
    }
}

#[test]
fn a_trigger_has_only_its_own_methods() {
    let code = "exports.onExecuteCredentialsExchange = async (event, api) => {
        console.log(typeof api.redirect, typeof api.idToken, typeof api.access.rejectInvalidSubjectToken, typeof api.transaction.setMetadata, typeof api.cache.get); };";
    assert_eq!(
        console(flow(action("credentials-exchange"), &[code], event())),
        ["undefined undefined undefined undefined function"]
    );
}

#[test]
fn arguments_are_checked() {
    for (call, message) in [
        ("access.deny()", "The reason must be a string"),
        ("accessToken.setCustomClaim('', 1)", "The name must not be empty"),
        ("accessToken.addScope(7)", "The scope must be a string"),
        ("authentication.challengeWith('otp')", "A factor must be an object with a type"),
        ("authentication.challengeWithAny([])", "The factors must be an array of factors"),
        (
            "multifactor.enable('sms')",
            "The provider must be one of any, guardian, google-authenticator, duo, none",
        ),
        ("redirect.sendUserTo('/relative')", "\"/relative\" is not an absolute URL"),
        ("redirect.sendUserTo('javascript:alert(1)')", "The URL must begin with https:// or http://"),
        (
            "session.setExpiresAt('tomorrow')",
            "The expiry must be a point in time, in milliseconds since 1970",
        ),
        ("session.setCookieMode('x')", "The mode must be one of persistent, non-persistent"),
        ("transaction.setMetadata('a', {})", "The value must be a string, a number or a boolean"),
        ("transaction.setMetadata('a'.repeat(65), 1)", "The name must be at most 64 characters long"),
        ("redirect.encodeToken({payload: {}})", "secret must be a string"),
        ("samlResponse.setAudience()", "samlResponse.setAudience needs a value"),
    ] {
        let outcome = run(post_login(&format!("api.{call};")));
        assert_eq!(error(&outcome).message, message, "{call}");
        assert_eq!(error(&outcome).name, "TypeError");
        assert_eq!(outcome.runs[0].commands, Vec::<Value>::new());
    }
}

#[test]
fn some_commands_end_the_flow() {
    let next = "exports.onExecutePostLogin = async () => { console.log('second'); };";
    for (body, ended, runs) in [
        ("api.accessToken.addScope('a'); api.access.deny('x'); console.log('goes on');", Ended::Early, 1),
        ("api.redirect.sendUserTo('https://a.example/');", Ended::Early, 1),
        ("api.authentication.challengeWith({type: 'otp'});", Ended::Early, 1),
        ("api.prompt.render('f');", Ended::Early, 1),
        ("api.validation.error('c', 'm');", Ended::Early, 1),
        ("api.multifactor.enable('any');", Ended::Whole, 2),
        ("throw new Error('x');", Ended::Failed, 1),
    ] {
        let first = format!("exports.onExecutePostLogin = async (event, api) => {{ {body} }};");
        let outcome = run(flow(action("post-login"), &[&first, next], event()));
        assert_eq!((outcome.ended, outcome.runs.len()), (ended, runs), "{body}");
        assert_eq!(outcome.result, Value::Null);
    }
}

#[test]
fn each_script_has_its_event_its_secrets_and_its_scope() {
    let code = "let count = 0; const own = __filename; exports.onExecutePostLogin = async (event, api) => { console.log(++count, own, event.secrets.KEY, Object.keys(event).join()); };";
    let mut flow = flow(action("post-login"), &[code, code], json!({"b": 1, "a": {}}));
    for (index, value) in ["one", "two"].into_iter().enumerate() {
        let mut program = (*flow.programs[index]).clone();
        program.secrets.insert("KEY".to_owned(), value.to_owned());
        flow.programs[index] = Arc::new(program);
    }
    let outcome = run(flow);
    assert_eq!(outcome.runs[0].console, ["1 script0 one a,b,secrets"]);
    assert_eq!(outcome.runs[1].console, ["1 script1 two a,b,secrets"]);
    assert_eq!(outcome.runs[1].program, 1);
}

#[test]
fn transaction_metadata_is_seen_at_once_and_later() {
    let codes = [
        "exports.onExecutePostLogin = async (event, api) => { api.transaction.setMetadata('a', 1); console.log(event.transaction.metadata.a); };",
        "exports.onExecutePostLogin = async (event, api) => { console.log(JSON.stringify(event.transaction.metadata)); };",
    ];
    let mut input = event();
    input["transaction"]["metadata"] = json!({"old": true});
    let outcome = run(flow(action("post-login"), &codes, input));
    assert_eq!(
        (&outcome.runs[0].console[0], &outcome.runs[1].console[0]),
        (&"1".to_owned(), &r#"{"old":true,"a":1}"#.to_owned())
    );
}

#[test]
fn a_flow_is_resumed_at_the_first_script() {
    let first = "exports.onExecutePostLogin = async () => { console.log('again'); }; exports.onContinuePostLogin = async () => { console.log('continued'); };";
    let second = "exports.onExecutePostLogin = async () => { console.log('executed'); }; exports.onContinuePostLogin = async () => {};";
    let wrapper =
        Wrapper::Action { trigger: "post-login".to_owned(), resume: Some("onContinuePostLogin".to_owned()) };
    let outcome = run(flow(wrapper.clone(), &[first, second], event()));
    assert_eq!(
        (outcome.runs[0].console[0].as_str(), outcome.runs[1].console[0].as_str()),
        ("continued", "executed")
    );
    let outcome = run(flow(wrapper, &["exports.onExecutePostLogin = async () => {};"], event()));
    assert_eq!(error(&outcome).kind, ErrorKind::Invalid);
}

#[test]
fn handlers_of_every_kind() {
    for code in [
        "exports.onExecutePostLogin = function (event, api) { api.accessToken.addScope('x'); };",
        "module.exports = { onExecutePostLogin(event, api) { api.accessToken.addScope('x'); } };",
        "exports.onExecutePostLogin = (event, api) => ({ then(resolve) { api.accessToken.addScope('x'); resolve(); } });",
        "exports.onExecutePostLogin = async function (event, api) { await 1; await new Promise((r) => setTimeout(r, 2)); api.accessToken.addScope('x'); }",
        "'use strict';\nexports.onExecutePostLogin = async (event, { accessToken }) => { accessToken.addScope('x'); }; // the end",
        "module.exports = class { static onExecutePostLogin(event, api) { return Promise.resolve(api.accessToken.addScope('x')); } }",
        "#!/usr/bin/env node\nexports.onExecutePostLogin = (event, api) => api.accessToken.addScope('x');",
    ] {
        let outcome = run(flow(action("post-login"), &[code], event()));
        assert_eq!(outcome.ended, Ended::Whole, "{code}\n{outcome:?}");
        assert_eq!(outcome.runs[0].commands.len(), 1, "{code}");
    }
}

#[test]
fn stacks_have_the_authors_lines() {
    let code = "const a = 1; function fail() { throw new RangeError('here'); }\nexports.onExecutePostLogin = async (event, api) => {\n  await null;\n\n  fail();\n};";
    let outcome = run(flow(action("post-login"), &[code], event()));
    let found = error(&outcome);
    assert_eq!((found.name.as_str(), found.message.as_str()), ("RangeError", "here"));
    let lines: Vec<_> = found.stack.lines().map(str::trim).collect();
    assert_eq!(lines[0], "at fail (script0:1:42)", "{lines:?}");
    assert!(lines[1].ends_with("(script0:5:3)"), "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[test]
fn redirect_tokens() {
    let mut with_token = post_login(
        "const token = api.redirect.encodeToken({ secret: 's', expiresInSeconds: 60, payload: { a: 1, iss: 'mine' } });
        console.log(JSON.stringify(require('jsonwebtoken').verify(token, 's', { clockTimestamp: 1700000000 })));
        const answer = require('jsonwebtoken').sign({ state: 'st', ok: true, exp: 1700000060 }, 's', { noTimestamp: true });
        event.request.query.session_token = answer; event.request.body.other = answer;
        console.log(JSON.stringify(api.redirect.validateToken({ secret: 's' })), api.redirect.validateToken({ secret: 's', tokenParameterName: 'other' }).ok);
        const bad = (claims, secret = 's') => { event.request.query.session_token = require('jsonwebtoken').sign(claims, secret, { noTimestamp: true });
            try { api.redirect.validateToken({ secret: 's' }); console.log('no error'); } catch (e) { console.log(e.message); } };
        bad({ state: 'other', exp: 1700000060 }); bad({ state: 'st' }); bad({ state: 'st', exp: 1700000000 }); bad({ state: 'st', exp: 1700000060 }, 'wrong');
        delete event.request.query.session_token; try { api.redirect.validateToken({ secret: 's' }); } catch (e) { console.log(e.message); }",
    );
    let redirect = json!({"iss": "acme.example", "state": "st", "now": 1_700_000_000});
    with_token.globals.insert("$redirect".to_owned(), redirect);
    assert_eq!(
        console(with_token),
        [
            r#"{"a":1,"iss":"acme.example","iat":1700000000,"sub":"auth0|1","exp":1700000060,"ip":"192.0.2.1"}"#,
            r#"{"state":"st","ok":true,"exp":1700000060} true"#,
            "The state in the session token does not match the transaction",
            "The session token has no expiry (exp)",
            "The session token is expired",
            "The signature of the session token is not valid",
            "There is no parameter called 'session_token'",
        ]
    );
}

#[test]
fn redirects_need_a_browser() {
    for (transaction, can) in [
        (json!({"protocol": "oidc-basic-profile"}), true),
        (json!({"protocol": "oidc-basic-profile", "prompt": ["none"]}), false),
        (json!({"protocol": "oauth2-refresh-token"}), false),
        (json!({"protocol": "oauth2-password"}), false),
        (Value::Null, false),
    ] {
        let mut flow = post_login("console.log(api.redirect.canRedirect());");
        let mut event = event();
        event["transaction"] = transaction.clone();
        flow.input = event.into();
        assert_eq!(console(flow), [can.to_string()], "{transaction}");
    }
}

#[test]
fn the_host_is_asked() {
    let host = TestHost::new(|call| match call.name.as_str() {
        "cache.get" if call.args["key"] == "known" => Ok(json!({"value": "v", "expires_at": 5})),
        "cache.get" if call.args["key"] == "odd" => Err(HostError::new("no cache")),
        "cache.set" if call.args["key"] == "big" => {
            Err(HostError { code: Some("CacheSizeExceeded".into()), message: "too big".into() })
        }
        "cache.get" => Ok(Value::Null),
        "cache.set" => Ok(json!({"value": call.args["value"], "expires_at": 9})),
        "cache.delete" => Ok(Value::Null),
        "groups.hasGroupMembership" => Ok(json!(call.args["group"] == "admins")),
        _ => Ok(json!({"asked": call.name, "args": call.args})),
    });
    let mut flow = post_login(
        "const s = JSON.stringify; console.log(s(api.cache.get('known')), api.cache.get('other'), s(api.cache.set('a', 'b', { ttl: 1000 })), s(api.cache.set('big', 'b')), s(api.cache.delete('a')));
        try { api.cache.get('odd'); } catch (e) { console.log(e.message); } try { api.cache.set('a', 1); } catch (e) { console.log(e.message); }
        const [a, b] = await Promise.all([api.groups.hasGroupMembership('admins'), api.roles.getUserEffectiveRoles({ take: 10 })]);
        console.log(a, s(b)); console.log(s(await api.roles.getUserEffectiveRolesByIds(['r'])), s(await api.groups.getUserGroups()));
        console.log(api.rules.wasExecuted('rul_1'), api.rules.wasExecuted('rul_2'));",
    );
    flow.globals.insert("$rules".to_owned(), json!(["rul_1"]));
    assert_eq!(
        console_with(flow, host),
        [
            r#"{"expires_at":5,"value":"v"} undefined {"type":"success","record":{"expires_at":9,"value":"b"}} {"type":"error","code":"CacheSizeExceeded","message":"too big"} {"type":"success"}"#,
            "no cache",
            "The value must be a string",
            r#"true {"args":{"take":10},"asked":"roles.getUserEffectiveRoles"}"#,
            r#"{"args":{"ids":["r"]},"asked":"roles.getUserEffectiveRolesByIds"} {"args":{},"asked":"groups.getUserGroups"}"#,
            "true false",
        ]
    );
}

/// Scripts that name no map, set or bytes run without them; what they do use works the same.
#[test]
fn a_script_that_names_nothing_unusual_has_what_it_uses() {
    let body = "console.log({ list: [1], none: null, pattern: /x/ }, new Date(0), new TypeError('no').message);
        console.count(); console.count('two'); console.count();
        const { a, ...rest } = { a: 1, b: 2, c: [...'de'] }; console.log(rest, Object.entries(rest).length);
        console.log(await Promise.all([1, Promise.resolve(2)]), 10n ** 20n, 'a-b'.replace(/-/g, '+'), Symbol('s'));";
    let usual = console(post_login(body));
    assert_eq!(usual[0], "{ list: [ 1 ], none: null, pattern: /x/ } 1970-01-01T00:00:00.000Z no");
    assert_eq!(usual[1..4], ["default: 1", "two: 1", "default: 2"]);
    assert_eq!(usual, console(post_login(&format!("new Map(); {body}"))));
}
