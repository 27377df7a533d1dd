//! The data that the command works on: that of `gatewright dev`, or the database that is named. A server may
//! have it open.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use gatewright_ambient::Clock;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_resources::{connections, tenants};
use gatewright_store::{Db, DbConfig, Engine, StoreError};

use crate::cli::DataArgs;
use crate::config::{Config, Form};
use crate::{database, seeding};

/// A tenant's data, open.
pub(in crate::commands) struct Local {
    pub(in crate::commands) db: Db,
    pub(in crate::commands) tenant: TenantId,
    pub(in crate::commands) master_key: Arc<MasterKey>,
    /// A server has the SQLite file open too: its writes come between.
    pub(in crate::commands) beside_server: bool,
}

impl Local {
    pub(in crate::commands) async fn open(args: &DataArgs) -> anyhow::Result<Self> {
        let config = Config::load(Form::Dev, &args.inputs())?;
        crate::logs::install(&config.log, Form::Dev);
        let data_dir = &config.dev.data_dir;
        let wanted = database::for_dev(&config, data_dir)?;
        match &wanted {
            DbConfig::SqliteMemory => bail!("dev.ephemeral keeps the database in memory: nothing is there"),
            DbConfig::SqliteFile(file) if !file.exists() => bail!(
                "there is no database {}: start `gatewright dev` once, or name the data with --data-dir, \
                 --database-url or --config",
                file.display()
            ),
            _ => {}
        }
        let master_key = Arc::new(master_key(&config, data_dir)?);
        let (db, beside_server) = open(wanted).await?;
        let found = async {
            seeding::check_master_key(&db, &master_key).await?;
            tenant(&db, args.tenant.as_deref()).await
        };
        match found.await {
            Ok(tenant) => Ok(Self { db, tenant, master_key, beside_server }),
            Err(error) => {
                db.close().await;
                Err(error)
            }
        }
    }

    /// Whether nobody else can have the data: a SQLite file that no server has open.
    pub(in crate::commands) fn is_alone(&self) -> bool {
        self.db.engine() == Engine::Sqlite && !self.beside_server
    }

    /// The tenant's connection of this name.
    pub(in crate::commands) async fn connection(&self, name: &str) -> anyhow::Result<Connection> {
        let (tenant, master_key) = (self.tenant.clone(), Arc::clone(&self.master_key));
        let all = self
            .db
            .read(move |tx| Box::pin(async move { connections::load(tx, &tenant, &master_key).await }))
            .await?;
        let names: Vec<String> = all.iter().map(|connection| format!("\"{}\"", connection.name)).collect();
        let found = all.into_iter().find(|connection| connection.name == name);
        found.with_context(|| {
            let names = names.join(", ");
            format!("the tenant {} has no connection \"{name}\" (it has {names})", self.tenant)
        })
    }
}

/// Opens the database; a SQLite file that a server has open is opened beside it.
async fn open(config: DbConfig) -> Result<(Db, bool), StoreError> {
    match (database::open(&config, Clock::system().now()).await, config) {
        (Err(StoreError::InUse { .. }), DbConfig::SqliteFile(file)) => {
            Ok((database::open_beside(file).await?, true))
        }
        (opened, _) => Ok((opened?, false)),
    }
}

/// The configured key, or the one in the data folder.
fn master_key(config: &Config, data_dir: &Path) -> anyhow::Result<MasterKey> {
    if let Some(key) = &config.keys.master_key {
        return MasterKey::from_base64(key.reveal()).context("keys.master_key");
    }
    let file = data_dir.join("master.key");
    if !file.exists() {
        bail!(
            "no master key: set keys.master_key (GATEWRIGHT_MASTER_KEY) to the one that the server uses, or \
             --data-dir to the folder that holds it"
        );
    }
    crate::commands::dev::read_master_key(&file)
}

/// The tenant that was named; else the only one, or `localhost`.
async fn tenant(db: &Db, named: Option<&str>) -> anyhow::Result<TenantId> {
    let all = db.read(|tx| Box::pin(async move { tenants::load_all(tx).await })).await?;
    let ids: Vec<&str> = all.iter().map(|tenant| tenant.id.as_str()).collect();
    let id = match (named, &ids[..]) {
        (Some(named), _) if ids.contains(&named) => named,
        (Some(named), _) => bail!("there is no tenant \"{named}\" (there is {})", ids.join(", ")),
        (None, []) => bail!("there is no tenant in this database"),
        (None, [only]) => only,
        (None, many) if many.contains(&seeding::LOCALHOST) => seeding::LOCALHOST,
        (None, many) => bail!("name the tenant with --tenant: {}", many.join(", ")),
    };
    Ok(TenantId::new(id))
}
