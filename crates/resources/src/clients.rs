//! Clients (applications).
//!
//! The secret is sealed; it is shown to who holds `read:client_keys`, and once in the answer that
//! creates the client. The members are in [`fields`].

mod fields;

use gatewright_core::client::Client;
use gatewright_core::ids::{Secret, TenantId};
use gatewright_jose::MasterKey;
use gatewright_store::{BoxFuture, StoreError, Tx};
use serde_json::{Value, json};

use crate::engine::crud::{fill, merge, merge_member};
use crate::engine::documents::document_table;
use crate::engine::field::{BOOL, Field, TEXT, field};
use crate::engine::query::Query;
use crate::engine::{ApiError, Crud, IdForm, Map, OpCx, OpRequest, Operation, Resource, Sealing};
use crate::{
    client_credentials, client_grants, client_registrations, connections, grants, pushed_requests,
    refresh_tokens, signing_keys,
};

document_table!(TABLE, "clients", id "client_id", sealed "client_secret_sealed");

pub(crate) static CLIENTS: Crud = Crud {
    id_field: "client_id",
    sealed: Some("client_secret"),
    watched: Some("client_secret"),
    shown_on_create: &["client_secret"],
    not_found: ("The client does not exist", Some("inexistent_client")),
    draft,
    change,
    remove,
    background,
    present,
    selects,
    ..Crud::plain(
        &TABLE,
        "/clients",
        "/clients/{id}",
        "clients",
        IdForm::Alphanumeric("", 32),
        fields::FIELDS,
    )
};

const READ: &[&str] = &["read:clients", "read:client_keys", "read:client_credentials", "read:client_summary"];
const UPDATE_SCOPES: &[&str] = &[
    "update:clients",
    "update:client_keys",
    "update:client_credentials",
    "update:client_token_vault_privileged_access",
];
const FILTERS: &[Field] = &[
    field("is_global", BOOL),
    field("is_first_party", BOOL),
    field("app_type", TEXT),
    field("external_client_id", TEXT),
    field("q", TEXT),
];

/// `/clients`.
pub static RESOURCE: Resource = Resource {
    name: "clients",
    operations: &[
        CLIENTS.lists("get_clients", "Get clients", READ).query(FILTERS),
        CLIENTS.creates("post_clients", "Create a client", &["create:clients"]),
        CLIENTS.reads("get_clients_by_id", "Get a client", READ),
        CLIENTS.updates("patch_clients_by_id", "Update a client", UPDATE_SCOPES),
        CLIENTS.deletes("delete_clients_by_id", "Delete a client", &["delete:clients"]),
        Operation::new(
            "post_rotate_secret",
            crate::engine::Method::Post,
            "/clients/{id}/rotate-secret",
            "Rotate a client secret",
            &["update:client_keys"],
            crate::engine::Handler::Custom(rotate_secret),
        )
        .writes_config(),
        client_credentials::LIST,
        client_credentials::CREATE,
        client_credentials::READ,
        client_credentials::UPDATE_ONE,
        client_credentials::DELETE_ONE,
    ],
};

/// Every client of the tenant as decisions see it, oldest first, secrets opened, with its public keys.
pub async fn load(tx: &mut Tx, tenant: &TenantId, master_key: &MasterKey) -> Result<Vec<Client>, StoreError> {
    let documents = CLIENTS.load(tx, tenant, master_key).await?;
    let mut clients: Vec<Client> = documents.into_iter().map(to_client).collect::<Result<_, _>>()?;
    client_credentials::attach(tx, tenant, &mut clients).await?;
    Ok(clients)
}

fn to_client(mut document: Map) -> Result<Client, StoreError> {
    let secret = document.remove("client_secret");
    let mut client: Client = serde_json::from_value(Value::Object(document))
        .map_err(|error| StoreError::Mismatch(format!("a client's document: {error}")))?;
    if let Some(Value::String(secret)) = secret {
        client.client_secret = Secret::new(secret);
    }
    Ok(client)
}

/// A secret of 64 characters, 380 bits.
pub(crate) fn new_secret(random: &gatewright_ambient::Random) -> String {
    random.alphanumeric(64)
}

/// What a client is unless the body says otherwise.
pub(crate) fn complete(client: &mut Map, random: &gatewright_ambient::Random) {
    let app_type = client.get("app_type").and_then(Value::as_str).unwrap_or_default();
    let spa = app_type == "spa";
    let public_type = matches!(app_type, "spa" | "native");
    if !client.contains_key("client_authentication_methods") {
        let method = if public_type { "none" } else { "client_secret_post" };
        fill(client, json!({ "token_endpoint_auth_method": method }));
    }
    let confidential = client.get("token_endpoint_auth_method").and_then(Value::as_str) != Some("none");
    let mut grant_types = vec!["authorization_code", "implicit", "refresh_token"];
    if confidential {
        grant_types.push("client_credentials");
    }
    fill(
        client,
        json!({
            "client_secret": new_secret(random),
            "cross_origin_authentication": false,
            "custom_login_page_on": true,
            "global": false,
            "grant_types": grant_types,
            "is_first_party": true,
            "is_token_endpoint_ip_header_trusted": false,
            "jwt_configuration": {},
            "oidc_conformant": false,
            "refresh_token": refresh_token_settings(spa),
            "sso_disabled": false,
        }),
    );
    if let Some(Value::Object(jwt)) = client.get_mut("jwt_configuration") {
        fill(jwt, json!({ "secret_encoded": false, "lifetime_in_seconds": 36_000 }));
    }
}

/// Compat: a single-page application's tokens rotate and expire; others' do neither.
fn refresh_token_settings(spa: bool) -> Value {
    json!({
        "rotation_type": if spa { "rotating" } else { "non-rotating" },
        "expiration_type": if spa { "expiring" } else { "non-expiring" },
        "leeway": 0,
        "token_lifetime": if spa { 2_592_000 } else { 31_557_600 },
        "idle_token_lifetime": if spa { 1_296_000 } else { 2_592_000 },
        "infinite_token_lifetime": !spa,
        "infinite_idle_token_lifetime": !spa,
    })
}

fn draft<'a>(cx: &'a mut OpCx<'_>, client: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        renamed_logout(client);
        one_authentication(client)?;
        client_credentials::take_in(cx, client).await?;
        complete(client, &cx.request.random);
        Ok(())
    })
}

fn change<'a>(
    cx: &'a mut OpCx<'_>,
    client: &'a mut Map,
    body: &'a Map,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        if body.contains_key("client_secret") && !cx.request.caller.has("update:client_keys") {
            return Err(ApiError::insufficient_scope(&["update:client_keys"]));
        }
        let mut body = body.clone();
        if let Some(metadata) = body.remove("client_metadata") {
            merge_member(client, "client_metadata", &metadata);
            fields::metadata_fits(client)?;
        }
        renamed_logout(&mut body);
        keep_parts(client, &mut body);
        one_authentication(&body)?;
        let client_id = client.get("client_id").and_then(Value::as_str).unwrap_or_default();
        client_credentials::names_own(cx, client_id, &body).await?;
        // The new way to authenticate takes the place of the other one.
        if body.contains_key("client_authentication_methods") {
            client.remove("token_endpoint_auth_method");
        } else if body.contains_key("token_endpoint_auth_method") {
            client.remove("client_authentication_methods");
        }
        merge(client, &body);
        Ok(())
    })
}

/// Compat: of these objects a change says what is different, and the rest stays. The Terraform provider sends
/// `{"delegation": null}` alone, the Deploy CLI leaves out how the secret is encoded.
const KEPT_IN_PARTS: &[&str] =
    &["jwt_configuration", "mobile", "native_social_login", "session_transfer", "signed_request_object"];

fn keep_parts(client: &Map, body: &mut Map) {
    for name in KEPT_IN_PARTS {
        let (Some(Value::Object(part)), Some(Value::Object(whole))) =
            (body.get_mut(*name), client.get(*name))
        else {
            continue;
        };
        let mut whole = whole.clone();
        merge(&mut whole, part);
        *part = whole;
    }
}

/// Compat: written as `oidc_backchannel_logout` by older tools, read as `oidc_logout`.
fn renamed_logout(body: &mut Map) {
    if let Some(logout) = body.remove("oidc_backchannel_logout") {
        body.entry("oidc_logout").or_insert(logout);
    }
}

fn one_authentication(body: &Map) -> Result<(), ApiError> {
    let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    if given("client_authentication_methods") && given("token_endpoint_auth_method") {
        return Err(ApiError::new(
            400,
            "Specifying both client_authentication_methods and token_endpoint_auth_method is not allowed",
        )
        .code("invalid_body"));
    }
    let methods = body.get("client_authentication_methods").and_then(Value::as_object);
    if methods.is_some_and(|methods| methods.len() != 1) {
        let text = "'Exactly one method is expected' on property client_authentication_methods";
        return Err(ApiError::invalid_body(text));
    }
    Ok(())
}

fn remove<'a>(cx: &'a mut OpCx<'_>, client: &'a Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        if client.get("global") == Some(&Value::Bool(true)) {
            return Err(ApiError::unsupported("The global client cannot be deleted."));
        }
        let client_id = client.get("client_id").and_then(Value::as_str).unwrap_or_default();
        Ok(forget(cx.tx, &cx.request.sealing(), client_id).await?)
    })
}

/// Deletes all that hangs on a client.
pub(crate) async fn forget(tx: &mut Tx, sealing: &Sealing<'_>, client_id: &str) -> Result<(), StoreError> {
    let tenant = sealing.tenant;
    connections::forget_client(tx, sealing, client_id).await?;
    client_grants::delete_of_client(tx, tenant, client_id).await?;
    refresh_tokens::delete_of_client(tx, tenant, client_id).await?;
    client_credentials::delete_of_client(tx, tenant, client_id).await?;
    pushed_requests::delete_of_client(tx, tenant, client_id).await?;
    grants::delete_of_client(tx, tenant, client_id).await?;
    client_registrations::delete_of_client(tx, tenant, client_id).await
}

/// The tenant's certificate, which every client shows to who may see keys.
fn background<'a>(cx: &'a mut OpCx<'_>) -> BoxFuture<'a, Result<Value, ApiError>> {
    Box::pin(async move {
        if !cx.request.caller.has("read:client_keys") {
            return Ok(Value::Null);
        }
        let certificate = signing_keys::certificate_pem(cx.tx, &cx.request.tenant).await?;
        Ok(json!([{ "cert": certificate }]))
    })
}

/// Members that `read:client_summary` alone shows.
const SUMMARY: &[&str] =
    &["client_id", "name", "app_type", "is_first_party", "logo_uri", "description", "global"];

fn present(request: &OpRequest, signing_keys: &Value, mut client: Map) -> Map {
    let caller = &request.caller;
    client.insert("tenant".to_owned(), request.tenant.as_str().into());
    // Compat: the secret of a client that does not use it shows again when it does.
    if client.get("client_authentication_methods").is_some_and(|methods| !methods.is_null()) {
        client.remove("client_secret");
    }
    if caller.has("read:client_keys") {
        client.insert("signing_keys".to_owned(), signing_keys.clone());
        return client;
    }
    client.remove("client_secret");
    client.remove("encryption_key");
    // A caller that may write clients sees in the answer what it wrote.
    let full = ["read:clients", "read:client_credentials", "create:clients"];
    if !caller.has_any(&full) && !caller.has_any(UPDATE_SCOPES) {
        client.retain(|name, _| SUMMARY.contains(&name.as_str()));
    }
    client
}

fn selects(query: &Query, client: &Map) -> bool {
    let is = |name: &str| client.get(name).and_then(Value::as_bool).unwrap_or(false);
    let app_types: Option<Vec<&str>> = query.text("app_type").map(|types| types.split(',').collect());
    query.bool("is_global").is_none_or(|global| global == is("global"))
        && query.bool("is_first_party").is_none_or(|first_party| first_party == is("is_first_party"))
        && app_types.is_none_or(|types| {
            client.get("app_type").and_then(Value::as_str).is_some_and(|app_type| types.contains(&app_type))
        })
        && query
            .text("external_client_id")
            .is_none_or(|id| client.get("external_client_id").and_then(Value::as_str) == Some(id))
}

fn rotate_secret<'a>(
    cx: &'a mut OpCx<'_>,
    input: &'a crate::engine::Input,
) -> crate::engine::operation::Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let found = CLIENTS.find(cx.tx, &request.tenant, &request.master_key, input.id()).await?;
        let mut client = found.ok_or_else(|| CLIENTS.missing())?;
        let secret = new_secret(&request.random);
        client.insert("client_secret".to_owned(), secret.as_str().into());
        CLIENTS.store(cx.tx, &request.sealing(), client.clone()).await?;
        let background = background(cx).await?;
        let mut shown = present(request, &background, client);
        shown.insert("client_secret".to_owned(), secret.into());
        Ok(shown.into())
    })
}

#[cfg(test)]
#[path = "clients_tests.rs"]
mod tests;
