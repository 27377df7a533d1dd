//! The grant of an authenticator app: a login that waits for a second factor, and the code that the app shows.

use super::mfa::Proof;
use super::{Grant, Presented};
use crate::multifactor::attempt::Way;

pub(super) static GRANT: Grant = Grant {
    name: "http://auth0.com/oauth/grant-type/mfa-otp",
    params: &["mfa_token", "otp"],
    events: ("seotpft", "feotpft"),
    present: |_cx, _client, params| {
        Box::pin(async move {
            let proof = Proof::read(&params, "otp", Way::App, "Invalid otp_code.")?;
            let presented: Box<dyn Presented> = Box::new(proof);
            Ok(presented)
        })
    },
};
