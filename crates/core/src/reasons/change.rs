//! The change of one setting that would lift a refusal of a request, where there is one.

use serde_json::json;

use crate::authorize::Ask;
use crate::client::Client;
use crate::redirect::origin_of;
use crate::scope::{Change, ChangeAction};

/// What a change may need to know of the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChangeFacts<'a> {
    /// The client.
    pub client_id: &'a str,
    /// Where the answer was to go.
    pub redirect_uri: Option<&'a str>,
    /// The page that called.
    pub origin: Option<&'a str>,
    /// The grant type that is missing.
    pub grant_type: Option<&'a str>,
    /// The user.
    pub user_id: Option<&'a str>,
}

impl<'a> ChangeFacts<'a> {
    /// Of a request of `/authorize`.
    pub fn of(client: &'a Client, ask: &'a Ask) -> Self {
        let types = ask.response_type.as_deref().unwrap_or_default();
        let code = types.split(' ').any(|kind| kind == "code");
        // The order in which the checks look.
        let grant_type = match (code, client.allows_grant("authorization_code")) {
            (true, false) => "authorization_code",
            _ => "implicit",
        };
        Self {
            client_id: &client.client_id,
            redirect_uri: ask.redirect_uri.as_deref(),
            grant_type: Some(grant_type),
            ..Self::default()
        }
    }
}

/// The change that would lift the reason of this code. Other reasons may then apply.
pub fn change(reason: &str, facts: &ChangeFacts<'_>) -> Option<Change> {
    let on_client = |action| {
        let id = (!facts.client_id.is_empty()).then(|| facts.client_id.to_owned())?;
        Some(Change { resource: "clients", id: Some(id), action })
    };
    let append =
        |field, value: Option<String>| on_client(ChangeAction::Append { field, value: json!(value?) });
    let set = |field, value: bool| on_client(ChangeAction::Set { field, value: json!(value) });
    let origin = || facts.origin.map(str::to_owned).or_else(|| facts.redirect_uri.and_then(origin_of));
    match reason {
        "redirect_uri_not_registered" => append("callbacks", facts.redirect_uri.map(str::to_owned)),
        "web_message_origin_not_registered" | "origin_not_registered" | "ticket_origin_not_registered" => {
            append("web_origins", origin())
        }
        "logout_url_not_registered" | "logout_url_not_registered_exactly" => {
            append("allowed_logout_urls", facts.redirect_uri.map(str::to_owned))
        }
        "grant_type_not_allowed" => append("grant_types", facts.grant_type.map(str::to_owned)),
        "refresh_grant_type_missing" => append("grant_types", Some("refresh_token".into())),
        "request_not_pushed" => set("require_pushed_authorization_requests", false),
        "consent_missing" => set("is_first_party", true),
        "confirmation_missing" => set("skip_non_verifiable_callback_uri_confirmation_prompt", true),
        "cross_origin_authentication_off" => set("cross_origin_authentication", true),
        "sso_disabled" => set("sso_disabled", false),
        "user_blocked" => Some(Change {
            resource: "users",
            id: Some(facts.user_id?.to_owned()),
            action: ChangeAction::Set { field: "blocked", value: json!(false) },
        }),
        _ => None,
    }
}
