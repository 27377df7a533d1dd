//! What the dashboard keeps, and who may use it.
//!
//! [`administrators`]: the role that makes a user an administrator, and the dashboard's own clients.
//! [`invitations`]: one-time links by which a user gets that role. [`sessions`]: administrators' browsers.
//! [`logins`]: requests of `/authorize` on their way.

pub mod administrators;
pub mod invitations;
pub mod logins;
pub mod sessions;
