//! Log streams: where a tenant wants its log to be sent. They are stored; nothing is sent yet.
//!
//! What each type of stream needs to know is its `sink`, which is sealed, because most hold a key.

mod sinks;

use gatewright_store::BoxFuture;
use serde_json::{Value, json};

use crate::engine::crud::{fill, merge, merge_member};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, OBJECT, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource};

document_table!(TABLE, "log_streams", id "stream_id", sealed "sink_sealed");

static STREAMS: Crud = Crud {
    sealed: Some("sink"),
    not_found: ("The log stream does not exist.", None),
    draft,
    change,
    ..Crud::plain(
        &TABLE,
        "/log-streams",
        "/log-streams/{id}",
        "log_streams",
        IdForm::Digits("lst_", 16),
        FIELDS,
    )
};

const CATEGORIES: &[&str] = &[
    "auth.login.fail",
    "auth.login.notification",
    "auth.login.success",
    "auth.logout.fail",
    "auth.logout.success",
    "auth.signup.fail",
    "auth.signup.success",
    "auth.silent_auth.fail",
    "auth.silent_auth.success",
    "auth.token_exchange.fail",
    "auth.token_exchange.success",
    "management.fail",
    "management.success",
    "scim.event",
    "system.notification",
    "user.fail",
    "user.notification",
    "user.success",
    "actions",
    "other",
];
const FILTER: Shape = Shape::object(&[
    field("type", Shape::OneOf(&["category"])).required(),
    field("name", Shape::OneOf(CATEGORIES)).required(),
]);
const PERSONAL: Shape = Shape::OneOf(&["first_name", "last_name", "username", "email", "phone", "address"]);
const PII: Shape = Shape::object(&[
    field("log_fields", Shape::List { of: &PERSONAL, min: 1 }).required(),
    field("method", Shape::OneOf(&["mask", "hash"])),
    field("algorithm", Shape::OneOf(&["xxhash"])),
]);
const FIELDS: &[Field] = &[
    field("name", Shape::text(1, 255)).hint("log stream name"),
    field("type", Shape::OneOf(sinks::TYPES)).required().immutable(),
    field("status", Shape::OneOf(&["active", "paused", "suspended"])).only_on_update(),
    field("isPriority", BOOL),
    field("filters", Shape::list(&FILTER)),
    field("pii_config", PII).nullable(),
    field("sink", OBJECT).required(),
    field("startFrom", TEXT).immutable(),
];

/// `/log-streams`.
pub static RESOURCE: Resource = Resource {
    name: "log-streams",
    operations: &[
        Operation::new(
            "get_log_streams",
            Method::Get,
            "/log-streams",
            "Get log streams",
            &["read:log_streams"],
            Handler::Custom(list),
        ),
        STREAMS
            .creates("post_log_streams", "Create a log stream", &["create:log_streams"])
            .success(200)
            .partly("sending events"),
        STREAMS.reads("get_log_streams_by_id", "Get log stream by ID", &["read:log_streams"]),
        STREAMS.updates("patch_log_streams_by_id", "Update a log stream", &["update:log_streams"]),
        STREAMS.deletes("delete_log_streams_by_id", "Delete a log stream", &["delete:log_streams"]),
    ],
};

/// Compat: always a bare array of all of them.
fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let streams = STREAMS.load(cx.tx, &request.tenant, &request.master_key).await?;
        let shown = streams.into_iter().map(|stream| Value::Object(input.query.project(stream)));
        Ok(Value::Array(shown.collect()).into())
    })
}

fn draft<'a>(_: &'a mut OpCx<'_>, stream: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        sinks::check(stream)?;
        let name = json!({ "name": format!("Stream of {}", text(stream, "type")) });
        fill(stream, name);
        fill(stream, json!({ "status": "active", "isPriority": false, "filters": [] }));
        Ok(())
    })
}

fn change<'a>(
    _: &'a mut OpCx<'_>,
    stream: &'a mut Map,
    body: &'a Map,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let mut body = body.clone();
        if let Some(sink) = body.remove("sink") {
            if sinks::is_fixed(text(stream, "type")) {
                return Err(ApiError::unsupported("The sink of this type of log stream cannot be changed."));
            }
            merge_member(stream, "sink", &sink);
        }
        merge(stream, &body);
        sinks::check(stream)
    })
}

fn text<'a>(document: &'a Map, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "log_streams_tests.rs"]
mod tests;
