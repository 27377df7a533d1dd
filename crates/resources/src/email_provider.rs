//! Who delivers a tenant's e-mail. A tenant has one provider or none; its credentials are sealed.
//!
//! Every provider that the API knows can be stored, so that tools keep working; only `smtp` delivers, and for
//! `custom` the tenant's own Action. Sending through another is refused with words that say so.

use gatewright_core::email::EmailProvider;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::engine::crud::{fill, merge, merge_member};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, OBJECT, SOME_TEXT, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource};

document_table!(TABLE, "email_providers", id "provider_id", sealed "credentials_sealed");

const PATH: &str = "/emails/provider";
/// The id of the one row that a tenant may have.
const ID: &str = "provider";

static PROVIDERS: Crud = Crud {
    sealed: Some("credentials"),
    not_found: ("There is not a configured email provider", Some("inexistent_email_provider")),
    conflict: "The tenant has an email provider already",
    ..Crud::plain(&TABLE, PATH, PATH, "providers", IdForm::Hex(24), CREATE)
};

/// Providers that can be stored.
const NAMES: &[&str] =
    &["mailgun", "mandrill", "sendgrid", "resend", "ses", "sparkpost", "smtp", "azure_cs", "ms365", "custom"];

const PORT: Shape = Shape::Int { min: 1, max: 65_535 };
const CREDENTIALS: &[Field] = &[
    field("accessKeyId", SOME_TEXT),
    field("api_key", SOME_TEXT),
    field("api_user", SOME_TEXT),
    field("clientId", SOME_TEXT),
    field("clientSecret", SOME_TEXT),
    field("connectionString", SOME_TEXT),
    field("domain", SOME_TEXT),
    field("region", TEXT).nullable(),
    field("secretAccessKey", SOME_TEXT),
    field("smtp_host", SOME_TEXT),
    field("smtp_pass", SOME_TEXT),
    field("smtp_port", PORT),
    field("smtp_user", SOME_TEXT),
    field("tenantId", SOME_TEXT),
];
/// Members of the credentials that are no secrets, and are shown.
const SHOWN: &[&str] = &["api_user", "domain", "region", "smtp_host", "smtp_port", "smtp_user"];

const CREATE: &[Field] = &[
    field("name", Shape::OneOf(NAMES)).required(),
    field("enabled", BOOL),
    field("default_from_address", TEXT).nullable(),
    field("credentials", Shape::object(CREDENTIALS)).required(),
    field("settings", OBJECT).nullable(),
];
const UPDATE_FIELDS: &[Field] = &[
    field("name", Shape::OneOf(NAMES)),
    field("enabled", BOOL),
    field("default_from_address", TEXT).nullable(),
    field("credentials", Shape::object(CREDENTIALS)),
    field("settings", OBJECT).nullable(),
];

/// `/emails/provider`.
pub static RESOURCE: Resource = Resource {
    name: "emails",
    operations: &[
        Operation::new(
            "get_provider",
            Method::Get,
            PATH,
            "Get the email provider",
            &["read:email_provider"],
            Handler::Custom(read),
        ),
        Operation::new(
            "post_provider",
            Method::Post,
            PATH,
            "Configure the email provider",
            &["create:email_provider"],
            Handler::Custom(create),
        )
        .body(CREATE, Purpose::Create)
        .success(201)
        .writes_config(),
        Operation::new(
            "patch_provider",
            Method::Patch,
            PATH,
            "Update the email provider",
            &["update:email_provider"],
            Handler::Custom(update),
        )
        .body(UPDATE_FIELDS, Purpose::Update)
        .writes_config(),
        Operation::new(
            "delete_provider",
            Method::Delete,
            PATH,
            "Delete the email provider",
            &["delete:email_provider"],
            Handler::Custom(delete),
        )
        .success(204)
        .writes_config(),
    ],
};

/// The tenant's provider with its credentials opened, if it has one.
pub async fn load(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Option<EmailProvider>, StoreError> {
    let found = PROVIDERS.find(tx, tenant, master_key, ID).await?;
    found
        .map(|document| {
            serde_json::from_value(Value::Object(document))
                .map_err(|error| StoreError::Mismatch(format!("an email provider's document: {error}")))
        })
        .transpose()
}

async fn found(cx: &mut OpCx<'_>) -> Result<Option<Map>, StoreError> {
    PROVIDERS.find(cx.tx, &cx.request.tenant, &cx.request.master_key, ID).await
}

fn present(input: &Input, mut provider: Map) -> Answer {
    provider.remove("id");
    if let Some(Value::Object(credentials)) = provider.get_mut("credentials") {
        credentials.retain(|name, _| SHOWN.contains(&name.as_str()));
    }
    input.query.project(provider).into()
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let provider = found(cx).await?.ok_or_else(|| PROVIDERS.missing())?;
        Ok(present(input, provider))
    })
}

fn create<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        if found(cx).await?.is_some() {
            return Err(ApiError::conflict(PROVIDERS.conflict));
        }
        let mut provider = input.body.clone();
        provider.retain(|_, value| !value.is_null());
        fill(&mut provider, json!({ "id": ID, "enabled": true }));
        PROVIDERS.insert(cx.tx, &cx.request.sealing(), provider.clone()).await?;
        Ok(present(input, provider))
    })
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut provider = found(cx).await?.ok_or_else(|| PROVIDERS.missing())?;
        let mut body = input.body.clone();
        let renamed = body.get("name").is_some_and(|name| Some(name) != provider.get("name"));
        match body.remove("credentials") {
            // Reading never shows secrets, so who changes a port cannot send the password along.
            Some(credentials) if !renamed => merge_member(&mut provider, "credentials", &credentials),
            Some(credentials) => {
                provider.insert("credentials".to_owned(), credentials);
            }
            None if renamed => {
                let text = "'Missing required property: credentials' (another provider needs its own)";
                return Err(ApiError::invalid_body(text));
            }
            None => {}
        }
        merge(&mut provider, &body);
        PROVIDERS.store(cx.tx, &cx.request.sealing(), provider.clone()).await?;
        Ok(present(input, provider))
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        cx.tx.run(&DELETE, &[(&cx.request.tenant).into(), ID.into()]).await?;
        Ok(Answer::default())
    })
}

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
