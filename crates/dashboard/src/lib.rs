//! The dashboard: pages for a tenant's administrators, and the playground.
//!
//! Owns: administrators' sessions and how they begin ([`login`], [`invitation`]), forms that are calls of the
//! Management API ([`form`]), the pages. Does not own: what a call does, which is an operation of
//! `gatewright_resources`, called in process with the administrator's scopes ([`api`]); what is decided
//! (`gatewright_core`); the token endpoint, which is asked like any client asks it ([`exchange`]).
//!
//! Reading order: `api`, `session`, `form`, then `applications`, a section as the others are.

mod actions;
mod api;
mod apis;
mod applications;
mod assets;
mod away;
mod branding;
mod connections;
mod danger;
mod emails;
mod every;
mod exchange;
mod form;
mod invitation;
mod keys;
mod login;
mod logs;
mod overview;
mod own_client;
mod page;
mod playground;
mod problem;
mod remedy;
mod roles;
mod rules;
mod section;
mod sent;
mod session;
mod settings;
mod users;
mod view;
mod why;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use gatewright_http::App;

/// Forms hold scripts and templates at most.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// Every route of the dashboard. `gatewright_http::context::establish` must be outside it.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard", get(overview::show))
        .route("/dashboard/assets/{file}", get(assets::serve))
        .route("/dashboard/login", get(login::login))
        .route("/dashboard/callback", get(login::back))
        .route("/dashboard/logout", post(login::logout))
        .route("/dashboard/signed-out", get(login::signed_out_page))
        .route("/dashboard/invitation/{token}", get(invitation::show).post(invitation::follow_link))
        .route("/dashboard/logs", get(logs::list))
        .route("/dashboard/logs/{id}", get(logs::entry))
        .merge(applications::routes())
        .merge(users::routes())
        .merge(apis::routes())
        .merge(connections::routes())
        .merge(roles::routes())
        .merge(actions::routes())
        .merge(rules::routes())
        .merge(settings::routes())
        .merge(branding::routes())
        .merge(emails::routes())
        .merge(keys::routes())
        .merge(playground::routes())
        .merge(remedy::routes())
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
}
