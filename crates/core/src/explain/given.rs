//! What somebody asks "why" about, told by its form.

use url::Url;

/// What was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A URL of `/authorize`, or its path and query.
    AuthorizeUrl {
        /// Scheme, host and port, where they are there.
        origin: Option<String>,
        /// Parameters in order, decoded.
        params: Vec<(String, String)>,
    },
    /// A JSON Web Token in compact form.
    Token(String),
    /// The id of an event of the tenant's log.
    LogId(String),
    /// What the header `x-request-id` of an answer said.
    RequestId(String),
    /// A reason's code.
    Reason(&'static str),
    /// Anything else that has the form of a secret: a refresh token.
    RefreshToken(String),
}

/// Letters and digits of a request id.
pub const REQUEST_ID_CHARS: usize = 20;

/// Tells what the text is. `None`: it is nothing that can be explained.
///
/// ```
/// # use gatewright_core::explain::given::{Given, given};
/// assert_eq!(given(" 4fTqPz0aB3dEkLmN8oQs\n"), Some(Given::RequestId("4fTqPz0aB3dEkLmN8oQs".into())));
/// assert_eq!(given("why?"), None);
/// ```
pub fn given(text: &str) -> Option<Given> {
    let text = text.trim();
    let owned = || text.to_owned();
    let in_base64url = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if text.starts_with("http://") || text.starts_with("https://") {
        return authorize_url(text, true);
    }
    // A query as it stands in a server's access log, or a path.
    if let Some((path, _)) = text.split_once('?')
        && path.trim_start_matches('/') == "authorize"
    {
        return authorize_url(&format!("https://localhost/{}", text.trim_start_matches('/')), false);
    }
    if text.matches('.').count() == 2 && text.split('.').take(2).all(in_base64url) {
        return Some(Given::Token(owned()));
    }
    if text.len() == 56 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Given::LogId(owned()));
    }
    // Some codes have the length of a request id.
    if text.len() == REQUEST_ID_CHARS
        && crate::reasons::find(text).is_none()
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        return Some(Given::RequestId(owned()));
    }
    if let Some(entry) = crate::reasons::find(text) {
        return Some(Given::Reason(entry.code));
    }
    // Refresh tokens are 32 random bytes in base64url: 43 characters.
    (text.len() >= 32 && in_base64url(text)).then(|| Given::RefreshToken(owned()))
}

fn authorize_url(text: &str, has_host: bool) -> Option<Given> {
    let url = Url::parse(text).ok()?;
    if url.path().trim_end_matches('/') != "/authorize" {
        return None;
    }
    let params = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let origin = has_host.then(|| url.origin().ascii_serialization());
    Some(Given::AuthorizeUrl { origin, params })
}

#[cfg(test)]
mod tests {
    use super::{Given, given};

    #[test]
    fn each_thing_is_told_by_its_form() {
        let kind = |text: &str| match given(text) {
            Some(Given::AuthorizeUrl { origin, params }) => {
                format!("url {} {}", origin.unwrap_or_default(), params.len())
            }
            Some(Given::Token(_)) => "token".into(),
            Some(Given::LogId(_)) => "log".into(),
            Some(Given::RequestId(_)) => "request".into(),
            Some(Given::Reason(code)) => code.into(),
            Some(Given::RefreshToken(_)) => "refresh".into(),
            None => "nothing".into(),
        };
        let check = |text: &str, expect: &str| assert_eq!(kind(text), expect, "{text}");
        check(
            "https://localhost:8443/authorize?client_id=a&scope=openid%20x",
            "url https://localhost:8443 2",
        );
        check("/authorize?client_id=a", "url  1");
        check("authorize?client_id=a", "url  1");
        check("https://localhost:8443/oauth/token", "nothing");
        check("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "token");
        check(&"9".repeat(56), "log");
        check("4fTqPz0aB3dEkLmN8oQs", "request");
        check("Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE", "refresh");
        check("code_expired", "code_expired");
        check("refresh_token_of_other_client", "refresh_token_of_other_client");
        for text in ["", "why", "a b c", "a.b", "https://localhost:8443/"] {
            check(text, "nothing");
        }
    }
}
