//! Which methods `api` has at each trigger of Actions, and which of them end the flow.
//!
//! The worker builds `api` from this table, and the parent checks by it what a worker says it did.

/// The methods that leave a command, by trigger.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "post-login",
        &[
            "access.deny",
            "accessToken.setCustomClaim",
            "accessToken.addScope",
            "accessToken.removeScope",
            "idToken.setCustomClaim",
            "authentication.challengeWith",
            "authentication.challengeWithAny",
            "authentication.enrollWith",
            "authentication.enrollWithAny",
            "authentication.recordMethod",
            "authentication.setPrimaryUser",
            "multifactor.enable",
            "redirect.sendUserTo",
            "user.setUserMetadata",
            "user.setAppMetadata",
            "validation.error",
            "prompt.render",
            "transaction.setMetadata",
            "session.revoke",
            "session.setExpiresAt",
            "session.setIdleExpiresAt",
            "session.setCookieMode",
            "session.setMetadata",
            "session.deleteMetadata",
            "session.evictMetadata",
            "refreshToken.revoke",
            "refreshToken.setExpiresAt",
            "refreshToken.setIdleExpiresAt",
            "refreshToken.setMetadata",
            "refreshToken.deleteMetadata",
            "refreshToken.evictMetadata",
            "samlResponse.setAttribute",
            "samlResponse.setAudience",
            "samlResponse.setRecipient",
            "samlResponse.setDestination",
            "samlResponse.setIssuer",
            "samlResponse.setRelayState",
            "samlResponse.setLifetimeInSeconds",
            "samlResponse.setSignatureAlgorithm",
            "samlResponse.setDigestAlgorithm",
            "samlResponse.setSignResponse",
            "samlResponse.setNameIdentifierFormat",
            "samlResponse.setNameIdentifierProbes",
            "samlResponse.setAuthnContextClassRef",
            "samlResponse.setIncludeAttributeNameFormat",
            "samlResponse.setTypedAttributes",
            "samlResponse.setCreateUpnClaim",
            "samlResponse.setPassthroughClaimsWithNoMapping",
            "samlResponse.setMapUnknownClaimsAsIs",
            "samlResponse.setMapIdentities",
            "samlResponse.setSigningCert",
            "samlResponse.setEncryptionCert",
            "samlResponse.setEncryptionPublicKey",
            "samlResponse.setCert",
            "samlResponse.setKey",
        ],
    ),
    (
        "credentials-exchange",
        &[
            "access.deny",
            "accessToken.setCustomClaim",
            "transaction.addTargetScope",
            "transaction.removeTargetScope",
            "transaction.setTargetScopes",
            "transaction.clearTargetScopes",
        ],
    ),
    (
        "pre-user-registration",
        &["access.deny", "user.setUserMetadata", "user.setAppMetadata", "validation.error"],
    ),
    ("post-user-registration", &[]),
    ("post-change-password", &[]),
    ("send-phone-message", &[]),
    (
        "password-reset-post-challenge",
        &[
            "access.deny",
            "authentication.challengeWith",
            "authentication.challengeWithAny",
            "redirect.sendUserTo",
            "prompt.render",
            "transaction.setResultUrl",
        ],
    ),
    ("custom-phone-provider", &["notification.drop", "notification.retry"]),
    ("custom-email-provider", &["notification.drop", "notification.retry"]),
    (
        "custom-token-exchange",
        &[
            "access.deny",
            "access.rejectInvalidSubjectToken",
            "authentication.setUserById",
            "authentication.setUserByConnection",
            "authentication.setOrganization",
            "authentication.setActor",
            "user.setUserMetadata",
            "user.setAppMetadata",
        ],
    ),
    ("event-stream", &[]),
];

/// The methods that answer something and leave no command, by trigger. Every trigger has `cache`.
const QUESTIONS: &[(&str, &[&str])] = &[
    (
        "post-login",
        &[
            "redirect.canRedirect",
            "redirect.encodeToken",
            "redirect.validateToken",
            "groups.getUserGroups",
            "groups.hasGroupMembership",
            "roles.getUserEffectiveRoles",
            "roles.getUserEffectiveRolesByIds",
            "roles.getUserEffectiveRolesByNames",
            "rules.wasExecuted",
        ],
    ),
    ("password-reset-post-challenge", &["redirect.encodeToken", "redirect.validateToken"]),
];

/// Every trigger has these.
const CACHE: &[&str] = &["cache.get", "cache.set", "cache.delete"];

/// The commands after which no later Action runs.
const ENDING: &[&str] = &[
    "access.deny",
    "access.rejectInvalidSubjectToken",
    "validation.error",
    "redirect.sendUserTo",
    "authentication.challengeWith",
    "authentication.challengeWithAny",
    "authentication.enrollWith",
    "authentication.enrollWithAny",
    "prompt.render",
];

fn of(table: &'static [(&str, &[&str])], trigger: &str) -> &'static [&'static str] {
    table.iter().find(|(name, _)| *name == trigger).map_or(&[], |(_, methods)| *methods)
}

/// The methods of a trigger's `api` that leave a command; empty for a trigger that nobody knows.
pub fn commands(trigger: &str) -> &'static [&'static str] {
    of(COMMANDS, trigger)
}

/// Every method of a trigger's `api`.
pub(crate) fn methods(trigger: &str) -> impl Iterator<Item = &'static str> {
    commands(trigger).iter().chain(of(QUESTIONS, trigger)).chain(CACHE).copied()
}

/// The triggers that scripts can be written for.
pub fn triggers() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(name, _)| *name)
}

/// Whether a command of this type ends the flow after the script that gave it.
pub(crate) fn ends_flow(command: &str) -> bool {
    ENDING.contains(&command)
}

/// The export that a trigger calls: `onExecutePostLogin`.
pub fn export_name(trigger: &str) -> String {
    if trigger == "password-reset-post-challenge" {
        return "onExecutePostChallenge".to_owned();
    }
    let mut name = String::from("onExecute");
    for word in trigger.split('-') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_named_as_at_auth0() {
        assert_eq!(export_name("post-login"), "onExecutePostLogin");
        assert_eq!(export_name("credentials-exchange"), "onExecuteCredentialsExchange");
        assert_eq!(export_name("password-reset-post-challenge"), "onExecutePostChallenge");
        assert_eq!(export_name("custom-token-exchange"), "onExecuteCustomTokenExchange");
    }

    #[test]
    fn what_ends_a_flow_is_a_command_of_some_trigger() {
        for command in ENDING {
            assert!(triggers().any(|trigger| commands(trigger).contains(command)), "{command}");
        }
    }
}
