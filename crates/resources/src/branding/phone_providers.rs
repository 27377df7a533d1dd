//! Who sends messages to phones: `/branding/phone/providers`.
//!
//! Codes go the way that their connection says. Where it says nothing, an Action delivers them for a provider
//! named `custom`; other providers are stored without effect.

use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::engine::crud::fill;
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, Shape, TEXT, field};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Crud, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource};

const PROVIDERS_PATH: &str = "/branding/phone/providers";

const CONFIGURATION: &[Field] = &[
    field("default_from", TEXT),
    field("mssid", TEXT),
    field("sid", TEXT),
    field("delivery_methods", Shape::List { of: &Shape::OneOf(&["text", "voice"]), min: 1 }).required(),
];
const CREDENTIALS: &[Field] = &[field("auth_token", Shape::text(1, 255))];
const PROVIDER: &[Field] = &[
    field("name", Shape::OneOf(&["twilio", "custom"])).required(),
    field("disabled", BOOL),
    field("configuration", Shape::object(CONFIGURATION)),
    field("credentials", Shape::object(CREDENTIALS)).required(),
];
const FILTERS: &[Field] = &[field("disabled", BOOL)];

document_table!(TABLE, "phone_providers", id "provider_id", sealed "credentials_sealed");

static PROVIDERS: Crud = Crud {
    sealed: Some("credentials"),
    draft: |cx, provider| {
        Box::pin(async move {
            fits(provider)?;
            let now = cx.request.now.iso8601();
            fill(
                provider,
                json!({"disabled": false, "channel": "phone", "tenant": cx.request.tenant.as_str(),
                    "configuration": {"delivery_methods": ["text"]}, "created_at": now, "updated_at": now}),
            );
            Ok(())
        })
    },
    change: |cx, provider, body| {
        Box::pin(async move {
            let renamed = body.get("name").is_some_and(|name| Some(name) != provider.get("name"));
            if renamed {
                provider.remove("credentials");
            }
            provider.extend(body.clone());
            provider.insert("updated_at".to_owned(), cx.request.now.iso8601().into());
            fits(provider)
        })
    },
    present: |_, _, mut provider| {
        provider.remove("credentials");
        provider
    },
    not_found: ("The phone provider does not exist.", None),
    ..Crud::plain(
        &TABLE,
        PROVIDERS_PATH,
        "/branding/phone/providers/{id}",
        "providers",
        IdForm::Alphanumeric("pro_", 22),
        PROVIDER,
    )
};

/// The tenant's provider whose messages an Action delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomPhoneProvider {
    /// The sender, if the tenant names one.
    pub from: Option<String>,
    /// `text`, or `voice` where that is all it does.
    pub delivery_method: &'static str,
}

/// The provider named `custom` that is switched on, if there is one.
pub(crate) async fn custom(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Option<CustomPhoneProvider>, StoreError> {
    let stored = PROVIDERS.load(tx, tenant, master_key).await?;
    let is_on = |provider: &&Map| {
        provider.get("name").is_some_and(|name| name == "custom")
            && provider.get("disabled").is_none_or(|disabled| disabled != &Value::Bool(true))
    };
    Ok(stored.iter().find(is_on).map(|provider| {
        let configuration = &provider.get("configuration").cloned().unwrap_or_default();
        let methods = configuration["delivery_methods"].as_array();
        let writes = methods.is_none_or(|methods| methods.iter().any(|method| method == "text"));
        CustomPhoneProvider {
            from: configuration["default_from"].as_str().map(str::to_owned),
            delivery_method: if writes { "text" } else { "voice" },
        }
    }))
}

/// Twilio needs an account and its token.
fn fits(provider: &Map) -> Result<(), ApiError> {
    if provider.get("name").is_none_or(|name| name != "twilio") {
        return Ok(());
    }
    let token = provider.get("credentials").and_then(|credentials| credentials.get("auth_token"));
    if token.is_none() {
        return Err(ApiError::invalid_body(
            "'Missing required property: auth_token' on property credentials",
        ));
    }
    match provider.get("configuration") {
        Some(configuration) if configuration.get("sid").is_none() => {
            Err(ApiError::invalid_body("'Missing required property: sid' on property configuration"))
        }
        _ => Ok(()),
    }
}

/// `/branding/phone/providers`.
pub static RESOURCE: Resource = Resource {
    name: "branding",
    operations: &[
        Operation::new(
            "get_branding_phone_providers",
            Method::Get,
            PROVIDERS_PATH,
            "Get a list of phone providers",
            &["read:phone_providers"],
            Handler::Custom(list),
        )
        .query(FILTERS),
        PROVIDERS.creates("create_phone_provider", "Create a phone provider", &["create:phone_providers"]),
        PROVIDERS.reads("get_phone_provider", "Get a phone provider", &["read:phone_providers"]),
        PROVIDERS.updates("update_phone_provider", "Update a phone provider", &["update:phone_providers"]),
        PROVIDERS.deletes("delete_phone_provider", "Delete a phone provider", &["delete:phone_providers"]),
    ],
};

/// Compat: every one of them under its name, without pages.
fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let stored = PROVIDERS.load(cx.tx, &request.tenant, &request.master_key).await?;
        let shown = stored.into_iter().map(|document| (PROVIDERS.present)(request, &Value::Null, document));
        let wanted = input.query.bool("disabled");
        let is_disabled = |document: &Map| document.get("disabled").and_then(Value::as_bool);
        let chosen = shown.filter(|document| wanted.is_none() || is_disabled(document) == wanted);
        Ok(json!({ "providers": chosen.collect::<Vec<_>>() }).into())
    })
}
