//! What tenants wrote for the kinds of e-mail that are sent. A kind without a row has a default text.
//!
//! Texts are stored as they come: they are Liquid, which is judged where it is rendered.

use gatewright_core::email::EmailTemplate;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx, sql};
use serde_json::Value;

use crate::engine::crud::merge;
use crate::engine::field::{BOOL, Field, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{
    Answer, ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource, Table,
};

sql!(INSERT, "INSERT INTO email_templates (tenant_id, template, doc, created_at) VALUES ($1, $2, $3, $4)");
sql!(BY_ID, "SELECT doc FROM email_templates WHERE tenant_id = $1 AND template = $2");
sql!(ALL, "SELECT doc FROM email_templates WHERE tenant_id = $1 ORDER BY template");
sql!(UPDATE, "UPDATE email_templates SET doc = $3 WHERE tenant_id = $1 AND template = $2");
sql!(DELETE, "DELETE FROM email_templates WHERE tenant_id = $1 AND template = $2");

static TABLE: Table = Table {
    name: "email_templates",
    insert: &INSERT,
    by_id: &BY_ID,
    all: &ALL,
    update: &UPDATE,
    delete: &DELETE,
};

const PATH: &str = "/email-templates";
const ITEM: &str = "/email-templates/{templateName}";

static TEMPLATES: Crud = Crud {
    id_field: "template",
    not_found: ("There is not a configured email template", Some("inexistent_email_template")),
    conflict: "The email template is configured already",
    ..Crud::plain(&TABLE, PATH, ITEM, "templates", IdForm::Hex(24), FIELDS)
};

/// Kinds of e-mail that a tenant can write.
pub const NAMES: &[&str] = &[
    "verify_email",
    "verify_email_by_code",
    "auth_email_by_code",
    "reset_email",
    "reset_email_by_code",
    "welcome_email",
    "blocked_account",
    "stolen_credentials",
    "enrollment_email",
    "mfa_oob_code",
    "user_invitation",
    "change_password",
    "password_reset",
    "async_approval",
];

const SECONDS: Shape = Shape::Int { min: 0, max: i64::MAX };
const FIELDS: &[Field] = &[
    field("template", Shape::OneOf(NAMES)).required(),
    field("body", TEXT).required().nullable(),
    field("from", TEXT).required().nullable(),
    field("subject", TEXT).required().nullable(),
    field("syntax", TEXT).required().nullable(),
    field("enabled", BOOL).required().nullable(),
    field("resultUrl", TEXT).nullable(),
    field("urlLifetimeInSeconds", SECONDS).nullable(),
    field("includeEmailInRedirect", BOOL),
];

/// `/email-templates`.
pub static RESOURCE: Resource = Resource {
    name: "email-templates",
    operations: &[
        Operation::new(
            "post_email_templates",
            Method::Post,
            PATH,
            "Create an email template",
            &["create:email_templates"],
            Handler::Custom(create),
        )
        .body(FIELDS, Purpose::Create)
        .writes_config(),
        Operation::new(
            "get_email_templates_by_template_name",
            Method::Get,
            ITEM,
            "Get an email template",
            &["read:email_templates"],
            Handler::Custom(read),
        ),
        Operation::new(
            "put_email_templates_by_template_name",
            Method::Put,
            ITEM,
            "Set an email template",
            &["update:email_templates"],
            Handler::Custom(set),
        )
        .body(FIELDS, Purpose::Create)
        .writes_config(),
        Operation::new(
            "patch_email_templates_by_template_name",
            Method::Patch,
            ITEM,
            "Update an email template",
            &["update:email_templates"],
            Handler::Custom(update),
        )
        .body(FIELDS, Purpose::Update)
        .writes_config(),
    ],
};

/// Every text that the tenant wrote.
pub async fn load(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Vec<EmailTemplate>, StoreError> {
    let documents = TEMPLATES.load(tx, tenant, master_key).await?;
    let mismatch = |error: serde_json::Error| StoreError::Mismatch(format!("an email template: {error}"));
    documents
        .into_iter()
        .map(|document| serde_json::from_value(Value::Object(document)).map_err(mismatch))
        .collect()
}

/// The template that the path names.
fn named(input: &Input) -> Result<&str, ApiError> {
    let name = input.param("templateName");
    if NAMES.contains(&name) {
        return Ok(name);
    }
    Err(ApiError::invalid_path(format_args!(
        "'No enum match for: {}' on property templateName",
        name.chars().take(100).collect::<String>()
    )))
}

async fn find(cx: &mut OpCx<'_>, name: &str) -> Result<Option<Map>, StoreError> {
    TEMPLATES.find(cx.tx, &cx.request.tenant, &cx.request.master_key, name).await
}

/// A body may repeat the path's name, not contradict it.
fn agrees(input: &Input, name: &str) -> Result<(), ApiError> {
    match input.body.get("template") {
        Some(template) if template != name => Err(ApiError::invalid_body(
            "'The template is another one than the path names' on property template",
        )),
        _ => Ok(()),
    }
}

fn create<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let name = input.body.get("template").and_then(Value::as_str).unwrap_or_default();
        if find(cx, name).await?.is_some() {
            return Err(ApiError::conflict(TEMPLATES.conflict));
        }
        TEMPLATES.insert(cx.tx, &cx.request.sealing(), input.body.clone()).await?;
        Ok(input.body.clone().into())
    })
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let found = find(cx, named(input)?).await?.ok_or_else(|| TEMPLATES.missing())?;
        Ok(input.query.project(found).into())
    })
}

fn set<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let name = named(input)?;
        agrees(input, name)?;
        if find(cx, name).await?.is_some() {
            TEMPLATES.store(cx.tx, &cx.request.sealing(), input.body.clone()).await?;
        } else {
            TEMPLATES.insert(cx.tx, &cx.request.sealing(), input.body.clone()).await?;
        }
        Ok(Answer::from(input.body.clone()))
    })
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let name = named(input)?;
        agrees(input, name)?;
        let mut template = find(cx, name).await?.ok_or_else(|| TEMPLATES.missing())?;
        merge(&mut template, &input.body);
        TEMPLATES.store(cx.tx, &cx.request.sealing(), template.clone()).await?;
        Ok(template.into())
    })
}
