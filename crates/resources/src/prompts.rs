//! Settings of the hosted login pages: `/prompts`. They are kept among the tenant's settings, under
//! `prompts`, so that a snapshot has them.

use gatewright_store::params;
use serde_json::{Value, json};

use crate::engine::crud::merge;
use crate::engine::field::{BOOL, Field, Shape, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Handler, Input, Map, Method, OpCx, Operation, Resource};
use crate::tenants;

const FIELDS: &[Field] = &[
    field("universal_login_experience", Shape::OneOf(&["new", "classic"])),
    field("identifier_first", BOOL),
    field("webauthn_platform_first_factor", BOOL).nullable(),
];

/// `/prompts`.
pub static RESOURCE: Resource = Resource {
    name: "prompts",
    operations: &[
        Operation::new(
            "get_prompts",
            Method::Get,
            "/prompts",
            "Get prompt settings",
            &["read:prompts"],
            Handler::Custom(read),
        ),
        Operation::new(
            "patch_prompts",
            Method::Patch,
            "/prompts",
            "Update prompt settings",
            &["update:prompts"],
            Handler::Custom(update),
        )
        .body(FIELDS, Purpose::Update)
        .writes_config(),
    ],
};

/// What the pages do until somebody changes it.
fn defaults() -> Map {
    let defaults = json!({
        "universal_login_experience": "new",
        "identifier_first": false,
        "webauthn_platform_first_factor": false,
    });
    match defaults {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn of(settings: &Value) -> Map {
    let mut prompts = defaults();
    if let Some(Value::Object(stored)) = settings.get("prompts") {
        merge(&mut prompts, stored);
    }
    prompts
}

fn read<'a>(cx: &'a mut OpCx<'_>, _input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(of(&tenants::settings(cx.tx, &cx.request.tenant).await?).into()) })
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let tenant = &cx.request.tenant;
        let mut settings = tenants::settings(cx.tx, tenant).await?;
        let mut prompts = of(&settings);
        merge(&mut prompts, &input.body);
        settings["prompts"] = Value::Object(prompts.clone());
        cx.tx.run(&tenants::SET, &params![tenant, settings]).await?;
        Ok(prompts.into())
    })
}

#[cfg(test)]
#[path = "prompts_tests.rs"]
mod tests;
