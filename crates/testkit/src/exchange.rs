//! One answer of the server, with everything a test may ask of it.

use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use serde_json::Value;
use url::Url;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked, for failure messages.
    pub asked: String,
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Panics unless the status is this one; returns the answer for more questions.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}\n{}", self.asked, self.body);
        self
    }

    /// The body as JSON; panics if it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{}\n{error}\n{}", self.asked, self.body))
    }

    /// A header as text, or empty.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Every `Set-Cookie` header.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// Where a redirect goes; panics if it is none.
    #[track_caller]
    pub fn location(&self) -> Url {
        let location = self.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        Url::parse(location.unwrap_or_else(|| panic!("no redirect: {}\n{}", self.asked, self.body)))
            .expect("a URL")
    }

    /// A parameter in the fragment or query of a redirect.
    #[track_caller]
    pub fn returned(&self, name: &str) -> Option<String> {
        let location = self.location();
        let text = location.fragment().or(location.query()).unwrap_or_default();
        let mut pairs = url::form_urlencoded::parse(text.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The response that a `web_message` page posts; panics if the page is none.
    #[track_caller]
    pub fn web_message(&self) -> Value {
        self.expect(200);
        let start = "authorizationResponse = {type: \"authorization_response\",response: ";
        let rest = self.body.split_once(start).unwrap_or_else(|| panic!("no message: {}", self.body)).1;
        let line = rest.lines().next().expect("a line").trim_end_matches("};");
        serde_json::from_str(line).expect("the response is JSON on one line")
    }

    /// `(error, error_description)` of a JSON error body.
    #[track_caller]
    pub fn error(&self) -> (String, String) {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (text("error"), text("error_description"))
    }
}
