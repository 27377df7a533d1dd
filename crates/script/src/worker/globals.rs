//! The globals that the library gives scripts: getters that load what they name when it is first used.

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
