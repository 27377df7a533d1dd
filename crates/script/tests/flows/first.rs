//! An Action and a rule, from end to end.

use gatewright_script::{Ended, ErrorKind};
use serde_json::json;

use crate::common::*;

#[test]
fn an_action_leaves_commands() {
    let outcome = run(post_login(
        "console.log('hello', event.user.name); api.idToken.setCustomClaim('plan', event.user.app_metadata.plan);",
    ));
    assert_eq!(outcome.ended, Ended::Whole, "{outcome:?}");
    assert_eq!(
        outcome.runs[0].commands,
        [json!({"type": "idToken.setCustomClaim", "name": "plan", "value": "gold"})]
    );
}

#[test]
fn a_rule_gives_back_user_and_context() {
    let outcome = run(rule("context.idToken.a = 1; user.name = 'Bob'; callback(null, user, context);"));
    assert_eq!(outcome.ended, Ended::Whole, "{outcome:?}");
    assert_eq!(outcome.result["user"]["name"], "Bob");
    assert_eq!(outcome.result["context"]["idToken"], json!({"a": 1}));
    let outcome = run(rule("callback(new UnauthorizedError('no'));"));
    assert_eq!(error(&outcome).kind, ErrorKind::Thrown);
    assert_eq!(error(&outcome).name, "UnauthorizedError");
}
