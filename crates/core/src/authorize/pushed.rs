//! Pushed authorization requests, RFC 9126: what is different from a request in a URL.

use super::Refusal;
use crate::client::Client;
use crate::errors::OAuthError;

/// What every `request_uri` of a pushed request begins with (RFC 9126 section 2.2).
pub const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";

/// Parameters of `/authorize` that authenticate the client when it pushes; they are not kept.
pub const AUTHENTICATION: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// Until how many seconds after it was pushed a login may begin. Compat: 30, or what the client says.
pub fn lifetime_seconds(client: &Client) -> i64 {
    client.par_request_expiry.unwrap_or(30).clamp(10, 600)
}

/// Whether the text is meant as the name of a pushed request, known or not.
pub fn is_pushed(request_uri: &str) -> bool {
    request_uri.starts_with(REQUEST_URI)
}

/// The answer to a push whose request would be refused at `/authorize`: the same error as a body, RFC 9126
/// section 2.3.
pub fn refusal(refusal: Refusal) -> OAuthError {
    let mut error = match refusal {
        Refusal::Page(error) => error,
        Refusal::Redirect(back) => back.error,
    };
    // RFC 6749 section 5.2. The statuses of /authorize are those of pages.
    error.status = 400;
    error
}

/// The answer at `/authorize` to a `request_uri` that is unknown, used, expired or another client's. One
/// text for all, on a page: what was pushed is not this caller's to know, so there is nowhere to redirect.
pub fn unknown() -> OAuthError {
    let text = "The request_uri is unknown, has expired, or was used already.";
    OAuthError::new(400, "invalid_request_uri", text).because("pushed_request_unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_stay_between_ten_seconds_and_ten_minutes() {
        let life = |expiry| lifetime_seconds(&Client { par_request_expiry: expiry, ..Client::default() });
        assert_eq!([None, Some(60), Some(1), Some(9000)].map(life), [30, 60, 10, 600]);
    }

    #[test]
    fn other_uris_are_no_pushed_requests() {
        assert!(is_pushed("urn:ietf:params:oauth:request_uri:x"));
        assert!(!is_pushed("https://client.example/request.jwt"));
        assert!(!is_pushed("urn:example:x"));
    }
}
