//! The globals that the library gives scripts: getters that load what they name when it is first used.

use std::collections::HashSet;

use crate::library;

/// A global: its name, the module it comes from, and the member of it that it is (all of it, if empty).
pub(super) type Global = (&'static str, &'static str, &'static str);

/// The globals of every script.
const EVERYWHERE: &[Global] = &[
    ("global", "global", ""),
    ("console", "console", ""),
    ("process", "process", ""),
    ("performance", "performance", ""),
    ("Buffer", "buffer", "Buffer"),
    ("fetch", "fetch", "fetch"),
    ("Headers", "fetch", "Headers"),
    ("Request", "fetch", "Request"),
    ("Response", "fetch", "Response"),
    ("FormData", "fetch", "FormData"),
    ("Blob", "fetch", "Blob"),
    ("AbortController", "abort", "AbortController"),
    ("AbortSignal", "abort", "AbortSignal"),
    ("Event", "abort", "Event"),
    ("EventTarget", "abort", "EventTarget"),
    ("URL", "whatwg-url", "URL"),
    ("URLSearchParams", "whatwg-url", "URLSearchParams"),
    ("TextEncoder", "encoding", "TextEncoder"),
    ("TextDecoder", "encoding", "TextDecoder"),
    ("structuredClone", "structured-clone", ""),
    ("setTimeout", "timer-globals", "setTimeout"),
    ("setInterval", "timer-globals", "setInterval"),
    ("setImmediate", "timer-globals", "setImmediate"),
    ("clearTimeout", "timer-globals", "clearTimeout"),
    ("clearInterval", "timer-globals", "clearInterval"),
    ("clearImmediate", "timer-globals", "clearImmediate"),
    ("queueMicrotask", "timer-globals", "queueMicrotask"),
];

/// What Actions have besides: the `crypto` of browsers.
const ACTIONS: &[Global] = &[("crypto", "web-crypto", "")];

/// What rules, hooks, database and social scripts have besides: what Auth0 loads for them beforehand.
const LEGACY: &[Global] = &[
    ("crypto", "crypto", ""),
    ("_", "lodash", ""),
    ("async", "async", ""),
    ("auth0", "rule-auth0", ""),
    ("bcrypt", "bcrypt", ""),
    ("ip", "ipaddr.js", ""),
    ("jwt", "jsonwebtoken", ""),
    ("moment", "moment", ""),
    ("querystring", "querystring", ""),
    ("request", "request", ""),
    ("url", "url", ""),
    ("uuid", "uuid", ""),
    ("UnauthorizedError", "legacy-globals", "UnauthorizedError"),
    ("ValidationError", "legacy-globals", "ValidationError"),
    ("WrongUsernameOrPasswordError", "legacy-globals", "WrongUsernameOrPasswordError"),
    ("PreUserRegistrationError", "legacy-globals", "PreUserRegistrationError"),
    ("InvalidScopeError", "legacy-globals", "InvalidScopeError"),
    ("InvalidRequestError", "legacy-globals", "InvalidRequestError"),
    ("ServerError", "legacy-globals", "ServerError"),
];

/// All globals of a kind of script.
pub(super) fn all(is_action: bool) -> impl Iterator<Item = &'static Global> {
    EVERYWHERE.iter().chain(if is_action { ACTIONS } else { LEGACY })
}

/// Modules that look at the flow or the clock when they are loaded.
const LATE: &[&str] = &["rule-auth0", "performance"];

/// The modules of the library that a program is likely to use, by its text: those it requires by name, and those of
/// globals that it names. They are loaded before any flow; the others when a script first uses them.
pub(super) fn likely(code: &str, is_action: bool) -> Vec<&'static str> {
    let required = |name: &&&str| {
        ["require('", "require(\"", "require('node:", "require(\"node:"]
            .iter()
            .any(|before| code.contains(&format!("{before}{name}")))
    };
    let mut modules: Vec<&'static str> = library::names().iter().filter(required).copied().collect();
    let words: HashSet<&str> = code.split(|letter| !is_part(letter)).collect();
    if words.contains("require") {
        modules.push("require");
    }
    modules.extend(all(is_action).filter(|(name, ..)| words.contains(name)).map(|(_, module, _)| *module));
    modules.retain(|module| !LATE.contains(module));
    modules
}

fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '$'
}

#[cfg(test)]
mod tests {
    use super::likely;

    #[test]
    fn modules_are_found_by_words_and_names() {
        for (code, is_action, expected) in [
            ("event.console.log(1); consoles()", true, vec!["console"]),
            ("const _ = require('lodash@4.17.10'); _.get(a)", true, vec!["lodash", "require"]),
            ("_.get(user); fetchAll(auth0.domain, performance.now())", false, vec!["lodash"]),
            ("require(\"node:crypto\").randomUUID()", true, vec!["crypto", "require", "web-crypto"]),
        ] {
            assert_eq!(likely(code, is_action), expected, "{code}");
        }
    }
}
