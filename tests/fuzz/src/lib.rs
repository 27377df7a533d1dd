//! What must hold for any bytes at all: nothing panics, and the laws written in each target.
//!
//! Each target is a function of bytes. `cargo test` runs it over its seed corpus (`corpus/NAME`) and over
//! random bytes; `scripts/fuzz` runs it under libFuzzer, which looks for inputs that reach new code.

pub mod authorize_query;
pub mod client_assertion;
pub mod jwt;
pub mod redirect_matcher;
pub mod script_bridge;
pub mod user_import;
pub mod user_search;

/// A target by its name.
pub type Target = fn(&[u8]);

/// Every target, named as its corpus folder and its libFuzzer binary.
pub const TARGETS: &[(&str, Target)] = &[
    ("authorize_query", authorize_query::run),
    ("client_assertion", client_assertion::run),
    ("jwt", jwt::run),
    ("redirect_matcher", redirect_matcher::run),
    ("script_bridge", script_bridge::run),
    ("user_import", user_import::run),
    ("user_search", user_search::run),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::TARGETS;

    #[test]
    fn every_target_holds_on_its_corpus() {
        for (name, run) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
            let mut seeds = 0;
            for entry in std::fs::read_dir(&folder).expect("each target has a corpus") {
                run(&std::fs::read(entry.unwrap().path()).unwrap());
                seeds += 1;
            }
            assert!(seeds > 0, "{name} has no seeds");
        }
    }

    proptest! {
        #[test]
        fn every_target_holds_on_random_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            for (_, run) in TARGETS {
                run(&data);
            }
        }
    }
}
