//! Writing users to a file: JSON lines or CSV with chosen members, or rows that an import takes.

use gatewright_core::ids::TenantId;
use gatewright_passwords::StoredHash;
use gatewright_store::{StoreError, Tx, params, sql};
use serde_json::{Map, Value, json};

use super::import::ROW_FIELDS;

sql!(ALL, "SELECT user_id, doc FROM users WHERE tenant_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3");
sql!(
    OF_CONNECTION,
    "SELECT u.user_id, u.doc FROM users u
     WHERE u.tenant_id = $1 AND u.user_id > $2 AND EXISTS (
       SELECT 1 FROM identities i
       WHERE i.tenant_id = u.tenant_id AND i.user_id = u.user_id AND i.connection = $3)
     ORDER BY u.user_id LIMIT $4"
);
sql!(COUNT, "SELECT COUNT(*) FROM users WHERE tenant_id = $1");
sql!(
    COUNT_OF_CONNECTION,
    "SELECT COUNT(DISTINCT user_id) FROM identities WHERE tenant_id = $1 AND connection = $2"
);

/// The members that are written when none are named.
pub(crate) const DEFAULT_MEMBERS: &[&str] = &[
    "user_id",
    "email",
    "email_verified",
    "username",
    "phone_number",
    "phone_verified",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    "created_at",
    "updated_at",
    "last_login",
    "last_ip",
    "logins_count",
    "blocked",
];
/// Those that CSV has no place for.
pub(crate) const DEFAULT_OBJECTS: &[&str] = &["user_metadata", "app_metadata", "identities"];

/// Members that the server writes as dates: no text that anybody chose.
const DATES: &[&str] = &["created_at", "updated_at", "last_login", "last_password_reset"];

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// Comma-separated values.
    Csv,
}

impl Format {
    /// The format of this name: `csv`, or else JSON.
    pub fn named(name: &str) -> Self {
        if name == "csv" { Self::Csv } else { Self::Json }
    }

    /// The name, which files end with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// What is written of each user, and how.
#[derive(Clone, Debug)]
pub struct Export {
    format: Format,
    columns: Vec<Column>,
}

#[derive(Clone, Debug)]
struct Column {
    path: Vec<Step>,
    name: String,
}

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

impl Export {
    /// Writes these members, `[{"name", "export_as"?}]`; the usual ones if there are none.
    pub fn new(format: Format, fields: &[Value]) -> Self {
        let named = |field: &Value| {
            let name = field["name"].as_str().unwrap_or_default();
            Column { path: steps(name), name: field["export_as"].as_str().unwrap_or(name).to_owned() }
        };
        let objects: &[&str] = if format == Format::Json { DEFAULT_OBJECTS } else { &[] };
        let usual = DEFAULT_MEMBERS.iter().chain(objects);
        let columns = match fields {
            [] => usual.map(|name| Column { path: steps(name), name: (*name).to_owned() }).collect(),
            fields => fields.iter().map(named).collect(),
        };
        Self { format, columns }
    }

    /// What stands above the users.
    pub fn head(&self) -> String {
        match self.format {
            Format::Json => String::new(),
            Format::Csv => line(self.columns.iter().map(|column| quoted(&column.name))),
        }
    }

    /// The line of one user.
    pub fn line(&self, user: Value) -> String {
        let user = without_tokens(user);
        match self.format {
            Format::Json => {
                let members = self
                    .columns
                    .iter()
                    .filter_map(|column| Some((column.name.clone(), find(&user, &column.path)?.clone())));
                format!("{}\n", Value::Object(members.collect()))
            }
            Format::Csv => line(self.columns.iter().map(|column| cell(&user, column))),
        }
    }
}

/// Tokens of other systems are nobody's to carry away.
fn without_tokens(mut user: Value) -> Value {
    let identities = user.get_mut("identities").and_then(Value::as_array_mut);
    for identity in identities.into_iter().flatten().filter_map(Value::as_object_mut) {
        identity.remove("access_token");
        identity.remove("refresh_token");
    }
    user
}

/// `identities[0].connection` as steps.
fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, items) = part.split_once('[').unwrap_or((part, ""));
        steps.push(Step::Member(name.to_owned()));
        let items = items.split('[').map(|item| item.trim_end_matches(']').parse());
        steps.extend(items.filter_map(Result::ok).map(Step::Item));
    }
    steps
}

fn find<'a>(user: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(user, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Item(place) => value.get(place),
    })
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("{}\n", cells.collect::<Vec<_>>().join(","))
}

/// Compat: an apostrophe before every text, so that no spreadsheet takes it for a formula.
fn cell(user: &Value, column: &Column) -> String {
    let date = matches!(&column.path[..], [Step::Member(name)] if DATES.contains(&name.as_str()));
    match find(user, &column.path) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if date => text.clone(),
        Some(Value::String(text)) => quoted(&format!("'{text}")),
        Some(value @ (Value::Array(_) | Value::Object(_))) => quoted(&format!("'{value}")),
        Some(value) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The user as a row of an import: ids without their provider, and a hash if one is given. `None` if the
/// user has no identity in this connection to log in by.
pub fn import_row(user: &Value, connection: &str, hash: Option<&StoredHash>) -> Option<Value> {
    let identity = user["identities"].get(0).filter(|identity| identity["connection"] == connection)?;
    let mut row: Map<String, Value> = user
        .as_object()?
        .iter()
        .filter(|(name, _)| ROW_FIELDS.iter().any(|field| field.name == name.as_str()))
        // A nickname made from nothing: an import takes no empty text, and makes the same again.
        .filter(|(_, value)| **value != "")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    row.insert("user_id".to_owned(), identity["user_id"].clone());
    if let Some(hash) = hash {
        let (name, value) = hash.as_import();
        row.insert(name.to_owned(), value);
    }
    Some(json!(row))
}

/// The users behind this one, in the order of their ids: ids and documents.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn page(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, Value)>, StoreError> {
    let rows = match connection {
        Some(connection) => tx.all(&OF_CONNECTION, &params![tenant, after, connection, limit]).await?,
        None => tx.all(&ALL, &params![tenant, after, limit]).await?,
    };
    rows.iter().map(|row| Ok((row.text(0)?, row.json(1)?))).collect()
}

/// How many users there are.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn count(tx: &mut Tx, tenant: &TenantId, connection: Option<&str>) -> Result<i64, StoreError> {
    let row = match connection {
        Some(connection) => tx.one(&COUNT_OF_CONNECTION, &params![tenant, connection]).await?,
        None => tx.one(&COUNT, &params![tenant]).await?,
    };
    row.int(0)
}

#[cfg(test)]
mod tests {
    use super::{Export, Format};
    use serde_json::{Value, json};

    fn user() -> Value {
        json!({
            "user_id": "auth0|1", "email": "a@example.com", "name": "=1+1 \"x\", y", "logins_count": 3,
            "created_at": "2026-01-01T00:00:00.000Z", "blocked": false, "user_metadata": {"a": {"b": [1, "two"]}},
            "identities": [{"connection": "users", "access_token": "secret"}],
        })
    }

    #[test]
    fn members_are_found_by_paths_and_named_anew() {
        let fields = [
            json!({"name": "email"}),
            json!({"name": "identities[0].connection", "export_as": "where"}),
            json!({"name": "user_metadata.a.b[1]"}),
            json!({"name": "identities[0].access_token"}),
            json!({"name": "missing[7].x"}),
        ];
        let export = Export::new(Format::Json, &fields);
        let line: Value = serde_json::from_str(&export.line(user())).unwrap();
        assert_eq!(line, json!({"email": "a@example.com", "where": "users", "user_metadata.a.b[1]": "two"}));
        let export = Export::new(Format::Json, &[]);
        assert_eq!(export.head(), "");
        let line: Value = serde_json::from_str(&export.line(user())).unwrap();
        assert_eq!(line["identities"], json!([{"connection": "users"}]));
        assert_eq!(line["user_metadata"], json!({"a": {"b": [1, "two"]}}));
    }

    #[test]
    fn no_cell_of_csv_is_a_formula() {
        let fields = ["name", "logins_count", "blocked", "created_at", "user_metadata.a", "last_ip"];
        let fields = fields.map(|name| json!({"name": name, "export_as": format!("{name}\"")}));
        let export = Export::new(Format::Csv, &fields[..2]);
        assert_eq!(export.head(), "\"name\"\"\",\"logins_count\"\"\"\n");
        let export = Export::new(Format::Csv, &fields);
        let expected = "\"'=1+1 \"\"x\"\", y\",3,false,2026-01-01T00:00:00.000Z,\
                        \"'{\"\"b\"\":[1,\"\"two\"\"]}\",\n";
        assert_eq!(export.line(user()), expected);
    }
}
