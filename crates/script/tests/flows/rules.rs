//! Rules, hooks, database and social scripts.

use std::sync::Arc;

use gatewright_script::{Ended, ErrorKind, Outcome, Wrapper};
use serde_json::{Value, json};

use crate::common::*;

fn rules(codes: &[&str]) -> Outcome {
    run(flow(Wrapper::Rule, codes, json!({"user": {"user_id": "auth0|1"}, "context": {"idToken": {}}})))
}

#[test]
fn each_rule_gets_what_the_one_before_gave() {
    let outcome = rules(&[
        "function (user, context, callback) { user.a = 1; global.seen = 1; callback(null, user, context); }",
        "function (user, context, callback) { user.b = user.a + global.seen; callback(null, { ...user, fresh: true }, context); }",
        "function (user, context, callback) { context.idToken.c = user.b; setTimeout(() => callback(null, user, context), 1); }",
        "function (user, context, callback) { callback(null); }",
    ]);
    assert_eq!(outcome.ended, Ended::Whole, "{outcome:?}");
    assert_eq!(outcome.runs.len(), 4);
    assert_eq!(
        outcome.result,
        json!({"user": {"user_id": "auth0|1", "a": 1, "b": 2, "fresh": true}, "context": {"idToken": {"c": 2}}})
    );
}

#[test]
fn functions_of_every_form() {
    for code in [
        "function (user, context, callback) { callback(null, user, context); }",
        "function named(user, context, callback) { callback(null, user, context); };",
        "// a comment first\n\nfunction (u, c, cb) { cb(null, u, c); } // and last",
        "/* one */ (user, context, callback) => callback(null, user, context);",
        "async (user, context, callback) => { await null; return callback(null, user, context); }",
        "async function rule(user, context, callback) {\n  callback(null, user, context);\n}\n",
        "function (user, context, callback) { helper(); callback(null, user, context); }\nfunction helper() {}",
        "function (user, context, callback) { undeclared = 1; with (user) { callback(null, user, context); } }",
    ] {
        let outcome = rules(&[code]);
        assert_eq!(outcome.ended, Ended::Whole, "{code}\n{outcome:?}");
    }
}

#[test]
fn errors_by_callback_throw_and_rejection() {
    for (body, name, message) in [
        ("callback(new UnauthorizedError('no entry'));", "UnauthorizedError", "no entry"),
        ("callback(new Error('broken'));", "Error", "broken"),
        ("callback('just text');", "Error", "just text"),
        ("throw new TypeError('thrown');", "TypeError", "thrown"),
        ("setTimeout(() => callback(new RangeError('later')), 1);", "RangeError", "later"),
    ] {
        let outcome = run(rule(body));
        assert_eq!(outcome.ended, Ended::Failed, "{body}");
        assert_eq!(outcome.result, Value::Null);
        let found = error(&outcome);
        assert_eq!(
            (found.kind, found.name.as_str(), found.message.as_str()),
            (ErrorKind::Thrown, name, message)
        );
    }
    let outcome = rules(&["async function (user, context, callback) { throw new TypeError('rejected'); }"]);
    assert_eq!(error(&outcome).message, "rejected");
    assert_eq!(outcome.runs[0].console, Vec::<String>::new());
    let outcome = run(rule("const e = new UnauthorizedError('m'); e.extra = 'x'; callback(e);"));
    assert_eq!(error(&outcome).members, *json!({"code": "unauthorized", "extra": "x"}).as_object().unwrap());
    // Nothing that stands for no error is one.
    assert_eq!(run(rule("callback(undefined, user, context);")).ended, Ended::Whole);
}

#[test]
fn only_the_first_call_of_the_callback_counts() {
    let outcome = run(rule("callback(null, { first: 1 }, context); callback(new Error('second'));"));
    assert_eq!(outcome.ended, Ended::Whole);
    assert_eq!(outcome.result["user"], json!({"first": 1}));
    assert_eq!(outcome.runs[0].console, ["callback was called more than once; only the first call counts"]);
}

#[test]
fn the_line_of_an_error_is_the_authors() {
    let outcome = rules(&[
        "function (user, context, callback) {\n  const x = context.missing.thing;\n  callback(null, user, context);\n}",
    ]);
    assert!(error(&outcome).stack.starts_with("    at <anonymous> (script0:2:"), "{:?}", error(&outcome));
}

#[test]
fn configuration_is_the_programs_secrets() {
    let mut flow = rule("context.key = configuration.KEY; callback(null, user, context);");
    let mut program = (*flow.programs[0]).clone();
    program.secrets.insert("KEY".to_owned(), "secret".to_owned());
    flow.programs = vec![Arc::new(program)];
    assert_eq!(run(flow).result["context"]["key"], "secret");
}

#[test]
fn metadata_is_changed_by_the_host() {
    let host = TestHost::new(|call| Ok(json!({"user_id": call.args["user_id"], "by": call.name})));
    let mut flow = rule(
        "auth0.users.updateUserMetadata(user.user_id, { a: 1 }).then((u) => { context.first = u;
            auth0.users.updateAppMetadata(user.user_id, { b: 2 });
            context.where = [auth0.domain, auth0.accessToken];
            callback(null, user, context); }).catch(callback);",
    );
    flow.globals.insert("$auth0".to_owned(), json!({"domain": "acme.example", "accessToken": "t"}));
    let outcome = run_with(flow, Arc::clone(&host));
    assert_eq!(
        outcome.result["context"]["first"],
        json!({"user_id": "auth0|1", "by": "users.updateUserMetadata"})
    );
    assert_eq!(outcome.result["context"]["where"], json!(["acme.example", "t"]));
    // The second was not waited for, but it is made.
    let calls: Vec<_> =
        host.calls.lock().unwrap().iter().map(|call| (call.name.clone(), call.args.clone())).collect();
    assert_eq!(
        calls[1],
        ("users.updateAppMetadata".to_owned(), json!({"user_id": "auth0|1", "metadata": {"b": 2}}))
    );
}

#[test]
fn more_globals_are_given_by_the_flow() {
    let mut flow = rule("context.x = extra.deep[0]; callback(null, user, context);");
    flow.globals.insert("extra".to_owned(), json!({"deep": [7]}));
    assert_eq!(run(flow).result["context"]["x"], 7);
}

#[test]
fn database_scripts() {
    let login = |code: &str, args: Value| run(flow(Wrapper::Callback, &[code], json!({ "args": args })));
    let outcome = login(
        "function login(email, password, callback) { if (password === 'right') return callback(null, { user_id: '1', email });
        return callback(new WrongUsernameOrPasswordError(email, 'nope')); }",
        json!(["a@b.example", "right"]),
    );
    assert_eq!(outcome.result, json!({"user_id": "1", "email": "a@b.example"}));
    let outcome = login(
        "function login(email, password, callback) { callback(new WrongUsernameOrPasswordError(email, 'nope')); }",
        json!(["a@b.example", "wrong"]),
    );
    assert_eq!(error(&outcome).name, "WrongUsernameOrPasswordError");
    assert_eq!(error(&outcome).members["user"], "a@b.example");
    let outcome = login(
        "function create(user, callback) { callback(new ValidationError('user_exists', 'there')); }",
        json!([{}]),
    );
    assert_eq!(
        (error(&outcome).name.as_str(), &error(&outcome).members["code"]),
        ("ValidationError", &json!("user_exists"))
    );
    for (code, expected) in [
        ("function (email, callback) { callback(null); }", Value::Null),
        ("function (email, callback) { callback(null, false); }", json!(false)),
        ("async function (email) { return { user_id: email }; }", json!({"user_id": "x"})),
        ("async function (email) { return undefined; }", Value::Null),
        ("async (email, callback) => { setTimeout(() => callback(null, 5), 1); }", json!(5)),
        (
            "function getUser(email, callback) { require('bcrypt').hash('a', 4, (e, h) => callback(e, h.length)); }",
            json!(60),
        ),
    ] {
        let outcome = login(code, json!(["x"]));
        assert_eq!(outcome.ended, Ended::Whole, "{code}\n{outcome:?}");
        assert_eq!(outcome.result, expected, "{code}");
    }
    assert_eq!(error(&login("function (email, callback) {}", json!(["x"]))).kind, ErrorKind::Stuck);
}

#[test]
fn hooks() {
    let hook = |code: &str, args: Value| {
        let mut flow = flow(Wrapper::Hook, &[code], json!({ "args": args }));
        let mut program = (*flow.programs[0]).clone();
        program.secrets.insert("KEY".to_owned(), "secret".to_owned());
        flow.programs = vec![Arc::new(program)];
        run(flow)
    };
    let outcome = hook(
        "module.exports = function (client, scope, audience, context, cb) {
            var access_token = { scope: scope.concat('extra') }; access_token['https://a.example/k'] = context.webtask.secrets.KEY; cb(null, access_token); };",
        json!([{"name": "c"}, ["read"], "aud", {"webtask": {"x": 1}}]),
    );
    assert_eq!(outcome.result, json!({"scope": ["read", "extra"], "https://a.example/k": "secret"}));
    let outcome = hook(
        "module.exports = async (user, context) => { return { user: { app_metadata: { a: 1 } } }; };",
        json!([{}, {}]),
    );
    assert_eq!(outcome.result, json!({"user": {"app_metadata": {"a": 1}}}));
    let outcome = hook(
        "module.exports = function (user, context, cb) { cb(new PreUserRegistrationError('for the log', 'for the user')); };",
        json!([{}, {}]),
    );
    assert_eq!(error(&outcome).name, "PreUserRegistrationError");
    assert_eq!(error(&outcome).members["friendlyMessage"], "for the user");
    let outcome = hook(
        "module.exports = function (a, b, cb) { cb(new InvalidScopeError('bad scope')); };",
        json!([{}, {}]),
    );
    assert_eq!(error(&outcome).name, "InvalidScopeError");
    let outcome = hook("exports.x = 1;", json!([{}]));
    assert_eq!(error(&outcome).kind, ErrorKind::Invalid);
}
