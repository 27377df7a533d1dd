//! Whether a signed-in user has to confirm that an application may know who they are.

use crate::client::Client;
use crate::redirect::is_verifiable;

/// What decides about the page besides the client.
#[derive(Clone, Copy, Debug)]
pub struct ConfirmationFacts<'a> {
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// Some page was shown on the way: a login, a consent, or this confirmation.
    pub page_shown: bool,
    /// `skip_non_verifiable_callback_uri_confirmation_prompt` of the tenant.
    pub tenant_skips: Option<bool>,
}

/// Any program on a machine can wait at `http://localhost` or at a scheme of its own, so a third-party client
/// with such a callback gets nobody's identity without a page. The client's setting wins over the tenant's.
#[must_use]
pub fn needed(client: &Client, facts: ConfirmationFacts<'_>) -> bool {
    let skips = client.skip_non_verifiable_callback_uri_confirmation_prompt.or(facts.tenant_skips);
    !client.is_first_party
        && !facts.page_shown
        && !skips.unwrap_or(false)
        && !is_verifiable(facts.redirect_uri)
}

#[cfg(test)]
mod tests {
    use super::{ConfirmationFacts, needed};
    use crate::client::Client;

    #[test]
    fn third_party_clients_that_anybody_can_pose_as_are_confirmed() {
        let check = |first_party, client_skips, redirect_uri, page_shown, tenant_skips, expect| {
            let client = Client {
                is_first_party: first_party,
                skip_non_verifiable_callback_uri_confirmation_prompt: client_skips,
                ..Client::default()
            };
            let facts = ConfirmationFacts { redirect_uri, page_shown, tenant_skips };
            assert_eq!(needed(&client, facts), expect, "{client:?} {facts:?}");
        };
        let local = "http://localhost:4200/";
        check(false, None, local, false, None, true);
        check(false, None, "http://127.0.0.1/cb", false, Some(false), true);
        check(false, None, "com.example.app://cb", false, None, true);
        check(false, None, "https://app.example/cb", false, None, false);
        check(true, None, local, false, None, false);
        check(false, None, local, true, None, false);
        check(false, None, local, false, Some(true), false);
        check(false, Some(true), local, false, Some(false), false);
        check(false, Some(false), local, false, Some(true), true);
    }
}
