//! `gatewright migrate`.

use gatewright_ambient::Clock;
use gatewright_resources::MIGRATIONS;
use gatewright_resources::users::index_missing;
use gatewright_store::Db;

use crate::cli::ConfiguredArgs;
use crate::config::{Config, Form};
use crate::database;

/// Applies what is missing and says what that was.
pub(super) fn run(args: &ConfiguredArgs) -> anyhow::Result<()> {
    let config = Config::load(Form::Serve, &args.inputs())?;
    crate::logs::install(&config.log, Form::Serve);
    super::runtime(1)?.block_on(async {
        let db = Db::open(&database::configured(&config)?).await?;
        let report = db.migrate(MIGRATIONS, Clock::system().now()).await?;
        index_missing(&db).await?;
        db.close().await;
        let applied: Vec<String> = report.applied.iter().map(|number| format!("{number:04}")).collect();
        super::say(&if applied.is_empty() {
            format!("The database is up to date (migration {:04}).\n", report.current)
        } else {
            format!("Applied {}. The database is at migration {:04}.\n", applied.join(", "), report.current)
        })
    })
}
