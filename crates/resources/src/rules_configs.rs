//! Settings of rules: values by key, which can be written and never read. They are sealed.

use std::collections::BTreeMap;

use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{Row, StoreError, Tx, params, sql};
use serde_json::{Value, json};

use crate::engine::field::{TEXT, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Method, OpCx, Operation, Resource};

sql!(ALL, "SELECT config_key FROM rules_configs WHERE tenant_id = $1 ORDER BY config_key");
sql!(
    PUT,
    "INSERT INTO rules_configs (tenant_id, config_key, value_sealed) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, config_key) DO UPDATE SET value_sealed = excluded.value_sealed"
);
sql!(DELETE, "DELETE FROM rules_configs WHERE tenant_id = $1 AND config_key = $2");

sql!(VALUES, "SELECT config_key, value_sealed FROM rules_configs WHERE tenant_id = $1 ORDER BY config_key");

/// Every setting with its value: what rules see as `configuration`.
pub(crate) async fn load(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = tx.all(&VALUES, &params![tenant]).await?;
    let open = |row: &Row| {
        let key = row.text(0)?;
        let value = master_key
            .open(&context(tenant, &key), &row.blob(1)?)
            .map_err(|error| StoreError::Mismatch(error.to_string()))?;
        Ok((key, String::from_utf8_lossy(&value).into_owned()))
    };
    rows.iter().map(open).collect()
}

/// What a sealed value is bound to.
fn context(tenant: &TenantId, key: &str) -> String {
    format!("{tenant}/rules_configs/{key}/value")
}

const ITEM: &str = "/rules-configs/{key}";

/// `/rules-configs`.
pub static RESOURCE: Resource = Resource {
    name: "rules-configs",
    operations: &[
        Operation::new(
            "get_rules_configs",
            Method::Get,
            "/rules-configs",
            "Retrieve config variable keys for rules",
            &["read:rules_configs"],
            Handler::Custom(list),
        ),
        Operation::new(
            "put_rules_configs_by_key",
            Method::Put,
            ITEM,
            "Set rules config for a given key",
            &["update:rules_configs"],
            Handler::Custom(put),
        )
        .body(&[field("value", TEXT).required()], Purpose::Create)
        .unlogged_bodies()
        .writes_config(),
        Operation::new(
            "delete_rules_configs_by_key",
            Method::Delete,
            ITEM,
            "Delete rules config for a given key",
            &["delete:rules_configs"],
            Handler::Custom(delete),
        )
        .success(204)
        .writes_config(),
    ],
};

/// Compat: always a bare array.
fn list<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let rows = cx.tx.all(&ALL, &params![&cx.request.tenant]).await?;
        let keys: Result<Vec<Value>, ApiError> =
            rows.iter().map(|row| Ok(json!({ "key": row.text(0)? }))).collect();
        Ok(Value::Array(keys?).into())
    })
}

fn put<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (request, key) = (cx.request, key_of(input)?);
        let value = input.body.get("value").and_then(Value::as_str).unwrap_or_default();
        let context = context(&request.tenant, key);
        let sealed = request.master_key.seal(&request.random, &context, value.as_bytes());
        cx.tx.run(&PUT, &params![&request.tenant, key, sealed]).await?;
        Ok(json!({ "key": key, "value": value }).into())
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        cx.tx.run(&DELETE, &params![&cx.request.tenant, key_of(input)?]).await?;
        Ok(Answer::default())
    })
}

fn key_of(input: &Input) -> Result<&str, ApiError> {
    let key = input.param("key");
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-@*+:".contains(&b);
    match (1..=127).contains(&key.len()) && key.bytes().all(allowed) {
        true => Ok(key),
        false => Err(ApiError::invalid_path(
            "'String does not match pattern: ^[A-Za-z0-9_\\-@*+:]{1,127}$' on property key",
        )),
    }
}
