//! Verdicts on what a person or a browser presents to log in.
//!
//! Owns: whether a one-time code is accepted ([`one_time_code`]), whether a login ticket may be used
//! by this browser ([`cross_origin`]), which hosted page comes first ([`screens`]), whether consent is
//! missing ([`consent`]). Not: making, storing or sending codes and tickets; those that
//! spend a code or ticket do so in one guarded write, after the verdict.

pub mod confirmation;
pub mod consent;
pub mod cross_origin;
pub mod one_time_code;
pub mod screens;
