//! The running server: sockets bound first, the operators' listener up, then everything else, until a
//! signal says stop.
//!
//! `dev` and `serve` differ in how they come by database, keys and certificate; both then end here.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use gatewright_http::{App, Proxies};
use rustls::server::ResolvesServerCert;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::inbox::{self, Inbox};
use crate::listeners::{self, PortFlag};
use crate::ops::{self, Phase};
use crate::{measure, tls};

/// A peer that has not sent its first request by then is cut off.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(30);
/// Histograms grow until they are summed up.
const UPKEEP_EVERY: Duration = Duration::from_secs(10);

/// The sockets of a server that is about to start.
pub(crate) struct Stage {
    https: Vec<TcpListener>,
    http: Vec<TcpListener>,
    addresses: Addresses,
    phase: watch::Sender<Phase>,
    stopping: watch::Sender<bool>,
    handles: Vec<Handle<SocketAddr>>,
    tasks: JoinSet<()>,
    proxies: Arc<Proxies>,
    idle: Duration,
    shutdown: Duration,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The HTTPS port, if there is one.
    pub https_port: Option<u16>,
    /// The plain HTTP port, if there is one.
    pub http_port: Option<u16>,
    /// The listener for health and metrics.
    pub ops: SocketAddr,
}

/// A server that is up. Dropping it stops it at once; [`Running::stop`] lets requests finish.
pub struct Running {
    /// The parts that requests use; tests look into them.
    pub app: Arc<App>,
    /// Where it listens.
    pub addresses: Addresses,
    phase: watch::Sender<Phase>,
    stopping: watch::Sender<bool>,
    handles: Vec<Handle<SocketAddr>>,
    tasks: JoinSet<()>,
    shutdown: Duration,
}

impl Stage {
    /// Opens every socket and serves health on its own.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let server = &config.server;
        let open = |port: Option<u16>, flag| match port {
            Some(port) => listeners::bind(&server.bind, port, flag),
            None => Ok(Vec::new()),
        };
        let https = open(server.port, PortFlag::Https)?;
        let http = open(server.http_port, PortFlag::Http)?;
        let ops = listeners::bind(&[config.ops.bind], config.ops.port, PortFlag::Ops)?
            .pop()
            .context("the listener for health has one address")?;
        let port_of = |sockets: &[TcpListener]| {
            sockets.first().map(|socket| socket.local_addr().map(|address| address.port())).transpose()
        };
        let mut stage = Self {
            addresses: Addresses {
                https_port: port_of(&https)?,
                http_port: port_of(&http)?,
                ops: ops.local_addr()?,
            },
            https,
            http,
            phase: watch::Sender::new(Phase::Starting),
            stopping: watch::Sender::new(false),
            handles: Vec::new(),
            tasks: JoinSet::new(),
            proxies: Arc::new(Proxies { trusted: server.trust_proxy.clone() }),
            idle: Duration::from_secs(server.idle_seconds),
            shutdown: Duration::from_secs(server.shutdown_seconds),
        };
        stage.serve_plain(ops, ops::router(stage.phase.subscribe()))?;
        Ok(stage)
    }

    /// Where it listens, or will.
    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Becomes true when the server is told to stop.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Runs a task for as long as the server runs.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Begins to serve requests.
    pub(crate) fn run(
        mut self,
        app: Arc<App>,
        inbox: Option<Inbox>,
        certificate: Option<Arc<dyn ResolvesServerCert>>,
    ) -> anyhow::Result<Running> {
        let router = routes(&app, inbox);
        if let (Some(port), Some(certificate)) = (self.addresses.https_port, certificate) {
            let config = RustlsConfig::from_config(tls::server_config(certificate)?);
            let router = listeners::with_listener(router.clone(), true, port, Arc::clone(&self.proxies));
            for socket in std::mem::take(&mut self.https) {
                self.serve_tls(socket, router.clone(), config.clone())?;
            }
        }
        if let Some(port) = self.addresses.http_port {
            let router = listeners::with_listener(router, false, port, Arc::clone(&self.proxies));
            for socket in std::mem::take(&mut self.http) {
                self.serve_plain(socket, router.clone())?;
            }
        }
        self.tasks.spawn(async {
            loop {
                tokio::time::sleep(UPKEEP_EVERY).await;
                measure::recorder().run_upkeep();
            }
        });
        self.tasks.spawn(gatewright_oauth::backchannel::work(Arc::clone(&app)));
        self.tasks.spawn(gatewright_oauth::verification_mail::work(Arc::clone(&app)));
        self.tasks.spawn(gatewright_management::jobs::work(Arc::clone(&app)));
        self.phase.send_replace(Phase::Serving(app.db.clone()));
        let Self { addresses, phase, stopping, handles, tasks, shutdown, .. } = self;
        Ok(Running { app, addresses, phase, stopping, handles, tasks, shutdown })
    }

    fn serve_plain(&mut self, socket: TcpListener, router: Router) -> anyhow::Result<()> {
        let handle = Handle::new();
        let mut server =
            axum_server::from_tcp(socket)?.handle(handle.clone()).first_request_timeout(FIRST_REQUEST_WITHIN);
        bound_waiting(&mut server, self.idle);
        self.handles.push(handle);
        self.tasks.spawn(async move {
            report(server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await);
        });
        Ok(())
    }

    fn serve_tls(&mut self, socket: TcpListener, router: Router, config: RustlsConfig) -> anyhow::Result<()> {
        let handle = Handle::new();
        let mut server = axum_server::from_tcp_rustls(socket, config)?
            .handle(handle.clone())
            .first_request_timeout(FIRST_REQUEST_WITHIN);
        bound_waiting(&mut server, self.idle);
        self.handles.push(handle);
        self.tasks.spawn(async move {
            report(server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await);
        });
        Ok(())
    }
}

/// How long a connection may wait for its next request. A program that was busy for a while, and a proxy, use a
/// connection again that they know as open: if it was closed meanwhile, the request fails, and few send it again.
fn bound_waiting<A>(server: &mut axum_server::Server<SocketAddr, A>, idle: Duration) {
    let builder = server.http_builder();
    // In HTTP/1 the time for the head of a request runs from the answer before it.
    builder.http1().header_read_timeout(idle);
    // In HTTP/2 the peer is asked whether it is still there.
    builder.http2().keep_alive_interval(idle);
}

/// Every route that tenants' hosts answer.
fn routes(app: &Arc<App>, inbox: Option<Inbox>) -> Router {
    let mut router: Router = gatewright_oauth::router()
        .merge(gatewright_management::router())
        .merge(gatewright_dashboard::router())
        .with_state(Arc::clone(app));
    if let Some(inbox) = inbox {
        router = router.merge(inbox::router(inbox));
    }
    router
        .layer(axum::middleware::from_fn(measure::count))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(app), gatewright_http::context::establish))
}

impl Running {
    /// Where plain requests go, if there is such a listener: the loopback address and its port.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.addresses.http_port.map(|port| SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port))
    }

    /// Takes no new requests, lets those under way finish for the configured time, and closes the database.
    pub async fn stop(mut self) {
        self.phase.send_replace(Phase::Stopping);
        self.stopping.send_replace(true);
        // The listener for health, the first one, goes last, so that it can say "stopping" meanwhile.
        let (health, serving) = self.handles.split_first().map_or((None, &[][..]), |(a, b)| (Some(a), b));
        for handle in serving {
            handle.graceful_shutdown(Some(self.shutdown));
        }
        let drained = async {
            while serving.iter().any(|handle| handle.connection_count() > 0) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(self.shutdown, drained).await.is_err() {
            tracing::warn!("Requests were still under way when the time for shutdown was over.");
        }
        if let Some(health) = health {
            health.shutdown();
        }
        self.tasks.abort_all();
        self.app.db.close().await;
    }
}

fn report(outcome: std::io::Result<()>) {
    if let Err(error) = outcome {
        tracing::error!(%error, "A listener ended.");
    }
}

/// SIGINT (Ctrl+C) and SIGTERM, caught from the moment this is made.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Made before anything is said to be listening: whoever reads that may signal at once.
    pub(crate) fn catch() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one of them; its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// Ctrl+C, where there are no signals.
#[cfg(windows)]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    /// Made before anything is said to be listening.
    pub(crate) fn catch() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// Waits for it; its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        let _ = self.0.recv().await;
        "Ctrl+C"
    }
}
