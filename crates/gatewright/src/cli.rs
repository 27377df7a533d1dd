//! The command line: what can be typed, and which settings its flags stand for.

mod actions;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Inputs;
pub use actions::{ActionsArgs, ActionsCommand, ActionsRunArgs};

/// An identity server that works with Auth0's SDKs and says why.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  gatewright dev                       an identity server on https://localhost:8443, at once
  gatewright dev --tenant acme         and a second tenant at https://acme.localhost:8443
  gatewright trust                     make browsers trust its certificate
  gatewright explain 'https://localhost:8443/authorize?client_id=...'   why scopes are granted or not
  gatewright config                    every setting, as a file to start from";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run for development: no configuration needed, messages go to an inbox page
    #[command(after_help = DEV_EXAMPLES)]
    Dev(DevArgs),
    /// Run for production: takes everything from the configuration, makes nothing up
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Bring the database of `serve` up to date and exit (`serve` does the same at start)
    Migrate(ConfiguredArgs),
    /// Make the system and browsers on this machine trust the certificates of `gatewright dev`
    #[command(after_help = TRUST_EXAMPLES)]
    Trust(TrustArgs),
    /// Print a new master key for `serve`
    #[command(after_help = "Example:
  gatewright keygen > master.key && chmod 600 master.key
  GATEWRIGHT_MASTER_KEY=file:master.key gatewright serve …")]
    Keygen,
    /// Create and list tenants in the database of `serve`
    Tenants(TenantsArgs),
    /// Import users from a file and export them, in the data of `dev` or `serve`
    Users(UsersArgs),
    /// Say why something was decided: a login's URL, a token, a log entry, a request
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Invite administrators of the dashboard
    Admin(AdminArgs),
    /// Try actions and rules out on this machine
    Actions(ActionsArgs),
    /// Run tenants' scripts for a server: its own processes are started so
    #[command(hide = true)]
    ScriptWorker,
    /// Print every setting with its default, as a configuration file to start from
    #[command(after_help = "Example:
  gatewright config > gatewright.toml")]
    Config,
}

const DEV_EXAMPLES: &str = "Examples:
  gatewright dev                               data in .gatewright, HTTPS on port 8443
  gatewright dev --http 8080                   plain HTTP too, for tools that accept it
  gatewright dev --ephemeral --port 0 --json   any free port, nothing kept; one line of JSON for scripts
  gatewright dev --cert own.pem --key own.key  an own certificate
  gatewright dev --database-url postgres://postgres@localhost/gatewright

Every setting also has a GATEWRIGHT_* variable: see docs/configuration.md.";

const IMPORT_EXAMPLES: &str =
    "The file is Auth0's: a JSON array of users, or one user a line; password_hash and custom_password_hash
bring passwords along. A wrong row is refused alone. A server may run meanwhile.

Exit status: 0 all users are imported, 1 some rows were refused, 2 it could not run or not to its end.

Examples:
  gatewright users import users.json --connection Username-Password-Authentication
  gatewright users import users.json --connection Username-Password-Authentication --upsert \\
      --errors refused.jsonl
  gunzip -c export.gz | gatewright users import - --connection email --tenant acme \\
      --database-url postgres://gatewright@db/gatewright";

const EXPORT_EXAMPLES: &str =
    "Exit status: 0 all users are written, 1 some were left out, 2 it could not run or not to its end.

Examples:
  gatewright users export users.json
  gatewright users export --format csv | head
  gatewright users export users.json --format import --connection Username-Password-Authentication";

const EXPLAIN_EXAMPLES: &str =
    "What is explained: a URL of /authorize, a JWT, a refresh token, the id of a log entry, or the request id
that an error page or the header x-request-id shows. docs/reasons.md lists every reason.

Exit status: 0 explained, 1 there is nothing to say about it, 2 it could not run.

Examples:
  gatewright explain 'https://localhost:8443/authorize?client_id=…&scope=openid%20read:users'
  gatewright explain 4fTqPz0aB3dEkLmN8oQs              the request of this id, as it was decided
  gatewright explain 4fTqPz0aB3dEkLmN8oQs --now        and as it would be decided now
  pbpaste | gatewright explain                         a token, out of sight of the shell's history
  gatewright explain LOG_ID --apply                    makes the change that it proposes, after asking
  gatewright explain LOG_ID --server https://login.example.com --token TOKEN";
const INVITE_EXAMPLES: &str = "A server may run meanwhile.

Examples:
  gatewright admin invite
  gatewright admin invite --tenant acme --database-url postgres://gatewright@db/gatewright
  gatewright admin invite --url https://login.example.com --config /etc/gatewright.toml";

const SERVE_EXAMPLES: &str = "Examples:
  gatewright serve --config /etc/gatewright.toml
  gatewright keygen > master.key
  GATEWRIGHT_MASTER_KEY=file:master.key gatewright serve \\
      --database-url postgres://gatewright@db/gatewright --port 443 --cert tls.crt --key tls.key
  GATEWRIGHT_MASTER_KEY=file:master.key GATEWRIGHT_SERVER_TRUST_PROXY=10.0.0.5 gatewright serve \\
      --database-url sqlite:/var/lib/gatewright/gatewright.db --http 8080

Every setting also has a GATEWRIGHT_* variable: see docs/configuration.md.";

const TRUST_EXAMPLES: &str = "Examples:
  gatewright trust                 says what it will do, and asks; uses sudo for the system's store
  gatewright trust --yes           does not ask
  gatewright trust --uninstall     takes the certificate out again";

/// Flags of every command that reads the configuration.
#[derive(Clone, Debug, Default, Args)]
pub struct CommonArgs {
    /// The configuration file [default: gatewright.toml, if there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Any setting by its key, e.g. --set ops.bind=0.0.0.0
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
    /// Log level, or target=level pairs [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// Shape of the log on standard error: auto, text or json
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// Flags of the two forms of the server.
#[derive(Clone, Debug, Default, Args)]
pub struct ListenArgs {
    /// The HTTPS port; 0 for any free one [default in dev: 8443]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// A port for plain HTTP; 0 for any free one
    #[arg(long, value_name = "PORT")]
    pub http: Option<u16>,
    /// An address to listen on; may be given more than once
    #[arg(long, value_name = "IP")]
    pub bind: Vec<String>,
    /// PEM file of the certificate chain
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// PEM file of the private key
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The port for health and metrics; 0 for any free one [default: 8444]
    #[arg(long, value_name = "PORT")]
    pub ops_port: Option<u16>,
    /// sqlite:/path/to/file.db or postgres://user@host/database
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

/// `gatewright dev`.
#[derive(Clone, Debug, Default, Args)]
pub struct DevArgs {
    /// The folder for database, certificate authority and master key [default: .gatewright]
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Keep the database in memory: everything is gone at the end
    #[arg(long)]
    pub ephemeral: bool,
    /// A tenant beside `localhost`, at NAME.localhost; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub tenant: Vec<String>,
    /// Print one line of JSON when listening, instead of the start screen
    #[arg(long)]
    pub json: bool,
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub listen: ListenArgs,
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `gatewright serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub listen: ListenArgs,
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub common: CommonArgs,
}

/// A command that works on the database of `serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfiguredArgs {
    /// sqlite:/path/to/file.db or postgres://user@host/database
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `gatewright trust`.
#[derive(Clone, Debug, Args)]
pub struct TrustArgs {
    /// The data folder of `gatewright dev`
    #[arg(long, value_name = "FOLDER", default_value = ".gatewright")]
    pub data_dir: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Take the certificate out again
    #[arg(long)]
    pub uninstall: bool,
}

/// `gatewright tenants`.
#[derive(Debug, Args)]
pub struct TenantsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: TenantsCommand,
}

/// `gatewright tenants …`.
#[derive(Debug, Subcommand)]
pub enum TenantsCommand {
    /// Create a tenant, with its signing key and the Management API
    #[command(after_help = "Example:
  gatewright tenants create acme --host login.acme.example --name \"Acme Inc.\"")]
    Create {
        /// Its id: a-z, 0-9 and -
        id: String,
        /// The host name it answers at, without port
        #[arg(long, value_name = "NAME")]
        host: String,
        /// Its name on pages [default: the id]
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        #[command(flatten)]
        #[expect(missing_docs, reason = "clap would show the words as help")]
        configured: ConfiguredArgs,
    },
    /// List the tenants
    List(ConfiguredArgs),
}

/// `gatewright admin`.
#[derive(Debug, Args)]
pub struct AdminArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// `gatewright admin …`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Print a link that makes whoever opens it administrator: once, within a day
    #[command(after_help = INVITE_EXAMPLES)]
    Invite {
        /// Scheme and host of the server [default: that of `dev`, or https and the tenant's host]
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        #[command(flatten)]
        #[expect(missing_docs, reason = "clap would show the words as help")]
        data: DataArgs,
    },
}

/// `gatewright users`.
#[derive(Debug, Args)]
pub struct UsersArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: UsersCommand,
}

/// `gatewright users …`.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Import users from a file
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(UsersImportArgs),
    /// Write users to a file
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(UsersExportArgs),
}

/// Flags of a command that works on a tenant's data.
#[derive(Clone, Debug, Default, Args)]
pub struct DataArgs {
    /// The tenant [default: the only one, or localhost]
    #[arg(long, value_name = "ID")]
    pub tenant: Option<String>,
    /// The data folder of `gatewright dev`, unless a database is named [default: .gatewright]
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub configured: ConfiguredArgs,
}

/// `gatewright users import`.
#[derive(Clone, Debug, Default, Args)]
pub struct UsersImportArgs {
    /// The file; - for standard input
    pub file: PathBuf,
    /// The connection that the users will be in
    #[arg(long, value_name = "NAME")]
    pub connection: String,
    /// Change users who are there already, instead of refusing their rows
    #[arg(long)]
    pub upsert: bool,
    /// Takes each refused row as a line of JSON that says why
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub data: DataArgs,
}

/// `gatewright users export`.
#[derive(Clone, Debug, Args)]
pub struct UsersExportArgs {
    /// The file [default: standard output]
    pub file: Option<PathBuf>,
    /// Only users who have an account in this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// What is written
    #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
    pub format: ExportFormat,
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub data: DataArgs,
}

/// `gatewright explain`.
#[derive(Clone, Debug, Default, Args)]
pub struct ExplainArgs {
    /// What to explain; - or nothing reads it from standard input
    pub what: Option<String>,
    /// Decide again, against the configuration now, instead of telling what was recorded
    #[arg(long)]
    pub now: bool,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub json: bool,
    /// Make the changes of settings that it proposes, after asking for each
    #[arg(long)]
    pub apply: bool,
    /// With --apply: do not ask
    #[arg(long, short, requires = "apply")]
    pub yes: bool,
    /// Ask this server's Management API instead of the local data
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A token for it with the scope read:explanations, and with --apply those of the change
    #[arg(long, value_name = "TOKEN", env = "GATEWRIGHT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[expect(missing_docs, reason = "clap would show the words as help")]
    #[command(flatten)]
    pub data: DataArgs,
}

/// What an export writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One user a line, as the Management API's export
    Json,
    /// Comma-separated values
    Csv,
    /// Rows that `users import` takes, with password hashes; needs --connection
    Import,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl CommonArgs {
    fn inputs(&self) -> Inputs {
        let mut inputs =
            Inputs { file: self.config.clone(), flags: self.set.clone(), ..Inputs::of_process() };
        add(&mut inputs, "log.filter", self.log.clone());
        add(&mut inputs, "log.format", self.log_format.clone());
        inputs
    }
}

impl ListenArgs {
    fn add_to(&self, inputs: &mut Inputs) {
        add(inputs, "server.port", self.port);
        add(inputs, "server.http_port", self.http);
        add(inputs, "server.bind", (!self.bind.is_empty()).then(|| self.bind.join(",")));
        add(inputs, "server.certificate", self.cert.as_ref().map(|path| path.display()));
        add(inputs, "server.certificate_key", self.key.as_ref().map(|path| path.display()));
        add(inputs, "ops.port", self.ops_port);
        add(inputs, "database.url", self.database_url.clone());
    }
}

impl DevArgs {
    /// The flags as settings, with the process's environment.
    pub fn inputs(&self) -> Inputs {
        let mut inputs = self.common.inputs();
        self.listen.add_to(&mut inputs);
        add(&mut inputs, "dev.data_dir", self.data_dir.as_ref().map(|path| path.display()));
        add(&mut inputs, "dev.ephemeral", self.ephemeral.then_some("true"));
        add(&mut inputs, "dev.tenants", (!self.tenant.is_empty()).then(|| self.tenant.join(",")));
        inputs
    }
}

impl ServeArgs {
    /// The flags as settings, with the process's environment.
    pub fn inputs(&self) -> Inputs {
        let mut inputs = self.common.inputs();
        self.listen.add_to(&mut inputs);
        inputs
    }
}

impl DataArgs {
    /// The flags as settings, with the process's environment.
    pub fn inputs(&self) -> Inputs {
        let mut inputs = self.configured.inputs();
        add(&mut inputs, "dev.data_dir", self.data_dir.as_ref().map(|path| path.display()));
        inputs
    }
}

impl ConfiguredArgs {
    /// The flags as settings, with the process's environment.
    pub fn inputs(&self) -> Inputs {
        let mut inputs = self.common.inputs();
        add(&mut inputs, "database.url", self.database_url.clone());
        inputs
    }
}

fn add(inputs: &mut Inputs, key: &str, value: Option<impl ToString>) {
    inputs.flags.extend(value.map(|value| (key.to_owned(), value.to_string())));
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};
    use crate::config::{Config, Form};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_become_settings() {
        let line = "gatewright dev --port 0 --http 8080 --bind 127.0.0.1 --ephemeral --tenant acme \
                    --tenant other --ops-port 0 --data-dir x --set server.threads=7 --log debug";
        let Command::Dev(args) = Cli::try_parse_from(line.split_whitespace()).unwrap().command else {
            panic!("not dev")
        };
        let mut inputs = args.inputs();
        inputs.variables.clear();
        inputs.directory = "/nowhere".into();
        let config = Config::load(Form::Dev, &inputs).unwrap();
        assert_eq!((config.server.port, config.server.http_port, config.ops.port), (Some(0), Some(8080), 0));
        assert_eq!(config.server.bind.len(), 1);
        assert_eq!(config.dev.tenants, ["acme", "other"]);
        assert!(config.dev.ephemeral);
        assert_eq!(config.dev.data_dir.to_str(), Some("x"));
        assert_eq!(config.server.threads, 7);
        assert_eq!(config.log.filter, "debug");
    }
}
