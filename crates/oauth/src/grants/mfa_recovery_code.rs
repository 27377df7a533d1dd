//! The grant of a recovery code: a login that waits for a second factor. The answer holds the code that replaces it.

use super::mfa::Proof;
use super::{Grant, Presented};
use crate::multifactor::attempt::Way;

pub(super) static GRANT: Grant = Grant {
    name: "http://auth0.com/oauth/grant-type/mfa-recovery-code",
    params: &["mfa_token", "recovery_code"],
    events: ("sercft", "fercft"),
    present: |_cx, _client, params| {
        Box::pin(async move {
            let proof = Proof::read(&params, "recovery_code", Way::RecoveryCode, "Invalid recovery code.")?;
            let presented: Box<dyn Presented> = Box::new(proof);
            Ok(presented)
        })
    },
};
