//! Token exchange profiles: a type of tokens that the tenant takes, and the Action that judges them.

use gatewright_core::ids::TenantId;
use gatewright_core::token_exchange::{self, Ask, CUSTOM_AUTHENTICATION, Kind, Profile};
use gatewright_jose::MasterKey;
use gatewright_store::{BoxFuture, StoreError, Tx, params, sql};
use serde_json::Value;

use crate::actions;
use crate::engine::crud::merge;
use crate::engine::documents::document_table;
use crate::engine::field::{Field, Shape, field};
use crate::engine::{ApiError, Crud, IdForm, Map, OpCx, Resource};

document_table!(
    TABLE, "token_exchange_profiles", id "profile_id", keys "subject_token_type", "action_id"
);
sql!(COUNT, "SELECT COUNT(*) FROM token_exchange_profiles WHERE tenant_id = $1 AND action_id = $2");
sql!(FORGET, "DELETE FROM token_exchange_profiles WHERE tenant_id = $1 AND action_id = $2");

/// The trigger that a profile's action must support.
const TRIGGER: &str = "custom-token-exchange";

static PROFILES: Crud = Crud {
    not_found: ("The token exchange profile does not exist.", Some("inexistent_token_exchange_profile")),
    conflict: "A token exchange profile with the same subject_token_type already exists.",
    keys: |profile| vec![text(profile, "subject_token_type").into(), text(profile, "action_id").into()],
    draft,
    change,
    ..Crud::plain(
        &TABLE,
        "/token-exchange-profiles",
        "/token-exchange-profiles/{id}",
        "token_exchange_profiles",
        IdForm::Alphanumeric("tep_", 16),
        FIELDS,
    )
};

const FIELDS: &[Field] = &[
    field("name", Shape::text(3, 50)).required().hint("Friendly name of this profile"),
    field("subject_token_type", Shape::text(8, 100)).required().hint("A URI, one profile each"),
    field("action_id", Shape::text(1, 36)).required().immutable(),
    field("type", Shape::OneOf(&[CUSTOM_AUTHENTICATION])).required().immutable(),
];

const READ: &[&str] = &["read:token_exchange_profiles"];

/// `/token-exchange-profiles`.
pub static RESOURCE: Resource = Resource {
    name: "token-exchange-profiles",
    operations: &[
        PROFILES.lists("get_token_exchange_profiles", "Get token exchange profiles", READ),
        PROFILES.creates(
            "post_token_exchange_profiles",
            "Create a token exchange profile",
            &["create:token_exchange_profiles"],
        ),
        PROFILES.reads("get_token_exchange_profiles_by_id", "Get a token exchange profile", READ),
        PROFILES.updates(
            "patch_token_exchange_profiles_by_id",
            "Update a token exchange profile",
            &["update:token_exchange_profiles"],
        ),
        PROFILES.deletes(
            "delete_token_exchange_profiles_by_id",
            "Delete a token exchange profile",
            &["delete:token_exchange_profiles"],
        ),
    ],
};

fn draft<'a>(cx: &'a mut OpCx<'_>, profile: &'a mut Map) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        check_type(profile)?;
        let action_id = text(profile, "action_id").to_owned();
        if !actions::supports(cx, &action_id, TRIGGER).await? {
            return Err(ApiError::new(
                400,
                format!("There is no action {action_id} that supports the trigger {TRIGGER}."),
            ));
        }
        let now = cx.request.now.iso8601();
        profile.insert("created_at".to_owned(), now.clone().into());
        profile.insert("updated_at".to_owned(), now.into());
        Ok(())
    })
}

fn change<'a>(
    cx: &'a mut OpCx<'_>,
    profile: &'a mut Map,
    body: &'a Map,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        merge(profile, body);
        check_type(profile)?;
        profile.insert("updated_at".to_owned(), cx.request.now.iso8601().into());
        Ok(())
    })
}

/// A type that a request could never name is of no use; the reserved ones are somebody else's.
fn check_type(profile: &Map) -> Result<(), ApiError> {
    let given = text(profile, "subject_token_type");
    let ask = Ask { subject_token: Some("any"), subject_token_type: Some(given), ..Ask::default() };
    let why = match token_exchange::kind(&ask) {
        Ok(Kind::Profile) => return Ok(()),
        Ok(_) => format!("{given} is a type of this server's own"),
        Err(error) => error.description.into_owned(),
    };
    Err(ApiError::invalid_body(format_args!("'{why}' on property subject_token_type")))
}

/// Every profile, for the tenant's snapshot.
pub(crate) async fn load(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Vec<Profile>, StoreError> {
    let stored = PROFILES.load(tx, tenant, master_key).await?.into_iter();
    let read = |profile| {
        serde_json::from_value(Value::Object(profile))
            .map_err(|error| StoreError::Mismatch(format!("a token exchange profile: {error}")))
    };
    stored.map(read).collect()
}

/// Whether a profile names the action.
pub(crate) async fn names(cx: &mut OpCx<'_>, action_id: &str) -> Result<bool, ApiError> {
    Ok(cx.tx.one(&COUNT, &params![&cx.request.tenant, action_id]).await?.int(0)? > 0)
}

/// Deletes the profiles that name an action which is about to be deleted: no token could pass them.
pub(crate) async fn forget(cx: &mut OpCx<'_>, action_id: &str) -> Result<(), ApiError> {
    cx.tx.run(&FORGET, &params![&cx.request.tenant, action_id]).await?;
    Ok(())
}

fn text<'a>(document: &'a Map, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}
