//! `options.configuration` of a custom database: what its scripts find as `configuration`.
//!
//! Compat: values are never shown in clear, but as texts that begin with `2.0$`; whoever sends such a text back
//! keeps the value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use serde_json::Value;

use crate::engine::{ApiError, Map, OpRequest};

const MARK: &str = "2.0$";

fn context(tenant: &TenantId, name: &str) -> String {
    format!("{tenant}/connection_configuration/{name}")
}

/// Seals the values that a body sent in clear.
pub(super) fn seal(request: &OpRequest, connection: &mut Map) -> Result<(), ApiError> {
    let Some(values) = connection
        .get_mut("options")
        .and_then(|options| options.get_mut("configuration"))
        .and_then(Value::as_object_mut)
    else {
        return Ok(());
    };
    for (name, value) in values {
        let Some(text) = value.as_str() else { continue };
        if text.starts_with(MARK) {
            if open_one(&request.master_key, &request.tenant, name, text).is_none() {
                return Err(ApiError::invalid_body(format_args!(
                    "'The value is of another tenant or name, or was altered; send it in clear' on property \
                     options.configuration.{name}"
                )));
            }
            continue;
        }
        let context = context(&request.tenant, name);
        let sealed = request.master_key.seal(&request.random, &context, text.as_bytes());
        *value = format!("{MARK}{}", STANDARD.encode(sealed)).into();
    }
    Ok(())
}

/// The values in clear. One that does not open, as after a change of the master key, is absent: its database fails,
/// other logins go on.
pub(crate) fn open(
    master_key: &MasterKey,
    tenant: &TenantId,
    connection: &Connection,
) -> BTreeMap<String, String> {
    let values = connection.options["configuration"].as_object().into_iter().flatten();
    let opened = values.filter_map(|(name, value)| {
        let text = value.as_str().unwrap_or_default();
        // Connections that were stored before their scripts ran hold them in clear, inside sealed options.
        if !text.starts_with(MARK) {
            return Some((name.clone(), text.to_owned()));
        }
        let value = open_one(master_key, tenant, name, text);
        if value.is_none() {
            let connection = connection.name.as_str();
            tracing::warn!(%tenant, connection, name, "a value of the connection's configuration does not open");
        }
        Some((name.clone(), value?))
    });
    opened.collect()
}

fn open_one(master_key: &MasterKey, tenant: &TenantId, name: &str, text: &str) -> Option<String> {
    let sealed = STANDARD.decode(text.strip_prefix(MARK)?).ok()?;
    let opened = master_key.open(&context(tenant, name), &sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}
