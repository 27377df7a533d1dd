//! The forms of an application.

use gatewright_core::client::PASSWORDLESS_OTP;

use crate::form::{Kind, Spec, control};

const TYPES: &[(&str, &str)] = &[
    ("spa", "Single-page application"),
    ("regular_web", "Web application"),
    ("native", "Native application"),
    ("non_interactive", "Machine to machine"),
];
const OPTIONAL_TYPES: &[(&str, &str)] = &[("", "Not set"), TYPES[0], TYPES[1], TYPES[2], TYPES[3]];

/// A type in words.
pub(super) fn type_name(app_type: &str) -> &str {
    TYPES.iter().find(|(known, _)| *known == app_type).map_or(app_type, |(_, name)| name)
}

const GRANT_TYPES: &[(&str, &str)] = &[
    ("authorization_code", "Authorization code"),
    ("implicit", "Implicit"),
    ("refresh_token", "Refresh token"),
    ("client_credentials", "Client credentials"),
    ("password", "Password"),
    ("http://auth0.com/oauth/grant-type/password-realm", "Password with realm"),
    (PASSWORDLESS_OTP, "Passwordless OTP"),
    ("urn:ietf:params:oauth:grant-type:device_code", "Device code"),
];

pub(super) static NEW: Spec = Spec {
    id: "new",
    title: "",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text).required().hint("Users see it when they log in."),
        control("app_type", "Type", Kind::Choice(TYPES))
            .required()
            .hint("Decides how it authenticates and which grant types it begins with."),
        control("callbacks", "Allowed callback URLs", Kind::Lines)
            .hint("One on each line. Logins return to these addresses only."),
    ],
    submit: "Create application",
};

static BASICS: Spec = Spec {
    id: "basics",
    title: "Basics",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text).required(),
        control("description", "Description", Kind::Text),
        control("app_type", "Type", Kind::Choice(OPTIONAL_TYPES)),
        control("logo_uri", "Logo", Kind::Text).mono().hint("Address of a picture for the consent page."),
    ],
    submit: "Save basics",
};

static URLS: Spec = Spec {
    id: "urls",
    title: "Addresses",
    intro: "One on each line.",
    controls: &[
        control("callbacks", "Allowed callback URLs", Kind::Lines)
            .hint("Compared exactly. After a login the browser returns to one of these."),
        control("allowed_logout_urls", "Allowed logout URLs", Kind::Lines)
            .hint("Where /v2/logout may return to."),
        control("web_origins", "Allowed web origins", Kind::Lines)
            .hint("Origins that may log in from their own page and renew tokens silently."),
        control("allowed_origins", "Allowed origins (CORS)", Kind::Lines)
            .hint("Origins that may call endpoints from a browser, besides those of the callbacks."),
        control("initiate_login_uri", "Login address of the application", Kind::Text)
            .mono()
            .hint("Where a login begins again that has lost its way."),
    ],
    submit: "Save addresses",
};

static TOKENS: Spec = Spec {
    id: "tokens",
    title: "Authentication and tokens",
    intro: "",
    controls: &[
        control(
            "token_endpoint_auth_method",
            "At the token endpoint",
            Kind::Choice(&[
                ("", "Private key"),
                ("none", "No secret (public client)"),
                ("client_secret_post", "Secret in the body"),
                ("client_secret_basic", "Secret in the Authorization header"),
            ]),
        ),
        control("grant_types", "Grant types", Kind::Checks(GRANT_TYPES)),
        control(
            "jwt_configuration.alg",
            "ID tokens are signed with",
            Kind::Choice(&[
                ("", "Not set"),
                ("RS256", "RS256"),
                ("HS256", "HS256"),
                ("PS256", "PS256"),
                ("RS512", "RS512"),
            ]),
        ),
        control("jwt_configuration.lifetime_in_seconds", "Lifetime of ID tokens in seconds", Kind::Number),
        control("is_first_party", "First party", Kind::Toggle)
            .hint("Users are not asked for consent, except on localhost."),
        control("oidc_conformant", "OIDC conformant", Kind::Toggle),
        control("cross_origin_authentication", "Cross-origin authentication", Kind::Toggle)
            .hint("Its own page may ask for passwords and codes, as Lock does."),
        control("require_pushed_authorization_requests", "Pushed authorization requests only", Kind::Toggle),
    ],
    submit: "Save tokens",
};

static REFRESH: Spec = Spec {
    id: "refresh",
    title: "Refresh tokens",
    intro: "",
    controls: &[
        control(
            "refresh_token.rotation_type",
            "Rotation",
            Kind::Choice(&[
                ("non-rotating", "The same token stays good"),
                ("rotating", "Each use gives a new token"),
            ]),
        ),
        control(
            "refresh_token.expiration_type",
            "Expiry",
            Kind::Choice(&[("non-expiring", "Never"), ("expiring", "After its lifetime")]),
        ),
        control("refresh_token.leeway", "Leeway in seconds", Kind::Number)
            .hint("How long a rotated token may be used once more."),
        control("refresh_token.token_lifetime", "Lifetime in seconds", Kind::Number),
        control("refresh_token.infinite_token_lifetime", "Lifetime without end", Kind::Toggle),
        control("refresh_token.idle_token_lifetime", "Idle lifetime in seconds", Kind::Number),
        control("refresh_token.infinite_idle_token_lifetime", "Idle lifetime without end", Kind::Toggle),
    ],
    submit: "Save refresh tokens",
};

static METADATA: Spec = Spec {
    id: "metadata",
    title: "Metadata",
    intro: "At most ten texts. Actions read them as event.client.metadata.",
    controls: &[control("client_metadata", "client_metadata", Kind::Merged)],
    submit: "Save metadata",
};

/// The forms of the settings page.
pub(super) static ALL: &[&Spec] = &[&BASICS, &URLS, &TOKENS, &REFRESH, &METADATA];

pub(super) static ROTATE: Spec = Spec {
    id: "rotate",
    title: "Rotate the secret",
    intro: "The application stops working until it has the new one.",
    controls: &[],
    submit: "Rotate secret",
};
