//! What a new password of a database connection must be.
//!
//! Pure: history needs hashes compared, so this says only how many of them count. The texts and the tree
//! of rules are those that sign-up widgets read and show.

use serde_json::{Value, json};

mod common;

/// A password longer than this is refused: hashing it would only cost time.
const LONGEST_BYTES: usize = 1024;
/// Compat: the special characters that the text names; others count as well.
const SPECIAL: &str = "special characters (e.g. !@#$%^&*)";
/// Shorter parts of a name stand in too many words.
const SHORTEST_PART: usize = 3;

/// How much a password must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Not empty.
    None,
    /// Six characters.
    Low,
    /// Eight, with lower case, upper case and a digit.
    Fair,
    /// Eight, with three of four kinds of characters.
    Good,
    /// Ten, like good, and nothing three times in a row.
    Excellent,
}

impl Level {
    fn named(name: Option<&str>) -> Self {
        match name {
            Some("low") => Self::Low,
            Some("fair") => Self::Fair,
            Some("good") => Self::Good,
            Some("excellent") => Self::Excellent,
            _ => Self::None,
        }
    }

    const fn min_length(self) -> u64 {
        match self {
            Self::None => 1,
            Self::Low => 6,
            Self::Fair | Self::Good => 8,
            Self::Excellent => 10,
        }
    }
}

/// The policy of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    level: Level,
    min_length: u64,
    dictionary: Option<Vec<String>>,
    no_personal_info: bool,
    history: u32,
}

/// Whose password it becomes: what it must not hold where the policy says so.
#[derive(Clone, Debug, Default)]
pub struct Person<'a> {
    values: Vec<&'a str>,
}

impl<'a> Person<'a> {
    /// From a profile as the Management API shows it, or as a sign-up form sends it.
    pub fn of(get: impl Fn(&str) -> Option<&'a Value>) -> Self {
        let text = |value: Option<&'a Value>| value.and_then(Value::as_str);
        let metadata = get("user_metadata");
        let in_metadata = |name: &str| text(metadata.and_then(|metadata| metadata.get(name)));
        let email = text(get("email")).map(|email| email.split('@').next().unwrap_or(email));
        let named = ["name", "username", "nickname", "given_name", "family_name"].map(|name| text(get(name)));
        let values = named.into_iter().chain(["name", "first", "last"].map(in_metadata)).chain([email]);
        Self { values: values.flatten().collect() }
    }

    /// Whole values, and the words in them.
    fn parts(&self) -> impl Iterator<Item = String> {
        let words = self.values.iter().flat_map(|value| value.split(|c: char| !c.is_alphanumeric()));
        let parts = self.values.iter().copied().chain(words).map(str::to_lowercase);
        parts.filter(|part| part.chars().count() >= SHORTEST_PART)
    }
}

/// Why a password is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {}", self.name(), self.message())]
pub enum Weakness {
    /// Too short or too simple.
    Strength {
        /// The tree of rules, each with `verified`.
        rules: Value,
        /// The same as lines of text.
        policy: String,
    },
    /// On the list of common passwords.
    Common,
    /// Holds something about its owner.
    PersonalInfo,
    /// One of the owner's last passwords.
    Used {
        /// How many of them count.
        size: u32,
    },
}

impl Weakness {
    /// The `name` member of the refusal.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Strength { .. } => "PasswordStrengthError",
            Self::Common => "PasswordDictionaryError",
            Self::PersonalInfo => "PasswordNoUserInfoError",
            Self::Used { .. } => "PasswordHistoryError",
        }
    }

    /// In a sentence.
    pub const fn message(&self) -> &'static str {
        match self {
            Self::Strength { .. } => "Password is too weak",
            Self::Common => "Password is too common",
            Self::PersonalInfo => "Password contains user information",
            Self::Used { .. } => "Password has previously been used",
        }
    }

    /// The `description` member: the tree of rules, or the sentence.
    pub fn description(&self) -> Value {
        match self {
            Self::Strength { rules, .. } => rules.clone(),
            _ => self.message().into(),
        }
    }

    /// The `policy` member: the rules as lines of text.
    pub fn policy(&self) -> Option<&str> {
        match self {
            Self::Strength { policy, .. } => Some(policy),
            _ => None,
        }
    }
}

impl PasswordPolicy {
    /// The policy that a connection's options name: `passwordPolicy`, `password_complexity_options`,
    /// `password_history`, `password_dictionary` and `password_no_personal_info`.
    pub fn of(options: &Value) -> Self {
        let level = Level::named(options["passwordPolicy"].as_str());
        let enabled = |name: &str| options[name]["enable"].as_bool().unwrap_or(false);
        let words = options["password_dictionary"]["dictionary"].as_array().into_iter().flatten();
        let words = words.filter_map(Value::as_str).map(str::to_lowercase).collect();
        let size = options["password_history"]["size"].as_u64().unwrap_or(5).clamp(1, 24);
        Self {
            level,
            min_length: options["password_complexity_options"]["min_length"]
                .as_u64()
                .map_or(level.min_length(), |length| length.clamp(1, 128)),
            dictionary: enabled("password_dictionary").then_some(words),
            no_personal_info: enabled("password_no_personal_info"),
            history: if enabled("password_history") { u32::try_from(size).unwrap_or(24) } else { 0 },
        }
    }

    /// How many earlier passwords must not come again; 0 if any may.
    pub const fn history_size(&self) -> u32 {
        self.history
    }

    /// Judges a password.
    ///
    /// # Errors
    /// The first [`Weakness`], in the order strength, dictionary, personal data.
    pub fn check(&self, password: &str, person: &Person<'_>) -> Result<(), Weakness> {
        let rules = self.rules(password);
        if !rules.iter().all(Rule::holds) {
            let lines: Vec<String> = rules.iter().map(Rule::text).collect();
            let tree: Vec<Value> = rules.iter().map(Rule::json).collect();
            return Err(Weakness::Strength {
                rules: json!({"rules": tree, "verified": false}),
                policy: lines.join("\n"),
            });
        }
        let lower = password.to_lowercase();
        if let Some(words) = &self.dictionary
            && (common::PASSWORDS.contains(&lower.as_str()) || words.contains(&lower))
        {
            return Err(Weakness::Common);
        }
        if self.no_personal_info && person.parts().any(|part| lower.contains(&part)) {
            return Err(Weakness::PersonalInfo);
        }
        Ok(())
    }

    /// The rules as lines of text, for a page that asks for a new password.
    pub fn text(&self) -> String {
        let lines: Vec<String> = self.rules("").iter().map(Rule::text).collect();
        lines.join("\n")
    }

    /// The rules, each judged for this password, for a page that shows them. An empty password shows what
    /// is asked for.
    pub fn rules(&self, password: &str) -> Vec<Rule> {
        let length = password.chars().count() as u64;
        let mut rules = match (self.level, self.min_length) {
            (Level::None, 1) => vec![Rule::new("nonEmpty", "Non-empty password required", length > 0)],
            (_, least) => {
                let rule = Rule::new("lengthAtLeast", "At least %d characters in length", length >= least);
                vec![rule.format([json!(least)])]
            }
        };
        let kinds = [
            Rule::new(
                "lowerCase",
                "lower case letters (a-z)",
                password.chars().any(|c| c.is_ascii_lowercase()),
            ),
            Rule::new(
                "upperCase",
                "upper case letters (A-Z)",
                password.chars().any(|c| c.is_ascii_uppercase()),
            ),
            Rule::new("numbers", "numbers (i.e. 0-9)", password.chars().any(|c| c.is_ascii_digit())),
            Rule::new("specialCharacters", SPECIAL, password.chars().any(is_special)),
        ];
        let held = kinds.iter().filter(|kind| kind.verified).count();
        match self.level {
            Level::None | Level::Low => {}
            Level::Fair => {
                let [lower, upper, digit, _] = kinds;
                let items = vec![lower, upper, digit];
                let holds = items.iter().all(|item| item.verified);
                rules.push(Rule { items, ..Rule::new("shouldContain", "Should contain:", holds) });
            }
            Level::Good | Level::Excellent => {
                let text = "Contain at least %d of the following %d types of characters:";
                let rule = Rule::new("containsAtLeast", text, held >= 3).format([json!(3), json!(4)]);
                rules.push(Rule { items: kinds.into(), ..rule });
            }
        }
        if self.level == Level::Excellent {
            let text = "No more than %d identical characters in a row (e.g., \"%s\" not allowed)";
            let rule = Rule::new("identicalChars", text, !thrice_in_a_row(password));
            rules.push(rule.format([json!(2), json!("aaa")]));
        }
        if password.len() > LONGEST_BYTES {
            let rule = Rule::new("lengthAtMost", "At most %d bytes in length", false);
            rules.push(rule.format([json!(LONGEST_BYTES)]));
        }
        rules
    }
}

/// Anything that is no letter and no digit counts, and so do letters of other alphabets.
fn is_special(c: char) -> bool {
    !c.is_ascii_alphanumeric()
}

fn thrice_in_a_row(password: &str) -> bool {
    let chars: Vec<char> = password.chars().collect();
    chars.windows(3).any(|three| three[0] == three[1] && three[1] == three[2])
}

/// One rule of the tree.
#[derive(Clone, Debug)]
pub struct Rule {
    code: &'static str,
    message: &'static str,
    format: Vec<Value>,
    items: Vec<Rule>,
    verified: bool,
}

impl Rule {
    fn new(code: &'static str, message: &'static str, verified: bool) -> Self {
        Self { code, message, format: Vec::new(), items: Vec::new(), verified }
    }

    fn format(self, format: impl Into<Vec<Value>>) -> Self {
        Self { format: format.into(), ..self }
    }

    /// Whether the password keeps it.
    pub const fn holds(&self) -> bool {
        self.verified
    }

    /// Its id: `lengthAtLeast`, `containsAtLeast`, `lowerCase`, ...
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The numbers that it names: characters, or how many of how many kinds.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.format.iter().filter_map(Value::as_u64)
    }

    /// The rules that it is made of.
    pub fn items(&self) -> &[Self] {
        &self.items
    }

    fn json(&self) -> Value {
        let mut rule = json!({"message": self.message, "code": self.code, "verified": self.verified});
        if !self.format.is_empty() {
            rule["format"] = json!(self.format);
        }
        if !self.items.is_empty() {
            rule["items"] = self.items.iter().map(Rule::json).collect();
        }
        rule
    }

    /// `* rule`, with its items on lines of their own.
    fn text(&self) -> String {
        let mut message = self.message.to_owned();
        for value in &self.format {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let place = if value.is_string() { "%s" } else { "%d" };
            message = message.replacen(place, &shown, 1);
        }
        let items: Vec<String> = self.items.iter().map(|item| format!("\n * {}", item.message)).collect();
        format!("* {message}{}", items.join(","))
    }
}

#[cfg(test)]
mod tests;
