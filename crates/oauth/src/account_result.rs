//! Where a browser goes once a link from an e-mail has done its work: `resultUrl` of the tenant's template.

use gatewright_adapters::{Syntax, render};
use gatewright_core::client::Client;
use gatewright_core::redirect::origin_of;
use gatewright_http::{Fault, RequestCx};
use gatewright_resources::account_tickets::AccountTicket;
use serde_json::json;
use url::Url;

use crate::stop::Stop;

/// The address, with what happened in its query: `success`, `code`, `message`, and `email` where the
/// template `template` wants it. `None` if the tenant named none, or one that is not safe.
pub(crate) async fn target(
    cx: &RequestCx,
    client: Option<&Client>,
    link: &AccountTicket,
    template: &str,
    message: &str,
) -> Result<Option<Url>, Stop> {
    let Some(written) = link.result_url.clone() else { return Ok(None) };
    let url = if written.contains("{{") || written.contains("{%") {
        let callback_domain =
            client.and_then(|client| client.callbacks.first()).and_then(|callback| origin_of(callback));
        // Compat: nothing else is known to such an address.
        let vars = json!({"application": {
            "name": client.map(|client| &client.name),
            "clientID": client.map(|client| &client.client_id),
            "callback_domain": callback_domain,
        }});
        // Rendering what a tenant wrote can take a while.
        let rendered = tokio::task::spawn_blocking(move || render(Syntax::Liquid, &written, &vars)).await;
        match rendered.map_err(|error| Stop::from(Fault::internal(error)))? {
            Ok(url) => url,
            Err(error) => {
                tracing::warn!(%error, template, "A tenant's resultUrl cannot be rendered.");
                return Ok(None);
            }
        }
    } else {
        written
    };
    let Some(mut url) = safe(url.trim()) else { return Ok(None) };
    let template = cx.tenant.email_template(template);
    let email = link
        .include_email
        .unwrap_or_else(|| template.is_some_and(|template| template.include_email_in_redirect));
    let mut query = url.query_pairs_mut();
    query.append_pair("success", "true").append_pair("code", "success").append_pair("message", message);
    if email {
        query.append_pair("email", &link.email);
    }
    drop(query);
    Ok(Some(url))
}

/// https; http on the machine itself only.
fn safe(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    (url.scheme() == "https" || url.scheme() == "http" && local).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn browsers_are_sent_to_web_pages_only() {
        for good in ["https://app.example/done?x=1#top", "http://localhost:4200/done", "http://127.0.0.1"] {
            assert!(safe(good).is_some(), "{good}");
        }
        for bad in ["", "/done", "http://app.example", "javascript:alert(1)", "http://localhost.example"] {
            assert!(safe(bad).is_none(), "{bad}");
        }
    }
}
