//! What an event of the log is, in words.

use serde_json::Value;

/// An event's code in words, and whether it is `good`, `bad` or `quiet`.
pub(crate) fn named(code: &str) -> (&'static str, String) {
    let kind = match code {
        "sapi" | "mgmt_api_read" | "cls" | "cs" | "w" | "gd_" => "quiet",
        _ if code.starts_with('f') || code.starts_with("limit") || code.contains("blocked") => "bad",
        _ => "good",
    };
    (kind, words(code).map_or(code, |(name, _)| name).to_owned())
}

fn words(code: &str) -> Option<(&'static str, &'static str)> {
    EVENTS.iter().find(|(known, ..)| *known == code).map(|(_, name, sentence)| (*name, *sentence))
}

/// The event as a sentence or two: who did what where, and what the flow said about it.
pub(super) fn told(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().filter(|text| !text.is_empty());
    let description = text("description").map(str::trim).unwrap_or_default();
    let Some((_, sentence)) = words(text("type").unwrap_or_default()) else { return ended(description) };
    let mut told = String::new();
    // A part in brackets is left out where what it names is not known.
    for part in sentence.split(['[', ']']) {
        let Some((before, rest)) = part.split_once('{') else {
            told.push_str(part);
            continue;
        };
        let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
        let value = match name {
            "user" => text("user_name").or(text("user_id")).or(Some("Somebody")),
            "client" if part.starts_with("{client}") => {
                text("client_name").or(text("client_id")).or(Some("An application"))
            }
            "client" => text("client_name").or(text("client_id")),
            name => text(name),
        };
        if let Some(value) = value {
            told.push_str(&format!("{before}{value}{after}"));
        }
    }
    match description {
        "" => told,
        description => format!("{told} {}", ended(description)),
    }
}

fn ended(sentence: &str) -> String {
    let is_open = !sentence.is_empty() && !sentence.ends_with(['.', '!', '?']);
    if is_open { format!("{sentence}.") } else { sentence.to_owned() }
}

/// Codes as Auth0 has them, a name for lists, and a sentence; each bracket holds one name at most.
const EVENTS: &[(&str, &str, &str)] = &[
    ("s", "Login", "{user} logged in[ to {client}][ with {connection}]."),
    ("ssa", "Silent login", "{user} was logged in[ to {client}] without a page, by the session."),
    ("fsa", "Silent login refused", "A login without a page[ at {client}] was refused."),
    ("f", "Login refused", "A login[ to {client}][ with {connection}] was refused."),
    (
        "fu",
        "Login refused: who",
        "A login[ to {client}] was refused: there is no such user[ in {connection}].",
    ),
    ("fp", "Wrong password", "{user} was refused[ at {client}]: the password was wrong."),
    ("fc", "Connector failed", "A login[ to {client}] failed at the connector[ of {connection}]."),
    ("fco", "Origin refused", "A page asked from an origin that is not allowed[ for {client}]."),
    (
        "fcoa",
        "Cross-origin login refused",
        "A login on a page of another origin[, at {client},] was refused.",
    ),
    ("scoa", "Cross-origin login", "{user} was recognised on a page of another origin[, for {client}]."),
    ("ss", "Sign-up", "{user} signed up[ at {client}][ with {connection}]."),
    ("fs", "Sign-up refused", "A sign-up[ at {client}][ with {connection}] was refused."),
    ("slo", "Logout", "{user} logged out[ of {client}]."),
    ("flo", "Logout failed", "A logout[ of {client}] failed."),
    ("cls", "Code or link sent by e-mail", "{user} was sent a code or a link by e-mail[ for {client}]."),
    ("cs", "Code sent by SMS", "{user} was sent a code by SMS[ for {client}]."),
    ("seacft", "Token for a code", "{client} exchanged a code for tokens[ of {user}]."),
    ("feacft", "Code refused", "{client} wanted tokens for a code, and was refused."),
    ("sertft", "Token renewed", "{client} renewed tokens with a refresh token[ of {user}]."),
    ("fertft", "Refresh token refused", "{client} presented a refresh token, and was refused."),
    ("seccft", "Token for a machine", "{client} got a token of its own[ for {audience}]."),
    ("feccft", "Machine refused", "{client} wanted a token of its own[ for {audience}], and was refused."),
    ("sepft", "Token for a password", "{client} got tokens for a password[ of {user}]."),
    ("fepft", "Password grant refused", "{client} wanted tokens for a password, and was refused."),
    ("sede", "Token for a device", "{client} got tokens for a device[ of {user}]."),
    ("fede", "Device refused", "{client} wanted tokens for a device, and was refused."),
    ("sapi", "Change by API", "{client} changed something by the Management API."),
    ("fapi", "Change by API refused", "{client} wanted a change by the Management API, and was refused."),
    ("mgmt_api_read", "Secret read by API", "{client} read a secret by the Management API."),
    ("scp", "Password changed", "{user} has a new password[ in {connection}]."),
    ("fcp", "Password change refused", "A change of the password[ of {user}] was refused."),
    ("scpr", "Password change asked for", "{user} asked for a new password[ in {connection}]."),
    ("sv", "E-mail address confirmed", "{user} confirmed the e-mail address[ for {client}]."),
    ("fv", "E-mail address not confirmed", "A confirmation of an e-mail address was refused."),
    ("sdu", "User deleted", "{user} was deleted[ from {connection}]."),
    (
        "limit_wc",
        "Blocked after wrong passwords",
        "{user} is blocked at this address[ {ip}] after wrong passwords.",
    ),
    ("limit_mu", "Address blocked", "The address {ip} is blocked after many wrong passwords."),
    ("fn", "Message not sent", "A message could not be sent."),
];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{named, told};

    #[test]
    fn codes_have_words_and_a_colour() {
        assert_eq!(named("s"), ("good", "Login".to_owned()));
        assert_eq!(named("feacft"), ("bad", "Code refused".to_owned()));
        assert_eq!(named("sapi").0, "quiet");
        assert_eq!(named("unheard_of"), ("good", "unheard_of".to_owned()));
    }

    #[test]
    fn an_event_is_told_with_what_is_known_of_it() {
        let check = |event: Value, expect: &str| assert_eq!(told(&event), expect);
        let login = json!({"type": "s", "user_name": "Ada", "client_name": "Shop", "connection": "sms"});
        check(login, "Ada logged in to Shop with sms.");
        check(json!({"type": "f", "description": "Nobody"}), "A login was refused. Nobody.");
        check(json!({"type": "unheard_of", "description": "Something happened"}), "Something happened.");
        let braces = json!({"type": "sapi", "client_name": "a {user} [b]", "description": "Update a client"});
        check(braces, "a {user} [b] changed something by the Management API. Update a client.");
    }
}
