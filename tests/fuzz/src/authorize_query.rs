//! The query of `/authorize`, through the same reader and checks as a request.

use gatewright_core::authorize::{Ask, Refusal, check};
use gatewright_core::client::Client;
use gatewright_http::Params;

/// Whatever the query: an error goes only to a callback of the client, and so does a good request.
pub fn run(data: &[u8]) {
    let Ok(params) = Params::from_urlencoded(data) else { return };
    let ask = Ask::read(|name| params.text(name).map(str::to_owned));
    let client = Client {
        client_id: "client".into(),
        callbacks: vec!["https://app.example.com/cb".into(), "com.example.app://cb".into()],
        web_origins: vec!["https://app.example.com".into()],
        grant_types: vec!["authorization_code".into(), "implicit".into(), "refresh_token".into()],
        ..Client::default()
    };
    for public in [false, true] {
        let method = if public { "none" } else { "client_secret_post" };
        let client = Client { token_endpoint_auth_method: method.into(), ..client.clone() };
        match check(&ask, Some(&client)) {
            Ok(request) => assert!(client.callbacks.contains(&request.redirect_uri)),
            Err(Refusal::Redirect(error)) => assert!(client.callbacks.contains(&error.redirect_uri)),
            Err(Refusal::Page(_)) => {}
        }
    }
    assert!(matches!(check(&ask, None), Err(Refusal::Page(_))), "an unknown client has no callback");
}
