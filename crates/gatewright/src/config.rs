//! What an operator may set for the process, from three places: a TOML file, then `GATEWRIGHT_*`
//! variables, then flags; the later wins.
//!
//! Reading order: [`setting`] (what one setting is), the section files (`server`, `database`, …: a table
//! of settings and the struct read from it), [`values`] (merging the places), [`reference`] (the
//! generated documentation). What a tenant's administrator may change is not here but in the database.

mod bootstrap;
mod database;
mod dev;
mod keys;
mod log;
mod management;
mod ops;
mod outbound;
mod passwords;
pub mod reference;
mod scripts;
mod server;
pub mod setting;
mod suggest;
pub mod values;

use std::path::{Path, PathBuf};

pub use bootstrap::Bootstrap;
pub use database::{Database, DatabaseUrl};
pub use dev::Dev;
pub(crate) use dev::is_host_label;
pub use keys::Keys;
pub use log::{Log, LogFormat};
pub use management::Management;
pub use ops::Ops;
pub use outbound::Outbound;
pub use passwords::Passwords;
pub use scripts::Scripts;
pub use server::Server;
use setting::Setting;
use values::Values;

/// Everything the process can be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen, and with which certificate.
    pub server: Server,
    /// The listener for health and metrics.
    pub ops: Ops,
    /// Which database to use.
    pub database: Database,
    /// The key that seals secrets at rest.
    pub keys: Keys,
    /// Where requests to the outside may go.
    pub outbound: Outbound,
    /// What hashing a password costs.
    pub passwords: Passwords,
    /// Where the tenants' own code runs.
    pub scripts: Scripts,
    /// How often the Management API may be called.
    pub management: Management,
    /// What is logged, and how.
    pub log: Log,
    /// The first administrator.
    pub bootstrap: Bootstrap,
    /// Conveniences of `gatewright dev`.
    pub dev: Dev,
}

/// Which of the two forms of the server is configured; they differ in defaults and in what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `gatewright dev`: works with no configuration at all.
    Dev,
    /// `gatewright serve` and the commands that prepare for it: nothing is made up.
    Serve,
}

/// Where a configuration is read from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The file named with `--config`; without it `gatewright.toml` in `directory`, if there.
    pub file: Option<PathBuf>,
    /// The directory in which the default file is looked for.
    pub directory: PathBuf,
    /// The environment; only names that begin with `GATEWRIGHT_` are looked at.
    pub variables: Vec<(String, String)>,
    /// Settings given as flags: key, value.
    pub flags: Vec<(String, String)>,
}

impl Inputs {
    /// The process's own environment and working directory.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { directory: PathBuf::from("."), variables, ..Self::default() }
    }
}

/// Why a configuration cannot be used. Each text names the setting, the place it came from and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key that no section knows.
    #[error("unknown setting \"{key}\" in {place}.{suggestion}")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// Where it was written.
        place: String,
        /// ` Did you mean …?`, or empty.
        suggestion: String,
    },
    /// A variable that begins with `GATEWRIGHT_` and means nothing.
    #[error("unknown variable {name}.{suggestion}")]
    UnknownVariable {
        /// The variable's name.
        name: String,
        /// ` Did you mean …?`, or empty.
        suggestion: String,
    },
    /// A value of the wrong type or out of range.
    #[error("{key} (from {place}): {reason}")]
    BadValue {
        /// The setting.
        key: String,
        /// Where the value came from.
        place: String,
        /// What is expected.
        reason: String,
    },
    /// The configuration file, or a file that a secret refers to, cannot be read.
    #[error("cannot read {path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{path} is not valid TOML: {reason}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser says, with line and column.
        reason: String,
    },
    /// Something this form of the server needs is not set, or something set is not allowed in it.
    #[error("{0}")]
    NotAllowed(String),
}

/// Every setting, section by section, in the order of the reference.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    [
        server::SETTINGS,
        ops::SETTINGS,
        database::SETTINGS,
        keys::SETTINGS,
        outbound::SETTINGS,
        passwords::SETTINGS,
        scripts::SETTINGS,
        management::SETTINGS,
        log::SETTINGS,
        bootstrap::SETTINGS,
        dev::SETTINGS,
    ]
    .into_iter()
    .flatten()
}

impl Config {
    /// Reads file, variables and flags, and checks what `form` needs and forbids.
    ///
    /// # Errors
    /// [`ConfigError`], for the first thing that is wrong.
    pub fn load(form: Form, inputs: &Inputs) -> Result<Self, ConfigError> {
        let values = Values::gather(form, inputs)?;
        let config = Self {
            server: Server::read(&values)?,
            ops: Ops::read(&values)?,
            database: Database::read(&values)?,
            keys: Keys::read(&values)?,
            outbound: Outbound::read(&values)?,
            passwords: Passwords::read(&values)?,
            scripts: Scripts::read(&values)?,
            management: Management::read(&values, form)?,
            log: Log::read(&values)?,
            bootstrap: Bootstrap::read(&values)?,
            dev: Dev::read(&values)?,
        };
        if form == Form::Serve {
            values.refuse_section("dev", "it is for `gatewright dev` only")?;
        }
        Ok(config)
    }

    /// The defaults of `gatewright dev`, whatever file and variables there are: for tests.
    pub fn dev_defaults() -> Self {
        let nowhere = Inputs { directory: PathBuf::from("/nonexistent"), ..Inputs::default() };
        Self::load(Form::Dev, &nowhere).expect("the defaults in the table are a whole configuration")
    }

    /// What `gatewright serve` needs beyond well-formed values: a database, a master key and a listener.
    ///
    /// # Errors
    /// [`ConfigError::NotAllowed`] naming what is missing and how to set it.
    pub fn check_for_serving(&self) -> Result<(), ConfigError> {
        let missing = |text: &str| Err(ConfigError::NotAllowed(text.to_owned()));
        if self.database.url.is_none() {
            return missing(
                "no database: set database.url (GATEWRIGHT_DATABASE_URL, --database-url) to \
                 postgres://… or sqlite:/path/to/file.db",
            );
        }
        if self.keys.master_key.is_none() {
            return missing(
                "no master key: make one with `gatewright keygen`, keep it safe, and set keys.master_key \
                 (GATEWRIGHT_MASTER_KEY) to it or to file:/path",
            );
        }
        if self.server.port.is_none() && self.server.http_port.is_none() {
            return missing(
                "no listener: set server.port with server.certificate and server.certificate_key for \
                 HTTPS, or server.http_port behind a proxy that speaks TLS",
            );
        }
        if self.server.port.is_some() && self.server.certificate.is_none() {
            return missing(
                "no certificate: server.port speaks HTTPS and needs server.certificate and \
                 server.certificate_key; behind a proxy that speaks TLS set server.http_port instead",
            );
        }
        Ok(())
    }
}

/// The file to read: the named one, or the default one if it exists.
fn file_to_read(inputs: &Inputs) -> Option<PathBuf> {
    let named = inputs.file.clone().or_else(|| {
        let variable = inputs.variables.iter().find(|(name, _)| name == "GATEWRIGHT_CONFIG");
        variable.map(|(_, path)| PathBuf::from(path))
    });
    let default =
        || Some(inputs.directory.join("gatewright.toml")).filter(|path: &PathBuf| Path::exists(path));
    named.or_else(default)
}

#[cfg(test)]
mod tests;
