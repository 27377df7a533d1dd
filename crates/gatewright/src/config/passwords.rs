//! `[passwords]`: what hashing a password costs.

use super::ConfigError;
use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "passwords.memory_kib",
        variable: None,
        kind: Kind::Number,
        default: Some("19456"),
        default_in_dev: None,
        example: "19456",
        doc: "Memory that hashing one password takes, in KiB (argon2id). After a change, each hash is made \
              anew when its owner next logs in.",
    },
    Setting {
        key: "passwords.passes",
        variable: None,
        kind: Kind::Number,
        default: Some("2"),
        default_in_dev: None,
        example: "2",
        doc: "Passes over that memory.",
    },
    Setting {
        key: "passwords.at_once",
        variable: None,
        kind: Kind::Number,
        default: None,
        default_in_dev: None,
        example: "4",
        doc: "Passwords hashed at the same time; as many as there are cores if not set.",
    },
];

/// What hashing a password costs.
#[derive(Clone, Copy, Debug)]
pub struct Passwords {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Hashes at the same time.
    pub at_once: Option<usize>,
}

impl Passwords {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let number = |key: &str, least: u32, most: u32, default: u32| {
            let number = values.number::<u32>(key)?.unwrap_or(default);
            match (least..=most).contains(&number) {
                true => Ok(number),
                false => Err(values.error(key, &format!("must be {least} to {most}"))),
            }
        };
        let memory_kib = number("passwords.memory_kib", 8, 262_144, 19_456)?;
        let passes = number("passwords.passes", 1, 20, 2)?;
        let at_once = values.number::<usize>("passwords.at_once")?;
        Ok(Self { memory_kib, passes, at_once })
    }
}
