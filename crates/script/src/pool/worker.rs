//! A worker as its parent holds it: pipes to a process or a thread.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};

use tokio::net::unix::pipe;

use super::Workers;
use crate::protocol::Decoder;
use crate::worker::{Channel, STACK_BYTES, Wire, serve};

/// Bytes of code after which a worker is replaced: it keeps all it has seen.
const MOST_CODE: usize = 32 * 1024 * 1024;

/// A worker. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Worker {
    tenant: String,
    process: Option<Process>,
    pub(super) to: pipe::Sender,
    pub(super) from: pipe::Receiver,
    pub(super) decoder: Decoder,
    /// Whether it has said that it runs.
    pub(super) ready: bool,
    /// Programs that it has the code of.
    known: HashSet<String>,
    code_bytes: usize,
}

impl Worker {
    /// Starts a worker for a tenant.
    pub(super) async fn start(workers: &Workers, tenant: &str) -> std::io::Result<Self> {
        let (input, to) = std::io::pipe()?;
        let (from, output) = std::io::pipe()?;
        let process = match workers {
            Workers::Process { exe, args } => {
                let mut command = Command::new(exe);
                command.args(args).env_clear().env("TZ", "UTC").current_dir("/");
                command.stdin(input).stdout(output).stderr(Stdio::null());
                // Starting a process takes a millisecond or more. If nobody waits for it any more, it ends at once.
                let start = move || command.spawn().map(|child| Process(Some(child)));
                let process = tokio::task::spawn_blocking(start);
                Some(process.await.map_err(std::io::Error::other)??)
            }
            Workers::Threads => {
                let channel = Channel::Pipes { input: input.into(), output: output.into() };
                let thread = std::thread::Builder::new().name("script".to_owned()).stack_size(STACK_BYTES);
                thread.spawn(|| serve(Wire::new(channel), None))?;
                None
            }
        };
        Ok(Self {
            tenant: tenant.to_owned(),
            process,
            to: pipe::Sender::from_owned_fd(OwnedFd::from(to))?,
            from: pipe::Receiver::from_owned_fd(OwnedFd::from(from))?,
            decoder: Decoder::default(),
            ready: false,
            known: HashSet::new(),
            code_bytes: 0,
        })
    }

    /// Whose scripts it runs.
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Whether it has the code of a program; from now on it has.
    pub(super) fn knows(&mut self, hash: &str, bytes: usize) -> bool {
        if self.known.contains(hash) {
            return true;
        }
        self.known.insert(hash.to_owned());
        self.code_bytes += bytes;
        false
    }

    /// Whether it may run another flow.
    pub(super) fn is_fresh(&self) -> bool {
        self.code_bytes < MOST_CODE && !self.decoder.has_rest()
    }

    /// How the process ended, once its output has; `None` if it goes on.
    pub(super) async fn end(&mut self) -> Option<ExitStatus> {
        let child = self.process.as_mut()?.0.as_mut()?;
        // The pipes close a moment before the process is gone; what killed it matters, so that is waited for.
        for _ in 0..20 {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(status);
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        None
    }
}

/// A worker's process. Dropping it, wherever that is, kills it and takes note of its end.
#[derive(Debug)]
struct Process(Option<Child>);

impl Drop for Process {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        let _ = child.kill();
        let mut reap = move || drop(child.wait());
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(reap)),
            Err(_) => reap(),
        }
    }
}
