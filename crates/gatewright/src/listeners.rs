//! Sockets: bound before anything is said to be listening, with errors that name the way out.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use gatewright_http::{Listener, Proxies};

/// The flag that changes a port, for error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortFlag {
    /// `--port`
    Https,
    /// `--http`
    Http,
    /// `--ops-port`
    Ops,
}

/// Why a socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ListenError {
    /// Somebody listens there.
    #[error(
        "port {port} on {ip} is in use. Stop the other process, or choose another port with {flag} (0 takes any free one)"
    )]
    InUse {
        /// The address.
        ip: IpAddr,
        /// The port.
        port: u16,
        /// The flag that changes it.
        flag: PortFlag,
    },
    /// The system forbids it.
    #[error(
        "this process may not listen on port {port}. Ports below 1024 need special rights: choose another with {flag}"
    )]
    Forbidden {
        /// The port.
        port: u16,
        /// The flag that changes it.
        flag: PortFlag,
    },
    /// Any other error.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
}

impl std::fmt::Display for PortFlag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Https => "--port",
            Self::Http => "--http",
            Self::Ops => "--ops-port",
        })
    }
}

/// Opens one port on several addresses. With port 0 the first address decides and the others follow. An
/// IPv6 address that this machine does not have is left out if another address is there.
///
/// # Errors
/// [`ListenError`], for the first address that cannot be had.
pub(crate) fn bind(addresses: &[IpAddr], port: u16, flag: PortFlag) -> Result<Vec<TcpListener>, ListenError> {
    let mut port = port;
    let mut sockets: Vec<TcpListener> = Vec::new();
    for ip in addresses {
        let address = SocketAddr::new(*ip, port);
        match TcpListener::bind(address) {
            Ok(socket) => {
                port = socket.local_addr().map_err(|source| ListenError::Other { address, source })?.port();
                sockets.push(socket);
            }
            Err(error) if ip.is_ipv6() && addresses.len() > 1 && is_missing(&error) => {}
            Err(error) => return Err(explain(address, flag, error)),
        }
    }
    Ok(sockets)
}

/// `true` if the machine has no such address, or no IPv6 at all.
fn is_missing(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no kind of its own; its number is 97 on Linux and 47 on macOS.
    error.kind() == io::ErrorKind::AddrNotAvailable || matches!(error.raw_os_error(), Some(97 | 47))
}

fn explain(address: SocketAddr, flag: PortFlag, source: io::Error) -> ListenError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse { ip: address.ip(), port: address.port(), flag },
        io::ErrorKind::PermissionDenied => ListenError::Forbidden { port: address.port(), flag },
        _ => ListenError::Other { address, source },
    }
}

/// Tells each request which socket it came in by, and which proxies are believed there.
pub(crate) fn with_listener(router: Router, tls: bool, port: u16, proxies: Arc<Proxies>) -> Router {
    router.layer(axum::Extension(Listener { tls, port, proxies }))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::{PortFlag, bind};

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    #[test]
    fn a_free_port_is_the_same_on_all_addresses() {
        let sockets = bind(&[V4, V6], 0, PortFlag::Https).unwrap();
        let ports: Vec<u16> = sockets.iter().map(|socket| socket.local_addr().unwrap().port()).collect();
        assert!(ports[0] != 0 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    }

    #[test]
    fn a_taken_port_names_the_flag() {
        let taken = bind(&[V4], 0, PortFlag::Ops).unwrap();
        let port = taken[0].local_addr().unwrap().port();
        let message = bind(&[V4], port, PortFlag::Ops).unwrap_err().to_string();
        assert!(message.contains("--ops-port") && message.contains(&port.to_string()), "{message}");
    }

    #[test]
    fn an_address_of_another_machine_is_an_error() {
        let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert!(bind(&[elsewhere], 0, PortFlag::Https).is_err());
    }
}
