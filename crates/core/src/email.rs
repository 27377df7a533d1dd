//! The protocol's part of sending e-mail: a tenant's provider and its own texts.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// Who delivers a tenant's e-mail, as `/api/v2/emails/provider` holds it, credentials opened.
#[derive(Clone, Deserialize)]
#[serde(default)]
pub struct EmailProvider {
    /// `smtp`, `sendgrid`, `ses`, ...
    pub name: String,
    /// A provider that is switched off delivers nothing.
    #[serde(deserialize_with = "true_unless_false")]
    pub enabled: bool,
    /// The sender of messages whose template names none.
    pub default_from_address: Option<String>,
    /// What the provider wants to see: `smtp_host`, `smtp_port`, `smtp_user`, `smtp_pass` for `smtp`.
    pub credentials: Value,
}

/// No provider in particular, switched on.
impl Default for EmailProvider {
    fn default() -> Self {
        Self { name: String::new(), enabled: true, default_from_address: None, credentials: Value::Null }
    }
}

/// Leaves out the credentials.
impl fmt::Debug for EmailProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailProvider")
            .field("name", &self.name)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// A text that a tenant wrote for one kind of e-mail, as `/api/v2/email-templates/{name}` holds it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EmailTemplate {
    /// One of the names of `/api/v2/email-templates`, e.g. `verify_email`.
    pub template: String,
    /// HTML in Liquid.
    pub body: Option<String>,
    /// The sender; may hold Liquid.
    pub from: Option<String>,
    /// The subject; may hold Liquid.
    pub subject: Option<String>,
    /// Where a link of the message leads in the end; may hold Liquid.
    pub result_url: Option<String>,
    /// How long a link of the message is good.
    pub url_lifetime_in_seconds: Option<f64>,
    /// Whether the result URL is told the address.
    pub include_email_in_redirect: bool,
    /// A text that is switched off is not used; the default one is.
    pub enabled: Option<bool>,
}

/// The normal form of an e-mail address, or `None` if it cannot be one: trimmed, in lower case, at most
/// 64 bytes before the `@` and 254 in all, no spaces, control characters or separators of a list.
///
/// ```
/// # use gatewright_core::email::normalize_address;
/// assert_eq!(normalize_address(" Ann@Example.COM "), Some("ann@example.com".to_owned()));
/// assert_eq!(normalize_address("ann@localhost"), None);
/// assert_eq!(normalize_address("ann@a.example, bob@b.example"), None);
/// ```
#[must_use]
pub fn normalize_address(input: &str) -> Option<String> {
    let address = input.trim().to_lowercase();
    let (local, domain) = address.split_once('@')?;
    // RFC 5321 section 4.5.3.1; quoted local parts exist on paper only.
    if local.is_empty() || local.len() > 64 || address.len() > 254 || domain.contains('@') {
        return None;
    }
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]".contains(c);
    if address.contains(forbidden) || local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return None;
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    (domain.contains('.') && domain.split('.').all(label)).then_some(address)
}

fn true_unless_false<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(from)?.unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::{EmailProvider, normalize_address};
    use serde_json::json;

    #[test]
    fn addresses_have_one_spelling_and_only_one_recipient() {
        let check = |input: &str, expect: Option<&str>| {
            assert_eq!(normalize_address(input).as_deref(), expect, "{input:?}");
        };
        check("Ann.B+tag@Mail.Example", Some("ann.b+tag@mail.example"));
        check("ann@bücher.example", Some("ann@bücher.example"));
        for bad in [
            "",
            "@",
            "ann",
            "ann@",
            "@example.com",
            "a b@example.com",
            "ann@example",
            "ann@@example.com",
            "ann@exa mple.com",
            "ann@example..com",
            "ann@-example.com",
            "ann@example.com,bob@example.com",
            "ann@example.com\r\nBcc: bob@example.com",
            "Ann <ann@example.com>",
            ".ann@example.com",
            "a..b@example.com",
            "ann@[127.0.0.1]",
            "\"ann\"@example.com",
        ] {
            check(bad, None);
        }
        check(&format!("{}@example.com", "a".repeat(64)), Some(&format!("{}@example.com", "a".repeat(64))));
        check(&format!("{}@example.com", "a".repeat(65)), None);
    }

    #[test]
    fn a_provider_is_on_unless_it_says_otherwise_and_never_prints_credentials() {
        let provider: EmailProvider =
            serde_json::from_value(json!({"name": "smtp", "credentials": {"smtp_pass": "hush"}})).unwrap();
        assert!(provider.enabled && !format!("{provider:?}").contains("hush"));
        let off: EmailProvider = serde_json::from_value(json!({"name": "smtp", "enabled": false})).unwrap();
        assert!(!off.enabled);
    }
}
