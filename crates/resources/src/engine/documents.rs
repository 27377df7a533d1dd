//! Where the documents of a resource are kept: one row each, with the secret member apart, sealed.

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{Row, Statement, StoreError, Tx, Val};
use serde_json::Value;

use super::Map;
use super::crud::Crud;
use super::operation::OpRequest;

/// The statements of one table of documents. `$1` is the tenant and `$2` the id throughout.
pub struct Table {
    /// The table's name, part of what sealed members are bound to.
    pub name: &'static str,
    /// `$3` document, then the sealed member or null (if there is one), the time, the key columns.
    pub insert: &'static Statement,
    /// Selects document and sealed member.
    pub by_id: &'static Statement,
    /// Selects document and sealed member of every row, oldest first; `$1` only.
    pub all: &'static Statement,
    /// `$3` document, then the sealed member or null (if there is one), the key columns.
    pub update: &'static Statement,
    /// Deletes the row.
    pub delete: &'static Statement,
}

/// What storing a document needs besides the transaction.
pub struct Sealing<'a> {
    /// The tenant that the document belongs to.
    pub tenant: &'a TenantId,
    /// The time of the change.
    pub now: Timestamp,
    /// Random values.
    pub random: &'a Random,
    /// Seals the secret member.
    pub master_key: &'a MasterKey,
}

impl OpRequest {
    /// What storing a document needs.
    pub fn sealing(&self) -> Sealing<'_> {
        Sealing { tenant: &self.tenant, now: self.now, random: &self.random, master_key: &self.master_key }
    }
}

impl Crud {
    /// The stored document of this id with its secret member opened.
    pub async fn find(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        master_key: &MasterKey,
        id: &str,
    ) -> Result<Option<Map>, StoreError> {
        let row = tx.opt(self.table.by_id, &[tenant.into(), id.into()]).await?;
        row.map(|row| self.open(tenant, master_key, &row)).transpose()
    }

    /// Every stored document of the tenant with its secret member opened, oldest first.
    pub async fn load(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        master_key: &MasterKey,
    ) -> Result<Vec<Map>, StoreError> {
        let rows = tx.all(self.table.all, &[tenant.into()]).await?;
        rows.iter().map(|row| self.open(tenant, master_key, row)).collect()
    }

    /// Stores a new document, whose id it must hold.
    pub async fn insert(&self, tx: &mut Tx, request: &Sealing<'_>, document: Map) -> Result<(), StoreError> {
        let values = self.values(request, document, Some(request.now.into()));
        tx.run(self.table.insert, &values).await.map(drop)
    }

    /// Stores a changed document.
    pub async fn store(&self, tx: &mut Tx, request: &Sealing<'_>, document: Map) -> Result<(), StoreError> {
        let values = self.values(request, document, None);
        tx.run(self.table.update, &values).await.map(drop)
    }

    /// The parameters of insert and update, in the order that [`Table`] says.
    fn values(&self, request: &Sealing<'_>, document: Map, time: Option<Val>) -> Vec<Val> {
        let (id, document, sealed) = self.close(request, document);
        let keys = (self.keys)(&document);
        let mut values: Vec<Val> = vec![request.tenant.into(), id.into(), Value::Object(document).into()];
        if self.sealed.is_some() {
            values.push(sealed.into());
        }
        values.extend(time);
        values.extend(keys);
        values
    }

    /// The id that a document holds.
    pub(super) fn id_of(&self, document: &Map) -> String {
        document.get(self.id_field).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn context(&self, tenant: &TenantId, id: &str, member: &str) -> String {
        format!("{tenant}/{}/{id}/{member}", self.table.name)
    }

    /// Takes the secret member out of a document and seals it.
    fn close(&self, request: &Sealing<'_>, mut document: Map) -> (String, Map, Option<Vec<u8>>) {
        let id = self.id_of(&document);
        let sealed = self.sealed.and_then(|member| {
            let secret = document.remove(member)?;
            let context = self.context(request.tenant, &id, member);
            Some(request.master_key.seal(request.random, &context, secret.to_string().as_bytes()))
        });
        (id, document, sealed)
    }

    /// The document of a row that begins with document and sealed member, with its secret member opened.
    pub(crate) fn open(
        &self,
        tenant: &TenantId,
        master_key: &MasterKey,
        row: &Row,
    ) -> Result<Map, StoreError> {
        let Value::Object(mut document) = row.json(0)? else {
            return Err(StoreError::Mismatch(format!("a document in {} is not an object", self.table.name)));
        };
        if let Some(member) = self.sealed
            && let Some(sealed) = row.opt_blob(1)?
        {
            let context = self.context(tenant, &self.id_of(&document), member);
            document.insert(member.to_owned(), unseal(master_key, &context, &sealed)?);
        }
        Ok(document)
    }
}

/// The JSON value that was sealed in this context.
pub(super) fn unseal(master_key: &MasterKey, context: &str, sealed: &[u8]) -> Result<Value, StoreError> {
    let plain = master_key.open(context, sealed).map_err(|_| {
        StoreError::Mismatch(format!("{context} cannot be opened: was it sealed under another master key?"))
    })?;
    serde_json::from_slice(&plain).map_err(|_| StoreError::Mismatch(format!("{context} does not hold JSON")))
}

/// Declares a [`Table`] and its statements: `document_table!(TABLE, "roles", id "role_id")`, then if there are any
/// `sealed "…"` for the column of the sealed member and `keys "…", "…"` (three at most) for key columns.
macro_rules! document_table {
    ($name:ident, $table:literal, id $id:literal $(, sealed $sealed:literal)? $(, keys $($key:literal),+)?) => {
        gatewright_store::sql!(
            INSERT,
            $crate::engine::documents::document_table!(@insert $table, $id $(, $sealed)?; $($($key),+)?)
        );
        gatewright_store::sql!(
            BY_ID,
            concat!("SELECT doc", $(", ", $sealed,)? " FROM ", $table, " WHERE tenant_id = $1 AND ", $id, " = $2")
        );
        gatewright_store::sql!(
            ALL,
            concat!(
                "SELECT doc", $(", ", $sealed,)? " FROM ", $table, " WHERE tenant_id = $1 ORDER BY created_at, ", $id
            )
        );
        gatewright_store::sql!(
            UPDATE,
            $crate::engine::documents::document_table!(@update $table, $id $(, $sealed)?; $($($key),+)?)
        );
        gatewright_store::sql!(
            DELETE,
            concat!("DELETE FROM ", $table, " WHERE tenant_id = $1 AND ", $id, " = $2")
        );
        static $name: $crate::engine::Table = $crate::engine::Table {
            name: $table,
            insert: &INSERT,
            by_id: &BY_ID,
            all: &ALL,
            update: &UPDATE,
            delete: &DELETE,
        };
    };
    (@insert $table:literal, $id:literal; $($key:literal),*) => {
        concat!(
            "INSERT INTO ", $table, " (tenant_id, ", $id, ", doc, created_at", $(", ", $key,)* ") VALUES ($1, $2, $3, $4",
            $crate::engine::documents::document_table!(@values "$5", "$6", "$7"; $($key),*), ")"
        )
    };
    (@insert $table:literal, $id:literal, $sealed:literal; $($key:literal),*) => {
        concat!(
            "INSERT INTO ", $table, " (tenant_id, ", $id, ", doc, ", $sealed, ", created_at", $(", ", $key,)*
            ") VALUES ($1, $2, $3, $4, $5", $crate::engine::documents::document_table!(@values "$6", "$7", "$8"; $($key),*), ")"
        )
    };
    (@update $table:literal, $id:literal; $($key:literal),*) => {
        concat!(
            "UPDATE ", $table, " SET doc = $3", $crate::engine::documents::document_table!(@sets "$4", "$5", "$6"; $($key),*),
            " WHERE tenant_id = $1 AND ", $id, " = $2"
        )
    };
    (@update $table:literal, $id:literal, $sealed:literal; $($key:literal),*) => {
        concat!(
            "UPDATE ", $table, " SET doc = $3, ", $sealed, " = $4",
            $crate::engine::documents::document_table!(@sets "$5", "$6", "$7"; $($key),*), " WHERE tenant_id = $1 AND ", $id, " = $2"
        )
    };
    (@values $a:literal, $b:literal, $c:literal; ) => { "" };
    (@values $a:literal, $b:literal, $c:literal; $x:literal) => { concat!(", ", $a) };
    (@values $a:literal, $b:literal, $c:literal; $x:literal, $y:literal) => { concat!(", ", $a, ", ", $b) };
    (@values $a:literal, $b:literal, $c:literal; $x:literal, $y:literal, $z:literal) => {
        concat!(", ", $a, ", ", $b, ", ", $c)
    };
    (@sets $a:literal, $b:literal, $c:literal; ) => { "" };
    (@sets $a:literal, $b:literal, $c:literal; $x:literal) => { concat!(", ", $x, " = ", $a) };
    (@sets $a:literal, $b:literal, $c:literal; $x:literal, $y:literal) => {
        concat!(", ", $x, " = ", $a, ", ", $y, " = ", $b)
    };
    (@sets $a:literal, $b:literal, $c:literal; $x:literal, $y:literal, $z:literal) => {
        concat!(", ", $x, " = ", $a, ", ", $y, " = ", $b, ", ", $z, " = ", $c)
    };
}
pub(crate) use document_table;
