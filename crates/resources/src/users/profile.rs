//! What a profile holds: pure rules for new users and for changes.

use gatewright_core::Timestamp;
use gatewright_core::connection::Connection;
use gatewright_jose::token_hash;
use serde_json::{Map, Value, json};

use crate::engine::ApiError;
use crate::engine::crud::{fill, merge_member};

/// Members that a profile keeps at its root, besides what is derived.
const ROOT: &[&str] = &["name", "given_name", "family_name", "nickname", "picture"];

/// Names that `app_metadata` may not hold, because they would cover members of the user.
const RESERVED: &[&str] = &[
    "__tenant",
    "_id",
    "blocked",
    "clientID",
    "created_at",
    "email",
    "email_verified",
    "globalClientID",
    "global_client_id",
    "identities",
    "lastIP",
    "lastLogin",
    "loginsCount",
    "metadata",
    "multifactor",
    "multifactor_last_modified",
    "updated_at",
    "user_id",
];

/// A user to be stored, with its first identity.
pub(super) struct Draft {
    /// The whole document.
    pub(super) user: Map<String, Value>,
    /// The connection's name.
    pub(super) connection: String,
    /// What stands before `|` in the user's id.
    pub(super) provider: String,
    /// What stands behind it.
    pub(super) local_id: String,
    /// By what the person logs in, unique in the connection.
    pub(super) identifier: String,
}

/// A new identifier for the user's identity in a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewIdentifier {
    pub(super) connection: String,
    /// The account that has it, `PROVIDER|LOCAL`.
    pub(super) account_id: String,
    pub(super) identifier: String,
}

/// How an identifier is compared: e-mail addresses without regard to case.
pub(super) fn comparable(identifier: &str) -> String {
    if identifier.contains('@') { identifier.to_lowercase() } else { identifier.to_owned() }
}

/// The user that `POST /users` asks for. `local_id` makes a new local id.
pub(super) fn draft(
    connection: &Connection,
    body: &Map<String, Value>,
    now: Timestamp,
    local_id: impl FnOnce() -> String,
) -> Result<Draft, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let missing = |name: &str| ApiError::invalid_body(format_args!("'Missing required property: {name}'"));
    let identifier = match connection.strategy.as_str() {
        "sms" => text("phone_number").ok_or_else(|| missing("phone_number"))?,
        "email" => text("email").ok_or_else(|| missing("email"))?,
        "auth0" => {
            let first = ["email", "username", "phone_number"].into_iter().find_map(text);
            first.ok_or_else(|| missing("email"))?
        }
        strategy => {
            return Err(ApiError::unsupported(format!(
                "Users of a {strategy} connection are made when they log in; only database, sms and email \
                 connections take new users."
            )));
        }
    };
    only_databases_have_passwords(&connection.strategy, body)?;
    if connection.strategy == "auth0" {
        username_is_allowed(body)?;
    }
    let mut user = Map::new();
    for name in
        ["email", "username", "phone_number", "blocked", "user_metadata", "app_metadata"].iter().chain(ROOT)
    {
        if let Some(value) = body.get(*name) {
            user.insert((*name).to_owned(), value.clone());
        }
    }
    for (name, verified) in [("email", "email_verified"), ("phone_number", "phone_verified")] {
        if user.contains_key(name) {
            user.insert(verified.to_owned(), body.get(verified).cloned().unwrap_or(Value::Bool(false)));
        }
    }
    if connection.strategy == "auth0" {
        lower_case(&mut user);
    }
    let identifier = comparable(identifier);
    metadata_is_allowed(&user)?;
    let provider = connection.strategy.clone();
    let local_id = match text("user_id").filter(|given| !given.is_empty()) {
        Some(given) => given.to_owned(),
        None => local_id(),
    };
    Ok(Draft {
        user: completed(user, &provider, &connection.name, &local_id, now),
        connection: connection.name.clone(),
        provider,
        local_id,
        identifier,
    })
}

/// The user that a first passwordless login makes.
pub(super) fn passwordless(
    connection: &Connection,
    identifier: &str,
    local_id: String,
    now: Timestamp,
) -> Draft {
    let mut user = Map::new();
    let (name, verified) = verified_members(&connection.strategy);
    user.insert(name.to_owned(), identifier.into());
    user.insert(verified.to_owned(), Value::Bool(true));
    Draft {
        user: completed(user, &connection.strategy, &connection.name, &local_id, now),
        connection: connection.name.clone(),
        provider: connection.strategy.clone(),
        local_id,
        identifier: comparable(identifier),
    }
}

/// The user that a first login at a provider elsewhere makes.
pub(super) fn social(
    connection: &Connection,
    members: Map<String, Value>,
    local_id: String,
    now: Timestamp,
) -> Draft {
    let mut user = members;
    if user.contains_key("email") {
        user.entry("email_verified").or_insert(Value::Bool(false));
    }
    let called = ["name", "nickname", "email", "username"];
    let called = called.into_iter().find_map(|name| user.get(name)).cloned();
    user.entry("name").or_insert_with(|| called.unwrap_or_else(|| local_id.as_str().into()));
    let mut user = completed(user, &connection.strategy, &connection.name, &local_id, now);
    user["identities"][0]["isSocial"] = Value::Bool(true);
    Draft {
        user,
        connection: connection.name.clone(),
        provider: connection.strategy.clone(),
        identifier: local_id.clone(),
        local_id,
    }
}

/// What a passwordless login at a connection of this strategy proves, and the member that says so.
pub(super) fn verified_members(strategy: &str) -> (&'static str, &'static str) {
    if strategy == "sms" { ("phone_number", "phone_verified") } else { ("email", "email_verified") }
}

/// Adds id, identity, dates and what is derived from the identifiers.
fn completed(
    mut user: Map<String, Value>,
    provider: &str,
    connection: &str,
    local_id: &str,
    now: Timestamp,
) -> Map<String, Value> {
    let text = |name: &str| user.get(name).and_then(Value::as_str).map(str::to_owned);
    let (email, username, phone) = (text("email"), text("username"), text("phone_number"));
    let local_part =
        email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(local, _)| local.to_owned());
    let derived = json!({
        "user_id": format!("{provider}|{local_id}"),
        "identities": [{
            "connection": connection,
            "provider": provider,
            "user_id": local_id,
            "isSocial": false,
        }],
        "name": email.clone().or_else(|| username.clone()).or(phone).unwrap_or_default(),
        "nickname": local_part.or(username).unwrap_or_default(),
        "picture": picture(email.as_deref()),
        "created_at": now.iso8601(),
        "updated_at": now.iso8601(),
    });
    fill(&mut user, derived);
    user
}

/// The avatar of an e-mail address, or the one that stands for nobody.
fn picture(email: Option<&str>) -> String {
    match email {
        Some(email) => {
            let hash = token_hash(&email.trim().to_lowercase());
            format!("https://s.gravatar.com/avatar/{hash}?s=480&r=pg&d=mp")
        }
        None => format!("https://s.gravatar.com/avatar/{}?s=480&r=pg&d=mp&f=y", "0".repeat(32)),
    }
}

/// Databases know e-mail addresses and user names in lower case only.
fn lower_case(user: &mut Map<String, Value>) {
    for name in ["email", "username"] {
        if let Some(Value::String(text)) = user.get_mut(name) {
            *text = text.to_lowercase();
        }
    }
}

/// Merges the body of `PATCH /users/{id}` into a user. Metadata merge at their first level, where
/// `null` removes a key and `{}` clears; everything else replaces, and `null` removes.
///
/// `connection` names another identity than the first: then what belongs to an account (address, number, user
/// name, password) is that account's.
///
/// Returns the new identifier of the identity if it changes.
pub(super) fn apply(
    user: &mut Map<String, Value>,
    body: &Map<String, Value>,
    now: Timestamp,
) -> Result<Option<NewIdentifier>, ApiError> {
    let given = |name: &str| body.contains_key(name);
    for (one, other) in [
        ("password", "email"),
        ("password", "email_verified"),
        ("username", "email"),
        ("username", "password"),
    ] {
        if given(one) && given(other) {
            return Err(ApiError::unsupported(format!("Cannot update {other} and {one} simultaneously")));
        }
    }
    let identity = account_named(user, body)?;
    only_databases_have_passwords(&identity.provider, body)?;
    if identity.provider == "auth0" {
        username_is_allowed(body)?;
    }
    if identity.place > 0 {
        return apply_to_linked(user, body, now, identity);
    }
    let ours = matches!(identity.provider.as_str(), "auth0" | "sms" | "email");
    let root = body.keys().find(|name| {
        ROOT.contains(&name.as_str()) || matches!(name.as_str(), "email" | "phone_number" | "username")
    });
    if let (false, Some(name)) = (ours, root) {
        return Err(ApiError::unsupported(format!(
            "The following user attributes cannot be updated: {name}. The connection ({}) keeps them up to date.",
            identity.connection
        )));
    }
    for (name, value) in body {
        match name.as_str() {
            "user_metadata" | "app_metadata" => merge_member(user, name, value),
            "connection" | "client_id" | "verify_email" | "verify_phone_number" => {}
            // Its hash is stored elsewhere.
            "password" => {
                user.insert("last_password_reset".to_owned(), now.iso8601().into());
                // Compat: a new password lets a blocked user in again.
                user.insert("blocked".to_owned(), Value::Bool(false));
            }
            _ if value.is_null() => {
                user.remove(name);
            }
            _ => {
                user.insert(name.clone(), value.clone());
            }
        }
    }
    unverify(user, body);
    if identity.provider == "auth0" {
        lower_case(user);
    }
    metadata_is_allowed(user)?;
    fits(user)?;
    user.insert("updated_at".to_owned(), now.iso8601().into());
    new_identifier(user, body, identity)
}

/// A new address is not verified by having been written down.
fn unverify(profile: &mut Map<String, Value>, body: &Map<String, Value>) {
    for (name, verified) in [("email", "email_verified"), ("phone_number", "phone_verified")] {
        if body.contains_key(name) && !body.contains_key(verified) {
            profile.insert(verified.to_owned(), Value::Bool(false));
        }
    }
}

/// What of a change belongs to an account rather than to the user.
const OF_ACCOUNT: &[&str] =
    &["email", "email_verified", "phone_number", "phone_verified", "username", "password", "connection"];

/// A change of a linked account: its own members go to its profile, the others to the user.
fn apply_to_linked(
    user: &mut Map<String, Value>,
    body: &Map<String, Value>,
    now: Timestamp,
    identity: Account,
) -> Result<Option<NewIdentifier>, ApiError> {
    let of_account = |name: &str| OF_ACCOUNT.contains(&name);
    let (own, rest): (Map<_, _>, Map<_, _>) =
        body.clone().into_iter().partition(|(name, _)| of_account(name.as_str()));
    apply(user, &rest, now)?;
    let profile = profile_of(user, identity.place);
    for (name, value) in own.iter().filter(|(name, _)| !matches!(name.as_str(), "password" | "connection")) {
        if value.is_null() {
            profile.remove(name);
        } else {
            profile.insert(name.clone(), value.clone());
        }
    }
    unverify(profile, &own);
    if identity.provider == "auth0" {
        lower_case(profile);
    }
    let identifier = new_identifier(profile, &own, identity)?;
    if own.contains_key("password") {
        user.insert("last_password_reset".to_owned(), now.iso8601().into());
    }
    Ok(identifier)
}

/// The profile of an account: the user itself for the first, `profileData` for those linked to it.
pub(super) fn profile_of(user: &mut Map<String, Value>, place: usize) -> &mut Map<String, Value> {
    let linked = place > 0 && user.get("identities").is_some_and(|all| all[place].is_object());
    if !linked {
        return user;
    }
    let profile = &mut user["identities"][place]["profileData"];
    if !profile.is_object() {
        *profile = json!({});
    }
    profile.as_object_mut().expect("it was made an object")
}

/// By what an account logs in from now on, if the change touches that.
fn new_identifier(
    profile: &Map<String, Value>,
    body: &Map<String, Value>,
    identity: Account,
) -> Result<Option<NewIdentifier>, ApiError> {
    let given = |name: &str| body.contains_key(name);
    let logs_in_by = match identity.provider.as_str() {
        "sms" => "phone_number",
        "auth0" if !given("email") && given("username") && !profile.contains_key("email") => "username",
        "email" | "auth0" => "email",
        _ => return Ok(None),
    };
    if !given(logs_in_by) {
        return Ok(None);
    }
    let identifier = profile.get(logs_in_by).and_then(Value::as_str).ok_or_else(|| {
        ApiError::invalid_body(format_args!(
            "'The user logs in by it, so it cannot be removed' on property {logs_in_by}"
        ))
    })?;
    let account_id = identity.id();
    let identifier = comparable(identifier);
    Ok(Some(NewIdentifier { connection: identity.connection, account_id, identifier }))
}

/// One of a user's identities, which is an account at a connection.
pub(super) struct Account {
    /// Its place among the identities; the first is the main one.
    pub(super) place: usize,
    pub(super) provider: String,
    pub(super) connection: String,
    local_id: String,
}

impl Account {
    /// `PROVIDER|LOCAL`.
    pub(super) fn id(&self) -> String {
        format!("{}|{}", self.provider, self.local_id)
    }

    fn at(user: &Map<String, Value>, place: usize) -> Self {
        let identity = user.get("identities").and_then(|identities| identities.get(place));
        let text =
            |name: &str| identity.and_then(|found| found[name].as_str()).unwrap_or_default().to_owned();
        Self { place, provider: text("provider"), connection: text("connection"), local_id: text("user_id") }
    }
}

/// The account that a change is about: the one at the connection that the body names, or the first.
pub(super) fn account_named(
    user: &Map<String, Value>,
    body: &Map<String, Value>,
) -> Result<Account, ApiError> {
    let Some(named) = body.get("connection").and_then(Value::as_str) else { return Ok(Account::at(user, 0)) };
    let identities = user.get("identities").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match identities.iter().position(|identity| identity["connection"] == named) {
        Some(place) => Ok(Account::at(user, place)),
        None => Err(ApiError::unsupported(format!("The user has no identity in the connection {named}."))),
    }
}

/// The place of an account among the identities.
pub(super) fn place_of(user: &Map<String, Value>, account_id: &str) -> usize {
    let identities = user.get("identities").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    (0..identities.len()).find(|place| Account::at(user, *place).id() == account_id).unwrap_or(0)
}

/// The user that a linked identity becomes: with the profile that was kept, and without metadata.
pub(super) fn unlinked(mut identity: Value, user_id: &str, now: Timestamp) -> Map<String, Value> {
    let profile = identity.as_object_mut().and_then(|members| members.remove("profileData"));
    let mut user = match profile {
        Some(Value::Object(profile)) => profile,
        _ => Map::new(),
    };
    for (name, value) in [
        ("user_id", user_id.into()),
        ("identities", json!([identity])),
        ("created_at", now.iso8601().into()),
        ("updated_at", now.iso8601().into()),
    ] {
        user.insert(name.to_owned(), value);
    }
    user
}

/// The longest document of a user, in bytes of JSON. Metadata merge, so without a bound many small
/// changes, which users may make to themselves, would make one large document.
const LONGEST: usize = 1024 * 1024;

fn fits(user: &Map<String, Value>) -> Result<(), ApiError> {
    let size = serde_json::to_vec(user).map_or(usize::MAX, |bytes| bytes.len());
    if size > LONGEST {
        return Err(ApiError::invalid_body(format_args!(
            "'The user would have {size} bytes, maximum {LONGEST}' on property user_metadata"
        )));
    }
    Ok(())
}

/// Compat: keys of metadata hold no `.` and do not begin with `$`; some are reserved.
fn metadata_is_allowed(user: &Map<String, Value>) -> Result<(), ApiError> {
    for name in ["user_metadata", "app_metadata"] {
        let keys = user.get(name).and_then(Value::as_object).into_iter().flat_map(Map::keys);
        for key in keys {
            if key.contains('.') || key.contains('$') {
                return Err(ApiError::invalid_body(format_args!(
                    "'Metadata property names cannot contain . or $: {key}' on property {name}"
                )));
            }
            if name == "app_metadata" && RESERVED.contains(&key.as_str()) {
                return Err(ApiError::invalid_body(format_args!(
                    "'The property name is reserved: {key}' on property {name}"
                )));
            }
        }
    }
    Ok(())
}

/// Whoever logs in by a code or elsewhere has no password here.
fn only_databases_have_passwords(strategy: &str, body: &Map<String, Value>) -> Result<(), ApiError> {
    match body.get("password") {
        Some(_) if strategy != "auth0" => {
            Err(ApiError::unsupported(format!("Users of {strategy} connections have no password.")))
        }
        Some(Value::Null) => {
            Err(ApiError::invalid_body("'A password cannot be removed' on property password"))
        }
        _ => Ok(()),
    }
}

/// A user name that looks like an address could take somebody's address away from them.
pub(super) fn username_is_allowed(body: &Map<String, Value>) -> Result<(), ApiError> {
    match body.get("username").and_then(Value::as_str) {
        Some(username) if username.contains('@') || username.chars().any(char::is_whitespace) => {
            Err(ApiError::invalid_body("'A user name holds no @ and no spaces' on property username"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
