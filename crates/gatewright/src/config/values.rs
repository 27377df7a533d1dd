//! Merges file, variables and flags into one value for each setting, and remembers where it came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use gatewright_core::ids::Secret;

use super::setting::Setting;
use super::suggest::did_you_mean;
use super::{ConfigError, Form, Inputs, file_to_read, settings};

/// Variables that are no settings: the file's own name, and what the project's tests use.
const OTHER_VARIABLES: &[&str] = &["GATEWRIGHT_CONFIG", "GATEWRIGHT_TOKEN"];
const TEST_PREFIX: &str = "GATEWRIGHT_TEST_";

/// The merged values.
#[derive(Debug, Default)]
pub struct Values {
    set: BTreeMap<&'static str, Value>,
}

struct Value {
    value: toml::Value,
    place: String,
    by_default: bool,
}

/// Never shows the value: it may be a secret.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "… from {}", self.place)
    }
}

impl Values {
    /// Reads all places in order of precedence.
    ///
    /// # Errors
    /// Unknown names, wrong types, an unreadable file.
    pub fn gather(form: Form, inputs: &Inputs) -> Result<Self, ConfigError> {
        let mut values = Self::default();
        values.take_defaults(form);
        if let Some(path) = file_to_read(inputs) {
            values.take_file(&path)?;
        }
        values.take_variables(&inputs.variables)?;
        for (key, text) in &inputs.flags {
            values.take_text(find_key(key, "the flags")?, text, "a flag".to_owned())?;
        }
        Ok(values)
    }

    fn take_defaults(&mut self, form: Form) {
        for setting in settings() {
            let in_dev = setting.default_in_dev.filter(|_| form == Form::Dev);
            if let Some(text) = in_dev.or(setting.default) {
                let value = setting.kind.parse(text).expect("defaults in the table are well formed");
                let value = Value { value, place: "the default".to_owned(), by_default: true };
                self.set.insert(setting.key, value);
            }
        }
    }

    fn take_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let place = path.display().to_string();
        for (section, content) in table {
            let toml::Value::Table(content) = content else {
                find_key(&section, &place)?;
                return Err(bad(&section, &place, "expected a section like [server]".to_owned()));
            };
            for (name, value) in content {
                let setting = find_key(&format!("{section}.{name}"), &place)?;
                setting.kind.check(&value).map_err(|reason| bad(setting.key, &place, reason))?;
                self.set.insert(setting.key, Value { value, place: place.clone(), by_default: false });
            }
        }
        Ok(())
    }

    fn take_variables(&mut self, variables: &[(String, String)]) -> Result<(), ConfigError> {
        for (name, text) in variables {
            let other = OTHER_VARIABLES.contains(&name.as_str()) || name.starts_with(TEST_PREFIX);
            if !name.starts_with("GATEWRIGHT_") || other {
                continue;
            }
            let Some(setting) = settings().find(|setting| setting.variable() == *name) else {
                let known = settings().map(Setting::variable);
                let suggestion = did_you_mean(name, known);
                return Err(ConfigError::UnknownVariable { name: name.clone(), suggestion });
            };
            self.take_text(setting, text, name.clone())?;
        }
        Ok(())
    }

    fn take_text(&mut self, setting: &'static Setting, text: &str, place: String) -> Result<(), ConfigError> {
        let value = setting.kind.parse(text).map_err(|reason| bad(setting.key, &place, reason))?;
        self.set.insert(setting.key, Value { value, place, by_default: false });
        Ok(())
    }

    /// An error if any setting of a section was given by someone.
    pub(super) fn refuse_section(&self, section: &str, why: &str) -> Result<(), ConfigError> {
        let given = self.set.iter().find(|(key, value)| {
            !value.by_default && key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
        });
        match given {
            Some((key, value)) => Err(ConfigError::NotAllowed(format!(
                "{key} (from {}) is not allowed here: {why}. Remove it.",
                value.place
            ))),
            None => Ok(()),
        }
    }

    /// A text; an empty one counts as not set.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.set.get(key)?.value.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    }

    /// A text as a path.
    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    /// A number that fits `T`.
    pub(super) fn number<T: TryFrom<i64>>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(found) = self.set.get(key) else { return Ok(None) };
        let Some(number) = found.value.as_integer() else { return Ok(None) };
        let fits = T::try_from(number).map_err(|_| self.error(key, &format!("{number} is out of range")))?;
        Ok(Some(fits))
    }

    /// A switch; `false` if not set.
    pub(super) fn switch(&self, key: &str) -> bool {
        self.set.get(key).and_then(|found| found.value.as_bool()).unwrap_or(false)
    }

    /// The items of a list as texts.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let items = self.set.get(key).and_then(|found| found.value.as_array());
        items.into_iter().flatten().filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
    }

    /// The items of a list, each read as a `T`; `expected` names what an item should be.
    pub(super) fn list<T: FromStr>(&self, key: &str, expected: &str) -> Result<Vec<T>, ConfigError> {
        let read = |item: String| {
            item.parse::<T>().map_err(|_| self.error(key, &format!("\"{item}\" is not {expected}")))
        };
        self.texts(key).into_iter().map(read).collect()
    }

    /// A secret, read from its file if it is `file:/path`; the line end of such a file is dropped.
    pub(super) fn secret(&self, key: &str) -> Result<Option<Secret<String>>, ConfigError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let Some(path) = text.strip_prefix("file:") else { return Ok(Some(Secret::new(text))) };
        let content = std::fs::read_to_string(path)
            .map_err(|error| self.error(key, &format!("cannot read {path}: {error}")))?;
        let content = content.trim_end_matches(['\r', '\n']);
        if content.is_empty() {
            return Err(self.error(key, &format!("{path} is empty")));
        }
        Ok(Some(Secret::new(content.to_owned())))
    }

    /// An error about the value of `key`, naming where it came from.
    pub(super) fn error(&self, key: &str, reason: &str) -> ConfigError {
        let place = self.set.get(key).map_or("the default", |found| found.place.as_str());
        bad(key, place, reason.to_owned())
    }
}

fn bad(key: &str, place: &str, reason: String) -> ConfigError {
    ConfigError::BadValue { key: key.to_owned(), place: place.to_owned(), reason }
}

fn find_key(key: &str, place: &str) -> Result<&'static Setting, ConfigError> {
    settings().find(|setting| setting.key == key).ok_or_else(|| ConfigError::UnknownKey {
        key: key.to_owned(),
        place: place.to_owned(),
        suggestion: did_you_mean(key, settings().map(|setting| setting.key.to_owned())),
    })
}
