//! Which file is which.

/// Makes the table of files: by name, and whether scripts can `require` them.
macro_rules! library {
    (internal: $($internal:literal)*; modules: $($module:literal)*; vendor: $($vendor:literal)*;) => {
        /// A file's lasting name and its source.
        pub(super) fn source(name: &str) -> Option<(&'static str, &'static str)> {
            match name {
                $($internal => Some(($internal, include_str!(concat!("../../library/", $internal, ".js")))),)*
                $($module => Some(($module, include_str!(concat!("../../library/", $module, ".js")))),)*
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
            [$($internal),*].into_iter().chain(names().iter().copied())
        }
    };
}

library! {
    internal:
        "actions" "api" "api-cache" "boot" "console" "format" "legacy-globals" "performance" "process" "redirect-token"
        "require" "rule-auth0" "rules";
    modules: ;
    vendor: ;
}
