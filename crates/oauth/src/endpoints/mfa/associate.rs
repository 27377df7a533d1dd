//! `POST /mfa/associate`: the first factor of a user, enrolled by the client itself. It is kept once it was proved.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use gatewright_adapters::normalize_phone;
use gatewright_core::OAuthError;
use gatewright_core::mfa::{self, Factor, otp};
use gatewright_http::{Params, RequestCx, respond};
use gatewright_resources::authenticators::proof;
use gatewright_resources::guardian;
use gatewright_resources::login_transactions::MultiFactor;
use serde_json::{Value, json};

use super::{Waits, bearer, find};
use crate::events::{self, merge};
use crate::multifactor::attempt::{gives_recovery_code, open_text, recovery_context, seal, secret_context};
use crate::multifactor::{account, event};
use crate::pages::screen::company;
use crate::stop::Stop;

pub(crate) async fn associate(cx: RequestCx, headers: HeaderMap, body: Bytes) -> Result<Response, Stop> {
    let waits = find(&cx, bearer(&headers)?, None).await?;
    let params = Params::from_body(&headers, &body)?;
    params.all_text(&["phone_number"])?;
    let factor = factor(&params)?;
    let (enabled, _) = guardian::enabled(&cx.tenant);
    // Who knows the password alone adds nothing beside what the user has.
    if !waits.asked.enroll.contains(&factor) {
        let enrolled = waits.enrolled.iter().any(|found| enabled.contains(&found.factor));
        let error = match enrolled {
            true => OAuthError::access_denied("User is already enrolled.").because("mfa_already_enrolled"),
            false => mfa::not_asked(),
        };
        let mut told = event(&cx, &waits.client, &waits.user, factor, "gd_start_enroll_failed");
        merge(&mut told.details, events::refusal(&error, Some(&waits.client), Value::Null));
        events::write(&cx, told).await?;
        return Err(error.into());
    }
    let mut answer = match factor {
        Factor::Phone => phone(&waits, &params).await?,
        _ => app(&waits).await?,
    };
    if let Some(code) = recovery_code(&waits).await? {
        answer["recovery_codes"] = json!([code]);
    }
    Ok(respond::json_no_store(200, &answer))
}

/// The factor that `authenticator_types` and `oob_channels` name.
fn factor(params: &Params) -> Result<Factor, OAuthError> {
    let list = |name: &str| -> Vec<&str> {
        let value = params.value(name).and_then(Value::as_array).into_iter().flatten();
        value.filter_map(Value::as_str).collect()
    };
    match (list("authenticator_types").as_slice(), list("oob_channels").as_slice()) {
        (["otp", ..], _) => Ok(Factor::Otp),
        (["oob", ..], channels) if channels.contains(&"sms") => Ok(Factor::Phone),
        ([], _) => Err(OAuthError::missing_parameter("authenticator_types")),
        (["oob", ..], []) => Err(OAuthError::missing_parameter("oob_channels")),
        _ => Err(OAuthError::invalid_request(
            "Only authenticator_types otp, and oob with oob_channels sms, are built in this version.",
        )
        .because("mfa_factor_not_asked")),
    }
}

async fn app(waits: &Waits) -> Result<Value, Stop> {
    let cx = &waits.cx;
    let secret: [u8; otp::SECRET_BYTES] = cx.app.random.bytes();
    let sealed = seal(cx, &secret_context(cx, &waits.token_hash), &secret);
    waits.change(Factor::Otp, "gd_start_enroll", move |asked| asked.otp_secret_sealed = Some(sealed)).await?;
    let secret = otp::base32(&secret);
    let uri = otp::uri(&company(cx), account(&waits.user), &secret);
    Ok(json!({ "authenticator_type": "otp", "secret": secret, "barcode_uri": uri }))
}

async fn phone(waits: &Waits, params: &Params) -> Result<Value, Stop> {
    let typed = params.text("phone_number").ok_or_else(|| OAuthError::missing_parameter("phone_number"))?;
    let number = normalize_phone(typed).ok_or_else(|| {
        OAuthError::invalid_request("phone_number is no number with its country code, such as +61400000000.")
    })?;
    let oob_code = waits.send(&number, None).await?;
    Ok(json!({
        "authenticator_type": "oob", "oob_channel": "sms", "oob_code": oob_code, "binding_method": "prompt",
    }))
}

/// The recovery code that comes with the factor: the same, however often an enrollment is begun.
async fn recovery_code(waits: &Waits) -> Result<Option<String>, Stop> {
    let cx = &waits.cx;
    if !gives_recovery_code(cx, &waits.enrolled) {
        return Ok(None);
    }
    let context = recovery_context(cx, &waits.token_hash);
    if let Some(sealed) = &waits.asked.recovery_code_sealed {
        return Ok(Some(open_text(cx, &context, sealed)?));
    }
    let code = proof::draw_recovery_code(&cx.app.random);
    let sealed = seal(cx, &context, code.as_bytes());
    let kept = move |asked: &mut MultiFactor| asked.recovery_code_sealed = Some(sealed);
    waits.change(Factor::RecoveryCode, "gd_start_enroll", kept).await?;
    Ok(Some(code))
}
