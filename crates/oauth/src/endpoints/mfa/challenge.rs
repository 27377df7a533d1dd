//! `POST /mfa/challenge`: which enrolled factor is to be proved, and the message where one is sent for it.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_core::OAuthError;
use gatewright_core::mfa::Factor;
use gatewright_http::{Params, RequestCx, respond};
use gatewright_resources::authenticators::Authenticator;
use serde_json::json;

use super::{Waits, find};
use crate::client_auth;
use crate::stop::Stop;

pub(crate) async fn challenge(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&["mfa_token", "challenge_type", "authenticator_id"])?;
    let client = client_auth::authenticate(&cx, &headers, &params).await?;
    let token = params.text("mfa_token").ok_or_else(|| OAuthError::missing_parameter("mfa_token"))?;
    let waits = find(&cx, token, Some(&client)).await?;
    let types = params.text("challenge_type").unwrap_or("otp oob");
    let chosen = choose(&waits, types, params.text("authenticator_id"))?;
    let answer = match (chosen.factor, &chosen.phone_number) {
        (Factor::Phone, Some(number)) => {
            let oob_code = waits.send(number, Some(chosen.authenticator_id.clone())).await?;
            json!({ "challenge_type": "oob", "oob_code": oob_code, "binding_method": "prompt" })
        }
        (factor, _) => {
            waits.change(factor, "gd_start_auth", |_| {}).await?;
            json!({ "challenge_type": "otp" })
        }
    };
    Ok(respond::json_no_store(200, &answer))
}

/// The factor that is asked for, of these types; the one that is offered first, unless one is named.
fn choose<'a>(waits: &'a Waits, types: &str, named: Option<&str>) -> Result<&'a Authenticator, OAuthError> {
    let asked = waits.asked.challenge.iter().filter(|factor| factor.stands_alone());
    let mut possible = asked
        .filter_map(|factor| waits.enrolled.iter().find(|found| found.factor == *factor))
        .filter(|found| named.is_none_or(|named| named == found.authenticator_id))
        .peekable();
    if possible.peek().is_none() {
        let text = "The user has no authenticator of those that this login asks for.";
        return Err(OAuthError::new(403, "association_required", text).because("mfa_not_enrolled"));
    }
    let kind = |factor| if factor == Factor::Phone { "oob" } else { "otp" };
    let fits = |found: &&Authenticator| types.split_whitespace().any(|wanted| wanted == kind(found.factor));
    possible.find(fits).ok_or_else(|| {
        let text = "No authenticator of the user takes a challenge of this type.";
        OAuthError::new(400, "unsupported_challenge_type", text).because("mfa_factor_not_asked")
    })
}
