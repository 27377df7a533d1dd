//! Credentials of clients: public keys that verify the assertions with which a client authenticates, and the
//! certificates of mutual TLS.
//!
//! A credential is used once the client names it under its method, as in
//! `client_authentication_methods.private_key_jwt.credentials`. The document holds the key as `jwk`, which
//! answers do not show.

mod certificates;

use std::collections::HashMap;

use gatewright_core::Timestamp;
use gatewright_core::client::{AssertionKey, Client};
use gatewright_core::ids::TenantId;
use gatewright_jose::PublicKey;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::client_assertions;
use crate::clients::CLIENTS;
use crate::engine::field::{BOOL, Field, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::validate::{self, Purpose};
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation};

sql!(
    INSERT,
    "INSERT INTO client_credentials (tenant_id, credential_id, client_id, kid, doc, created_at)
     VALUES ($1, $2, $3, $4, $5, $6)"
);
sql!(ALL, "SELECT client_id, doc FROM client_credentials WHERE tenant_id = $1");
sql!(
    OF_CLIENT,
    "SELECT doc FROM client_credentials WHERE tenant_id = $1 AND client_id = $2
     ORDER BY created_at, credential_id"
);
sql!(
    BY_ID,
    "SELECT doc FROM client_credentials WHERE tenant_id = $1 AND client_id = $2 AND credential_id = $3"
);
sql!(
    UPDATE,
    "UPDATE client_credentials SET doc = $4 WHERE tenant_id = $1 AND client_id = $2 AND credential_id = $3"
);
sql!(DELETE, "DELETE FROM client_credentials WHERE tenant_id = $1 AND client_id = $2 AND credential_id = $3");
sql!(DELETE_OF_CLIENT, "DELETE FROM client_credentials WHERE tenant_id = $1 AND client_id = $2");

/// The methods of `client_authentication_methods`, each with the type of its credentials.
const METHODS: &[(&str, &str)] = &[
    ("private_key_jwt", PUBLIC_KEY),
    ("tls_client_auth", "cert_subject_dn"),
    ("self_signed_tls_client_auth", "x509_cert"),
];
const PUBLIC_KEY: &str = "public_key";

/// Most credentials of one client: the one in use and the one that takes its place.
const MOST: usize = 2;

const PATH: &str = "/clients/{client_id}/credentials";
const ITEM_PATH: &str = "/clients/{client_id}/credentials/{credential_id}";

const DATE_TIME: Shape = Shape::format(Format::DateTime);

/// The members of a new credential.
pub(crate) const FIELDS: &[Field] = &[
    field("credential_type", Shape::OneOf(&["public_key", "cert_subject_dn", "x509_cert"])).required(),
    field("name", Shape::text(0, 128)),
    field("subject_dn", Shape::text(1, 256)),
    field("pem", TEXT),
    field("alg", Shape::OneOf(&gatewright_core::client_assertion::ALGORITHMS)),
    field("parse_expiry_from_cert", BOOL),
    field("expires_at", DATE_TIME),
    field("kid", Shape::Text { min: 10, max: 64, format: Format::KeyId }),
];

const CHANGES: &[Field] = &[field("expires_at", DATE_TIME).nullable()];

/// The operations, part of the resource `clients`.
pub(crate) const LIST: Operation = Operation::new(
    "get_credentials",
    Method::Get,
    PATH,
    "Get client credentials",
    &["read:client_credentials"],
    Handler::Custom(list),
);
pub(crate) const CREATE: Operation = Operation::new(
    "post_credentials",
    Method::Post,
    PATH,
    "Create a client credential",
    &["create:client_credentials"],
    Handler::Custom(create),
)
.body(FIELDS, Purpose::Create)
.success(201)
.writes_config();
pub(crate) const READ: Operation = Operation::new(
    "get_credentials_by_credential_id",
    Method::Get,
    ITEM_PATH,
    "Get client credential details",
    &["read:client_credentials"],
    Handler::Custom(read),
);
pub(crate) const UPDATE_ONE: Operation = Operation::new(
    "patch_credentials_by_credential_id",
    Method::Patch,
    ITEM_PATH,
    "Update a client credential",
    &["update:client_credentials"],
    Handler::Custom(update),
)
.body(CHANGES, Purpose::Update)
.writes_config();
pub(crate) const DELETE_ONE: Operation = Operation::new(
    "delete_credentials_by_credential_id",
    Method::Delete,
    ITEM_PATH,
    "Delete a client credential",
    &["delete:client_credentials"],
    Handler::Custom(delete),
)
.success(204)
.writes_config();

/// Gives each client the keys that it authenticates with.
pub(crate) async fn attach(tx: &mut Tx, tenant: &TenantId, clients: &mut [Client]) -> Result<(), StoreError> {
    let named = |client: &Client| -> Vec<String> {
        let methods = client.client_authentication_methods.as_ref();
        let used = methods.and_then(|methods| methods.private_key_jwt.as_ref());
        used.into_iter().flat_map(|used| used.credentials.iter().map(|one| one.id.clone())).collect()
    };
    if clients.iter().all(|client| named(client).is_empty()) {
        return Ok(());
    }
    let mut stored: HashMap<String, Vec<(String, AssertionKey)>> = HashMap::new();
    for row in tx.all(&ALL, &params![tenant]).await? {
        let (client_id, document) = (row.text(0)?, row.json(1)?);
        stored.entry(client_id).or_default().push((text(&document, "id"), key(&document)));
    }
    for client in clients {
        let ids = named(client);
        let keys = stored.remove(&client.client_id).unwrap_or_default();
        client.assertion_keys =
            keys.into_iter().filter(|(id, _)| ids.contains(id)).map(|(_, key)| key).collect();
    }
    Ok(())
}

fn key(document: &Value) -> AssertionKey {
    AssertionKey {
        kid: text(document, "kid"),
        alg: text(document, "alg"),
        jwk: document["jwk"].clone(),
        expires_at: document["expires_at"].as_str().and_then(Timestamp::parse_iso8601),
    }
}

fn text(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or_default().to_owned()
}

/// Makes the credentials that a new client brings with it, and keeps their ids in their place.
pub(crate) async fn take_in(cx: &mut OpCx<'_>, client: &mut Map) -> Result<(), ApiError> {
    let client_id = client.get("client_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(Value::Object(methods)) = client.get_mut("client_authentication_methods") else { return Ok(()) };
    for (method, kind) in METHODS {
        let Some(used) = methods.get_mut(*method).and_then(|used| used.get_mut("credentials")) else {
            continue;
        };
        let mut ids = Vec::new();
        for (index, body) in used.as_array().cloned().unwrap_or_default().into_iter().enumerate() {
            let place = format!("client_authentication_methods.{method}.credentials[{index}]");
            let body = validate::body(body, FIELDS, Purpose::Create)
                .map_err(|problem| ApiError::invalid_body(format_args!("{problem} in {place}")))?;
            let document = add(cx, &client_id, &body).await?;
            is_for(&document, method, kind)?;
            ids.push(json!({ "id": document["id"] }));
        }
        *used = Value::Array(ids);
    }
    Ok(())
}

/// Refuses a credential of another type than the method's.
fn is_for(document: &Value, method: &str, kind: &str) -> Result<(), ApiError> {
    if document["credential_type"] == kind {
        return Ok(());
    }
    let place = format!("client_authentication_methods.{method}.credentials");
    Err(ApiError::invalid_body(format_args!("'Expected credentials of the type {kind}' on property {place}")))
}

/// Refuses a change of a client that names credentials that it does not have.
pub(crate) async fn names_own(cx: &mut OpCx<'_>, client_id: &str, body: &Map) -> Result<(), ApiError> {
    for (method, kind) in METHODS {
        for one in credentials(body, method) {
            let id = one.get("id").and_then(Value::as_str);
            let Some(id) = id.filter(|_| one.as_object().is_some_and(|members| members.len() == 1)) else {
                return Err(ApiError::invalid_body(format_args!(
                    "'Expected an object with the id of a credential' on property \
                     client_authentication_methods.{method}.credentials"
                )));
            };
            let document = find(cx, client_id, id).await?.ok_or_else(|| {
                ApiError::new(400, format!("The credential {id} does not exist.")).code("invalid_body")
            })?;
            is_for(&document, method, kind)?;
        }
    }
    Ok(())
}

/// The credentials that a client, or a change of one, names under a method.
fn credentials<'a>(client: &'a Map, method: &str) -> impl Iterator<Item = &'a Value> {
    let methods = client.get("client_authentication_methods");
    let named = methods.and_then(|methods| methods.get(method)?.get("credentials")?.as_array());
    named.into_iter().flatten()
}

pub(crate) async fn delete_of_client(
    tx: &mut Tx,
    tenant: &TenantId,
    client_id: &str,
) -> Result<(), StoreError> {
    client_assertions::delete_of_client(tx, tenant, client_id).await?;
    tx.run(&DELETE_OF_CLIENT, &params![tenant, client_id]).await.map(drop)
}

async fn find(cx: &mut OpCx<'_>, client_id: &str, id: &str) -> Result<Option<Value>, ApiError> {
    let row = cx.tx.opt(&BY_ID, &params![&cx.request.tenant, client_id, id]).await?;
    Ok(row.map(|row| row.json(0)).transpose()?)
}

async fn of_client(cx: &mut OpCx<'_>, client_id: &str) -> Result<Vec<Value>, ApiError> {
    let rows = cx.tx.all(&OF_CLIENT, &params![&cx.request.tenant, client_id]).await?;
    Ok(rows.iter().map(|row| row.json(0)).collect::<Result<_, _>>()?)
}

/// Stores a new credential of a client.
async fn add(cx: &mut OpCx<'_>, client_id: &str, body: &Map) -> Result<Value, ApiError> {
    let document = new_document(cx, body)?;
    let others = of_client(cx, client_id).await?;
    if others.len() >= MOST {
        let text = format!("A client can have {MOST} credentials. Delete one that is not used any more.");
        return Err(ApiError::new(400, text));
    }
    let values = params![
        &cx.request.tenant,
        text(&document, "id"),
        client_id,
        text(&document, "kid"),
        document.clone(),
        cx.request.now
    ];
    if others.iter().any(|other| other["kid"] == document["kid"]) {
        let by = match document["credential_type"] == PUBLIC_KEY {
            true => "kid",
            false => "certificate or subject",
        };
        return Err(ApiError::conflict(format!("The client has a credential with this {by}.")));
    }
    cx.tx.run(&INSERT, &values).await?;
    Ok(document)
}

fn new_document(cx: &OpCx<'_>, body: &Map) -> Result<Value, ApiError> {
    let given = |name: &str| body.get(name).and_then(Value::as_str);
    if let Some(kind) = given("credential_type").filter(|kind| *kind != PUBLIC_KEY) {
        return certificates::new_document(cx, kind, body);
    }
    if body.contains_key("subject_dn") {
        return Err(ApiError::invalid_body("'A public key has none' on property subject_dn"));
    }
    let pem = given("pem").ok_or_else(|| ApiError::invalid_body("'Missing required property: pem'"))?;
    let key = PublicKey::from_pem(pem).map_err(|_| {
        ApiError::invalid_body("'Expected an RSA public key or X.509 certificate in PEM' on property pem")
    })?;
    let now = cx.request.now;
    let mut document = json!({
        "id": format!("cred_{}", cx.request.random.alphanumeric(22)),
        "kid": given("kid").unwrap_or(&key.thumbprint),
        "alg": given("alg").unwrap_or("RS256"),
        "credential_type": PUBLIC_KEY,
        "created_at": now.iso8601(),
        "updated_at": now.iso8601(),
        "jwk": key.jwk,
    });
    if let Some(name) = given("name") {
        document["name"] = name.into();
    }
    let from_certificate = body.get("parse_expiry_from_cert") == Some(&Value::Bool(true));
    let end = match (given("expires_at"), from_certificate) {
        (Some(_), true) => {
            let text = "'expires_at and parse_expiry_from_cert exclude each other'";
            return Err(ApiError::invalid_body(text));
        }
        (Some(end), false) => Some(ahead(end, now)?),
        (None, true) => Some(key.certificate_ends.ok_or_else(|| {
            ApiError::invalid_body("'A certificate is expected with parse_expiry_from_cert' on property pem")
        })?),
        (None, false) => None,
    };
    if let Some(end) = end {
        document["expires_at"] = end.iso8601().into();
    }
    Ok(document)
}

/// A moment ahead of now.
fn ahead(text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    Timestamp::parse_iso8601(text)
        .filter(|end| *end > now)
        .ok_or_else(|| ApiError::invalid_body("'A date in the future is expected' on property expires_at"))
}

fn shown(mut document: Value) -> Value {
    let of_key = document["credential_type"] == PUBLIC_KEY;
    if let Some(members) = document.as_object_mut() {
        members.remove("jwk");
        if !of_key {
            members.remove("kid");
        }
    }
    document
}

fn missing() -> ApiError {
    ApiError::new(404, "The credential does not exist").code("inexistent_credential")
}

/// The client that the path names.
async fn client_of(cx: &mut OpCx<'_>, input: &Input) -> Result<Map, ApiError> {
    let request = cx.request;
    let found = CLIENTS.find(cx.tx, &request.tenant, &request.master_key, input.param("client_id")).await?;
    found.ok_or_else(|| CLIENTS.missing())
}

async fn named(cx: &mut OpCx<'_>, input: &Input) -> Result<Value, ApiError> {
    client_of(cx, input).await?;
    find(cx, input.param("client_id"), input.param("credential_id")).await?.ok_or_else(missing)
}

fn list<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        client_of(cx, input).await?;
        let credentials = of_client(cx, input.param("client_id")).await?;
        Ok(Value::Array(credentials.into_iter().map(shown).collect()).into())
    })
}

fn create<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        client_of(cx, input).await?;
        Ok(shown(add(cx, input.param("client_id"), &input.body).await?).into())
    })
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(shown(named(cx, input).await?).into()) })
}

fn update<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let mut document = named(cx, input).await?;
        let change = input
            .body
            .get("expires_at")
            .ok_or_else(|| ApiError::invalid_body("'Too few properties defined (0), minimum 1'"))?;
        match change.as_str() {
            Some(end) => document["expires_at"] = ahead(end, cx.request.now)?.iso8601().into(),
            None => document["expires_at"] = Value::Null,
        }
        document["updated_at"] = cx.request.now.iso8601().into();
        let (client_id, id) = (input.param("client_id"), input.param("credential_id"));
        cx.tx.run(&UPDATE, &params![&cx.request.tenant, client_id, id, document.clone()]).await?;
        Ok(shown(document).into())
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let client = client_of(cx, input).await?;
        let id = input.param("credential_id");
        let used = METHODS.iter().any(|(method, _)| credentials(&client, method).any(|one| one["id"] == id));
        if used {
            let text = "The credential is in use. Take it out of client_authentication_methods first.";
            return Err(ApiError::new(400, text));
        }
        cx.tx.run(&DELETE, &params![&cx.request.tenant, input.param("client_id"), id]).await?;
        Ok(Answer::default())
    })
}

#[cfg(test)]
#[path = "client_credentials_tests.rs"]
mod tests;
