//! Who administers a tenant, and the clients through which they log in.
//!
//! An administrator is a user of the tenant with a role whose name begins with [`ROLE_PREFIX`]. What they may do
//! are that role's permissions on the Management API. Other roles and permissions given to a user directly do
//! not count: a tenant that was moved here may hold such permissions, which meant nothing where it came from.

use gatewright_core::ids::TenantId;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::clients::{self, CLIENTS};
use crate::connections::{self, CONNECTIONS};
use crate::engine::Map;
use crate::resource_servers::{self, MANAGEMENT_PATH, RESOURCE_SERVERS};
use crate::roles::ROLES;
use crate::seed::SeedCx;
use crate::{role_members, roles, tenants};

/// Roles that count begin with this.
pub const ROLE_PREFIX: &str = "Gatewright ";
/// The role with every permission.
pub const ROLE: &str = "Gatewright Administrator";

/// A client of the dashboard, made when it is first needed. Its id is fixed, so that it is found under any name.
#[derive(Clone, Copy, Debug)]
pub struct OwnClient {
    /// Its `client_id`.
    pub client_id: &'static str,
    /// Its name when it is made.
    pub name: &'static str,
    /// Users of these strategies can log in through it, once it is made.
    pub strategies: &'static [&'static str],
    /// Every login through it is one of its own: a session that another client began does not do.
    pub sso_disabled: bool,
}

/// Administrators log in through this one. Only passwords to begin with: whoever can make a phone number or an
/// e-mail address ring is not yet an administrator. That would be no more than a word if a session that began
/// with such a code were good enough, so none is. More connections can be enabled for it like for any client.
pub const DASHBOARD: OwnClient = OwnClient {
    client_id: "gatewright-dashboard",
    name: "Gatewright Dashboard",
    strategies: &["auth0"],
    sso_disabled: true,
};

/// The playground tries out logins with this one.
pub const PLAYGROUND: OwnClient = OwnClient {
    client_id: "gatewright-playground",
    name: "Gatewright Playground",
    strategies: &["auth0", "sms", "email"],
    sso_disabled: false,
};

sql!(
    SCOPES,
    "SELECT DISTINCT p.permission_name FROM user_roles r CROSS JOIN roles CROSS JOIN role_permissions p
     WHERE r.tenant_id = $1 AND r.user_id = $2 AND roles.tenant_id = r.tenant_id AND roles.role_id = r.role_id
       AND p.tenant_id = r.tenant_id AND p.role_id = r.role_id AND p.resource_server_id = $3
       AND substr(roles.name, 1, length($4)) = $4
     ORDER BY p.permission_name"
);
sql!(
    HAS_ANY,
    "SELECT 1 FROM user_roles r
     JOIN roles ON roles.tenant_id = r.tenant_id AND roles.role_id = r.role_id
     WHERE r.tenant_id = $1 AND roles.name = $2 LIMIT 1"
);

sql!(
    EXIST,
    "SELECT 1 FROM roles CROSS JOIN user_roles r
     WHERE roles.tenant_id = $1 AND substr(roles.name, 1, length($2)) = $2
       AND r.tenant_id = roles.tenant_id AND r.role_id = roles.role_id LIMIT 1"
);

/// Whether anybody has a role that counts.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn exist(tx: &mut Tx, tenant: &TenantId) -> Result<bool, StoreError> {
    Ok(tx.opt(&EXIST, &params![tenant, ROLE_PREFIX]).await?.is_some())
}

/// The scopes of the Management API that a user holds as administrator; empty for everybody else.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn scopes(tx: &mut Tx, tenant: &TenantId, user_id: &str) -> Result<Vec<String>, StoreError> {
    let apis = resource_servers::load(tx, tenant).await?;
    let Some(api) = apis.iter().find(|api| api.is_system && api.identifier == MANAGEMENT_PATH) else {
        return Ok(Vec::new());
    };
    let rows = tx.all(&SCOPES, &params![tenant, user_id, &api.id, ROLE_PREFIX]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Whether somebody has the role with every permission.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn has_any(tx: &mut Tx, tenant: &TenantId) -> Result<bool, StoreError> {
    Ok(tx.opt(&HAS_ANY, &params![tenant, ROLE]).await?.is_some())
}

/// Makes a user administrator. The role is made if it is missing, and gets every scope that the Management API
/// has by now.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn appoint(tx: &mut Tx, tenant: &TenantId, user_id: &str, cx: &SeedCx) -> Result<(), StoreError> {
    let role_id = role(tx, tenant, cx).await?;
    role_members::give(tx, tenant, user_id, &role_id).await
}

async fn role(tx: &mut Tx, tenant: &TenantId, cx: &SeedCx) -> Result<String, StoreError> {
    let sealing = cx.sealing(tenant);
    let known = ROLES.load(tx, tenant, &cx.master_key).await?;
    let id = match known.iter().find(|role| role["name"] == ROLE) {
        Some(role) => role["id"].as_str().unwrap_or_default().to_owned(),
        None => {
            tenants::touch(tx, tenant).await?;
            let id = ROLES.id_form.draw(&cx.random);
            let role = object(json!({
                "id": id,
                "name": ROLE,
                "description": "May use the dashboard, with every permission on the Management API.",
            }));
            ROLES.insert(tx, &sealing, role).await?;
            id
        }
    };
    let api = RESOURCE_SERVERS.find(tx, tenant, &cx.master_key, MANAGEMENT_PATH).await?;
    let api = api.ok_or(StoreError::NotFound)?;
    let api_id = api["id"].as_str().unwrap_or_default();
    for scope in resource_servers::management_scopes() {
        roles::give_permission(tx, tenant, &id, api_id, scope).await?;
    }
    Ok(id)
}

/// Makes a client of the dashboard, or lets one that is there come back to this address too and takes it out of
/// single sign-on, if it has to be.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn furnish_client(
    tx: &mut Tx,
    tenant: &TenantId,
    own: OwnClient,
    (callback, signed_out): (&str, &str),
    cx: &SeedCx,
) -> Result<(), StoreError> {
    tenants::touch(tx, tenant).await?;
    let sealing = cx.sealing(tenant);
    if let Some(mut found) = CLIENTS.find(tx, tenant, &cx.master_key, own.client_id).await? {
        let mut changed =
            add(&mut found, "callbacks", callback) | add(&mut found, "allowed_logout_urls", signed_out);
        if own.sso_disabled && found.get("sso_disabled") != Some(&json!(true)) {
            found.insert("sso_disabled".to_owned(), json!(true));
            changed = true;
        }
        if changed {
            CLIENTS.store(tx, &sealing, found).await?;
        }
        return Ok(());
    }
    let mut client = object(json!({
        "client_id": own.client_id,
        "name": own.name,
        "app_type": "spa",
        "callbacks": [callback],
        "allowed_logout_urls": [signed_out],
        "grant_types": ["authorization_code", "implicit", "refresh_token"],
        "jwt_configuration": {"alg": "RS256"},
        "oidc_conformant": true,
        // Its callbacks are this very server's: nobody else can stand behind them, even on localhost.
        "skip_non_verifiable_callback_uri_confirmation_prompt": true,
        "sso_disabled": own.sso_disabled,
        "token_endpoint_auth_method": "none",
    }));
    clients::complete(&mut client, &cx.random);
    CLIENTS.insert(tx, &sealing, client).await?;
    for mut connection in CONNECTIONS.load(tx, tenant, &cx.master_key).await? {
        let strategy = connection["strategy"].as_str().unwrap_or_default();
        if own.strategies.contains(&strategy) && connections::set_client(&mut connection, own.client_id, true)
        {
            CONNECTIONS.store(tx, &sealing, connection).await?;
        }
    }
    Ok(())
}

/// Adds a text to a list of a document; `false` if it was there.
fn add(document: &mut Map, name: &str, text: &str) -> bool {
    let list = document.entry(name).or_insert_with(|| json!([]));
    match list {
        Value::Array(items) if !items.iter().any(|item| item == text) => {
            items.push(text.into());
            true
        }
        _ => false,
    }
}

fn object(value: Value) -> Map {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
