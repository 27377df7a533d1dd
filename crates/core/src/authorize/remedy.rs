//! What the owner of a client can do about a refusal of `/authorize` or `/v2/logout`, by reason code.
//! Shown to the owner only: in the log, the dashboard, and the error page of `gatewright dev`.

/// The remedy for a reason code, if there is one.
pub fn remedy(reason: &str) -> Option<&'static str> {
    crate::reasons::remedy(reason)
}
