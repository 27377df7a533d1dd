//! One immutable snapshot of each tenant's configuration, for requests to read without the database.
//!
//! Every write of a configuration resource raises the tenant's `config_version` in its own transaction.
//! A snapshot is used without a look for [`FRESH_MICROS`]; then one small query compares versions. The
//! node that made the change forgets its freshness at once ([`Tenants::invalidate`]), so a client sees
//! its own writes; other nodes see them within that time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use gatewright_core::Timestamp;
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::email::{EmailProvider, EmailTemplate};
use gatewright_core::ids::{Issuer, TenantId};
use gatewright_core::redirect;
use gatewright_core::resource_server::{ClientGrant, ResourceServer};
use gatewright_core::token_exchange::Profile;
use gatewright_core::tokens::claims::ClaimTypes;
use gatewright_jose::{MasterKey, SigningKey};
use gatewright_store::{Db, StoreError, Tx};
use serde_json::Value;

use crate::branding::phone_providers::{self, CustomPhoneProvider};
use crate::engine::{Map, Settings, settings};
use crate::prompt_texts::PromptTexts;
use crate::scripts::{Modules, Scripts};
use crate::{
    client_grants, clients, connections, email_provider, email_templates, prompt_texts, resource_servers,
    scripts, signing_keys, tenants, token_exchange_profiles,
};

/// How long a snapshot is believed without asking the database: one second.
pub const FRESH_MICROS: i64 = 1_000_000;

/// A tenant's configuration at one version.
#[derive(Debug)]
pub struct Tenant {
    /// The tenant's name.
    pub id: TenantId,
    /// The host it is served at, without port.
    pub host: String,
    /// Raised by every configuration write.
    pub config_version: i64,
    /// The tenant's settings, as `GET /api/v2/tenants/settings` shows them.
    pub settings: Value,
    other_settings: BTreeMap<String, Map>,
    clients: HashMap<String, Arc<Client>>,
    connections: Vec<Arc<Connection>>,
    resource_servers: Vec<ResourceServer>,
    client_grants: Vec<StoredGrant>,
    signing_keys: Vec<Arc<SigningKey>>,
    email_provider: Option<EmailProvider>,
    email_templates: Vec<EmailTemplate>,
    prompt_texts: PromptTexts,
    callback_origins: Vec<String>,
    scripts: Scripts,
    token_exchange_profiles: Vec<Profile>,
    custom_phone_provider: Option<CustomPhoneProvider>,
}

/// A grant with the row of its API: the audience text of a system API depends on the request's issuer.
#[derive(Debug)]
struct StoredGrant {
    resource_server_id: String,
    grant: ClientGrant,
}

impl Tenant {
    /// Settings that have a path of their own, over their defaults and without their secret member.
    pub fn settings_of(&self, of: &Settings) -> Map {
        of.complete(self.other_settings.get(of.name).cloned().unwrap_or_default())
    }

    /// The client of this id.
    pub fn client(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.clients.get(client_id)
    }

    /// The connection of this name, if the client may use it.
    pub fn connection_for(&self, name: &str, client_id: &str) -> Option<&Arc<Connection>> {
        self.connection(name).filter(|connection| connection.is_enabled_for(client_id))
    }

    /// The connection of this name.
    pub fn connection(&self, name: &str) -> Option<&Arc<Connection>> {
        self.connections.iter().find(|connection| connection.name == name)
    }

    /// The oldest connection that sends text messages.
    pub fn sms_connection(&self) -> Option<&Arc<Connection>> {
        self.connections.iter().find(|connection| connection.strategy == "sms")
    }

    /// The connections a client may use, in the order they were made.
    pub fn connections_of(&self, client_id: &str) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.iter().filter(move |connection| connection.is_enabled_for(client_id))
    }

    /// The API of this audience, as this request's issuer names it.
    pub fn resource_server(&self, audience: &str, issuer: &Issuer) -> Option<ResourceServer> {
        let presented = |api: &ResourceServer| presented_identifier(api, issuer);
        let api = self.resource_servers.iter().find(|api| presented(api) == audience)?;
        Some(ResourceServer { identifier: audience.to_owned(), ..api.clone() })
    }

    /// The client's grants on an API, under the API's name at this issuer.
    pub fn grants(&self, client_id: &str, api: &ResourceServer) -> Vec<ClientGrant> {
        let on_api = self.client_grants.iter().filter(|stored| stored.resource_server_id == api.id);
        on_api
            .filter(|stored| stored.grant.client_id == client_id)
            .map(|stored| ClientGrant { audience: api.identifier.clone(), ..stored.grant.clone() })
            .collect()
    }

    /// The keys that verify this tenant's tokens; the first one signs.
    pub fn signing_keys(&self) -> &[Arc<SigningKey>] {
        &self.signing_keys
    }

    /// Who delivers the tenant's e-mail, if anybody does.
    pub fn email_provider(&self) -> Option<&EmailProvider> {
        self.email_provider.as_ref()
    }

    /// What the tenant wrote for this kind of e-mail, unless it is switched off.
    pub fn email_template(&self, name: &str) -> Option<&EmailTemplate> {
        self.email_templates.iter().find(|own| own.template == name && own.enabled != Some(false))
    }

    /// What the tenant wrote for a text of the hosted pages.
    pub fn prompt_text(&self, prompt: &str, screen: &str, key: &str, language: &str) -> Option<&str> {
        if self.prompt_texts.is_empty() {
            return None;
        }
        let texts = self.prompt_texts.get(&(prompt.to_owned(), language.to_owned()))?;
        texts.get(screen)?.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// What runs at the tenant's triggers.
    pub fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// The phone provider whose messages an Action delivers, if the tenant has one.
    pub fn custom_phone_provider(&self) -> Option<&CustomPhoneProvider> {
        self.custom_phone_provider.as_ref()
    }

    /// The profile that takes tokens of this type, if there is one.
    pub fn token_exchange_profile(&self, subject_token_type: &str) -> Option<&Profile> {
        self.token_exchange_profiles.iter().find(|profile| profile.subject_token_type == subject_token_type)
    }

    /// The audience used when a request names none, if the tenant has one.
    pub fn default_audience(&self) -> Option<&str> {
        self.text_setting("default_audience")
    }

    /// A text setting, if set and not empty.
    pub fn text_setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A setting in hours as seconds, or the default given in hours.
    pub fn hours_setting_in_seconds(&self, name: &str, default_hours: f64) -> i64 {
        let hours = self.settings.get(name).and_then(Value::as_f64).unwrap_or(default_hours);
        #[expect(clippy::cast_possible_truncation, reason = "hours of a session are far below 2^53 seconds")]
        let seconds = (hours * 3600.0) as i64;
        seconds.max(60)
    }

    /// What standard claims look like, in ID tokens and at `/userinfo`.
    pub fn claim_types(&self) -> ClaimTypes {
        match self.settings.get(tenants::STRICT_CLAIMS).and_then(Value::as_bool) {
            Some(true) => ClaimTypes::Strict,
            _ => ClaimTypes::Auth0,
        }
    }

    /// Whether some client of the tenant has registered this origin for use in a browser. Preflights
    /// name no client, so they are answered by this.
    pub fn knows_browser_origin(&self, origin: &str) -> bool {
        redirect::origin_allowed(origin, &self.callback_origins)
            || self.clients.values().any(|client| {
                redirect::origin_allowed(origin, &client.web_origins)
                    || redirect::origin_allowed(origin, &client.allowed_origins)
            })
    }
}

/// The audience of an API at an issuer: system APIs are stored by their path.
pub fn presented_identifier(api: &ResourceServer, issuer: &Issuer) -> String {
    if api.is_system { issuer.join(&api.identifier) } else { api.identifier.clone() }
}

/// The snapshots of all tenants that were asked for.
#[derive(Default)]
pub struct Tenants {
    by_host: RwLock<HashMap<String, Arc<Slot>>>,
    /// How often [`Tenants::invalidate`] was called: a load that it overtook is not believed for long.
    invalidations: AtomicU64,
    /// What actions can `require` besides the library.
    modules: Modules,
}

struct Slot {
    tenant: Arc<Tenant>,
    /// When the version was last compared, in microseconds; 0 makes the next request compare.
    checked_at: AtomicI64,
}

impl Tenants {
    /// Snapshots whose actions find these modules.
    pub fn with_modules(modules: Modules) -> Self {
        Self { modules, ..Self::default() }
    }

    /// What actions can `require` besides the library.
    pub fn modules(&self) -> &Modules {
        &self.modules
    }

    /// The tenant served at this host (without port), or `None` if there is none.
    pub async fn by_host(
        &self,
        db: &Db,
        master_key: &Arc<MasterKey>,
        host: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Tenant>>, StoreError> {
        let known = self.slot(host);
        if let Some(slot) = &known {
            let age = now.micros() - slot.checked_at.load(Ordering::Acquire);
            if (0..FRESH_MICROS).contains(&age) {
                return Ok(Some(Arc::clone(&slot.tenant)));
            }
        }
        let invalidations = self.invalidations.load(Ordering::Acquire);
        let known_version = known.as_ref().map(|slot| slot.tenant.config_version);
        let (wanted, master_key, modules) = (host.to_owned(), Arc::clone(master_key), self.modules.clone());
        let found = db
            .read(move |tx| {
                Box::pin(async move {
                    let Some((id, version)) = tenants::by_host(tx, &wanted).await? else {
                        return Ok::<_, StoreError>(Found::Nothing);
                    };
                    if known_version == Some(version) {
                        return Ok(Found::Unchanged);
                    }
                    load(tx, id, wanted, version, (&master_key, &modules))
                        .await
                        .map(|tenant| Found::New(Box::new(tenant)))
                })
            })
            .await?;
        let overtaken = self.invalidations.load(Ordering::Acquire) != invalidations;
        let checked_at = if overtaken { 0 } else { now.micros() };
        match (found, known) {
            (Found::Unchanged, Some(slot)) => {
                slot.checked_at.store(checked_at, Ordering::Release);
                Ok(Some(Arc::clone(&slot.tenant)))
            }
            (Found::New(tenant), _) => {
                let tenant = Arc::new(*tenant);
                let slot = Slot { tenant: Arc::clone(&tenant), checked_at: AtomicI64::new(checked_at) };
                self.slots().insert(host.to_owned(), Arc::new(slot));
                Ok(Some(tenant))
            }
            (Found::Nothing | Found::Unchanged, _) => {
                self.slots().remove(host);
                Ok(None)
            }
        }
    }

    /// Makes the next request of this tenant compare versions; call it after a configuration write.
    pub fn invalidate(&self, tenant: &TenantId) {
        self.invalidations.fetch_add(1, Ordering::AcqRel);
        for slot in self.slots().values().filter(|slot| slot.tenant.id == *tenant) {
            slot.checked_at.store(0, Ordering::Release);
        }
    }

    fn slot(&self, host: &str) -> Option<Arc<Slot>> {
        self.by_host.read().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }

    fn slots(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Arc<Slot>>> {
        self.by_host.write().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Found {
    Nothing,
    Unchanged,
    New(Box<Tenant>),
}

/// The tenant's configuration as it is within this transaction.
///
/// # Errors
/// [`StoreError`] of the database, [`StoreError::NotFound`] if there is no such tenant.
pub async fn of_tenant(tx: &mut Tx, tenant: &TenantId, master_key: &MasterKey) -> Result<Tenant, StoreError> {
    let host = tenants::host(tx, tenant).await?;
    let version = tenants::by_host(tx, &host).await?.map_or(0, |(_, version)| version);
    load(tx, tenant.clone(), host, version, (master_key, &Modules::default())).await
}

async fn load(
    tx: &mut Tx,
    id: TenantId,
    host: String,
    config_version: i64,
    (master_key, modules): (&MasterKey, &Modules),
) -> Result<Tenant, StoreError> {
    let clients = clients::load(tx, &id, master_key).await?;
    let callback_origins = clients.iter().flat_map(|client| redirect::callback_origins(&client.callbacks));
    let client_grants = client_grants::load(tx, &id).await?;
    let mut connections = connections::load(tx, &id, master_key).await?;
    for connection in connections.iter_mut().filter(|connection| connection.is_domain_connection) {
        let strangers = clients.iter().filter(|client| !client.is_first_party);
        connection.enabled_clients.extend(strangers.map(|client| client.client_id.clone()));
    }
    let scripts = scripts::load(tx, &id, master_key, modules, &connections).await?;
    Ok(Tenant {
        callback_origins: callback_origins.collect::<BTreeSet<_>>().into_iter().collect(),
        connections: connections.into_iter().map(Arc::new).collect(),
        resource_servers: resource_servers::load(tx, &id).await?,
        client_grants: client_grants
            .into_iter()
            .map(|(resource_server_id, grant)| StoredGrant { resource_server_id, grant })
            .collect(),
        signing_keys: signing_keys::load(tx, &id, master_key).await?,
        email_provider: email_provider::load(tx, &id, master_key).await?,
        email_templates: email_templates::load(tx, &id, master_key).await?,
        prompt_texts: prompt_texts::load(tx, &id).await?,
        scripts,
        custom_phone_provider: phone_providers::custom(tx, &id, master_key).await?,
        token_exchange_profiles: token_exchange_profiles::load(tx, &id, master_key).await?,
        settings: tenants::settings(tx, &id).await?,
        other_settings: settings::load_all(tx, &id).await?,
        clients: clients.into_iter().map(|client| (client.client_id.clone(), Arc::new(client))).collect(),
        id,
        host,
        config_version,
    })
}
