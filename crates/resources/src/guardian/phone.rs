//! How codes of the phone factor are sent. The paths under `sms` are older names of those under `phone`.

use gatewright_core::ids::TenantId;
use gatewright_jose::MasterKey;
use gatewright_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::{READS, UPDATES};
use crate::engine::field::{Field, Shape, TEXT, field};
use crate::engine::{Map, Resource, Settings};
use crate::snapshot::Tenant;

const MESSAGE_TYPES: &[Field] =
    &[field("message_types", Shape::list(&Shape::OneOf(&["sms", "voice"]))).required()];
const SELECTED: &[Field] =
    &[field("provider", Shape::OneOf(&["auth0", "twilio", "phone-message-hook"])).required()];
const TWILIO: &[Field] = &[
    field("from", Shape::text(0, 64)).nullable(),
    field("messaging_service_sid", Shape::text(1, 1000)).nullable(),
    field("auth_token", Shape::text(1, 1000)).nullable(),
    field("sid", Shape::text(1, 1000)).nullable(),
];
const TEMPLATES: &[Field] =
    &[field("enrollment_message", TEXT).required(), field("verification_message", TEXT).required()];

static TYPES: Settings = Settings::plain(
    "guardian/phone/message-types",
    "/guardian/factors/phone/message-types",
    MESSAGE_TYPES,
    || json!({"message_types": ["sms"]}),
);

const fn selected(path: &'static str) -> Settings {
    Settings::plain("guardian/phone/selected-provider", path, SELECTED, || json!({"provider": "auth0"}))
}
static PHONE_SELECTED: Settings = selected("/guardian/factors/phone/selected-provider");
static SMS_SELECTED: Settings = selected("/guardian/factors/sms/selected-provider");

const fn twilio(path: &'static str) -> Settings {
    let plain = Settings::plain("guardian/phone/twilio", path, TWILIO, || json!({}));
    Settings { sealed: Some("auth_token"), ..plain }
}
static PHONE_TWILIO: Settings = twilio("/guardian/factors/phone/providers/twilio");
static SMS_TWILIO: Settings = twilio("/guardian/factors/sms/providers/twilio");

const fn templates(path: &'static str) -> Settings {
    Settings::plain("guardian/phone/templates", path, TEMPLATES, || {
        json!({
            "enrollment_message": "{{code}} is your verification code for {{tenant.friendly_name}}. \
                                   Please enter this code to verify your enrollment.",
            "verification_message": "{{code}} is your verification code for {{tenant.friendly_name}}",
        })
    })
}
static PHONE_TEMPLATES: Settings = templates("/guardian/factors/phone/templates");
static SMS_TEMPLATES: Settings = templates("/guardian/factors/sms/templates");

/// Whether text messages are among the ways of the factor; calls are not built.
pub(super) fn takes_sms(tenant: &Tenant) -> bool {
    let types = tenant.settings_of(&TYPES).remove("message_types").unwrap_or_default();
    types.as_array().into_iter().flatten().any(|kind| kind == "sms")
}

/// Who sends the messages: `auth0`, `twilio` or `phone-message-hook`.
pub fn provider(tenant: &Tenant) -> String {
    let selected = tenant.settings_of(&PHONE_SELECTED);
    selected.get("provider").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The template of a message, Liquid: of an enrollment, or of a challenge.
pub fn template(tenant: &Tenant, enrollment: bool) -> String {
    let name = if enrollment { "enrollment_message" } else { "verification_message" };
    let templates = tenant.settings_of(&PHONE_TEMPLATES);
    templates.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The account at Twilio, with its secret.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn twilio_account(
    tx: &mut Tx,
    tenant: &TenantId,
    master_key: &MasterKey,
) -> Result<Map, StoreError> {
    PHONE_TWILIO.find(tx, tenant, master_key).await
}

/// The phone factor.
pub static RESOURCE: Resource = Resource {
    name: "guardian",
    operations: &[
        TYPES.reads("get_message_types", "Get enabled phone factors", READS),
        TYPES.replaces("put_message_types", "Update enabled phone factors", UPDATES),
        PHONE_SELECTED.reads("get_guardian_phone_providers", "Get phone provider configuration", READS),
        PHONE_SELECTED.replaces("put_phone_providers", "Update phone provider configuration", UPDATES),
        SMS_SELECTED.reads("get_sms_providers", "Get SMS configuration", READS),
        SMS_SELECTED.replaces("put_sms_providers", "Update SMS configuration", UPDATES),
        PHONE_TWILIO.reads("get_phone_twilio_factor_provider", "Get Twilio phone configuration", READS),
        PHONE_TWILIO.replaces("put_twilio", "Update Twilio phone configuration", UPDATES),
        SMS_TWILIO.reads("get_sms_twilio_factor_provider", "Get Twilio SMS configuration", READS),
        SMS_TWILIO.replaces("put_sms_twilio_factor_provider", "Update Twilio SMS configuration", UPDATES),
        PHONE_TEMPLATES.reads(
            "get_factor_phone_templates",
            "Get enrollment and verification phone templates",
            READS,
        ),
        PHONE_TEMPLATES.replaces(
            "put_factor_phone_templates",
            "Update enrollment and verification phone templates",
            UPDATES,
        ),
        SMS_TEMPLATES.reads(
            "get_factor_sms_templates",
            "Get enrollment and verification SMS templates",
            READS,
        ),
        SMS_TEMPLATES.replaces(
            "put_factor_sms_templates",
            "Update enrollment and verification SMS templates",
            UPDATES,
        ),
    ],
};
