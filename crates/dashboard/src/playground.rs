//! The playground: a request of `/authorize` put together, decided before anybody logs in, and run for real.
//!
//! It stands in the dashboard and, in `dev`, at `/playground` for whoever reaches the server, as the inbox does.
//! There it reads with scopes of its own and changes nothing but its own client. Reading order: [`ask`] (the
//! request), [`show`] (the page), [`result`] (what came back).

mod ask;
mod claims;
mod result;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use gatewright_http::{App, RequestCx};
use gatewright_resources::dashboard::administrators::PLAYGROUND;
use gatewright_store::StoreError;
use serde_json::json;

use crate::api::Api;
use crate::problem::Problem;
use crate::sent::Query;
use crate::session::Admin;
use crate::{away, own_client};

/// Where it stands in the dashboard.
const IN_DASHBOARD: &str = "/dashboard/playground";
/// Where it stands in `dev`.
const IN_DEV: &str = "/playground";

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(IN_DASHBOARD, get(show::show))
        .route("/dashboard/playground/run", get(run))
        .route("/dashboard/playground/allow", post(show::allow))
        .route("/dashboard/playground/callback", get(result::by_get).post(result::by_post))
        .route(IN_DEV, get(show::show))
        .route("/playground/run", get(run))
        .route("/playground/callback", get(result::by_get).post(result::by_post))
}

/// Who plays, and where. As an argument of a handler it asks for an administrator in the dashboard, and is not
/// there at all at `/playground` of a server in production.
pub(crate) struct Player {
    pub(crate) api: Api,
    pub(crate) admin: Option<Admin>,
    pub(crate) base: &'static str,
}

impl Player {
    fn cx(&self) -> &RequestCx {
        &self.api.cx
    }

    /// Where answers come back to.
    fn callback(&self) -> String {
        self.cx().issuer.join(&format!("{}/callback", self.base.trim_start_matches('/')))
    }

    /// Makes sure that the playground's own client is there and comes back here.
    async fn furnish(&self) -> Result<(), StoreError> {
        let home = self.cx().issuer.join(self.base.trim_start_matches('/'));
        own_client::furnish(self.cx(), PLAYGROUND, &self.callback(), &home).await
    }
}

impl<S: Sync> FromRequestParts<S> for Player {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        if parts.uri.path().starts_with(IN_DASHBOARD) {
            let admin = Admin::from_request_parts(parts, state).await?;
            return Ok(Self { api: admin.api.clone(), admin: Some(admin), base: IN_DASHBOARD });
        }
        let Ok(cx) = RequestCx::from_request_parts(parts, state).await;
        if !cx.app.settings.dev {
            return Err(StatusCode::NOT_FOUND.into_response());
        }
        let scopes = ["read:clients", "read:connections", "read:resource_servers", "read:logs"];
        let api = Api {
            cx,
            user_id: format!("{}@clients", PLAYGROUND.client_id),
            scopes: scopes.map(str::to_owned).into(),
        };
        Ok(Self { api, admin: None, base: IN_DEV })
    }
}

/// `GET …/run`: sends the browser to `/authorize`.
async fn run(player: Player, Query(query): Query) -> Result<Response, Problem> {
    player.furnish().await?;
    let ask = ask::Ask::of(&player, &query)?;
    let callback = player.callback();
    let params = ask.params(&callback);
    let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let doc = json!({"for": "playground", "base": player.base, "ask": ask.query()});
    Ok(away::send(player.cx(), &params, doc).await?.begin())
}
