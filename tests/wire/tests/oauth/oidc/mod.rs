//! The OpenID Foundation's certification plans as conversations.

mod backchannel;
mod checks;
mod listener;
mod op;
