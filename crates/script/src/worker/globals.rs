//! The globals that the library gives scripts, and what of them and of the language a flow needs at once.
//!
//! To make a getter for each costs as much as to compile a small script. So only those are made that the text of
//! the scripts names; all of them, when a script could come by a global in another way, or loads a module.

use super::scope::Extent;

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

/// Words by which a script may come by a global that it does not name.
const BACK_DOORS: &[&str] = &["global", "globalThis", "eval", "Function", "constructor", "\\u"];

/// All globals of a kind of script.
pub(super) fn all(is_action: bool) -> impl Iterator<Item = &'static Global> {
    EVERYWHERE.iter().chain(if is_action { ACTIONS } else { LEGACY })
}

/// Words of scripts that need the whole language: what the usual part of it has not, where else it can be found,
/// and methods of `api` that work with bytes.
const WHOLE: &[&str] = &[
    "Map",
    "Set",
    "WeakMap",
    "WeakSet",
    "WeakRef",
    "FinalizationRegistry",
    "ArrayBuffer",
    "SharedArrayBuffer",
    "DataView",
    "Atomics",
    "Int8Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "Int16Array",
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "BigInt64Array",
    "BigUint64Array",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "DOMException",
    "atob",
    "btoa",
    "this",
    "arguments",
    "require",
    "redirect",
    "authentication",
    "transaction",
];

/// Modules of globals that make do with the usual part of the language.
const FRUGAL: &[&str] = &["console", "legacy-globals"];

/// What a program may use, by its text.
pub(super) struct Needs {
    /// The globals that it names, or `None` if it may come by any.
    pub(super) globals: Option<Vec<&'static Global>>,
    /// Whether it may call `require`.
    pub(super) requires: bool,
    /// How much of the language it may use.
    pub(super) extent: Extent,
}

impl Needs {
    /// What a program of this text needs.
    pub(super) fn of(code: &str, is_action: bool) -> Self {
        let words = Words::of(code);
        if BACK_DOORS.iter().any(|door| words.has(door)) {
            return Self { globals: None, requires: true, extent: Extent::Whole };
        }
        let globals: Vec<_> = all(is_action).filter(|(name, ..)| words.has(name)).collect();
        let is_usual = globals.iter().all(|(_, module, _)| FRUGAL.contains(module))
            && !WHOLE.iter().any(|word| words.has(word));
        Self {
            globals: Some(globals),
            requires: words.has("require") || words.has("arguments"),
            extent: if is_usual { Extent::Usual } else { Extent::Whole },
        }
    }
}

/// A text and its words, looked at as often as there are names.
struct Words<'a>(std::collections::HashSet<&'a str>);

impl<'a> Words<'a> {
    fn of(code: &'a str) -> Self {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
        let mut words: std::collections::HashSet<_> = code.split(|letter| !is_part(letter)).collect();
        if code.contains("\\u") {
            words.insert("\\u");
        }
        Self(words)
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str, is_action: bool) -> Option<Vec<&'static str>> {
        Needs::of(code, is_action).globals.map(|globals| globals.iter().map(|(name, ..)| *name).collect())
    }

    #[test]
    fn a_text_is_searched_for_whole_words() {
        assert_eq!(names("console.log(event.request.query)", true), Some(vec!["console"]));
        assert_eq!(names("var x = { url: _.get(a) }", false), Some(vec!["_", "url"]));
        assert_eq!(names("myconsole.log(); fetchAll()", true), Some(vec![]));
        assert_eq!(names("this['fetch'](`${URL}`)", true), Some(vec!["fetch", "URL"]));
    }

    #[test]
    fn what_names_nothing_unusual_gets_the_usual_language() {
        for (code, extent) in [
            ("callback(new UnauthorizedError('no'))", Extent::Usual),
            ("console.log(event.user, /a/.test('a'), new Date(), await Promise.all([]))", Extent::Usual),
            ("new Map()", Extent::Whole),
            ("fetch('https://api.example.com/')", Extent::Whole),
            ("setTimeout(f, 1)", Extent::Whole),
            ("require('x')", Extent::Whole),
            ("api.redirect.sendUserTo('https://example.com/')", Extent::Whole),
            ("(function () { return this; })()", Extent::Whole),
            ("eval('new Ma' + 'p()')", Extent::Whole),
        ] {
            assert_eq!(Needs::of(code, true).extent, extent, "{code}");
        }
        assert!(Needs::of("require('x')", true).requires);
        assert!(Needs::of("arguments[1]('x')", true).requires);
        assert!(!Needs::of("api.access.deny('x')", true).requires);
    }

    #[test]
    fn a_text_that_may_come_by_any_global_gets_all() {
        for code in [
            "globalThis['a' + b]",
            "(0, eval)('x')",
            "x.constructor.constructor()",
            "f\\u0065tch()",
            "global.x = 1",
        ] {
            assert_eq!(names(code, true), None, "{code}");
        }
    }
}
