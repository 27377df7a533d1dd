//! The scripts of a tenant as flows run them: rules in order, the deployed versions of bound actions, hooks, those
//! of custom databases and of social connections.
//!
//! They are part of the tenant's [snapshot](crate::snapshot): a login reads no code from the database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_core::script::database;
use gatewright_jose::MasterKey;
use gatewright_script::Program;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::Value;

use crate::actions::modules::pins;
use crate::actions::secrets;
use crate::actions::versions::{self, Deployed};
use crate::connections::configuration;
use crate::engine::Map;
use crate::hooks::{self, HOOKS};
use crate::rules::RULES;
use crate::rules_configs;

sql!(
    BOUND,
    "SELECT trigger_id, action_id FROM action_bindings WHERE tenant_id = $1 ORDER BY trigger_id, position"
);

/// The longest file of a module folder that is read, in bytes.
const MAX_MODULE_BYTES: u64 = 2 * 1024 * 1024;

/// The scripts of a tenant.
#[derive(Debug, Default)]
pub struct Scripts {
    rules: Vec<Arc<Program>>,
    actions: BTreeMap<String, Vec<Arc<Program>>>,
    deployed: BTreeMap<String, Arc<Program>>,
    hooks: BTreeMap<String, Arc<Program>>,
    databases: BTreeMap<String, Arc<Database>>,
    profiles: BTreeMap<String, Arc<Program>>,
}

/// The scripts of a custom database.
#[derive(Debug, Default)]
pub struct Database {
    /// Accounts move here when they first log in; else they stay where the scripts find them.
    pub imports: bool,
    scripts: BTreeMap<&'static str, Arc<Program>>,
}

impl Database {
    /// The script of this name: `login`, `get_user`, ...
    pub fn script(&self, name: &str) -> Option<&Arc<Program>> {
        self.scripts.get(name)
    }

    fn of(master_key: &MasterKey, tenant: &TenantId, connection: &Connection) -> Option<Self> {
        let on = |name: &str| connection.options[name] == Value::Bool(true);
        if connection.strategy != "auth0" || !on("enabledDatabaseCustomization") {
            return None;
        }
        let configuration = configuration::open(master_key, tenant, connection);
        let program = |name: &&'static str| {
            let code = connection.options["customScripts"][*name].as_str()?;
            let program = Program {
                id: connection.id.clone(),
                name: format!("{name} of {}", connection.name),
                version: String::new(),
                code: code.to_owned(),
                secrets: configuration.clone(),
                modules: BTreeMap::new(),
            };
            (!code.trim().is_empty()).then(|| (*name, Arc::new(program)))
        };
        let scripts = database::SCRIPTS.iter().filter_map(program).collect();
        Some(Self { imports: on("import_mode"), scripts })
    }
}

impl Scripts {
    /// The rules that are switched on, in order.
    pub fn rules(&self) -> &[Arc<Program>] {
        &self.rules
    }

    /// The actions bound to a trigger, in order.
    pub fn actions(&self, trigger: &str) -> &[Arc<Program>] {
        self.actions.get(trigger).map_or(&[], Vec::as_slice)
    }

    /// The deployed version of an action that another object names by its id.
    pub fn action(&self, action_id: &str) -> Option<&Arc<Program>> {
        self.deployed.get(action_id)
    }

    /// The hook that is switched on at an extension point.
    pub fn hook(&self, trigger: &str) -> Option<&Arc<Program>> {
        self.hooks.get(trigger)
    }

    /// The custom database behind the connection of this name, if there is one.
    pub fn database(&self, connection: &str) -> Option<&Arc<Database>> {
        self.databases.get(connection)
    }

    /// `fetchUserProfile` of the social connection of this name, if it has one.
    pub fn user_profile(&self, connection: &str) -> Option<&Arc<Program>> {
        self.profiles.get(connection)
    }
}

/// Modules that actions can `require` besides the server's own library: files of a folder, read at start.
#[derive(Clone, Debug, Default)]
pub struct Modules(Arc<BTreeMap<String, String>>);

impl Modules {
    /// Reads a folder: `NAME.js`, `NAME@VERSION.js`, and the same below `@SCOPE/`.
    ///
    /// # Errors
    /// The folder or one of its files cannot be read, or a file is longer than 2 MiB.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        let mut modules = BTreeMap::new();
        read_into(&mut modules, folder, "")?;
        Ok(Self(Arc::new(modules)))
    }

    /// The bundles of what a draft or a version depends on, by name.
    pub(crate) fn of(&self, version: &Map) -> BTreeMap<String, String> {
        let dependencies = version.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        let found = dependencies.filter_map(|dependency| {
            let name = dependency["name"].as_str()?;
            let code = self.find(name, dependency["version"].as_str().unwrap_or_default())?;
            Some((name.to_owned(), code.clone()))
        });
        found.collect()
    }

    /// The bundle of a dependency: of just this version, or of any.
    fn find(&self, name: &str, version: &str) -> Option<&String> {
        self.0.get(&format!("{name}@{version}")).or_else(|| self.0.get(name))
    }
}

fn read_into(modules: &mut BTreeMap<String, String>, folder: &Path, prefix: &str) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if prefix.is_empty() && name.starts_with('@') {
                read_into(modules, &entry.path(), &format!("{name}/"))?;
            }
        } else if let Some(module) = name.strip_suffix(".js").or_else(|| name.strip_suffix(".cjs")) {
            if entry.metadata()?.len() > MAX_MODULE_BYTES {
                let text = format!("{} is longer than 2 MiB", entry.path().display());
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
            }
            modules.insert(format!("{prefix}{module}"), std::fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

/// Every script of the tenant that can run.
pub(crate) async fn load(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
    modules: &Modules,
    connections: &[Connection],
) -> Result<Scripts, StoreError> {
    let mut scripts = Scripts { rules: rules(tx, tenant, master_key).await?, ..Scripts::default() };
    for connection in connections {
        if let Some(database) = Database::of(master_key, tenant, connection) {
            scripts.databases.insert(connection.name.clone(), Arc::new(database));
        }
        if let Some(program) = user_profile(connection) {
            scripts.profiles.insert(connection.name.clone(), Arc::new(program));
        }
    }
    let deployed = versions::deployed(tx, tenant, master_key).await?;
    let pinned = pins::pinned(tx, tenant, master_key, deployed.iter().map(|one| &one.version)).await?;
    for Deployed { action_id, name, version } in &deployed {
        let mut program = action(action_id, name, version, modules);
        pins::attach(&pinned, modules, version, &mut program);
        scripts.deployed.insert(action_id.clone(), Arc::new(program));
    }
    if !deployed.is_empty() {
        for row in tx.all(&BOUND, &params![tenant]).await? {
            if let Some(program) = scripts.deployed.get(&row.text(1)?) {
                scripts.actions.entry(row.text(0)?).or_default().push(Arc::clone(program));
            }
        }
    }
    for hook in HOOKS.load(tx, tenant, master_key).await? {
        if hook.get("enabled") == Some(&Value::Bool(true)) {
            let program = Program {
                id: text(&hook, "id"),
                name: text(&hook, "name"),
                version: String::new(),
                code: text(&hook, "script"),
                secrets: texts(hook.get(hooks::SECRETS)),
                modules: BTreeMap::new(),
            };
            scripts.hooks.insert(text(&hook, "triggerId"), Arc::new(program));
        }
    }
    Ok(scripts)
}

fn user_profile(connection: &Connection) -> Option<Program> {
    let code = connection.options["scripts"]["fetchUserProfile"].as_str()?;
    let program = Program {
        id: connection.id.clone(),
        name: format!("fetchUserProfile of {}", connection.name),
        version: String::new(),
        code: code.to_owned(),
        secrets: BTreeMap::new(),
        modules: BTreeMap::new(),
    };
    (connection.strategy == "oauth2" && !code.trim().is_empty()).then_some(program)
}

async fn rules(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Vec<Arc<Program>>, StoreError> {
    let mut rules = RULES.load(tx, tenant, master_key).await?;
    // The stages that are over never ran anything else.
    rules.retain(|rule| {
        rule.get("enabled") == Some(&Value::Bool(true))
            && rule.get("stage").is_none_or(|stage| stage == "login_success")
    });
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    rules.sort_by_key(|rule| rule.get("order").and_then(Value::as_i64).unwrap_or_default());
    let configuration = rules_configs::load(tx, tenant, master_key).await?;
    let program = |rule: &Map| {
        Arc::new(Program {
            id: text(rule, "id"),
            name: text(rule, "name"),
            version: String::new(),
            code: text(rule, "script"),
            secrets: configuration.clone(),
            modules: BTreeMap::new(),
        })
    };
    Ok(rules.iter().map(program).collect())
}

/// A version, or a draft, of an action as a program.
pub(crate) fn action(action_id: &str, name: &str, version: &Map, modules: &Modules) -> Program {
    let number = version.get("number").and_then(Value::as_i64);
    Program {
        id: action_id.to_owned(),
        name: name.to_owned(),
        version: number.map_or_else(|| "draft".to_owned(), |number| number.to_string()),
        code: text(version, "code"),
        secrets: texts(version.get(secrets::VALUES)),
        modules: modules.of(version),
    }
}

fn text(document: &Map, name: &str) -> String {
    document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(values: Option<&Value>) -> BTreeMap<String, String> {
    let members = values.and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
