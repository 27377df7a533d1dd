//! The users that an exchange of tokens names by connection: found, made, or brought up to date.

use gatewright_ambient::Random;
use gatewright_core::Timestamp;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_core::script::database::local_id_is_allowed;
use gatewright_store::{StoreError, Tx};
use serde_json::{Map, Value};

use super::{CREATE, profile, rows};
use crate::engine::field::Shape;
use crate::engine::validate::whole;

/// What of the attributes becomes a profile; whatever else a token says is left out.
const ATTRIBUTES: &[&str] = &[
    "email",
    "email_verified",
    "phone_number",
    "phone_verified",
    "username",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
];
/// What may be replaced: what an account logs in by, and whether that is proved, is none of a token's.
const REPLACED: &[&str] = &["name", "given_name", "family_name", "nickname", "picture"];

/// Why nobody was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// There is no such account, and none was to be made.
    Unknown,
    /// The account cannot be made; the text says why.
    Refused(String),
}

/// The user whose account at the connection has this local id; its whole document, and whether it was made.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn find_or_create_exchanged(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &Connection,
    attributes: &Map<String, Value>,
    (creates, replaces): (bool, bool),
    now: Timestamp,
    random: &Random,
) -> Result<Result<(Value, bool), NotFound>, StoreError> {
    let local_id = attributes.get("user_id").and_then(Value::as_str).unwrap_or_default();
    let account_id = format!("{}|{local_id}", connection.strategy);
    if let Some((owner, user)) = rows::claim_owner(tx, tenant, &account_id).await? {
        let at = connection_of(&user, &connection.strategy, local_id);
        if at != Some(connection.name.as_str()) {
            // Accounts of all databases share one name space.
            return Ok(Err(NotFound::Unknown));
        }
        // The profile of a linked account is not the user's.
        if !replaces || owner != account_id {
            return Ok(Ok((user.into_value(), false)));
        }
        return replace(tx, tenant, &owner, user, attributes, now).await;
    }
    if !creates {
        return Ok(Err(NotFound::Unknown));
    }
    if !local_id_is_allowed(local_id) {
        let why = "user_id is empty, longer than 255 bytes, or holds spaces or control characters";
        return Ok(Err(NotFound::Refused(why.to_owned())));
    }
    let mut body = match chosen(attributes, ATTRIBUTES) {
        Ok(body) => body,
        Err(why) => return Ok(Err(NotFound::Refused(why))),
    };
    body.insert("user_id".to_owned(), local_id.into());
    let draft = match profile::draft(connection, &body, now, || random.hex(24)) {
        Ok(draft) => draft,
        Err(error) => return Ok(Err(NotFound::Refused(error.message.into_owned()))),
    };
    let user = draft.user.clone();
    match rows::insert(tx, tenant, draft, now).await? {
        true => Ok(Ok((Value::Object(user), true))),
        false => {
            let why = "another account has this address, number or user name";
            Ok(Err(NotFound::Refused(why.to_owned())))
        }
    }
}

async fn replace(
    tx: &mut Tx,
    tenant: &TenantId,
    user_id: &str,
    mut user: rows::Claimed,
    attributes: &Map<String, Value>,
    now: Timestamp,
) -> Result<Result<(Value, bool), NotFound>, StoreError> {
    let body = match chosen(attributes, REPLACED) {
        Ok(body) => body,
        Err(why) => return Ok(Err(NotFound::Refused(why))),
    };
    if body.iter().any(|(name, value)| user.get(name) != Some(value)) {
        user.extend(body);
        user.insert("updated_at".to_owned(), now.iso8601().into());
        rows::store(tx, tenant, user_id, &user, now).await?;
    }
    Ok(Ok((user.into_value(), false)))
}

/// The connection of one of the user's identities.
fn connection_of<'a>(user: &'a Map<String, Value>, provider: &str, local_id: &str) -> Option<&'a str> {
    let identities = user.get("identities")?.as_array()?;
    let found = identities.iter().find(|one| one["provider"] == provider && one["user_id"] == local_id);
    found?["connection"].as_str()
}

/// The attributes of these names, held to what `POST /users` takes; null counts as absent.
fn chosen(attributes: &Map<String, Value>, names: &[&str]) -> Result<Map<String, Value>, String> {
    static PROFILE: Shape = Shape::open_object(CREATE_WITHOUT_REQUIRED);
    let given = attributes.iter().filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null());
    let body: Map<String, Value> = given.map(|(name, value)| (name.clone(), value.clone())).collect();
    whole(&Value::Object(body.clone()), &PROFILE)?;
    Ok(body)
}

/// [`CREATE`] but its first member, the connection, which is named apart.
static CREATE_WITHOUT_REQUIRED: &[crate::engine::field::Field] = match CREATE.split_first() {
    Some((_, rest)) => rest,
    None => &[],
};
