//! `gatewright tenants`.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use gatewright_ambient::{Clock, Random};
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_resources::tenants::{self, NewTenant, SeedCx};
use gatewright_store::{Db, StoreError};

use crate::cli::{ConfiguredArgs, TenantsCommand};
use crate::config::{Config, Form, is_host_label};
use crate::{database, seeding};

/// Creates or lists.
pub(super) fn run(command: TenantsCommand) -> anyhow::Result<()> {
    match command {
        TenantsCommand::Create { id, host, name, configured } => {
            let host = host.to_ascii_lowercase();
            if !is_host_label(&id) {
                bail!("\"{id}\" cannot be a tenant's id: use a-z, 0-9 and -");
            }
            if !host.split('.').all(is_host_label) {
                bail!("\"{host}\" is not a host name; write it without scheme and port");
            }
            let friendly_name = name.unwrap_or_else(|| id.clone());
            let new = NewTenant { id: TenantId::new(id), host, friendly_name };
            with_database(&configured, |db, config| create(db, config, new))
        }
        TenantsCommand::List(configured) => with_database(&configured, |db, _| list(db)),
    }
}

fn with_database<F: Future<Output = anyhow::Result<()>>>(
    args: &ConfiguredArgs,
    work: impl FnOnce(Db, Config) -> F,
) -> anyhow::Result<()> {
    let config = Config::load(Form::Serve, &args.inputs())?;
    crate::logs::install(&config.log, Form::Serve);
    super::runtime(1)?.block_on(async {
        let db = database::open(&database::configured(&config)?, Clock::system().now()).await?;
        let outcome = work(db.clone(), config).await;
        db.close().await;
        outcome
    })
}

async fn create(db: Db, config: Config, new: NewTenant) -> anyhow::Result<()> {
    let key = config.keys.master_key.as_ref().context(
        "no master key: set keys.master_key (GATEWRIGHT_MASTER_KEY) to the one that `serve` will use",
    )?;
    let master_key = Arc::new(MasterKey::from_base64(key.reveal()).context("keys.master_key")?);
    let (clock, random) = (Clock::system(), Random::system());
    let cx = SeedCx { now: clock.now(), random: random.clone(), master_key: Arc::clone(&master_key) };
    let (id, host) = (new.id.clone(), new.host.clone());
    match db.write(move |tx| Box::pin(async move { tenants::create(tx, &new, &cx).await })).await {
        Ok(()) => {}
        Err(StoreError::Unique { .. }) => {
            bail!("there is a tenant \"{id}\" or one at host \"{host}\" already")
        }
        Err(error) => return Err(error.into()),
    }
    seeding::bootstrap_admin(&db, &config, &master_key, &clock, &random).await?;
    super::say(&format!("Created the tenant {id} at https://{host}/.\n"))
}

async fn list(db: Db) -> anyhow::Result<()> {
    let all = db.read(|tx| Box::pin(async move { tenants::load_all(tx).await })).await?;
    let width = all.iter().map(|tenant| tenant.id.as_str().len()).max().unwrap_or(0);
    let lines = all.iter().map(|tenant| format!("{:width$}  {}\n", tenant.id.as_str(), tenant.host));
    super::say(&lines.collect::<String>())
}
