//! Conversations with a tenant that has Rules, Actions and Hooks of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod afterwards;
mod databases;
mod exchanges;
mod hostile;
mod machines;
mod messages;
mod mfa;
mod modules;
mod old_database;
mod post_login;
mod provider;
mod redirects;
mod renewals;
mod resets;
mod rules;
mod sign_ups;
mod social;
mod social_refusals;
mod stage;
mod trials;
