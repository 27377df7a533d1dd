//! `/u/login/provider`: no page, but the way to the provider of a social connection.

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use gatewright_core::login::screens::Way;
use gatewright_core::redirect::origin_of;
use gatewright_http::{RequestCx, respond};
use serde_json::json;

use super::{PROVIDER, Visit, page};
use crate::endpoints::authorize::by_provider;
use crate::pages::screen::Provider;
use crate::pages::texts::Texts;
use crate::social::{self, Refused};
use crate::stop::Stop;

page!(provider, serve);

async fn serve(visit: Visit) -> Result<Response, Stop> {
    let Some(connection) = visit.chosen().filter(|chosen| Way::of(chosen) == Some(Way::Provider)) else {
        return Ok(visit.to_first_page());
    };
    let departed = social::depart(&visit.cx, &visit.waiting.state, &visit.progress().params, &connection);
    match departed.await? {
        Ok(url) => Ok(respond::no_store((StatusCode::FOUND, [(header::LOCATION, url)]))),
        Err(error) => {
            let refusal = Refused { error, decision: json!({}) };
            by_provider::refuse(&visit.cx, &visit.waiting, &connection, refusal, visit.language).await
        }
    }
}

impl Visit {
    /// A button for each provider, unless the request names a connection.
    pub(super) fn providers(&self, texts: &Texts) -> Vec<Provider> {
        if self.progress().params.contains_key("connection") {
            return Vec::new();
        }
        let connections = self.connections().into_iter();
        let ours = connections.filter(|connection| Way::of(connection) == Some(Way::Provider));
        let buttons = ours.map(|connection| {
            let name = connection.display_name.as_deref().filter(|name| !name.trim().is_empty());
            let texts = texts.clone().with("connectionName", name.unwrap_or(&connection.name).to_owned());
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("state", &self.waiting.state).append_pair("connection", &connection.name);
            let icon = connection.text_option("icon_url").filter(|icon| origin_of(icon).is_some());
            Provider {
                text: texts.get("federatedConnectionButtonText"),
                href: format!("{PROVIDER}?{}", query.finish()),
                icon: icon.map(str::to_owned),
            }
        });
        buttons.collect()
    }
}
