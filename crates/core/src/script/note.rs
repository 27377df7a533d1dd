//! What is said about commands of scripts that were left out.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $says:literal, $remedy:literal;)+) => {
        /// Why a command of a script was left out. Codes are stable: logs and tools rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum NoteReason { $($(#[doc = $doc])+ #[serde(rename = $code)] $name,)+ }

        impl NoteReason {
            /// Every reason, for documentation and tests.
            pub const ALL: &[NoteReason] = &[$(NoteReason::$name,)+];

            /// The stable code, e.g. `reserved_claim`.
            pub const fn code(self) -> &'static str {
                match self { $(NoteReason::$name => $code,)+ }
            }

            /// One sentence: what is so.
            pub const fn says(self) -> &'static str {
                match self { $(NoteReason::$name => $says,)+ }
            }

            /// What to change.
            pub const fn remedy(self) -> &'static str {
                match self { $(NoteReason::$name => $remedy,)+ }
            }
        }
    };
}

reasons! {
    /// The claim belongs to the protocol.
    ReservedClaim = "reserved_claim",
        "The name is reserved for the protocol.",
        "use a name of your own, best under a URL: https://example.com/NAME.";
    /// The namespace belongs to somebody else.
    ForbiddenNamespace = "forbidden_namespace",
        "Claims under this name space belong to the service itself.",
        "use a URL or URN of your own.";
    /// Tokens for the Management API take namespaced claims only.
    ClaimNeedsNamespace = "claim_needs_namespace",
        "A token for an API of the system takes only claims whose name is a URL or a URN.",
        "use a name such as https://example.com/NAME.";
    /// All claims together are too long.
    ClaimsTooLong = "claims_too_long",
        "The custom claims of a token may have 100 KB together.",
        "set an id, and let the API look up the rest.";
    /// The scope that opens a standard claim was not granted.
    ScopeNotGranted = "scope_not_granted",
        "The claim is a standard one, and the scope that opens it was not granted.",
        "ask for that scope, or use a name of your own.";
    /// There is no session to change.
    NoSession = "no_session_in_flow",
        "There is no session in this flow.",
        "check event.session before.";
    /// There is no refresh token to change.
    NoRefreshToken = "no_refresh_token",
        "No refresh token is issued or exchanged in this flow.",
        "check event.refresh_token before.";
    /// The token is no SAML response.
    NoSaml = "saml_not_built",
        "SAML applications are not supported by this server.",
        "leave the command out.";
    /// A passwordless account begins without metadata.
    PasswordlessMetadata = "passwordless_metadata",
        "Metadata set before a passwordless account is made are not kept.",
        "set them in a post-login action.";
    /// The command is not known.
    UnknownCommand = "unknown_command",
        "The command means nothing here.",
        "see the methods of this trigger.";
}

/// A command that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The script; empty where nobody knows.
    pub by: String,
    /// The method: `accessToken.setCustomClaim`.
    pub command: String,
    /// What it was about: the claim's name.
    pub about: String,
    /// Why it was left out.
    pub reason: NoteReason,
    /// The reason in a sentence.
    #[serde(default)]
    pub says: String,
    /// What to change.
    #[serde(default)]
    pub remedy: String,
}

impl Note {
    /// A note with its texts.
    pub fn new(by: &str, command: &str, about: &str, reason: NoteReason) -> Self {
        Self {
            by: by.to_owned(),
            command: command.to_owned(),
            // A script may use anything as a name.
            about: about.chars().take(200).collect(),
            reason,
            says: reason.says().to_owned(),
            remedy: reason.remedy().to_owned(),
        }
    }
}
