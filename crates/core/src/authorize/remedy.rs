//! What the owner of a client can do about a refusal of `/authorize` or `/v2/logout`, by reason code.
//! Shown to the owner only: in the log, the dashboard, and the error page of `gatewright dev`.

/// The remedy for a reason code, if there is one.
pub fn remedy(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "client_id_missing" => "Send client_id: the application's id, as gatewright dev prints it at start.",
        "client_unknown" => {
            "Check the client_id, and that it belongs to the tenant of this host: each tenant has clients of its own."
        }
        "redirect_uri_missing" => {
            "Send redirect_uri, or register exactly one URL in the client's callbacks, which is then the default."
        }
        "redirect_uri_not_registered" => {
            "Add this exact URL to the client's callbacks. Scheme, port, path and a trailing slash all count."
        }
        "web_message_origin_not_registered" => {
            "Add the page's origin (scheme, host and port, no path) to the client's web_origins."
        }
        "logout_url_not_registered" => "Add the URL, without its query, to the client's allowed_logout_urls.",
        "grant_type_not_allowed" => "Add the grant type to the client's grant_types.",
        "pkce_required" => {
            "Send code_challenge and code_challenge_method=S256: a public client's code is worthless without PKCE."
        }
        "request_not_pushed" => {
            "Send the request to /oauth/par first, or switch require_pushed_authorization_requests of the client off."
        }
        "pushed_request_unknown" => {
            "Push the request anew: a request_uri is good for one login, at the client that pushed it, and only for a short time (par_request_expiry)."
        }
        "origin_not_registered" => "Add the page's origin to the client's web_origins.",
        "connection_not_usable" => {
            "Check the connection parameter, and that the connection is enabled for this client."
        }
        "no_connection" => {
            "Enable a database connection, or codes by SMS or e-mail, for this client (enabled_clients)."
        }
        "logout_url_not_registered_exactly" => {
            "Add this exact URL, query included, to the client's allowed_logout_urls."
        }
        "consent_missing" => {
            "Send the user to /authorize without prompt=none, or make the client first-party (is_first_party)."
        }
        "confirmation_missing" => {
            "Send the user to /authorize without prompt=none, or set skip_non_verifiable_callback_uri_confirmation_prompt."
        }
        _ => return None,
    })
}
