//! Which file is which.

/// Makes the table of files: by name, and whether scripts can `require` them.
macro_rules! library {
    (
        internal: $($internal:literal)*;
        modules: $($module:literal)*;
        vendor internal: $($core:literal)*;
        vendor modules: $($vendor:literal)*;
    ) => {
        /// A file's lasting name and its source.
        pub(super) fn source(name: &str) -> Option<(&'static str, &'static str)> {
            match name {
                $($internal => Some(($internal, include_str!(concat!("../../library/", $internal, ".js")))),)*
                $($module => Some(($module, include_str!(concat!("../../library/", $module, ".js")))),)*
                $($core => Some(($core, include_str!(concat!("../../library/vendor/", $core, ".js")))),)*
                $($vendor => Some(($vendor, include_str!(concat!("../../library/vendor/", $vendor, ".js")))),)*
                _ => None,
            }
        }

        /// What scripts can `require`.
        pub(crate) fn names() -> &'static [&'static str] {
            &[$($module,)* $($vendor,)*]
        }

        #[cfg(test)]
        pub(super) fn all() -> impl Iterator<Item = &'static str> {
            [$($internal,)* $($core),*].into_iter().chain(names().iter().copied())
        }
    };
}

library! {
    internal:
        "abort" "actions" "api" "api/access" "api/accessToken" "api/address" "api/authentication" "api/cache"
        "api/checks" "api/groups" "api/idToken" "api/lifetimes" "api/multifactor" "api/notification" "api/prompt"
        "api/redirect" "api/redirect-token" "api/refreshToken" "api/roles" "api/rules" "api/samlResponse"
        "api/session" "api/transaction" "api/user" "api/validation" "boot" "bytes" "console" "encoding" "fetch"
        "format" "global" "legacy-globals" "require" "rule-auth0" "rules" "structured-clone" "timer-globals"
        "web-crypto" "whatwg-url";
    modules:
        "assert" "auth0" "axios" "bcrypt" "buffer" "crypto" "got" "http" "jwks-rsa" "node-fetch" "os"
        "performance" "process" "request" "rule-utilities" "stream" "timers" "url" "util";
    vendor internal:
        "axios-core" "buffer-core" "stream-core" "url-legacy";
    vendor modules:
        "async" "events" "ipaddr.js" "jsonwebtoken" "lodash" "moment" "path" "querystring" "string_decoder"
        "uuid";
}
