//! The one HTTP client. It calls public addresses and those the operator has listed, and nothing else.
//!
//! What it does not do matters most: it follows no redirect, uses no proxy from the environment, keeps
//! no cookies, unpacks nothing, and waits and reads no longer than the request says.
//!
//! A URL's host is checked twice. A literal address is checked before anything is sent (the URL parser
//! has turned spellings such as `2130706433` and `0x7f.1` into addresses by then). A name is resolved by
//! our own resolver, which hands the connector only addresses that were checked: what was checked is
//! what is connected to, so a name cannot change its answer in between.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use url::{Host, Url};

use crate::addresses::{AddressKind, OutboundPolicy};

#[cfg(test)]
mod tests;

/// How long to wait for a connection, within the request's own time. The request's own limit comes first
/// when it is shorter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A request to the outside.
#[derive(Clone)]
pub struct OutboundRequest {
    /// The method.
    pub method: Method,
    /// `http` or `https`, without user name and password.
    pub url: String,
    /// Headers as sent; `Host` and `Content-Length` are added.
    pub headers: HeaderMap,
    /// The body, possibly empty.
    pub body: Vec<u8>,
    /// For everything from resolving the name to the last byte of the answer.
    pub timeout: Duration,
    /// The answer's body may have this many bytes; a longer one is an error.
    pub max_response_bytes: usize,
}

impl OutboundRequest {
    /// A request without headers and body, with 10 seconds of time and 1 MiB for the answer.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(10),
            max_response_bytes: 1024 * 1024,
        }
    }
}

/// Shows neither headers nor body: they hold credentials and codes.
impl std::fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// An answer, whatever its status. A redirect is an answer like any other.
#[derive(Clone, Debug)]
pub struct OutboundResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer. The texts are for the log: they name addresses.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// The URL cannot be called by anybody.
    #[error("the URL cannot be called: {0}")]
    InvalidUrl(String),
    /// The address is not public, and no setting allows it.
    #[error(
        "{target} was not called, because {address} is {kind}; to allow it, add \"{target}\" to outbound.allow (GATEWRIGHT_OUTBOUND_ALLOW)"
    )]
    Refused {
        /// Host and port as they stand in the URL: also what the setting would have to list.
        target: String,
        /// The address that was refused.
        address: IpAddr,
        /// What kind of address it is, in words.
        kind: &'static str,
    },
    /// The name has no address.
    #[error("the name of {target} could not be resolved: {cause}")]
    NotResolved {
        /// Host and port as they stand in the URL.
        target: String,
        /// What the resolver says.
        cause: String,
    },
    /// The other side refused the connection.
    #[error("{target} refused the connection")]
    ConnectionRefused {
        /// Host and port as they stand in the URL.
        target: String,
    },
    /// No connection for another reason: unreachable network, TLS, ...
    #[error("no connection to {target}: {cause}")]
    NotConnected {
        /// Host and port as they stand in the URL.
        target: String,
        /// What the network or TLS says.
        cause: String,
    },
    /// Time ran out.
    #[error("{target} did not answer in {seconds} s")]
    Timeout {
        /// Host and port as they stand in the URL.
        target: String,
        /// The time that was given, in seconds.
        seconds: f64,
    },
    /// The answer is longer than was allowed.
    #[error("the answer of {target} is longer than {limit} bytes")]
    TooLarge {
        /// Host and port as they stand in the URL.
        target: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection broke, or the answer was not HTTP.
    #[error("the exchange with {target} failed: {cause}")]
    Broken {
        /// Host and port as they stand in the URL.
        target: String,
        /// What the HTTP client says.
        cause: String,
    },
}

/// Calls the outside within an [`OutboundPolicy`]. Cloning shares connections.
///
/// Nothing is loaded before the first request: reading the system's certificates costs time and memory
/// that a server without outbound calls need not pay.
#[derive(Clone)]
pub struct GuardedClient(Arc<Inner>);

struct Inner {
    policy: Arc<OutboundPolicy>,
    /// One client for each port that an exception names, and one (under 0) for all other ports: the
    /// resolver is not told the port, and connections are pooled by client, so each port with rules of
    /// its own gets a resolver that knows it.
    clients: Mutex<HashMap<u16, reqwest::Client>>,
    /// Authorities that are trusted besides the system's.
    authorities: Vec<reqwest::Certificate>,
}

impl std::fmt::Debug for GuardedClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("GuardedClient").field(&self.0.policy).finish()
    }
}

impl GuardedClient {
    /// A client that keeps to this policy.
    pub fn new(policy: OutboundPolicy) -> Self {
        Self::with(policy, Vec::new())
    }

    /// A client that trusts one more certificate authority, given as PEM: for commands that call a server of
    /// this machine.
    ///
    /// # Errors
    /// [`OutboundError::Broken`]: it is no certificate.
    pub fn trusting(policy: OutboundPolicy, authority_pem: Option<&[u8]>) -> Result<Self, OutboundError> {
        let read = |pem| {
            reqwest::Certificate::from_pem(pem).map_err(|error| OutboundError::Broken {
                target: "the HTTP client".into(),
                cause: format!("the authority's certificate cannot be used: {}", chain(&error)),
            })
        };
        Ok(Self::with(policy, authority_pem.map(read).transpose()?.into_iter().collect()))
    }

    fn with(policy: OutboundPolicy, authorities: Vec<reqwest::Certificate>) -> Self {
        let (policy, clients) = (Arc::new(policy), Mutex::new(HashMap::new()));
        Self(Arc::new(Inner { policy, clients, authorities }))
    }

    /// What may be called, for those who do not speak HTTP.
    pub(crate) fn policy(&self) -> &OutboundPolicy {
        &self.0.policy
    }

    /// Sends a request and reads the whole answer.
    ///
    /// Errors: see [`OutboundError`]. An answer with an error status is not an error here.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let (url, target) = checked_url(&request.url, &self.0.policy)?;
        let client = self.client_for(url.port_or_known_default().unwrap_or(0))?;
        let OutboundRequest { method, headers, body, timeout, max_response_bytes: limit, .. } = request;

        let sending = client.request(method, url).headers(headers).body(body).timeout(timeout).send();
        let mut response = sending.await.map_err(|error| failure(&target, timeout, error))?;

        let too_large = || OutboundError::TooLarge { target: target.clone(), limit };
        if response.content_length().is_some_and(|length| usize::try_from(length).map_or(true, |l| l > limit))
        {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&target, timeout, error))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(OutboundResponse {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }

    fn client_for(&self, port: u16) -> Result<reqwest::Client, OutboundError> {
        let key = if self.0.policy.names_port(port) { port } else { 0 };
        // A panic while the lock is held cannot leave the map half written.
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let resolver = CheckedResolver { policy: Arc::clone(&self.0.policy), port: key };
        let client = build(resolver, &self.0.authorities).map_err(|error| OutboundError::Broken {
            target: "the HTTP client".into(),
            cause: format!("it could not be set up: {}", chain(&error)),
        })?;
        clients.insert(key, client.clone());
        Ok(client)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the guarded client that all others must use")]
fn build(
    resolver: CheckedResolver,
    authorities: &[reqwest::Certificate],
) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder();
    let builder = match authorities {
        [] => builder,
        more => builder.tls_certs_merge(more.iter().cloned()),
    };
    builder
        .user_agent(concat!("gatewright/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(Duration::from_secs(30))
        .dns_resolver(Arc::new(resolver))
        .build()
}

/// Parses the URL and checks all that can be checked without resolving a name.
/// Returns it with its host and port, as errors name it.
fn checked_url(text: &str, policy: &OutboundPolicy) -> Result<(Url, String), OutboundError> {
    let url = Url::parse(text).map_err(|error| OutboundError::InvalidUrl(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(OutboundError::InvalidUrl(format!(
            "its scheme is \"{}\", not http or https",
            url.scheme()
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OutboundError::InvalidUrl("it holds a user name or password".into()));
    }
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(OutboundError::InvalidUrl("it has no host".into()));
    };
    let target = format!("{host}:{port}");
    let address = match host {
        Host::Domain(_) => return Ok((url, target)),
        Host::Ipv4(address) => IpAddr::from(address),
        Host::Ipv6(address) => IpAddr::from(address),
    };
    match policy.check(address, port) {
        Ok(()) => Ok((url, target)),
        Err(kind) => Err(OutboundError::Refused { target, address, kind: kind.says() }),
    }
}

/// Resolves names and lets only checked addresses through.
struct CheckedResolver {
    policy: Arc<OutboundPolicy>,
    /// The port this resolver answers for; 0 for all ports without an exception of their own.
    port: u16,
}

/// Every address of a name was refused; this is the first.
#[derive(Debug, Error)]
#[error("{address} is {}", kind.says())]
pub(crate) struct RefusedAddress {
    pub(crate) address: IpAddr,
    pub(crate) kind: AddressKind,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, port) = (Arc::clone(&self.policy), self.port);
        Box::pin(async move {
            let answers: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let checked = check_answers(&policy, name.as_str(), port, answers)?;
            Ok(Box::new(checked.into_iter()) as Addrs)
        })
    }
}

/// Keeps the addresses that may be called; when none is left, the first refusal is the answer.
pub(crate) fn check_answers(
    policy: &OutboundPolicy,
    name: &str,
    port: u16,
    answers: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, RefusedAddress> {
    if policy.lists_host(name, port) {
        return Ok(answers);
    }
    let mut refused = None;
    let mut checked = Vec::with_capacity(answers.len());
    for answer in answers {
        match policy.check(answer.ip(), port) {
            Ok(()) => checked.push(answer),
            Err(kind) => {
                refused.get_or_insert(RefusedAddress { address: answer.ip(), kind });
            }
        }
    }
    match refused {
        Some(refused) if checked.is_empty() => Err(refused),
        _ => Ok(checked),
    }
}

/// Sorts the HTTP client's error by its causes.
fn failure(target: &str, timeout: Duration, error: reqwest::Error) -> OutboundError {
    let target = target.to_owned();
    // The URL may hold a token in its query.
    let error = error.without_url();
    if let Some(refused) = cause::<RefusedAddress>(&error) {
        return OutboundError::Refused { target, address: refused.address, kind: refused.kind.says() };
    }
    if error.is_timeout() {
        return OutboundError::Timeout { target, seconds: timeout.as_secs_f64() };
    }
    let cause_text = chain(&error);
    if !error.is_connect() {
        return OutboundError::Broken { target, cause: cause_text };
    }
    match cause::<std::io::Error>(&error) {
        Some(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            OutboundError::ConnectionRefused { target }
        }
        _ if cause_text.contains("dns error") => OutboundError::NotResolved { target, cause: cause_text },
        _ => OutboundError::NotConnected { target, cause: cause_text },
    }
}

/// The first cause of this type.
fn cause<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The error and its causes in one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
