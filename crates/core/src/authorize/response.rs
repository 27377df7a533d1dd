//! How the answer of `/authorize` travels: response types and response modes.

use url::form_urlencoded;

/// What the client asked to get back: any combination of the three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseTypes {
    /// An authorization code.
    pub code: bool,
    /// An access token.
    pub token: bool,
    /// An ID token.
    pub id_token: bool,
}

impl ResponseTypes {
    /// Reads `response_type`; the order of its words does not matter.
    pub fn parse(text: &str) -> Option<Self> {
        let mut types = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let slot = match word {
                "code" => &mut types.code,
                "token" => &mut types.token,
                "id_token" => &mut types.id_token,
                _ => return None,
            };
            if std::mem::replace(slot, true) {
                return None;
            }
        }
        (types != Self::default()).then_some(types)
    }

    /// Whether tokens travel through the browser: the implicit and hybrid flows.
    pub const fn has_token_or_id_token(self) -> bool {
        self.token || self.id_token
    }

    /// OAuth 2.0 Multiple Response Types section 2.1: query for `code` alone, else fragment.
    pub const fn default_mode(self) -> ResponseMode {
        if self.has_token_or_id_token() { ResponseMode::Fragment } else { ResponseMode::Query }
    }
}

/// How the answer reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the callback.
    Query,
    /// In its fragment.
    Fragment,
    /// A form that posts itself to the callback.
    FormPost,
    /// A message from a hidden frame to the page that holds it.
    WebMessage,
    /// An answer to the page that opened the pop-up window, in the WinChan protocol. Asked for by Auth0's
    /// `owp=true`, not by a `response_mode`.
    Popup,
}

impl ResponseMode {
    /// Reads `response_mode`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "query" => Self::Query,
            "fragment" => Self::Fragment,
            "form_post" => Self::FormPost,
            "web_message" => Self::WebMessage,
            _ => return None,
        })
    }
}

/// The callback with the answer in its query or fragment. A query that the callback has already is
/// kept (RFC 6749 section 3.1.2).
pub fn location(redirect_uri: &str, mode: ResponseMode, answer: &[(&str, String)]) -> String {
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    let separator = match mode {
        ResponseMode::Fragment => '#',
        _ if redirect_uri.contains('?') => '&',
        _ => '?',
    };
    format!("{redirect_uri}{separator}{encoded}")
}
