//! Conversations with a tenant that has Rules, Actions and Hooks of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod afterwards;
mod exchanges;
mod hostile;
mod machines;
mod messages;
mod post_login;
mod redirects;
mod renewals;
mod rules;
mod sign_ups;
mod stage;
mod trials;
