//! Settings of the other factors: push notifications and who delivers them, Duo, WebAuthn.

use serde_json::{Value, json};

use super::{READS, UPDATES};
use crate::engine::field::{BOOL, Field, Shape, TEXT, field};
use crate::engine::{Map, Resource, Settings};

const SELECTED: &[Field] = &[field("provider", Shape::OneOf(&["guardian", "sns", "direct"])).required()];
const APNS: &[Field] = &[
    field("sandbox", BOOL),
    field("bundle_id", TEXT).nullable(),
    field("p12", TEXT).nullable().hint("The certificate in base64; never shown"),
];
const SNS: &[Field] = &[
    field("aws_access_key_id", TEXT).nullable(),
    field("aws_secret_access_key", TEXT).nullable(),
    field("aws_region", TEXT).nullable(),
    field("sns_apns_platform_application_arn", TEXT).nullable(),
    field("sns_gcm_platform_application_arn", TEXT).nullable(),
];
const FCM: &[Field] = &[field("server_key", TEXT).nullable()];
const FCM_V1: &[Field] = &[field("server_credentials", TEXT).nullable()];
const DUO: &[Field] =
    &[field("ikey", TEXT).nullable(), field("skey", TEXT).nullable(), field("host", TEXT).nullable()];
const APP: &[Field] = &[
    field("app_name", TEXT).nullable(),
    field("apple_app_link", TEXT).nullable(),
    field("google_app_link", TEXT).nullable(),
];
const ROAMING: &[Field] = &[
    field("userVerification", Shape::OneOf(&["discouraged", "preferred", "required"])),
    field("overrideRelyingParty", BOOL),
    field("relyingPartyIdentifier", TEXT).nullable(),
];
const PLATFORM: &[Field] =
    &[field("overrideRelyingParty", BOOL), field("relyingPartyIdentifier", TEXT).nullable()];

fn empty() -> Value {
    Value::Object(Map::new())
}

/// Settings with a secret that is never shown.
const fn keeping(
    name: &'static str,
    path: &'static str,
    fields: &'static [Field],
    secret: &'static str,
    present: fn(Map) -> Map,
) -> Settings {
    Settings { sealed: Some(secret), present, ..Settings::plain(name, path, fields, empty) }
}

static PUSH_SELECTED: Settings = Settings::plain(
    "guardian/push/selected-provider",
    "/guardian/factors/push-notification/selected-provider",
    SELECTED,
    || json!({"provider": "guardian"}),
);
static PUSH_APNS: Settings = keeping(
    "guardian/push/apns",
    "/guardian/factors/push-notification/providers/apns",
    APNS,
    "p12",
    |mut apns| {
        let enabled = apns.remove("p12").is_some();
        apns.insert("enabled".to_owned(), enabled.into());
        apns
    },
);
static PUSH_SNS: Settings = Settings {
    sealed: Some("aws_secret_access_key"),
    ..Settings::plain("guardian/push/sns", "/guardian/factors/push-notification/providers/sns", SNS, empty)
};
static PUSH_FCM: Settings = keeping(
    "guardian/push/fcm",
    "/guardian/factors/push-notification/providers/fcm",
    FCM,
    "server_key",
    |mut fcm| {
        fcm.remove("server_key");
        fcm
    },
);
static PUSH_FCM_V1: Settings = keeping(
    "guardian/push/fcmv1",
    "/guardian/factors/push-notification/providers/fcmv1",
    FCM_V1,
    "server_credentials",
    |mut fcm| {
        fcm.remove("server_credentials");
        fcm
    },
);
static PUSH_APP: Settings = Settings::plain("guardian/push/app", "/prompts/mfa-push", APP, empty);
static DUO_SETTINGS: Settings = Settings {
    sealed: Some("skey"),
    ..Settings::plain("guardian/duo", "/guardian/factors/duo/settings", DUO, empty)
};
static WEBAUTHN_ROAMING: Settings = Settings::plain(
    "guardian/webauthn-roaming",
    "/guardian/factors/webauthn-roaming/settings",
    ROAMING,
    || json!({"userVerification": "discouraged", "overrideRelyingParty": false}),
);
static WEBAUTHN_PLATFORM: Settings = Settings::plain(
    "guardian/webauthn-platform",
    "/guardian/factors/webauthn-platform/settings",
    PLATFORM,
    || json!({"overrideRelyingParty": false}),
);

/// Push notifications, Duo and WebAuthn.
pub static RESOURCE: Resource = Resource {
    name: "guardian",
    operations: &[
        PUSH_SELECTED.reads("get_pn_providers", "Get push notification provider", READS),
        PUSH_SELECTED.replaces("put_pn_providers", "Update push notification provider", UPDATES),
        PUSH_APNS.reads("get_apns", "Get APNS push notification configuration", READS),
        PUSH_APNS.replaces("put_apns", "Replace APNS push notification configuration", UPDATES),
        PUSH_APNS.merges("patch_apns", "Update APNS push notification configuration", UPDATES),
        PUSH_SNS.reads("get_sns", "Get AWS SNS push notification configuration", READS),
        PUSH_SNS.replaces("put_sns", "Replace AWS SNS push notification configuration", UPDATES),
        PUSH_SNS.merges("patch_sns", "Update AWS SNS push notification configuration", UPDATES),
        PUSH_FCM.replaces("put_fcm", "Replace FCM push notification configuration", UPDATES),
        PUSH_FCM.merges("patch_fcm", "Update FCM push notification configuration", UPDATES),
        PUSH_FCM_V1.replaces("put_fcmv_1", "Replace FCMv1 push notification configuration", UPDATES),
        PUSH_FCM_V1.merges("patch_fcmv_1", "Update FCMv1 push notification configuration", UPDATES),
        PUSH_APP.reads(
            "get_prompts_mfa_push",
            "Get the application that takes push notifications",
            &["read:prompts"],
        ),
        PUSH_APP.merges(
            "patch_prompts_mfa_push",
            "Update the application that takes push notifications",
            &["update:prompts"],
        ),
        DUO_SETTINGS.reads("get_factor_duo_settings", "Get DUO configuration", READS),
        DUO_SETTINGS.replaces("put_factor_duo_settings", "Replace DUO configuration", UPDATES),
        DUO_SETTINGS.merges("patch_factor_duo_settings", "Update DUO configuration", UPDATES),
        WEBAUTHN_ROAMING.reads(
            "get_guardian_factors_webauthn_roaming_settings",
            "Get settings of security keys",
            READS,
        ),
        WEBAUTHN_ROAMING.replaces(
            "put_guardian_factors_webauthn_roaming_settings",
            "Update settings of security keys",
            UPDATES,
        ),
        WEBAUTHN_PLATFORM.reads(
            "get_guardian_factors_webauthn_platform_settings",
            "Get settings of device biometrics",
            READS,
        ),
        WEBAUTHN_PLATFORM.replaces(
            "put_guardian_factors_webauthn_platform_settings",
            "Update settings of device biometrics",
            UPDATES,
        ),
    ],
};
