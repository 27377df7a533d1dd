//! Resource servers (APIs).
//!
//! The Management API is one itself: its row holds the path `api/v2/`, so that a changed host or port
//! strands nothing, and it is shown as the full URL at the issuer of the request. Only its lifetimes
//! can be changed.

use gatewright_core::ids::TenantId;
use gatewright_core::resource_server::ResourceServer;
use gatewright_store::{BoxFuture, StoreError, Tx, Val, params, sql};
use serde_json::{Value, json};

use crate::engine::crud::{fill, merge};
use crate::engine::field::{BOOL, Field, OBJECT, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::query::Query;
use crate::engine::{ApiError, Crud, IdForm, Map, OpCx, OpRequest, Resource, Table};
use crate::{client_grants, permissions};

/// What the Management API's row holds as its identifier.
pub const MANAGEMENT_PATH: &str = "api/v2/";

/// Every scope that the Management API defines, one a line.
const MANAGEMENT_SCOPES: &str = include_str!("../data/management_scopes.txt");

sql!(
    INSERT,
    "INSERT INTO resource_servers
       (tenant_id, resource_server_id, doc, signing_secret_sealed, created_at, identifier)
     VALUES ($1, $2, $3, $4, $5, $6)"
);
// Compat: the path may name an API by its id or by its identifier.
sql!(
    BY_ID,
    "SELECT doc, signing_secret_sealed FROM resource_servers
     WHERE tenant_id = $1 AND (resource_server_id = $2 OR identifier = $2)
     ORDER BY CASE WHEN resource_server_id = $2 THEN 0 ELSE 1 END"
);
sql!(
    ALL,
    "SELECT doc, signing_secret_sealed FROM resource_servers
     WHERE tenant_id = $1 ORDER BY created_at, resource_server_id"
);
sql!(DOCS, "SELECT doc FROM resource_servers WHERE tenant_id = $1 ORDER BY created_at, resource_server_id");
sql!(
    UPDATE,
    "UPDATE resource_servers SET doc = $3, signing_secret_sealed = $4, identifier = $5
     WHERE tenant_id = $1 AND resource_server_id = $2"
);
sql!(DELETE, "DELETE FROM resource_servers WHERE tenant_id = $1 AND resource_server_id = $2");

static TABLE: Table = Table {
    name: "resource_servers",
    insert: &INSERT,
    by_id: &BY_ID,
    all: &ALL,
    update: &UPDATE,
    delete: &DELETE,
};

pub(crate) static RESOURCE_SERVERS: Crud = Crud {
    sealed: Some("signing_secret"),
    watched: Some("signing_secret"),
    not_found: ("The resource server does not exist", Some("inexistent_resource_server")),
    conflict: "A resource server with the same identifier already exists.",
    resolve: stored_identifier,
    keys: |api| vec![Val::from(text(api, "identifier"))],
    draft,
    change,
    remove,
    present,
    selects,
    ..Crud::plain(
        &TABLE,
        "/resource-servers",
        "/resource-servers/{id}",
        "resource_servers",
        IdForm::Hex(24),
        FIELDS,
    )
};

const SCOPE: &[Field] =
    &[field("value", Shape::text(1, 280)).required(), field("description", Shape::text(0, 500))];
const LIFETIME: Shape = Shape::Int { min: 0, max: 2_592_000 };
const POLICY: &[Field] = &[field("policy", Shape::OneOf(&["allow_all", "deny_all", "require_client_grant"]))];
const SUBJECTS: &[Field] = &[
    field("user", Shape::open_object(POLICY)),
    field(
        "client",
        Shape::open_object(&[field("policy", Shape::OneOf(&["deny_all", "require_client_grant"]))]),
    ),
    field("anonymous_user", Shape::open_object(POLICY)),
];
const POSSESSION: &[Field] = &[
    field("mechanism", Shape::OneOf(&["mtls", "dpop"])).required(),
    field("required", BOOL).required(),
    field("required_for", Shape::OneOf(&["public_clients", "all_clients"])),
];

const FIELDS: &[Field] = &[
    field("name", Shape::Text { min: 0, max: 200, format: Format::NoAngleBrackets }).hint("Friendly name"),
    field("identifier", Shape::text(1, 600)).required().immutable().hint("Unique identifier for the API"),
    field("scopes", Shape::list(&Shape::object(SCOPE))),
    field("signing_alg", Shape::OneOf(&["HS256", "RS256", "RS512", "PS256"])),
    field("signing_secret", Shape::text(16, 4096)),
    field("allow_offline_access", BOOL),
    field("allow_online_access", BOOL),
    field("allow_online_access_with_ephemeral_sessions", BOOL),
    field("token_lifetime", LIFETIME),
    field("token_lifetime_for_web", LIFETIME),
    field(
        "token_dialect",
        Shape::OneOf(&["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"]),
    ),
    field("skip_consent_for_verifiable_first_party_clients", BOOL),
    field("enforce_policies", BOOL),
    field("verification_location", TEXT),
    field("token_encryption", OBJECT).nullable(),
    field("consent_policy", SOME_TEXT).nullable(),
    field("authorization_details", Shape::list(&Shape::Any)).nullable(),
    field("proof_of_possession", Shape::object(POSSESSION)).nullable(),
    field("subject_type_authorization", Shape::object(SUBJECTS)),
    field("authorization_policy", OBJECT).nullable(),
    field("token_lifetime_for_anonymous_access_tokens", Shape::Number).nullable(),
];

const FILTERS: &[Field] = &[field("identifiers", Shape::list(&SOME_TEXT))];

/// `/resource-servers`.
pub static RESOURCE: Resource = Resource {
    name: "resource-servers",
    operations: &[
        RESOURCE_SERVERS
            .lists("get_resource_servers", "Get resource servers", &["read:resource_servers"])
            .query(FILTERS),
        RESOURCE_SERVERS.creates(
            "post_resource_servers",
            "Create a resource server",
            &["create:resource_servers"],
        ),
        RESOURCE_SERVERS.reads(
            "get_resource_servers_by_id",
            "Get a resource server",
            &["read:resource_servers"],
        ),
        RESOURCE_SERVERS.updates(
            "patch_resource_servers_by_id",
            "Update a resource server",
            &["update:resource_servers"],
        ),
        RESOURCE_SERVERS.deletes(
            "delete_resource_servers_by_id",
            "Delete a resource server",
            &["delete:resource_servers"],
        ),
    ],
};

/// Every API of the tenant as decisions see it, oldest first. The identifier of a system API is the
/// path that its row holds.
pub async fn load(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<ResourceServer>, StoreError> {
    let documents = documents(tx, tenant).await?;
    documents.into_iter().map(to_resource_server).collect()
}

async fn documents(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<Map>, StoreError> {
    let rows = tx.all(&DOCS, &params![tenant]).await?;
    rows.iter()
        .map(|row| match row.json(0)? {
            Value::Object(api) => Ok(with_current_scopes(api)),
            _ => Err(StoreError::Mismatch("an API's document is not an object".into())),
        })
        .collect()
}

fn to_resource_server(document: Map) -> Result<ResourceServer, StoreError> {
    serde_json::from_value(Value::Object(document))
        .map_err(|error| StoreError::Mismatch(format!("an API's document: {error}")))
}

/// The API of this audience as the caller names it.
pub(crate) async fn by_audience(
    cx: &mut OpCx<'_>,
    audience: &str,
) -> Result<Option<ResourceServer>, StoreError> {
    let identifier = stored_identifier(cx.request, audience);
    let apis = load(cx.tx, &cx.request.tenant).await?;
    Ok(apis.into_iter().find(|api| api.identifier == identifier))
}

/// The identifier of each API by its id, as the caller sees it.
pub(crate) async fn identifiers(cx: &mut OpCx<'_>) -> Result<Map, StoreError> {
    let apis = load(cx.tx, &cx.request.tenant).await?;
    Ok(apis
        .into_iter()
        .map(|api| (api.id, presented(cx.request, &api.identifier, api.is_system).into()))
        .collect())
}

/// The names of the scopes that the Management API defines, in alphabetical order.
pub fn management_scopes() -> impl Iterator<Item = &'static str> {
    MANAGEMENT_SCOPES.lines()
}

/// The Management API's own document; its scopes are added when it is read.
pub(crate) fn management_api(id: String) -> Map {
    let mut api = Map::new();
    let own = json!({
        "id": id,
        "identifier": MANAGEMENT_PATH,
        "is_system": true,
        "name": "Management API",
    });
    fill(&mut api, own);
    complete(&mut api);
    api
}

/// What an API is unless the body says otherwise.
pub(crate) fn complete(api: &mut Map) {
    let system = api.get("is_system") == Some(&Value::Bool(true));
    fill(
        api,
        json!({
            "allow_offline_access": false,
            "is_system": false,
            "name": api.get("identifier"),
            "scopes": [],
            "signing_alg": "RS256",
            // Compat: an API of the tenant's own asks until it is told not to, whoever calls it first-party.
            "skip_consent_for_verifiable_first_party_clients": system,
            "subject_type_authorization": {},
            "token_lifetime": 86_400,
            "token_lifetime_for_web": 7_200,
        }),
    );
    if let Some(Value::Object(subjects)) = api.get_mut("subject_type_authorization") {
        fill(
            subjects,
            json!({"user": {"policy": "allow_all"}, "client": {"policy": "require_client_grant"}}),
        );
    }
}

/// The scopes of the Management API are those of this release, whatever the row was made with.
fn with_current_scopes(mut api: Map) -> Map {
    if is_system(&api) {
        let scopes: Vec<Value> = management_scopes()
            .map(|scope| json!({ "value": scope, "description": described(scope) }))
            .collect();
        api.insert("scopes".to_owned(), scopes.into());
    }
    api
}

/// `read:client_grants` in words: "Read client grants".
fn described(scope: &str) -> String {
    let (verb, noun) = scope.split_once(':').unwrap_or((scope, ""));
    let mut letters = verb.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("{}{} {}", first.unwrap_or_default(), letters.as_str(), noun.replace('_', " "))
}

fn draft<'a>(cx: &'a mut OpCx<'_>, api: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let request = cx.request;
        let identifier = text(api, "identifier");
        let reserved = [request.issuer.management_audience(), request.issuer.userinfo_audience()];
        if identifier == MANAGEMENT_PATH || reserved.iter().any(|reserved| reserved == identifier) {
            return Err(ApiError::conflict(RESOURCE_SERVERS.conflict));
        }
        unique_scopes(api)?;
        complete(api);
        secret_for_hs256(api, request);
        Ok(())
    })
}

fn change<'a>(cx: &'a mut OpCx<'_>, api: &'a mut Map, body: &'a Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        if is_system(api) {
            // A tool that writes back what it read changes nothing, and is not refused.
            let mut seen = with_current_scopes(api.clone());
            seen.insert("identifier".to_owned(), cx.request.issuer.management_audience().into());
            let forbidden = body.iter().find(|(name, value)| {
                !matches!(name.as_str(), "token_lifetime" | "token_lifetime_for_web")
                    && seen.get(*name) != Some(*value)
            });
            if let Some((name, _)) = forbidden {
                return Err(ApiError::unsupported(format!(
                    "Only token_lifetime and token_lifetime_for_web of a system API can be changed, not {name}."
                )));
            }
            let lifetimes: Map = body
                .iter()
                .filter(|(name, _)| name.starts_with("token_lifetime"))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
            merge(api, &lifetimes);
            return Ok(());
        }
        merge(api, body);
        unique_scopes(api)?;
        secret_for_hs256(api, cx.request);
        Ok(())
    })
}

fn remove<'a>(cx: &'a mut OpCx<'_>, api: &'a Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        if is_system(api) {
            return Err(ApiError::unsupported("A system API cannot be deleted."));
        }
        client_grants::delete_of_resource_server(cx.tx, &cx.request.tenant, text(api, "id")).await?;
        permissions::delete_of_resource_server(cx.tx, &cx.request.tenant, text(api, "id")).await?;
        Ok(())
    })
}

/// Shared-key signatures need a key.
fn secret_for_hs256(api: &mut Map, request: &OpRequest) {
    if text(api, "signing_alg") == "HS256" {
        api.entry("signing_secret").or_insert_with(|| request.random.alphanumeric(32).into());
    }
}

fn unique_scopes(api: &Map) -> Result<(), ApiError> {
    let scopes = api.get("scopes").and_then(Value::as_array);
    let mut names: Vec<&str> =
        scopes.into_iter().flatten().filter_map(|scope| scope["value"].as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(ApiError::invalid_body(format_args!("'Duplicate scope: {}' on property scopes", pair[0])))
        }
        None => Ok(()),
    }
}

fn present(request: &OpRequest, _: &Value, api: Map) -> Map {
    let mut api = with_current_scopes(api);
    let identifier = presented(request, text(&api, "identifier"), is_system(&api));
    api.insert("identifier".to_owned(), identifier.into());
    if text(&api, "signing_alg") != "HS256" {
        api.remove("signing_secret");
    }
    api
}

fn selects(query: &Query, api: &Map) -> bool {
    let identifiers = query.all("identifiers");
    identifiers.is_empty() || identifiers.iter().any(|identifier| identifier == text(api, "identifier"))
}

/// The identifier that a row holds for the one that a caller names.
fn stored_identifier(request: &OpRequest, named: &str) -> String {
    if named == request.issuer.management_audience() { MANAGEMENT_PATH.to_owned() } else { named.to_owned() }
}

fn presented(request: &OpRequest, identifier: &str, is_system: bool) -> String {
    if is_system { request.issuer.join(identifier) } else { identifier.to_owned() }
}

fn is_system(api: &Map) -> bool {
    api.get("is_system") == Some(&Value::Bool(true))
}

fn text<'a>(document: &'a Map, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "resource_servers_tests.rs"]
mod tests;
