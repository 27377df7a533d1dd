//! The grant of a text message: a login that waits for a second factor, what named the message, and its code.

use super::mfa::Proof;
use super::{Grant, Presented};
use crate::multifactor::attempt::Way;

pub(super) static GRANT: Grant = Grant {
    name: "http://auth0.com/oauth/grant-type/mfa-oob",
    params: &["mfa_token", "oob_code", "binding_code"],
    events: ("seoobft", "feoobft"),
    present: |_cx, _client, params| {
        Box::pin(async move {
            let proof = Proof::read(&params, "binding_code", Way::Message, "Invalid binding_code.")?
                .with_oob_code(&params)?;
            let presented: Box<dyn Presented> = Box::new(proof);
            Ok(presented)
        })
    },
};
