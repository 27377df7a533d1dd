//! One setting: its key, its variable, its type, its default and what it means.

/// What may stand in a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number, not negative.
    Number,
    /// `true` or `false`.
    Switch,
    /// A list of texts; in a variable or flag, separated by commas.
    List,
    /// A text that is never printed and may be `file:/path` to be read from a file.
    Secret,
}

/// A row of the table of settings, from which the parser, the example file and the reference are made.
#[derive(Debug)]
pub struct Setting {
    /// `section.name`, as in the file.
    pub key: &'static str,
    /// The variable, if it is not the one made from the key.
    pub variable: Option<&'static str>,
    /// Its type.
    pub kind: Kind,
    /// The default as it would be written in a variable; `None` means not set.
    pub default: Option<&'static str>,
    /// The default in `gatewright dev`, where it differs.
    pub default_in_dev: Option<&'static str>,
    /// A value for the example file.
    pub example: &'static str,
    /// What it does, in sentences. Empty for a setting of which the key says it all.
    pub doc: &'static str,
}

impl Setting {
    /// The variable that sets it, e.g. `GATEWRIGHT_SERVER_PORT`.
    pub fn variable(&self) -> String {
        self.variable.map_or_else(
            || format!("GATEWRIGHT_{}", self.key.replace('.', "_").to_uppercase()),
            ToOwned::to_owned,
        )
    }

    /// The part of the key before the dot.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(section, _)| section)
    }

    /// The part of the key after the dot.
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }
}

impl Kind {
    /// The word for it in the reference.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Switch => "true or false",
            Self::List => "list",
            Self::Secret => "secret",
        }
    }

    /// Reads the form a variable or flag has.
    pub(crate) fn parse(self, text: &str) -> Result<toml::Value, String> {
        Ok(match self {
            Self::Text | Self::Secret => toml::Value::String(text.to_owned()),
            Self::Number => match text.trim().parse::<i64>() {
                Ok(number) if number >= 0 => toml::Value::Integer(number),
                _ => return Err(format!("\"{text}\" is not a whole number")),
            },
            Self::Switch => match text.trim() {
                "true" | "1" => toml::Value::Boolean(true),
                "false" | "0" => toml::Value::Boolean(false),
                _ => return Err(format!("\"{text}\" is neither true nor false")),
            },
            Self::List => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                toml::Value::Array(items.map(|item| toml::Value::String(item.to_owned())).collect())
            }
        })
    }

    /// Checks a value of the file.
    pub(crate) fn check(self, value: &toml::Value) -> Result<(), String> {
        let fits = match self {
            Self::Text | Self::Secret => value.is_str(),
            Self::Number => value.as_integer().is_some_and(|number| number >= 0),
            Self::Switch => value.is_bool(),
            Self::List => value.as_array().is_some_and(|items| items.iter().all(toml::Value::is_str)),
        };
        let expected = match self {
            Self::Text | Self::Secret => "a text in quotes",
            Self::Number => "a whole number",
            Self::Switch => "true or false",
            Self::List => "a list of texts, like [\"a\", \"b\"]",
        };
        if fits { Ok(()) } else { Err(format!("expected {expected}, found {}", value.type_str())) }
    }
}
