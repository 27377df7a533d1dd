//! Settings: one object that every tenant has, at a path of its own, until changed at its defaults.
//!
//! A [`Settings`] is declared once, as a `static`, and gives its `GET` and `PATCH` or `PUT`. The objects are rows
//! of the table `settings`, so a snapshot of the tenant reads them all at once ([`load_all`], without secrets).

use std::collections::BTreeMap;

use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::Value;

use super::Map;
use super::crud::merge;
use super::documents::Sealing;
use super::error::ApiError;
use super::field::Field;
use super::operation::{Answer, Handler, Input, Method, OpCx, Operation};
use super::validate::Purpose;

sql!(BY_NAME, "SELECT doc, secret_sealed FROM settings WHERE tenant_id = $1 AND name = $2");
sql!(ALL, "SELECT name, doc FROM settings WHERE tenant_id = $1");
sql!(
    PUT,
    "INSERT INTO settings (tenant_id, name, doc, secret_sealed) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, name) DO UPDATE SET doc = excluded.doc, secret_sealed = excluded.secret_sealed"
);
sql!(DELETE, "DELETE FROM settings WHERE tenant_id = $1 AND name = $2");

/// One object of settings. Start from [`Settings::plain`] in a `static`.
pub struct Settings {
    /// Its name among the tenant's settings.
    pub name: &'static str,
    /// Its path.
    pub path: &'static str,
    /// The members that a change may send.
    pub fields: &'static [Field],
    /// What it is until somebody changes it.
    pub defaults: fn() -> Value,
    /// The member that is kept sealed.
    pub sealed: Option<&'static str>,
    /// The object member of which a change by `PATCH` says what is different, at every depth.
    pub kept_in_parts: Option<&'static str>,
    /// Refuses what it would become, or completes it.
    pub check: fn(&mut Map) -> Result<(), ApiError>,
    /// What is shown of it.
    pub present: fn(Map) -> Map,
}

impl Settings {
    /// Settings without secrets and rules of their own.
    pub const fn plain(
        name: &'static str,
        path: &'static str,
        fields: &'static [Field],
        defaults: fn() -> Value,
    ) -> Self {
        Self {
            name,
            path,
            fields,
            defaults,
            sealed: None,
            kept_in_parts: None,
            check: |_| Ok(()),
            present: |settings| settings,
        }
    }

    /// `GET`.
    pub const fn reads(
        &'static self,
        id: &'static str,
        says: &'static str,
        scopes: &'static [&'static str],
    ) -> Operation {
        Operation::new(id, Method::Get, self.path, says, scopes, Handler::ReadSettings(self))
    }

    /// `PATCH`: members replace, `null` brings the default back.
    pub const fn merges(
        &'static self,
        id: &'static str,
        says: &'static str,
        scopes: &'static [&'static str],
    ) -> Operation {
        Operation::new(id, Method::Patch, self.path, says, scopes, Handler::MergeSettings(self))
            .body(self.fields, Purpose::Update)
            .writes_config()
    }

    /// `PUT`: members that are not sent get their defaults back.
    pub const fn replaces(
        &'static self,
        id: &'static str,
        says: &'static str,
        scopes: &'static [&'static str],
    ) -> Operation {
        Operation::new(id, Method::Put, self.path, says, scopes, Handler::ReplaceSettings(self))
            .body(self.fields, Purpose::Create)
            .writes_config()
    }

    /// What it is now, with its secret member opened.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn find(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        master_key: &MasterKey,
    ) -> Result<Map, StoreError> {
        Ok(self.complete(self.stored(tx, tenant, master_key).await?))
    }

    /// Stores what it is from now on.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn store(&self, tx: &mut Tx, cx: &Sealing<'_>, mut settings: Map) -> Result<(), StoreError> {
        let secret = self.sealed.and_then(|member| {
            let secret = settings.remove(member)?;
            let context = self.context(cx.tenant, member);
            Some(cx.master_key.seal(cx.random, &context, secret.to_string().as_bytes()))
        });
        let values = params![cx.tenant, self.name, Value::Object(settings), secret];
        tx.run(&PUT, &values).await.map(drop)
    }

    /// Goes back to the defaults.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn reset(&self, tx: &mut Tx, tenant: &TenantId) -> Result<(), StoreError> {
        tx.run(&DELETE, &params![tenant, self.name]).await.map(drop)
    }

    /// Stored members over the defaults.
    pub fn complete(&self, stored: Map) -> Map {
        let mut settings = match (self.defaults)() {
            Value::Object(defaults) => defaults,
            _ => Map::new(),
        };
        merge(&mut settings, &stored);
        settings
    }

    async fn stored(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        master_key: &MasterKey,
    ) -> Result<Map, StoreError> {
        let Some(row) = tx.opt(&BY_NAME, &params![tenant, self.name]).await? else { return Ok(Map::new()) };
        let Value::Object(mut settings) = row.json(0)? else {
            return Err(StoreError::Mismatch(format!("the settings {} are no object", self.name)));
        };
        if let Some(member) = self.sealed
            && let Some(sealed) = row.opt_blob(1)?
        {
            let context = self.context(tenant, member);
            settings.insert(member.to_owned(), super::documents::unseal(master_key, &context, &sealed)?);
        }
        Ok(settings)
    }

    fn context(&self, tenant: &TenantId, member: &str) -> String {
        format!("{tenant}/settings/{}/{member}", self.name)
    }

    fn answer(&self, input: &Input, settings: Map) -> Answer {
        let shown = input.query.project((self.present)(self.complete(settings)));
        Answer { shows_secret: self.sealed.is_some_and(|member| shown.contains_key(member)), ..shown.into() }
    }
}

/// `GET`.
pub(super) async fn read(
    of: &'static Settings,
    cx: &mut OpCx<'_>,
    input: &Input,
) -> Result<Answer, ApiError> {
    let stored = of.stored(cx.tx, &cx.request.tenant, &cx.request.master_key).await?;
    Ok(of.answer(input, stored))
}

/// `PATCH` (`keeps`) and `PUT` (not): what is not sent stays, or goes back to its default.
pub(super) async fn change(
    of: &'static Settings,
    keeps: bool,
    cx: &mut OpCx<'_>,
    input: &Input,
) -> Result<Answer, ApiError> {
    let request = cx.request;
    let mut settings = match keeps {
        true => of.stored(cx.tx, &request.tenant, &request.master_key).await?,
        false => Map::new(),
    };
    let before =
        of.kept_in_parts.filter(|_| keeps).and_then(|name| of.complete(settings.clone()).remove(name));
    merge(&mut settings, &input.body);
    if let (Some(before), Some(now)) = (before, of.kept_in_parts.and_then(|name| settings.get_mut(name))) {
        keep_parts(&before, now);
    }
    (of.check)(&mut settings)?;
    of.store(cx.tx, &request.sealing(), settings.clone()).await?;
    Ok(of.answer(input, settings))
}

/// Adds what an object had before and a change of it does not name.
fn keep_parts(before: &Value, now: &mut Value) {
    let (Value::Object(before), Value::Object(now)) = (before, now) else { return };
    for (name, value) in before {
        match now.get_mut(name) {
            Some(part) => keep_parts(value, part),
            None => drop(now.insert(name.clone(), value.clone())),
        }
    }
}

/// Every stored object of the tenant's settings by name, without secrets and defaults.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn load_all(tx: &mut Tx, tenant: &TenantId) -> Result<BTreeMap<String, Map>, StoreError> {
    let rows = tx.all(&ALL, &params![tenant]).await?;
    rows.iter()
        .map(|row| match row.json(1)? {
            Value::Object(settings) => Ok((row.text(0)?, settings)),
            _ => Err(StoreError::Mismatch("settings are no object".to_owned())),
        })
        .collect()
}
