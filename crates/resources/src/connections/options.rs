//! The strategies, and the options of those that this server runs.

use serde_json::{Value, json};

use crate::engine::field::{BOOL, Field, OBJECT, SOME_TEXT, Shape, TEXT, field};
use crate::engine::format::Format;
use crate::engine::{ApiError, Map, validate};

/// Every strategy that a connection may name.
pub(super) const STRATEGIES: &[&str] = &[
    "ad",
    "adfs",
    "amazon",
    "apple",
    "asana",
    "atlassian",
    "auth0",
    "auth0-adldap",
    "auth0-oidc",
    "baidu",
    "bitbucket",
    "bitly",
    "box",
    "cloudflare-mcp",
    "custom",
    "daccount",
    "dropbox",
    "dwolla",
    "email",
    "evernote",
    "evernote-sandbox",
    "exact",
    "facebook",
    "fitbit",
    "github",
    "gitlab",
    "google-apps",
    "google-oauth2",
    "hubspot-mcp",
    "instagram",
    "ip",
    "line",
    "linear-mcp",
    "linkedin",
    "notion-mcp",
    "oauth1",
    "oauth2",
    "office365",
    "oidc",
    "okta",
    "paypal",
    "paypal-sandbox",
    "pingfederate",
    "planningcenter",
    "salesforce",
    "salesforce-community",
    "salesforce-sandbox",
    "samlp",
    "sentry-mcp",
    "sharepoint",
    "shop",
    "shopify",
    "slack",
    "sms",
    "soundcloud",
    "thirtysevensignals",
    "twitter",
    "untappd",
    "vkontakte",
    "waad",
    "weibo",
    "windowslive",
    "wordpress",
    "yahoo",
    "yandex",
];

const TOTP: &[Field] = &[
    field("length", Shape::Int { min: 4, max: 12 }),
    field("time_step", Shape::Int { min: 30, max: 86_400 }),
];

const GATEWAY_AUTHENTICATION: &[Field] = &[
    field("method", Shape::OneOf(&["bearer"])).required(),
    field("subject", TEXT).nullable(),
    field("audience", SOME_TEXT).required(),
    field("secret", SOME_TEXT).required(),
    field("secret_base64_encoded", BOOL),
];

const SMS: &[Field] = &[
    field("brute_force_protection", BOOL),
    field("disable_signup", BOOL),
    field("forward_req_info", BOOL),
    field("from", TEXT).nullable(),
    field("gateway_authentication", Shape::open_object(GATEWAY_AUTHENTICATION)).nullable(),
    field("gateway_url", Shape::format(Format::UrlOrEmpty)).nullable(),
    field("messaging_service_sid", TEXT).nullable(),
    field("name", TEXT),
    field("provider", Shape::OneOf(&["sms_gateway", "twilio"])).nullable(),
    field("syntax", Shape::OneOf(&["liquid", "md_with_macros"])),
    field("template", TEXT),
    field("totp", Shape::object(TOTP)).nullable(),
    field("twilio_sid", TEXT).nullable(),
    field("twilio_token", TEXT).nullable(),
];

const EMAIL_MESSAGE: &[Field] = &[
    field("body", TEXT),
    field("from", TEXT),
    field("subject", TEXT),
    field("syntax", Shape::OneOf(&["liquid", "md_with_macros"])),
];

const EMAIL: &[Field] = &[
    field("authParams", Shape::open_object(&[])).nullable(),
    field("brute_force_protection", BOOL),
    field("disable_signup", BOOL),
    field("email", Shape::open_object(EMAIL_MESSAGE)),
    field("name", TEXT),
    field("totp", Shape::object(TOTP)).nullable(),
];

/// A script: at most 100 KB.
const SCRIPT: Shape = Shape::text(0, 100_000);

const SCRIPTS: &[Field] = &[
    field("login", SCRIPT).nullable(),
    field("get_user", SCRIPT).nullable(),
    field("create", SCRIPT).nullable(),
    field("verify", SCRIPT).nullable(),
    field("change_password", SCRIPT).nullable(),
    field("delete", SCRIPT).nullable(),
    field("change_email", SCRIPT).nullable(),
];

const DATABASE: &[Field] = &[
    field("brute_force_protection", BOOL),
    field("disable_self_service_change_password", BOOL),
    field("disable_signup", BOOL),
    field("configuration", Shape::TextMap { max_members: 100, max_length: 16_384 }).nullable(),
    field("customScripts", Shape::open_object(SCRIPTS)).nullable(),
    field("enabledDatabaseCustomization", BOOL),
    field("import_mode", BOOL),
    field("passwordPolicy", Shape::OneOf(&["none", "low", "fair", "good", "excellent"])).nullable(),
    field("requires_username", BOOL),
];

const SOCIAL_SCRIPTS: &[Field] = &[field("fetchUserProfile", SCRIPT).nullable()];

const OAUTH2: &[Field] = &[
    field("authorizationURL", Shape::format(Format::UrlOrEmpty)).nullable(),
    field("tokenURL", Shape::format(Format::UrlOrEmpty)).nullable(),
    field("client_id", TEXT).nullable(),
    field("client_secret", TEXT).nullable(),
    field("pkce_enabled", BOOL).nullable(),
    field("useOauthSpecScope", BOOL).nullable(),
    field("authParams", OBJECT).nullable(),
    field("authParamsMap", OBJECT).nullable(),
    field("customHeaders", OBJECT).nullable(),
    field("upstream_params", OBJECT).nullable(),
    field("icon_url", Shape::format(Format::UrlOrEmpty)).nullable(),
    field("scripts", Shape::open_object(SOCIAL_SCRIPTS)).nullable(),
    field("set_user_root_attributes", Shape::OneOf(&["on_each_login", "on_first_login", "never_on_login"])),
];

static SMS_OPTIONS: Shape = Shape::open_object(SMS);
static EMAIL_OPTIONS: Shape = Shape::open_object(EMAIL);
static DATABASE_OPTIONS: Shape = Shape::open_object(DATABASE);
static OAUTH2_OPTIONS: Shape = Shape::open_object(OAUTH2);

/// Checks the options that this server reads; all others are kept as they come.
pub(super) fn check(connection: &Map) -> Result<(), ApiError> {
    let shape = match connection.get("strategy").and_then(Value::as_str) {
        Some("sms") => &SMS_OPTIONS,
        Some("email") => &EMAIL_OPTIONS,
        Some("auth0") => &DATABASE_OPTIONS,
        Some("oauth2") => &OAUTH2_OPTIONS,
        _ => return Ok(()),
    };
    match connection.get("options") {
        Some(options) => {
            validate::shape_matches(options, shape, "options", "").map_err(ApiError::invalid_body)
        }
        None => Ok(()),
    }
}

/// Options that a new connection of this strategy is given.
pub(super) fn defaults(strategy: &str) -> Value {
    match strategy {
        "auth0" => json!({
            "brute_force_protection": true,
            "mfa": {"active": true, "return_enroll_settings": true},
            "passwordPolicy": "good",
            "strategy_version": 2,
        }),
        // An empty text stands for the server's own, in the reader's language. Compat: the Deploy CLI takes a
        // body that is missing for a change.
        "email" => json!({
            "brute_force_protection": true,
            "email": {"body": "", "syntax": "liquid"},
        }),
        "sms" => json!({ "brute_force_protection": true }),
        _ => json!({}),
    }
}

/// Options that are shown although nobody gave them. Compat: the Deploy CLI assumes them in every file, and
/// would take their absence for a change.
pub(super) fn always_shown(strategy: &str) -> Value {
    match strategy {
        "auth0" => json!({ "disable_self_service_change_password": false }),
        _ => json!({}),
    }
}
