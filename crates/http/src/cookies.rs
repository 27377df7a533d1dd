//! Reading and writing cookies.
//!
//! The `Cookie` header is read leniently: on `localhost` the application's own cookies from other
//! ports arrive too.

use axum::http::HeaderValue;
use gatewright_core::ids::Issuer;

/// Every value of the cookie `name` in a `Cookie` header, in the order sent. There can be several:
/// browsers send cookies of different paths and partitions under one name.
pub fn values<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    header.split(';').filter_map(move |pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name && !value.is_empty()).then_some(value)
    })
}

/// A cookie to set. Always `HttpOnly`; `Secure; SameSite=None` on https, because Lock and auth0.js
/// come from other origins, and `SameSite=Lax` on a plain listener, where `Secure` would drop it.
#[derive(Clone, Debug)]
pub struct SetCookie<'a> {
    /// The cookie's name.
    pub name: &'a str,
    /// The value; only characters that need no quoting.
    pub value: &'a str,
    /// Life in seconds; `None` ends with the browser, `Some(0)` removes it.
    pub max_age_seconds: Option<i64>,
    /// Keeps the cookie apart per embedding site (CHIPS), so that it works in a frame although the
    /// browser blocks third-party cookies. Needs https.
    pub partitioned: bool,
}

impl SetCookie<'_> {
    /// The `Set-Cookie` header at this issuer.
    pub fn header(&self, issuer: &Issuer) -> HeaderValue {
        let mut text = format!("{}={}; Path=/; HttpOnly", self.name, self.value);
        text.push_str(if issuer.is_https() { "; Secure; SameSite=None" } else { "; SameSite=Lax" });
        if self.partitioned && issuer.is_https() {
            text.push_str("; Partitioned");
        }
        if let Some(seconds) = self.max_age_seconds {
            text.push_str(&format!("; Max-Age={seconds}"));
        }
        HeaderValue::from_str(&text).expect("names and values of our cookies are visible ASCII")
    }
}

#[cfg(test)]
mod tests {
    use gatewright_core::ids::Issuer;

    use super::{SetCookie, values};

    #[test]
    fn cookies_are_read_leniently() {
        let header = "com.auth0.auth.x={\"a\":1}; co%2Fverifier%2Fa=b; s=1;s=2; broken; t=; =x";
        assert_eq!(values(header, "s").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(values(header, "t").count(), 0);
        assert_eq!(values(header, "com.auth0.auth.x").collect::<Vec<_>>(), ["{\"a\":1}"]);
    }

    #[test]
    fn a_plain_listener_cannot_use_secure_cookies() {
        let cookie = SetCookie { name: "s", value: "v", max_age_seconds: Some(60), partitioned: true };
        let at = |scheme| cookie.header(&Issuer::new(scheme, "localhost:1"));
        assert_eq!(at("https"), "s=v; Path=/; HttpOnly; Secure; SameSite=None; Partitioned; Max-Age=60");
        assert_eq!(at("http"), "s=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
    }
}
