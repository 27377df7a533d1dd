//! The server as a whole: in this process ([`dev`]) and as a command ([`command`]).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod actions;
#[cfg(unix)]
mod command;
mod dev;
#[cfg(unix)]
mod explain;
#[cfg(unix)]
mod users;
mod wire;
