//! HS256, for the tokens of `api.redirect`.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rquickjs::{Ctx, Error, Exception, Function, Value};
use serde_json::Value as Json;

use crate::worker::json;

pub(super) const NAMES: &[&str] = &["signHs256", "verifyHs256"];

pub(super) fn find<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Option<Function<'js>>, Error> {
    let ctx = ctx.clone();
    match name {
        "signHs256" => Function::new(ctx, |ctx: Ctx<'js>, claims: Value<'js>, secret: String| {
            Ok::<_, Error>(sign(&json::text(&ctx, claims)?, &secret))
        }),
        "verifyHs256" => Function::new(ctx, |ctx: Ctx<'js>, token: String, secret: String| {
            let claims = verify(&token, &secret).map_err(|why| Exception::throw_message(&ctx, why))?;
            ctx.json_parse(claims)
        }),
        _ => return Ok(None),
    }
    .map(Some)
}

fn sign(claims: &str, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn verify(token: &str, secret: &str) -> Result<String, &'static str> {
    const MALFORMED: &str = "The session token is not a JWT";
    let (signed, signature) = token.rsplit_once('.').ok_or(MALFORMED)?;
    let (header, claims) = signed.split_once('.').ok_or(MALFORMED)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| MALFORMED);
    let header: Json = serde_json::from_slice(&decode(header)?).map_err(|_| MALFORMED)?;
    if header["alg"] != "HS256" {
        return Err("The session token is not signed with HS256");
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &decode(signature)?)
        .map_err(|_| "The signature of the session token is not valid")?;
    let claims = String::from_utf8(decode(claims)?).map_err(|_| MALFORMED)?;
    match serde_json::from_str::<Json>(&claims) {
        Ok(Json::Object(_)) => Ok(claims),
        _ => Err(MALFORMED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_verifies_with_that_secret_only() {
        let token = sign(r#"{"sub":"a"}"#, "secret");
        assert_eq!(verify(&token, "secret").unwrap(), r#"{"sub":"a"}"#);
        assert!(verify(&token, "other").is_err());
        assert!(verify(&token.replace('.', ""), "secret").is_err());
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        assert!(verify(&format!("{none}.e30."), "secret").is_err());
    }
}
