//! Attack protection: `/attack-protection`.
//!
//! Brute-force protection and suspicious IP throttling steer what `core::protection` decides. The others are
//! stored and have no effect: nothing here knows bots, breached passwords or captchas.

use serde_json::{Value, json};

use crate::engine::field::{BOOL, Field, Shape, field};
use crate::engine::format::Format;
use crate::engine::{Map, Resource, Settings};

const READS: &[&str] = &["read:attack_protection"];
const UPDATES: &[&str] = &["update:attack_protection"];

const ALLOWED: Shape = Shape::list(&Shape::format(Format::IpOrNetwork));
const BLOCK_AND_TELL_USERS: Shape = Shape::list(&Shape::OneOf(&["block", "user_notification"]));
const BLOCK_AND_TELL_ADMINS: Shape = Shape::list(&Shape::OneOf(&["block", "admin_notification"]));

const BRUTE_FORCE_FIELDS: &[Field] = &[
    field("enabled", BOOL),
    field("shields", BLOCK_AND_TELL_USERS),
    field("allowlist", ALLOWED),
    field("mode", Shape::OneOf(&["count_per_identifier_and_ip", "count_per_identifier"])),
    field("max_attempts", Shape::Int { min: 1, max: 100 }),
];

/// Blocks an account that is attempted too often.
pub static BRUTE_FORCE: Settings = Settings::plain(
    "attack-protection/brute-force",
    "/attack-protection/brute-force-protection",
    BRUTE_FORCE_FIELDS,
    || {
        json!({
            "enabled": true,
            "shields": ["block", "user_notification"],
            "mode": "count_per_identifier_and_ip",
            "allowlist": [],
            "max_attempts": 10,
        })
    },
);

const MILLISECONDS_A_DAY: i64 = 86_400_000;
const STAGES: &[Field] = &[
    field(
        "pre-login",
        Shape::object(&[
            field("max_attempts", Shape::Int { min: 1, max: 2500 }),
            field("rate", Shape::Int { min: 34_560, max: MILLISECONDS_A_DAY }),
        ]),
    ),
    field(
        "pre-user-registration",
        Shape::object(&[
            field("max_attempts", Shape::Int { min: 1, max: 72_000 }),
            field("rate", Shape::Int { min: 1200, max: MILLISECONDS_A_DAY }),
        ]),
    ),
    field(
        "pre-custom-token-exchange",
        Shape::object(&[
            field("max_attempts", Shape::Int { min: 1, max: 2500 }),
            field("rate", Shape::Int { min: 34_560, max: MILLISECONDS_A_DAY }),
        ]),
    ),
];
const SUSPICIOUS_IP_FIELDS: &[Field] = &[
    field("enabled", BOOL),
    field("shields", BLOCK_AND_TELL_ADMINS),
    field("allowlist", ALLOWED),
    field("stage", Shape::object(STAGES)),
];

fn suspicious_ip_defaults() -> Value {
    json!({
        "enabled": true,
        "shields": ["block", "admin_notification"],
        "allowlist": [],
        "stage": {
            "pre-login": {"max_attempts": 100, "rate": 864_000},
            "pre-user-registration": {"max_attempts": 50, "rate": 1200},
            "pre-custom-token-exchange": {"max_attempts": 10, "rate": 600_000},
        },
    })
}

/// Slows down an address from which many logins fail, or many sign-ups come.
pub static SUSPICIOUS_IP: Settings = Settings {
    kept_in_parts: Some("stage"),
    ..Settings::plain(
        "attack-protection/suspicious-ip",
        "/attack-protection/suspicious-ip-throttling",
        SUSPICIOUS_IP_FIELDS,
        suspicious_ip_defaults,
    )
};

const STAGE_SHIELDS: Shape = Shape::object(&[field("shields", BLOCK_AND_TELL_ADMINS)]);
const BREACHED_FIELDS: &[Field] = &[
    field("enabled", BOOL),
    field("shields", Shape::list(&Shape::OneOf(&["block", "user_notification", "admin_notification"]))),
    field(
        "admin_notification_frequency",
        Shape::list(&Shape::OneOf(&["immediately", "daily", "weekly", "monthly"])),
    ),
    field("method", Shape::OneOf(&["standard", "enhanced"])),
    field(
        "stage",
        Shape::object(&[
            field("pre-user-registration", STAGE_SHIELDS),
            field("pre-change-password", STAGE_SHIELDS),
        ]),
    ),
];

static BREACHED: Settings = Settings {
    kept_in_parts: Some("stage"),
    ..Settings::plain(
        "attack-protection/breached-passwords",
        "/attack-protection/breached-password-detection",
        BREACHED_FIELDS,
        || {
            json!({
                "enabled": false,
                "shields": [],
                "admin_notification_frequency": [],
                "method": "standard",
                "stage": {"pre-user-registration": {"shields": []}, "pre-change-password": {"shields": []}},
            })
        },
    )
};

const WHEN: Shape = Shape::OneOf(&["never", "when_risky", "always"]);
const BOT_FIELDS: &[Field] = &[
    field("bot_detection_level", Shape::OneOf(&["low", "medium", "high"])),
    field("challenge_password_policy", WHEN),
    field("challenge_passwordless_policy", WHEN),
    field("challenge_password_reset_policy", WHEN),
    field("allowlist", ALLOWED),
    field("monitoring_mode_enabled", BOOL),
];

static BOTS: Settings =
    Settings::plain("attack-protection/bots", "/attack-protection/bot-detection", BOT_FIELDS, || {
        json!({
            "bot_detection_level": "medium",
            "challenge_password_policy": "never",
            "challenge_passwordless_policy": "never",
            "challenge_password_reset_policy": "never",
            "allowlist": [],
            "monitoring_mode_enabled": false,
        })
    });

const KEY: Shape = Shape::text(0, 100);
const KEY_AND_SECRET: Shape =
    Shape::object(&[field("site_key", KEY).required(), field("secret", KEY).required()]);
const CAPTCHA_FIELDS: &[Field] = &[
    field(
        "active_provider_id",
        Shape::OneOf(&[
            "arkose",
            "auth_challenge",
            "friendly_captcha",
            "hcaptcha",
            "recaptcha_v2",
            "recaptcha_enterprise",
            "simple_captcha",
        ]),
    ),
    field(
        "arkose",
        Shape::object(&[
            field("site_key", KEY).required(),
            field("secret", KEY).required(),
            field("client_subdomain", KEY),
            field("verify_subdomain", KEY),
            field("fail_open", BOOL),
        ]),
    ),
    field("auth_challenge", Shape::object(&[field("fail_open", BOOL).required()])),
    field("hcaptcha", KEY_AND_SECRET),
    field("friendly_captcha", KEY_AND_SECRET),
    field(
        "recaptcha_enterprise",
        Shape::object(&[
            field("site_key", KEY).required(),
            field("api_key", KEY).required(),
            field("project_id", KEY).required(),
        ]),
    ),
    field("recaptcha_v2", KEY_AND_SECRET),
    field("simple_captcha", Shape::object(&[])),
];

/// Where the providers' secrets are kept, sealed.
const SECRETS: &str = "secrets";

static CAPTCHA: Settings = Settings {
    sealed: Some(SECRETS),
    check: |settings| {
        take_secrets(settings);
        Ok(())
    },
    present: |mut settings| {
        settings.remove(SECRETS);
        settings
    },
    ..Settings::plain("attack-protection/captcha", "/attack-protection/captcha", CAPTCHA_FIELDS, || {
        json!({
            "active_provider_id": "auth_challenge",
            "arkose": {"site_key": "", "fail_open": false, "client_subdomain": "client-api", "verify_subdomain": "verify-api"},
            "auth_challenge": {"fail_open": false},
            "hcaptcha": {"site_key": ""},
            "friendly_captcha": {"site_key": ""},
            "recaptcha_enterprise": {"site_key": "", "project_id": ""},
            "recaptcha_v2": {"site_key": ""},
            "simple_captcha": {},
        })
    })
};

/// Moves what nobody is shown out of the providers' settings.
fn take_secrets(settings: &mut Map) {
    let mut secrets = match settings.remove(SECRETS) {
        Some(Value::Object(secrets)) => secrets,
        _ => Map::new(),
    };
    for (name, provider) in settings.iter_mut() {
        let Value::Object(provider) = provider else { continue };
        for member in ["secret", "api_key"] {
            if let Some(secret) = provider.remove(member) {
                secrets.insert(name.clone(), secret);
            }
        }
    }
    settings.insert(SECRETS.to_owned(), Value::Object(secrets));
}

/// `/attack-protection`.
pub static RESOURCE: Resource = Resource {
    name: "attack-protection",
    operations: &[
        BRUTE_FORCE.reads("get_brute_force_protection", "Get brute-force settings", READS),
        BRUTE_FORCE.merges("patch_brute_force_protection", "Update brute-force settings", UPDATES),
        SUSPICIOUS_IP.reads("get_suspicious_ip_throttling", "Get suspicious IP throttling settings", READS),
        SUSPICIOUS_IP.merges(
            "patch_suspicious_ip_throttling",
            "Update suspicious IP throttling settings",
            UPDATES,
        ),
        BREACHED.reads("get_breached_password_detection", "Get breached password detection settings", READS),
        BREACHED.merges(
            "patch_breached_password_detection",
            "Update breached password detection settings",
            UPDATES,
        ),
        BOTS.reads("get_bot_detection", "Get bot detection settings", READS),
        BOTS.merges("patch_bot_detection", "Update bot detection settings", UPDATES),
        CAPTCHA.reads("get_captcha", "Get the CAPTCHA configuration", READS),
        CAPTCHA.merges("patch_captcha", "Update the CAPTCHA configuration", UPDATES),
    ],
};

#[cfg(test)]
#[path = "attack_protection_tests.rs"]
mod tests;
