//! Texts of messages to phones: `/branding/phone/templates`. They are stored without effect.

use serde_json::{Value, json};

use crate::engine::crud::{fill, merge_member};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{Crud, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource};

const FILTERS: &[Field] = &[field("disabled", BOOL)];

const TEMPLATES_PATH: &str = "/branding/phone/templates";

const CONTENT: &[Field] = &[
    field("syntax", TEXT),
    field("from", Shape::text(1, 16)),
    field(
        "body",
        Shape::object(&[field("text", Shape::text(1, 20_000)), field("voice", Shape::text(1, 20_000))]),
    ),
];
const TEMPLATE: &[Field] = &[
    field(
        "type",
        Shape::OneOf(&["otp_verify", "otp_enroll", "change_password", "blocked_account", "password_breach"]),
    )
    .immutable(),
    field("disabled", BOOL),
    field("content", Shape::object(CONTENT)),
];

document_table!(TABLE, "phone_templates", id "template_id", keys "type");

static TEMPLATES: Crud = Crud {
    keys: |template| {
        let kind = template.get("type").and_then(Value::as_str).unwrap_or_default();
        vec![kind.into()]
    },
    draft: |cx, template| {
        Box::pin(async move {
            fill(template, json!({"type": "otp_verify", "disabled": false, "content": default_content()}));
            complete(template);
            let now = cx.request.now.iso8601();
            fill(
                template,
                json!({"channel": "phone", "customizable": true, "tenant": cx.request.tenant.as_str(),
                    "created_at": now, "updated_at": now}),
            );
            Ok(())
        })
    },
    change: |cx, template, body| {
        Box::pin(async move {
            for (name, value) in body {
                match name.as_str() {
                    "content" => merge_member(template, name, value),
                    _ => drop(template.insert(name.clone(), value.clone())),
                }
            }
            complete(template);
            template.insert("updated_at".to_owned(), cx.request.now.iso8601().into());
            Ok(())
        })
    },
    not_found: ("The phone template does not exist.", None),
    conflict: "A phone template of this type already exists.",
    ..Crud::plain(
        &TABLE,
        TEMPLATES_PATH,
        "/branding/phone/templates/{id}",
        "templates",
        IdForm::Alphanumeric("tem_", 22),
        TEMPLATE,
    )
};

/// The words of a message until somebody changes them.
fn default_content() -> Value {
    let text = "{{ code }} is your verification code for {{ friendly_name }}.";
    json!({"syntax": "liquid", "body": {"text": text, "voice": text}})
}

fn complete(template: &mut Map) {
    if let Some(Value::Object(content)) = template.get_mut("content") {
        fill(content, default_content());
    }
}

/// `/branding/phone/templates`.
pub static RESOURCE: Resource = Resource {
    name: "branding",
    operations: &[
        Operation::new(
            "get_phone_templates",
            Method::Get,
            TEMPLATES_PATH,
            "Get a list of phone templates",
            &["read:phone_templates"],
            Handler::Custom(list),
        )
        .query(FILTERS),
        TEMPLATES.creates("create_phone_template", "Create a phone template", &["create:phone_templates"]),
        TEMPLATES.reads("get_phone_template", "Get a phone template", &["read:phone_templates"]),
        TEMPLATES.updates("update_phone_template", "Update a phone template", &["update:phone_templates"]),
        TEMPLATES.deletes("delete_phone_template", "Delete a phone template", &["delete:phone_templates"]),
        Operation::new(
            "reset_phone_template",
            Method::Patch,
            "/branding/phone/templates/{id}/reset",
            "Reset a phone template",
            &["update:phone_templates"],
            Handler::Custom(reset),
        )
        .writes_config(),
    ],
};

/// Compat: every one of them under its name, without pages.
fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let stored = TEMPLATES.load(cx.tx, &request.tenant, &request.master_key).await?;
        let shown = stored.into_iter().map(|document| (TEMPLATES.present)(request, &Value::Null, document));
        let wanted = input.query.bool("disabled");
        let is_disabled = |document: &Map| document.get("disabled").and_then(Value::as_bool);
        let chosen = shown.filter(|document| wanted.is_none() || is_disabled(document) == wanted);
        Ok(json!({ "templates": chosen.collect::<Vec<_>>() }).into())
    })
}

fn reset<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let found = TEMPLATES.find(cx.tx, &request.tenant, &request.master_key, input.id()).await?;
        let mut template = found.ok_or_else(|| TEMPLATES.missing())?;
        template.insert("content".to_owned(), default_content());
        template.insert("updated_at".to_owned(), request.now.iso8601().into());
        TEMPLATES.store(cx.tx, &request.sealing(), template.clone()).await?;
        Ok(template.into())
    })
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
