//! The matcher of redirect URIs, origins and logout URLs, against how a browser reads a URL.

use gatewright_core::redirect::{logout_url_allowed, origin_allowed, origin_of, redirect_uri_allowed};
use url::Url;

const REGISTERED: &[&str] = &[
    "https://app.example.com/cb",
    "https://app.example.com/cb?tenant=1",
    "https://*.preview.example.com/cb",
    "https://pr-*.example.org:8443/cb",
    "http://localhost:3000",
    "com.example.app://cb",
];

/// Whatever the URL: if it is allowed, a browser that follows it ends at a registered host.
///
/// The first line is the URL that is asked for; further lines are registered too, to try the matcher
/// with patterns nobody thought of.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let asked = lines.next().unwrap_or_default();
    let registered: Vec<String> = REGISTERED.iter().map(|entry| (*entry).to_owned()).collect();
    for allowed in [redirect_uri_allowed, logout_url_allowed] {
        if allowed(asked, &registered) {
            assert!(leads_to_a_registered_host(asked), "{asked} is allowed");
        }
    }
    if origin_allowed(asked, &registered) {
        assert!(leads_to_a_registered_host(asked), "{asked} is an allowed origin");
    }
    let own: Vec<String> = lines.map(str::to_owned).collect();
    for allowed in [redirect_uri_allowed, logout_url_allowed, origin_allowed] {
        allowed(asked, &own);
    }
    if let Some(origin) = origin_of(asked) {
        let browser = Url::parse(asked).map(|url| url.origin().ascii_serialization());
        // What a browser cannot read it does not follow either.
        assert!(
            browser.is_err() || browser == Ok(origin.clone()),
            "{asked} has the origin {browser:?}, not {origin}"
        );
    }
}

/// Where a browser would go (the WHATWG URL standard, which is what `url` implements).
fn leads_to_a_registered_host(asked: &str) -> bool {
    let Ok(url) = Url::parse(asked) else { return true };
    let host = url.host_str().unwrap_or_default();
    let label =
        |rest: &str| host.strip_suffix(rest).is_some_and(|label| !label.is_empty() && !label.contains('.'));
    match (url.scheme(), url.port()) {
        ("https", None) => host == "app.example.com" || label(".preview.example.com"),
        ("https", Some(8443)) => label(".example.org") && host.starts_with("pr-"),
        ("http", Some(3000)) => host == "localhost",
        ("com.example.app", None) => host == "cb",
        _ => false,
    }
}
