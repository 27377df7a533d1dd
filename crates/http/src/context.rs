//! A request's context: which tenant, which issuer, who called, when.
//!
//! [`establish`] is the outermost layer of every tenant surface. It refuses hosts that belong to no
//! tenant, so no handler runs without one.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gatewright_core::Timestamp;
use gatewright_core::ids::Issuer;
use gatewright_resources::logs::Noted;
use gatewright_resources::snapshot::Tenant;
use tracing::Instrument;

use crate::app::{App, Listener};
use crate::respond::{Fault, Reason};

/// The name of the response header that carries the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of the response header that names the decision: the id of its log event, or the code of its reason
/// where none was written. In `dev` only.
pub const DECISION: HeaderName = HeaderName::from_static("x-gatewright-decision");

/// What a handler knows of its request. Cloning is cheap.
#[derive(Clone)]
pub struct RequestCx(Arc<Inner>);

impl RequestCx {
    /// The context of work that no request waits for, such as sending a queued message.
    pub fn of_work(app: Arc<App>, tenant: Arc<Tenant>, issuer: Issuer) -> Self {
        Self(Arc::new(Inner {
            request_id: app.random.alphanumeric(20),
            now: app.clock.now(),
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            user_agent: None,
            origin: None,
            referer_origin: None,
            cookies: String::new(),
            noted: Noted::default(),
            tenant,
            issuer,
            app,
        }))
    }
}

/// The fields behind a [`RequestCx`].
pub struct Inner {
    /// The running server.
    pub app: Arc<App>,
    /// The tenant of the host, with its configuration as of this request.
    pub tenant: Arc<Tenant>,
    /// Scheme and host of the request as a URL with trailing slash.
    pub issuer: Issuer,
    /// Shown in responses and logs; `gatewright explain` understands it.
    pub request_id: String,
    /// When the request came in.
    pub now: Timestamp,
    /// The caller's address, as a trusted proxy says or as the socket does.
    pub ip: IpAddr,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The `Origin` header; `null` is kept as text.
    pub origin: Option<String>,
    /// The origin of the `Referer` header.
    pub referer_origin: Option<String>,
    /// The `Cookie` headers, joined.
    pub cookies: String,
    /// Takes the id of the log event that tells what was decided.
    pub noted: Noted,
}

impl std::ops::Deref for RequestCx {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for RequestCx {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let cx = parts.extensions.get::<Self>().cloned();
        Ok(cx.expect("the layer `establish` is outside every handler"))
    }
}

/// The layer that establishes a [`RequestCx`], or answers for hosts that belong to no tenant.
pub async fn establish(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let now = app.clock.now();
    let request_id = app.random.alphanumeric(20);
    let span = tracing::info_span!("request", id = %request_id);
    let id_header = HeaderValue::from_str(&request_id).ok();
    let noted = Noted::default();
    let decision = noted.clone();
    let answer = async {
        let place = match Place::of(&request) {
            Ok(place) => place,
            Err(unknown) => return unknown.into_response(),
        };
        let tenant = match app.tenants.by_host(&app.db, &app.master_key, &place.hostname, now).await {
            Ok(Some(tenant)) => tenant,
            Ok(None) => return UnknownHost(place.hostname).into_response(),
            Err(error) => return Fault::from(error).into_response(),
        };
        let headers = request.headers();
        let cx = RequestCx(Arc::new(Inner {
            tenant,
            issuer: Issuer::new(place.scheme, &place.host),
            request_id,
            now,
            ip: place.ip,
            user_agent: text(headers, &header::USER_AGENT),
            origin: text(headers, &header::ORIGIN),
            referer_origin: text(headers, &header::REFERER)
                .and_then(|referer| gatewright_core::redirect::origin_of(&referer)),
            cookies: joined_cookies(headers),
            noted: decision.clone(),
            app: Arc::clone(&app),
        }));
        request.extensions_mut().insert(cx);
        next.run(request).await
    };
    let mut response = answer.instrument(span).await;
    if let Some(id) = id_header {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    // Only in `dev`: nobody else may learn from an answer that there is more to know.
    let unlogged = || response.extensions().get::<Reason>().map(|reason| reason.0.clone());
    let decided = noted.log_id().or_else(unlogged).filter(|_| app.settings.dev);
    if let Some(id) = decided.and_then(|id| HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert(DECISION, id);
    }
    response
}

/// Where a request was sent, as far as it can be believed.
struct Place {
    scheme: &'static str,
    /// Host with port unless it is the scheme's default.
    host: String,
    hostname: String,
    ip: IpAddr,
}

impl Place {
    fn of(request: &Request) -> Result<Self, UnknownHost> {
        let listener = request.extensions().get::<Listener>();
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.ip().to_canonical());
        let headers = request.headers();
        let proxied = listener.is_some_and(|listener| listener.proxies.trusts(peer));
        let forwarded = |name: &str| proxied.then(|| last_value(headers, name)).flatten();

        let tls = match forwarded("x-forwarded-proto") {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => listener.is_some_and(|listener| listener.tls),
        };
        let scheme = if tls { "https" } else { "http" };
        // HTTP/2 has the host in the URI, HTTP/1.1 in the header.
        let in_uri = request.uri().authority().map(|authority| authority.as_str().to_owned());
        let in_header = text(headers, &header::HOST);
        // RFC 9113 section 8.3.1: a request that names two hosts is malformed.
        if let (Some(uri), Some(header)) = (&in_uri, &in_header)
            && !uri.eq_ignore_ascii_case(header)
        {
            return Err(UnknownHost(header.clone()));
        }
        let named = forwarded("x-forwarded-host").or(in_uri).or(in_header).unwrap_or_default();
        let (host, hostname, port) = split_host(&named, scheme).ok_or_else(|| UnknownHost(named.clone()))?;
        // The port is part of the issuer, so it may not be the caller's invention.
        if let Some(listener) = listener
            && !proxied
            && port != listener.port
        {
            return Err(UnknownHost(named));
        }
        let ip = forwarded("x-forwarded-for").and_then(|ip| ip.parse().ok()).unwrap_or(peer);
        Ok(Self { scheme, host, hostname, ip })
    }
}

/// Splits `Host` into its normal form, the bare name, and the port.
fn split_host(named: &str, scheme: &str) -> Option<(String, String, u16)> {
    let uri: Uri = format!("{scheme}://{named}/").parse().ok()?;
    let authority = uri.authority()?;
    if named.contains('@') {
        return None;
    }
    let hostname = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let default_port = if scheme == "https" { 443 } else { 80 };
    let port = match named.strip_prefix(authority.host()) {
        Some("") => default_port,
        _ => authority.port_u16()?,
    };
    let host = if port == default_port { hostname.clone() } else { format!("{hostname}:{port}") };
    (!hostname.is_empty()).then_some((host, hostname, port))
}

/// The last value of a forwarding header: the one that the trusted proxy itself added.
fn last_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(|last| last.trim().to_owned()).filter(|last| !last.is_empty())
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// HTTP/2 may split `Cookie` into several headers (RFC 9113 section 8.2.3).
fn joined_cookies(headers: &HeaderMap) -> String {
    let parts: Vec<&str> =
        headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    parts.join("; ")
}

/// The request names a host that no tenant is served at. RFC 9110 section 15.5.20: 421.
struct UnknownHost(String);

impl IntoResponse for UnknownHost {
    fn into_response(self) -> Response {
        let shown: String = self.0.chars().filter(char::is_ascii_graphic).take(100).collect();
        let body = format!("No tenant is served at the host \"{shown}\".\n");
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        (StatusCode::MISDIRECTED_REQUEST, kind, body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::split_host;

    #[test]
    fn hosts_are_split_into_their_normal_form() {
        let check = |named: &str, scheme: &str, expect: Option<(&str, &str, u16)>| {
            let got = split_host(named, scheme);
            let got = got.as_ref().map(|(host, name, port)| (host.as_str(), name.as_str(), *port));
            assert_eq!(got, expect, "{named}");
        };
        check("localhost:8443", "https", Some(("localhost:8443", "localhost", 8443)));
        check("Acme.LocalHost:8443", "https", Some(("acme.localhost:8443", "acme.localhost", 8443)));
        check("login.example.com", "https", Some(("login.example.com", "login.example.com", 443)));
        check("login.example.com:443", "https", Some(("login.example.com", "login.example.com", 443)));
        check("login.example.com:80", "http", Some(("login.example.com", "login.example.com", 80)));
        check("[::1]:8443", "https", Some(("[::1]:8443", "[::1]", 8443)));
        check("user@localhost:8443", "https", None);
        check("localhost:99999", "https", None);
        check("localhost:x", "https", None);
        check("", "https", None);
        check("a/b", "https", None);
    }
}
