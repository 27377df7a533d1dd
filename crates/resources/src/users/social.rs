//! Accounts at providers elsewhere: made when their user first logs in, and kept like the provider's afterwards.

use gatewright_core::Timestamp;
use gatewright_core::connection::Connection;
use gatewright_core::ids::TenantId;
use gatewright_core::script::database::Profile;
use gatewright_store::{StoreError, Tx};
use serde_json::{Map, Value};

use super::{profile, rows};

/// What of an account follows its provider.
const FOLLOWS: &[&str] = &["email", "username", "name", "nickname", "given_name", "family_name", "picture"];

/// The id of the account that a provider's user has at a connection: `oauth2|CONNECTION|USER_ID`.
pub(super) fn local_id(connection: &Connection, profile: &Profile) -> String {
    format!("{}|{}", connection.name, profile.local_id)
}

/// Makes the account of somebody whom a provider knows, or brings it up to date where `refreshes` allows that. The
/// whole document of the user whose account it is, which is another one where accounts are linked.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn take_in(
    tx: &mut Tx,
    tenant: &TenantId,
    connection: &Connection,
    (profile, refreshes): (&Profile, bool),
    now: Timestamp,
) -> Result<Value, StoreError> {
    let account_id = account_id(connection, profile);
    // Of two first logins at once one makes the account: the other's insert waits for it, and then finds it.
    for _ in 0..2 {
        if let Some((owner, mut user)) = rows::claim_owner(tx, tenant, &account_id).await? {
            let place = profile::place_of(&user, &account_id);
            if refreshes && follow(profile::profile_of(&mut user, place), profile) {
                user.insert("updated_at".to_owned(), now.iso8601().into());
                rows::store(tx, tenant, &owner, &user, now).await?;
            }
            return Ok(user.into_value());
        }
        let draft = profile::social(connection, profile.members.clone(), local_id(connection, profile), now);
        let user = draft.user.clone();
        if rows::insert(tx, tenant, draft, now).await? {
            return Ok(Value::Object(user));
        }
    }
    Err(StoreError::NotFound)
}

/// `PROVIDER|LOCAL` of the account.
pub fn account_id(connection: &Connection, profile: &Profile) -> String {
    format!("{}|{}", connection.strategy, local_id(connection, profile))
}

/// Lets an account follow its provider; says whether anything changed. An address is as verified as the provider
/// says at this login.
fn follow(account: &mut Map<String, Value>, profile: &Profile) -> bool {
    let mut told: Map<String, Value> = Map::new();
    for name in FOLLOWS {
        if let Some(value) = profile.members.get(*name) {
            told.insert((*name).to_owned(), value.clone());
        }
    }
    if told.contains_key("email") {
        let verified = profile.members.get("email_verified") == Some(&Value::Bool(true));
        told.insert("email_verified".to_owned(), verified.into());
    }
    let changed = told.iter().any(|(name, value)| account.get(name) != Some(value));
    account.extend(told);
    changed
}
