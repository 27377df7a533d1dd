//! Rules: scripts that run at every login, which Auth0 ended in November 2026. Here they go on running
//! ([`crate::scripts`]).

use gatewright_store::{BoxFuture, Val, params, sql};
use serde_json::{Value, json};

use crate::engine::crud::fill;
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, SOME_TEXT, Shape, field};
use crate::engine::format::Format;
use crate::engine::{ApiError, Crud, IdForm, Map, OpCx, Resource};

document_table!(TABLE, "rules", id "rule_id", keys "position");
sql!(LAST, "SELECT MAX(position) FROM rules WHERE tenant_id = $1");

pub(crate) static RULES: Crud = Crud {
    not_found: ("The rule does not exist.", Some("inexistent_rule")),
    conflict: "A rule with the same order already exists.",
    keys: |rule| vec![Val::Int(rule.get("order").and_then(Value::as_i64).unwrap_or_default())],
    draft,
    selects: |query, rule| {
        query.bool("enabled").is_none_or(|wanted| rule.get("enabled") == Some(&Value::Bool(wanted)))
    },
    ..Crud::plain(&TABLE, "/rules", "/rules/{id}", "rules", IdForm::Alphanumeric("rul_", 16), FIELDS)
};

const FIELDS: &[Field] = &[
    field("name", Shape::Text { min: 1, max: 255, format: Format::ScriptName })
        .required()
        .hint("The name of the rule"),
    field("script", SOME_TEXT).required().hint("A script that contains the rule's code"),
    field("order", Shape::Int { min: 0, max: i64::MAX }).hint("The rule's order in relation to other rules"),
    field("enabled", BOOL),
    field("stage", Shape::OneOf(&["login_success", "login_failure", "pre_authorize"])).immutable(),
];

/// `/rules`.
pub static RESOURCE: Resource = Resource {
    name: "rules",
    operations: &[
        RULES.lists("get_rules", "Get rules", &["read:rules"]).query(&[field("enabled", BOOL)]),
        RULES.creates("post_rules", "Create a rule", &["create:rules"]),
        RULES.reads("get_rules_by_id", "Get a rule", &["read:rules"]),
        RULES.updates("patch_rules_by_id", "Update a rule", &["update:rules"]),
        RULES.deletes("delete_rules_by_id", "Delete a rule", &["delete:rules"]),
    ],
};

/// A rule without a place comes last.
fn draft<'a>(cx: &'a mut OpCx<'_>, rule: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let last = cx.tx.one(&LAST, &params![&cx.request.tenant]).await?.opt_int(0)?;
        let next = last.unwrap_or(0).saturating_add(1);
        fill(rule, json!({ "enabled": true, "stage": "login_success", "order": next }));
        Ok(())
    })
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
