//! Which redirect URIs, origins and logout URLs a client may use.
//!
//! The matcher compares text with the registered list and accepts nothing else: it does not decode,
//! resolve or repair. `*` is understood in one place only, inside the leftmost label of an http or
//! https host, where it stands for one or more of `a-z`, `0-9` and `-`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a request may be answered at `uri`: it equals a registered redirect URI, query included, or
/// one with a wildcard sub-domain matches it.
///
/// A URI with a fragment (RFC 6749 section 3.1.2), user information, a backslash or white space is
/// never allowed, registered or not; nor is one whose scheme a browser would run as a script.
///
/// ```
/// # use gatewright_core::redirect::redirect_uri_allowed;
/// let registered = vec!["https://*.example.com/cb".to_owned()];
/// assert!(redirect_uri_allowed("https://app.example.com/cb", &registered));
/// assert!(!redirect_uri_allowed("https://a.b.example.com/cb", &registered));
/// assert!(!redirect_uri_allowed("https://app.example.com/cb?x=1", &registered));
/// ```
pub fn redirect_uri_allowed(uri: &str, registered: &[String]) -> bool {
    registration_of(uri, registered).is_some()
}

/// The registered URL that lets a redirect URI in, see [`redirect_uri_allowed`].
pub fn registration_of<'a>(uri: &str, registered: &'a [String]) -> Option<&'a str> {
    if !is_plain(uri) || uri.contains('#') || runs_as_script(uri) {
        return None;
    }
    // A star in the host is a pattern: no request can be answered at it.
    if authority(uri).is_some_and(|authority| authority.contains(['*', '@'])) {
        return None;
    }
    // The exact one says more, where both are registered.
    let exact = registered.iter().find(|pattern| *pattern == uri);
    let found = exact.or_else(|| registered.iter().find(|pattern| wildcard_matches(pattern, uri)));
    found.map(String::as_str)
}

/// Whether a browser page of this origin may use the client, per `web_origins` or `allowed_origins`.
///
/// Scheme, host and port must be equal; case of scheme and host, a default port written out and a
/// trailing slash in the registered form do not matter. A registered entry with a path never matches.
/// The opaque origin `null` is never allowed.
pub fn origin_allowed(origin: &str, registered: &[String]) -> bool {
    let Some(asked) = WebOrigin::parse(origin).filter(|asked| !asked.host.contains('*')) else {
        return false;
    };
    registered.iter().any(|entry| {
        let entry = entry.strip_suffix('/').unwrap_or(entry);
        WebOrigin::parse(entry).is_some_and(|entry| entry.covers(&asked))
    })
}

/// The origins of a client's redirect URIs, each once, wildcards kept, for use as the registered list
/// of [`origin_allowed`]. Custom schemes have no origin and are left out.
pub fn callback_origins(callbacks: &[String]) -> Vec<String> {
    let mut origins: Vec<String> = Vec::new();
    for callback in callbacks {
        if let Some(origin) = origin_with_wildcard(callback)
            && !origins.contains(&origin)
        {
            origins.push(origin);
        }
    }
    origins
}

/// The origin of an http or https URL as browsers write it: lower case, no default port. `None` for
/// anything else, and for a URL with user information or characters that URLs cannot hold.
///
/// ```
/// # use gatewright_core::redirect::origin_of;
/// assert_eq!(origin_of("HTTPS://App.Example.com:443/cb?x=1").as_deref(), Some("https://app.example.com"));
/// ```
pub fn origin_of(url: &str) -> Option<String> {
    origin_with_wildcard(url).filter(|origin| !origin.contains('*'))
}

/// Whether a callback shows who waits there: an https or http URL of a host, but not of the machine itself.
///
/// ```
/// # use gatewright_core::redirect::is_verifiable;
/// assert!(is_verifiable("https://app.example.com/cb"));
/// assert!(!is_verifiable("http://localhost:3000/cb"));
/// ```
pub fn is_verifiable(url: &str) -> bool {
    let Some(origin) = origin_of(url) else { return false };
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    !matches!(name, "localhost" | "[::1]") && !name.ends_with(".localhost") && !name.starts_with("127.")
}

/// Whether a logout may return to `url`: apart from its query and fragment it equals a registered
/// URL; case matters in the path only. Wildcard sub-domains work as in [`redirect_uri_allowed`].
pub fn logout_url_allowed(url: &str, registered: &[String]) -> bool {
    if !is_plain(url) || runs_as_script(url) || authority(url).is_some_and(|a| a.contains(['*', '@'])) {
        return false;
    }
    let Some(asked) = without_query(url) else { return false };
    registered.iter().any(|entry| {
        without_query(entry).is_some_and(|entry| entry == asked || wildcard_matches(&entry, &asked))
    })
}

/// Scheme, host and port, normalised.
struct WebOrigin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl WebOrigin {
    /// From text that is an origin and nothing more. Schemes other than http and https are let in,
    /// since web views have origins such as `capacitor://localhost`.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if !is_scheme(&scheme) || authority.is_empty() {
            return None;
        }
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return None;
        }
        let port = port.filter(|port| default_port(&scheme) != Some(*port));
        Some(Self { scheme, host, port })
    }

    fn covers(&self, asked: &Self) -> bool {
        let host = if self.host.contains('*') {
            matches!(self.scheme.as_str(), "http" | "https") && label_matches(&self.host, &asked.host)
        } else {
            self.host == asked.host
        };
        host && self.scheme == asked.scheme && self.port == asked.port
    }

    fn text(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.scheme, self.host)
    }
}

fn origin_with_wildcard(url: &str) -> Option<String> {
    if !is_plain(url) {
        return None;
    }
    let (scheme, _) = url.split_once("://")?;
    let origin = WebOrigin::parse(&format!("{scheme}://{}", authority(url)?))?;
    matches!(origin.scheme.as_str(), "http" | "https").then(|| origin.text())
}

/// `scheme://host:port/path` with scheme and host in lower case, default port and query dropped; a
/// URL without `//` loses only its query.
fn without_query(url: &str) -> Option<String> {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    if !is_scheme(&scheme) {
        return None;
    }
    let Some(rest) = rest.strip_prefix("//") else { return Some(format!("{scheme}:{rest}")) };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = authority.to_ascii_lowercase();
    let default = default_port(&scheme).map(|port| format!(":{port}")).unwrap_or_default();
    let authority =
        if default.is_empty() { &authority } else { authority.strip_suffix(&default).unwrap_or(&authority) };
    // RFC 3986 section 6.2.3: an empty path and `/` are one.
    let path = if path.is_empty() && !default.is_empty() { "/" } else { path };
    Some(format!("{scheme}://{authority}{path}"))
}

/// Whether a registered URL with one star in the leftmost label of its host matches. The star stands
/// for letters, digits and hyphens, so what is around it fixes the registrable domain, the port, the
/// path and the query.
fn wildcard_matches(pattern: &str, url: &str) -> bool {
    let http = pattern.starts_with("http://") || pattern.starts_with("https://");
    if !http || !is_plain(pattern) || pattern.contains('#') {
        return false;
    }
    let Some(host) = authority(pattern).and_then(split_port).map(|(host, _)| host) else { return false };
    let Some((before, after)) = pattern.split_once('*').filter(|(_, after)| !after.contains('*')) else {
        return false;
    };
    is_wildcard_host(host)
        && authority(pattern).is_some_and(|a| a.contains('*'))
        && between(before, after, url)
}

fn label_matches(pattern: &str, host: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return false };
    is_wildcard_host(pattern) && between(before, after, host)
}

fn between(before: &str, after: &str, text: &str) -> bool {
    let middle = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    middle.is_some_and(|middle| {
        let piece = middle.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        // 63 octets is the most a label can have (RFC 1035 section 2.3.4).
        piece && !middle.is_empty() && middle.len() <= 63
    })
}

/// One star, in the leftmost label, and below it a domain that someone can own: at least two labels,
/// not an address, and not one of the second-level domains that registries sell names under.
fn is_wildcard_host(host: &str) -> bool {
    let Some((first, domain)) = host.split_once('.') else { return false };
    let labels: Vec<&str> = domain.split('.').collect();
    let sound = |label: &&str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let sold = matches!(
        labels.as_slice(),
        ["ac" | "co" | "com" | "edu" | "gob" | "gov" | "ne" | "net" | "or" | "org", country]
            if country.len() == 2
    );
    first.matches('*').count() == 1
        && first.bytes().all(|b| b == b'*' || b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && labels.len() >= 2
        && labels.iter().all(sound)
        && labels.last().is_some_and(|top| !top.starts_with(|c: char| c.is_ascii_digit()))
        && !sold
}

/// Visible ASCII only. A backslash is out because browsers read it as `/` and others do not.
fn is_plain(url: &str) -> bool {
    !url.is_empty() && url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

fn runs_as_script(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    matches!(scheme.as_str(), "javascript" | "data" | "vbscript" | "blob" | "file" | "about")
}

/// What stands between `://` and the path, query or fragment.
fn authority(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    if !is_scheme(&scheme.to_ascii_lowercase()) {
        return None;
    }
    rest.split(['/', '?', '#']).next()
}

/// Host and port; an address in brackets keeps them.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(host_end);
    match port.strip_prefix(':') {
        None => port.is_empty().then_some((host, None)),
        // No sign, no leading zero, not empty: one way to write a port.
        Some(digits) if digits.starts_with(|c: char| ('1'..='9').contains(&c)) => {
            digits.parse().ok().map(|port| (host, Some(port)))
        }
        Some(_) => None,
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

/// A host in the one spelling that browsers use for it (URL standard, "host serializing"): an address that
/// is written otherwise (`3001`, `127.1`, `[::0:1]`) would be another host to them than to us.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address
            .parse::<Ipv6Addr>()
            .is_ok_and(|parsed| parsed.to_ipv4_mapped().is_none() && parsed.to_string() == address);
    }
    let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._*".contains(&b);
    !host.is_empty()
        && host.bytes().all(sound)
        && (!ends_in_a_number(host) || host.parse::<Ipv4Addr>().is_ok())
}

/// Whether browsers take the host for an IPv4 address (URL standard, "ends in a number checker").
fn ends_in_a_number(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let hexadecimal = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
    let decimal = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    decimal || last.strip_prefix("0x").is_some_and(hexadecimal)
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;
