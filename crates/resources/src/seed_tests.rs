use serde_json::json;

use super::{DATABASE, DEV_API, bootstrap_admin, dev_tenant};
use crate::testing::{on_every_engine, tenant};
use crate::{clients, connections, resource_servers, signing_keys, tenants};

#[tokio::test]
async fn a_tenant_is_born_with_what_tools_look_for() {
    on_every_engine(async |server| {
        let (_, globals) = server.call("GET", "/clients?is_global=true", json!(null)).await;
        assert_eq!(globals.as_array().unwrap().len(), 1);
        assert_eq!(globals[0]["name"], "All Applications");
        let (status, api) = server
            .call("GET", "/resource-servers/https%3A%2F%2Flocalhost%3A8443%2Fapi%2Fv2%2F", json!(null))
            .await;
        assert_eq!(
            (status, &api["is_system"], &api["identifier"]),
            (200, &json!(true), &json!("https://localhost:8443/api/v2/"))
        );
        assert_eq!(api["scopes"].as_array().unwrap().len(), 253);
        let (_, databases) = server.call("GET", "/connections?strategy=auth0", json!(null)).await;
        assert_eq!(databases[0]["name"], DATABASE);
        let master_key = server.seed.master_key.clone();
        let keys = server
            .write(move |tx| Box::pin(async move { signing_keys::load(tx, &tenant(), &master_key).await }))
            .await;
        assert_eq!(keys.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_dev_tenant_is_made_once() {
    on_every_engine(async |server| {
        let seed = server.seed.clone();
        let first =
            server.write(move |tx| Box::pin(async move { dev_tenant(tx, &tenant(), &seed).await })).await;
        let seed = server.seed.clone();
        let again =
            server.write(move |tx| Box::pin(async move { dev_tenant(tx, &tenant(), &seed).await })).await;
        assert_eq!(first, again);
        let master_key = server.seed.master_key.clone();
        let (known, enabled, apis) = server
            .write(move |tx| {
                Box::pin(async move {
                    Ok((
                        clients::load(tx, &tenant(), &master_key).await?,
                        connections::load(tx, &tenant(), &master_key).await?,
                        resource_servers::load(tx, &tenant()).await?,
                    ))
                })
            })
            .await;
        assert_eq!(known.len(), 2);
        let spa = known.iter().find(|client| client.client_id == first.client_id).unwrap();
        assert!(
            spa.is_public()
                && spa.cross_origin_authentication
                && spa.allows_grant(gatewright_core::client::PASSWORDLESS_OTP)
        );
        assert!(spa.callbacks.contains(&"http://localhost:3000/callback".to_owned()));
        let names: Vec<&str> = enabled.iter().map(|connection| connection.name.as_str()).collect();
        assert_eq!(names.len(), 3);
        assert!(names.contains(&"sms") && names.contains(&"email") && names.contains(&DATABASE));
        assert!(enabled.iter().all(|connection| connection.is_enabled_for(&first.client_id)));
        assert!(apis.iter().any(|api| api.identifier == DEV_API && api.defines("read:orders")));
        assert!(
            apis.iter()
                .any(|api| api.identifier == "api/v2/" && api.is_system && api.defines("read:current_user"))
        );
    })
    .await;
}

#[tokio::test]
async fn the_bootstrap_admin_is_kept_in_step() {
    on_every_engine(async |server| {
        for secret in ["first-secret", "second-secret"] {
            let seed = server.seed.clone();
            server
                .write(move |tx| {
                    Box::pin(async move { bootstrap_admin(tx, &tenant(), "boot", secret, &seed).await })
                })
                .await;
        }
        let (_, client) = server.call("GET", "/clients/boot", json!(null)).await;
        assert_eq!(client["client_secret"], "second-secret");
        let (_, grants) = server.call("GET", "/client-grants?client_id=boot", json!(null)).await;
        assert_eq!(grants.as_array().unwrap().len(), 1);
        assert_eq!(grants[0]["audience"], "https://localhost:8443/api/v2/");
        assert_eq!(grants[0]["scope"].as_array().unwrap().len(), 253);
    })
    .await;
}

#[tokio::test]
async fn hosts_name_tenants_and_writes_raise_the_version() {
    on_every_engine(async |server| {
        let version = || async {
            server
                .write(|tx| Box::pin(async move { tenants::by_host(tx, "localhost").await }))
                .await
                .unwrap()
                .1
        };
        let before = version().await;
        server.call("PATCH", "/tenants/settings", json!({"friendly_name": "New"})).await;
        assert_eq!(version().await, before + 1);
        server.call("POST", "/clients", json!({"name": 1})).await;
        assert_eq!(version().await, before + 1);
        let nobody =
            server.write(|tx| Box::pin(async move { tenants::by_host(tx, "elsewhere").await })).await;
        assert_eq!(nobody, None);
    })
    .await;
}
