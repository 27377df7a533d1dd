//! Reasons of Actions, Rules and Hooks: what they refused, what of their commands was left out, how they failed.

use super::{Entry, entry};

pub(super) const TABLE: &[Entry] = &[
    entry(
        "denied_by_script",
        "action.code",
        "A script refused the login.",
        "see the script's condition in its code; the log entry names it.",
    ),
    entry(
        "script_validation_error",
        "action.code",
        "A script refused what was typed.",
        "see the script's condition in its code.",
    ),
    entry(
        "revoked_by_script",
        "action.code",
        "A script revoked the session or the refresh token.",
        "see the script's condition in its code.",
    ),
    entry(
        "primary_user_not_linked",
        "action.code",
        "A script chose an account that is not linked to the one that logged in, or chose one where no browser logs in.",
        "link the accounts first.",
    ),
    entry(
        "script_redirect_impossible",
        "action.code",
        "A script sent the user elsewhere where no browser can be sent.",
        "check event.transaction.protocol, and prompt=none, before redirecting.",
    ),
    entry(
        "forms_not_built",
        "system.forms",
        "A script asks for a form, which is not supported.",
        "leave the command out.",
    ),
    entry("script_threw", "action.code", "A script threw an error.", "see the stack in the log entry."),
    entry(
        "script_invalid",
        "action.code",
        "A script cannot be run as it is.",
        "see the error in the log entry.",
    ),
    entry(
        "script_time",
        "system.script_limits",
        "The scripts took too long.",
        "do less in them, or call the outside with a shorter timeout.",
    ),
    entry("script_cpu", "system.script_limits", "A script used too much processor time.", "do less in it."),
    entry("script_memory", "system.script_limits", "A script used too much memory.", "keep less in it."),
    entry(
        "script_output",
        "system.script_limits",
        "A script's output is too long.",
        "log less, and set smaller claims.",
    ),
    entry("script_stuck", "action.code", "A script never ended.", "let its promises settle."),
    entry("script_worker", "system.scripts", "The scripts could not be run.", "see the server's log."),
    entry(
        "script_unbound",
        "action.bindings",
        "The script that had sent the browser elsewhere is no longer bound, so the login cannot go on after it.",
        "bind it again, or log in anew.",
    ),
    entry(
        "reserved_claim",
        "action.code",
        "The name of the claim is reserved for the protocol.",
        "use a name of your own, best under a URL: https://example.com/NAME.",
    ),
    entry(
        "forbidden_namespace",
        "action.code",
        "Claims under this name space belong to the service itself.",
        "use a URL or URN of your own.",
    ),
    entry(
        "claim_needs_namespace",
        "action.code",
        "A token for an API of the system takes only claims whose name is a URL or a URN.",
        "use a name such as https://example.com/NAME.",
    ),
    entry(
        "claims_too_long",
        "action.code",
        "The custom claims of a token may have 100 KB together.",
        "set an id, and let the API look up the rest.",
    ),
    entry(
        "scope_not_granted",
        "request.scope",
        "The claim is a standard one, and the scope that opens it was not granted.",
        "ask for that scope, or use a name of your own.",
    ),
    entry(
        "no_session_in_flow",
        "action.code",
        "There is no session in this flow.",
        "check event.session before.",
    ),
    entry(
        "no_refresh_token",
        "action.code",
        "No refresh token is issued or exchanged in this flow.",
        "check event.refresh_token before.",
    ),
    entry(
        "saml_not_built",
        "system.saml",
        "SAML applications are not supported by this server.",
        "leave the command out.",
    ),
    entry(
        "unknown_command",
        "action.code",
        "The command means nothing here.",
        "see the methods of this trigger.",
    ),
    entry(
        "script_missing",
        "connection.options.customScripts",
        "The connection has no script for what was asked.",
        "write the script in the connection's options: in customScripts, or for a social connection scripts.fetchUserProfile.",
    ),
    entry(
        "script_profile",
        "connection.options.customScripts",
        "The connection's script gave no usable profile.",
        "call back with an object that has user_id and, at a database, an address or a name.",
    ),
    entry(
        "passwordless_metadata",
        "action.code",
        "Metadata set before a passwordless account is made are not kept.",
        "set them in a post-login action.",
    ),
];
