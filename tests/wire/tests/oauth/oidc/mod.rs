//! The OpenID Foundation's certification plans as conversations with static clients.
//!
//! | Plan | Test | Modules |
//! |---|---|---|
//! | `oidcc-basic-certification-test-plan` | `plans::oidcc_basic_certification_test_plan` | [`modules`] |
//! | `oidcc-implicit-certification-test-plan` | `plans::oidcc_implicit_certification_test_plan` | [`modules`] |
//! | `oidcc-hybrid-certification-test-plan` | `plans::oidcc_hybrid_certification_test_plan` | [`modules`] |
//! | `oidcc-formpost-{basic,implicit,hybrid}-certification-test-plan` | `plans::oidcc_formpost_…` | [`modules`] |
//! | `oidcc-config-certification-test-plan` | `config::oidcc_discovery_endpoint_verification` | that test |
//! | `oidcc-rp-initiated-logout-certification-test-plan` | `rp_logout::oidcc_rp_initiated_logout_…` | [`rp_logout`] |
//! | `oidcc-backchannel-rp-initiated-logout-certification-test-plan` | `backchannel::…` | see below |
//!
//! A module is the function of its name, with `_` for `-`, in the file that the table names; those of
//! [`modules`] run in each response type, response mode and client authentication of their plans, and
//! [`plans`] lists them. Of the back-channel plan, `oidcc-backchannel-rp-initiated-logout-discovery-…` is
//! `discovery_says_that_clients_are_told`, and `oidcc-backchannel-rp-initiated-logout` is
//! `a_logout_is_told_to_every_client_that_took_part_before_the_user_goes_on`; the other tests there are our own.
//!
//! What every response must satisfy, whatever the module asks, is in [`checks`].

mod backchannel;
pub(crate) mod checks;
mod config;
mod listener;
mod modules;
pub(crate) mod op;
mod plans;
mod rp_logout;
