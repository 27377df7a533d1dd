//! What is put into the database at start: the tenants of `gatewright dev`, the bootstrap administrator.
//! All of it can be done again on the same data.

use std::sync::Arc;

use anyhow::bail;
use gatewright_ambient::{Clock, Random};
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_resources::seed::{self, NewTenant, SeedCx};
use gatewright_resources::{signing_keys, tenants};
use gatewright_store::{Db, StoreError};

use crate::config::Config;

/// The tenant that is always there in development.
pub(crate) const LOCALHOST: &str = "localhost";

/// A tenant that `gatewright dev` has made ready.
#[derive(Clone, Debug)]
pub(crate) struct SeededTenant {
    pub(crate) id: TenantId,
    pub(crate) host: String,
    pub(crate) client_id: String,
    pub(crate) audience: String,
}

/// Makes `localhost`, the tenants asked for and those of earlier starts ready; `localhost` comes first.
pub(crate) async fn dev_tenants(
    db: &Db,
    config: &Config,
    master_key: &Arc<MasterKey>,
    clock: &Clock,
    random: &Random,
) -> anyhow::Result<Vec<SeededTenant>> {
    let cx = SeedCx { now: clock.now(), random: random.clone(), master_key: Arc::clone(master_key) };
    let mut wanted = vec![(TenantId::new(LOCALHOST), LOCALHOST.to_owned())];
    wanted.extend(config.dev.tenants.iter().map(|id| (TenantId::new(id), format!("{id}.{LOCALHOST}"))));
    let seed = db.write(move |tx| {
        Box::pin(async move {
            let known = tenants::load_all(tx).await?;
            for tenant in &known {
                if tenant.host == format!("{}.{LOCALHOST}", tenant.id) {
                    wanted.push((tenant.id.clone(), tenant.host.clone()));
                }
            }
            let mut seeded: Vec<SeededTenant> = Vec::new();
            for (id, host) in wanted {
                if seeded.iter().any(|done| done.id == id) {
                    continue;
                }
                if !known.iter().any(|tenant| tenant.id == id) {
                    let new = NewTenant { id: id.clone(), host: host.clone(), friendly_name: id.to_string() };
                    tenants::create(tx, &new, &cx).await?;
                }
                let seed::DevTenant { client_id, audience } = seed::dev_tenant(tx, &id, &cx).await?;
                seeded.push(SeededTenant { id, host, client_id, audience });
            }
            Ok::<_, StoreError>(seeded)
        })
    });
    let seeded = seed.await.map_err(explain_master_key)?;
    bootstrap_admin(db, config, master_key, clock, random).await?;
    Ok(seeded)
}

/// Makes or keeps the administrator's client that the configuration names.
pub(crate) async fn bootstrap_admin(
    db: &Db,
    config: &Config,
    master_key: &Arc<MasterKey>,
    clock: &Clock,
    random: &Random,
) -> anyhow::Result<()> {
    let Some((client_id, secret)) = config.bootstrap.admin.clone() else { return Ok(()) };
    let cx = SeedCx { now: clock.now(), random: random.clone(), master_key: Arc::clone(master_key) };
    let only = config.bootstrap.tenant.clone();
    let bootstrap = db.write(move |tx| {
        Box::pin(async move {
            let mut done = 0_usize;
            for tenant in tenants::load_all(tx).await? {
                if only.as_ref().is_none_or(|only| *only == tenant.id.as_str()) {
                    seed::bootstrap_admin(tx, &tenant.id, &client_id, secret.reveal(), &cx).await?;
                    done += 1;
                }
            }
            Ok::<_, StoreError>(done)
        })
    });
    match (bootstrap.await?, &config.bootstrap.tenant) {
        (0, Some(tenant)) => bail!("bootstrap.tenant: there is no tenant \"{tenant}\""),
        _ => Ok(()),
    }
}

/// Opens what one tenant has sealed, so that a wrong master key shows at start and not in every answer.
pub(crate) async fn check_master_key(db: &Db, master_key: &Arc<MasterKey>) -> anyhow::Result<()> {
    let master_key = Arc::clone(master_key);
    let opened = db.read(move |tx| {
        Box::pin(async move {
            if let Some(tenant) = tenants::load_all(tx).await?.first() {
                signing_keys::load(tx, &tenant.id, &master_key).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    opened.await.map_err(explain_master_key)
}

/// Adds what to do to the error that a foreign master key makes.
fn explain_master_key(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Mismatch(_) | StoreError::Other(_) => anyhow::Error::new(error).context(
            "this master key does not open this database: use the key the database was made with \
             (keys.master_key, GATEWRIGHT_MASTER_KEY; in development master.key in the data folder)",
        ),
        error => error.into(),
    }
}

/// A server without tenants answers nobody; say so, because nothing else will.
pub(crate) async fn warn_without_tenants(db: &Db) -> anyhow::Result<()> {
    let all = db.read(|tx| Box::pin(async move { tenants::load_all(tx).await })).await?;
    if all.is_empty() {
        tracing::warn!(
            "There is no tenant yet, so every request is refused. Make one with \
             `gatewright tenants create ID --host NAME` (the same configuration applies) and start again."
        );
    }
    Ok(())
}
