//! `/keys/signing`: the tenant's signing keys, their rotation and their end.

use gatewright_jose::{SigningKey, certificate_pem, certificate_pkcs7, certificate_thumbprint};
use gatewright_store::{BoxFuture, Db, Row, StoreError, params, sql};
use serde_json::{Value, json};

use super::{State, fault, insert};
use crate::engine::operation::Run;
use crate::engine::{ApiError, Handler, Input, Map, Method, OpCx, OpRequest, Operation, Resource};
use crate::tenants;

sql!(
    ALL,
    "SELECT kid, state, certificate, current_since, current_until, revoked_at FROM signing_keys
     WHERE tenant_id = $1
     ORDER BY CASE state WHEN 'next' THEN 0 WHEN 'current' THEN 1 WHEN 'previous' THEN 2 ELSE 3 END,
       revoked_at DESC, current_until DESC, kid"
);
sql!(NEXT, "SELECT kid FROM signing_keys WHERE tenant_id = $1 AND state = 'next'");
sql!(
    RETIRE,
    "UPDATE signing_keys SET state = 'previous', current_until = $2 WHERE tenant_id = $1 AND state = 'current'"
);
sql!(
    PROMOTE,
    "UPDATE signing_keys SET state = 'current', current_since = $2 WHERE tenant_id = $1 AND state = 'next'"
);
sql!(REVOKE, "UPDATE signing_keys SET state = 'revoked', revoked_at = $3 WHERE tenant_id = $1 AND kid = $2");

const ITEM: &str = "/keys/signing/{kid}";
const READ: &[&str] = &["read:signing_keys"];

/// Revoked keys that the list still shows.
const REVOKED_SHOWN: usize = 3;

/// `/keys/signing`.
pub static RESOURCE: Resource = Resource {
    name: "keys",
    operations: &[
        Operation::new(
            "get_signing_keys",
            Method::Get,
            "/keys/signing",
            "Get all application signing keys",
            READ,
            Handler::Custom(list),
        ),
        Operation::new(
            "get_signing_key",
            Method::Get,
            ITEM,
            "Get an application signing key by its key id",
            READ,
            Handler::Custom(read),
        ),
        Operation::new(
            "post_signing_keys",
            Method::Post,
            "/keys/signing/rotate",
            "Rotate the application signing key",
            &["create:signing_keys", "update:signing_keys"],
            Handler::Custom(rotate),
        )
        .prepare(generate)
        .success(201)
        .writes_config(),
        Operation::new(
            "put_signing_keys",
            Method::Put,
            "/keys/signing/{kid}/revoke",
            "Revoke an application signing key by its key id",
            &["update:signing_keys"],
            Handler::Custom(revoke),
        )
        .writes_config(),
    ],
};

struct Known {
    kid: String,
    state: String,
    shown: Map,
}

fn known(row: &Row) -> Result<Known, StoreError> {
    let (kid, state, certificate) = (row.text(0)?, row.text(1)?, row.blob(2)?);
    let thumbprint = certificate_thumbprint(&certificate);
    let fingerprint: Vec<&str> = (0..thumbprint.len()).step_by(2).map(|at| &thumbprint[at..at + 2]).collect();
    let mut shown = Map::new();
    for (name, value) in [
        ("kid", json!(kid)),
        ("cert", certificate_pem(&certificate).into()),
        ("pkcs7", certificate_pkcs7(&certificate).into()),
        ("current", (state == "current").into()),
        ("next", (state == "next").into()),
        ("previous", (state == "previous").into()),
        ("fingerprint", fingerprint.join(":").into()),
        ("thumbprint", thumbprint.as_str().into()),
        ("revoked", (state == "revoked").into()),
    ] {
        shown.insert(name.to_owned(), value);
    }
    for (at, name) in [(3, "current_since"), (4, "current_until"), (5, "revoked_at")] {
        if let Some(time) = row.opt_time(at)? {
            shown.insert(name.to_owned(), time.iso8601().into());
        }
    }
    Ok(Known { kid, state, shown })
}

async fn all(cx: &mut OpCx<'_>) -> Result<Vec<Known>, ApiError> {
    let rows = cx.tx.all(&ALL, &params![&cx.request.tenant]).await?;
    Ok(rows.iter().map(known).collect::<Result<_, _>>()?)
}

async fn named(cx: &mut OpCx<'_>, kid: &str) -> Result<Known, ApiError> {
    let found = all(cx).await?.into_iter().find(|key| key.kid == kid);
    found.ok_or_else(|| ApiError::new(404, "The signing key does not exist."))
}

/// Compat: always a bare array, with the last of those that were revoked.
fn list<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let (valid, revoked): (Vec<_>, Vec<_>) =
            all(cx).await?.into_iter().partition(|key| key.state != "revoked");
        let shown = valid.into_iter().chain(revoked.into_iter().take(REVOKED_SHOWN));
        Ok(shown.map(|key| Value::Object(key.shown)).collect::<Value>().into())
    })
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(named(cx, input.param("kid")).await?.shown.into()) })
}

/// Generates what a rotation needs, before its transaction and off the reactor: one key, and another where
/// the tenant has none that waits to be next.
fn generate<'a>(
    db: &'a Db,
    request: &'a OpRequest,
    input: &'a mut Input,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        let tenant = request.tenant.clone();
        let (host, has_next) = db
            .read(move |tx| {
                Box::pin(async move {
                    let next = tx.opt(&NEXT, &params![&tenant]).await?;
                    Ok::<_, ApiError>((tenants::host(tx, &tenant).await?, next.is_some()))
                })
            })
            .await?;
        let (random, now, wanted) = (request.random.clone(), request.now, if has_next { 1 } else { 2 });
        let generated = tokio::task::spawn_blocking(move || {
            (0..wanted).map(|_| SigningKey::generate_rsa(&random, now, &host)).collect::<Result<Vec<_>, _>>()
        });
        let generated = generated.await.map_err(|error| StoreError::Other(error.to_string()))?;
        input.keys = generated.map_err(fault)?;
        Ok(())
    })
}

/// The next key signs from now on, the one before still verifies, and a new one is published as the next.
fn rotate<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let request = cx.request;
        let tenant = &request.tenant;
        let has_next = cx.tx.opt(&NEXT, &params![tenant]).await?.is_some();
        let mut keys = input.keys.iter();
        cx.tx.run(&RETIRE, &params![tenant, request.now]).await?;
        // Another rotation may have come between the look for a next key and this one.
        let generated = || ApiError::conflict("The signing key was rotated at the same time.");
        if has_next {
            cx.tx.run(&PROMOTE, &params![tenant, request.now]).await?;
        } else {
            let first = keys.next().ok_or_else(generated)?;
            insert(cx.tx, &request.sealing(), first, State::Current).await?;
        }
        let next = keys.next().ok_or_else(generated)?;
        insert(cx.tx, &request.sealing(), next, State::Next).await?;
        Ok(named(cx, &next.kid).await?.shown.into())
    })
}

/// A revoked key is published no more, and verifies nothing.
fn revoke<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let kid = input.param("kid");
        match named(cx, kid).await?.state.as_str() {
            "current" => Err(ApiError::unsupported(
                "The current signing key cannot be revoked. Rotate first, then revoke it as the previous one.",
            )),
            "revoked" => Err(ApiError::conflict("The signing key is revoked already.")),
            _ => {
                cx.tx.run(&REVOKE, &params![&cx.request.tenant, kid, cx.request.now]).await?;
                Ok(named(cx, kid).await?.shown.into())
            }
        }
    })
}
