//! The client credentials grant, RFC 6749 section 4.4: a machine gets a token for itself.

use gatewright_core::OAuthError;
use gatewright_core::client::Client;
use gatewright_http::RequestCx;
use gatewright_store::{BoxFuture, Tx};

use super::{Flow, Grant, Presented, Redeemed, Subject};
use crate::stop::Stop;

pub(crate) static GRANT: Grant = Grant {
    name: "client_credentials",
    params: &["organization"],
    events: ("seccft", "feccft"),
    present: |_cx, client, params| {
        Box::pin(async move {
            // RFC 6749 section 4.4: confidential clients only.
            if client.is_public() {
                return Err(OAuthError::client_authentication_failed().because("client_is_public").into());
            }
            if params.text("organization").is_some() {
                let text = "Organizations are not built in this version of Gatewright.";
                return Err(OAuthError::invalid_request(text).into());
            }
            let text = |name| params.text(name).map(str::to_owned);
            let own: Box<dyn Presented> = Box::new(Own { scope: text("scope"), audience: text("audience") });
            Ok(own)
        })
    },
};

/// The client's own authority: nothing is spent.
struct Own {
    scope: Option<String>,
    audience: Option<String>,
}

impl Presented for Own {
    fn redeem<'t>(
        self: Box<Self>,
        _tx: &'t mut Tx,
        _cx: &'t RequestCx,
        _client: &'t Client,
    ) -> BoxFuture<'t, Result<Redeemed, Stop>> {
        Box::pin(async move {
            Ok(Ok(Subject {
                user: None,
                scope: self.scope,
                audience: self.audience,
                flow: Flow::ClientCredentials,
                // Compat: with a hyphen.
                gty: Some("client-credentials"),
                nonce: None,
                session_id: None,
                auth_time: None,
                multifactor: false,
                connection: None,
                code_hash: None,
                refresh: None,
                verdict: None,
                exchanged: None,
                second_step: None,
            }))
        })
    }
}
