//! What will be decided about a request of `/authorize`, before anybody logs in: for the playground.

use gatewright_core::client::Client;
use gatewright_core::explain::Report;
use gatewright_core::explain::preview::{self, Decision};
use gatewright_http::RequestCx;

use crate::decision::Wanted;

/// The checks of `/authorize` on these parameters, and the scope decision on the very facts that it would gather
/// now. Nobody is known yet, so the permissions are those of nobody; scripts may change the rest later.
pub fn predict(cx: &RequestCx, client: &Client, params: &[(String, String)]) -> Report {
    preview::authorize(params, Some(client), |request| {
        let wanted = Wanted::of(cx, request);
        Decision { scopes: wanted.predict(cx, client, None, &[]), api: wanted.api }
    })
}
