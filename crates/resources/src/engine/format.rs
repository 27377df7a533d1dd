//! Formats of text members.

use gatewright_core::Timestamp;
use gatewright_core::colors::Color;
use gatewright_core::protection;

/// What a text member must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Anything.
    Any,
    /// A URL to which a browser may be sent back: any scheme that runs no code, a host for `http`
    /// and `https`, no fragment. A `*` may stand for a sub-domain.
    CallbackUrl,
    /// A URL or an origin, with `*` and `{…}` placeholders.
    UrlWithPlaceholders,
    /// An `http` or `https` URL.
    Url,
    /// An `http` or `https` URL, or nothing.
    UrlOrEmpty,
    /// An `https` URL, or nothing. Compat: `http://localhost` is taken too, for local work.
    HttpsUrlOrEmpty,
    /// An e-mail address.
    Email,
    /// An e-mail address, or nothing.
    EmailOrEmpty,
    /// A phone number: `+` and 1 to 15 digits.
    Phone,
    /// No `<` and `>`.
    NoAngleBrackets,
    /// Letters and digits, with single hyphens inside.
    ConnectionName,
    /// No white space.
    NoSpaces,
    /// Two upper-case letters.
    CountryCode,
    /// A date and time with an offset, ISO 8601.
    DateTime,
    /// The name of a key: letters, digits, `-` and `_`.
    KeyId,
    /// `#rgb` or `#rrggbb`.
    Color,
    /// Letters and digits, with spaces and hyphens inside.
    ScriptName,
    /// Small letters, digits, `_` and `-`; a letter or a digit first.
    OrganizationName,
    /// Nothing but digits.
    Digits,
    /// The name of a host, without port; no address.
    Hostname,
    /// No `:`.
    NoColon,
    /// A UUID in its usual form.
    Uuid,
    /// A colour as `#rgb` or `#rrggbb`, or with its transparency as `#rgba` or `#rrggbbaa`.
    ColorWithAlpha,
    /// No `<` and `>`, or nothing.
    NoAngleBracketsOrEmpty,
    /// An address, or a network as `192.0.2.0/24`; IPv4 or IPv6.
    IpOrNetwork,
}

impl Format {
    /// The format's name or pattern in validation messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::CallbackUrl => "callback-url",
            Self::UrlWithPlaceholders => "url-with-placeholders",
            Self::Url => "strict-uri",
            Self::UrlOrEmpty => "absolute-uri-or-empty",
            Self::HttpsUrlOrEmpty => "absolute-https-uri-or-empty",
            Self::Email => "email",
            Self::EmailOrEmpty => "email-or-empty",
            Self::Phone => r"^\+[0-9]{1,15}$",
            Self::NoAngleBrackets => "^[^<>]+$",
            Self::ConnectionName => "^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$",
            Self::NoSpaces => r"^\S*$",
            Self::CountryCode => "^[A-Z]{2}$",
            Self::DateTime => "date-time",
            Self::KeyId => "^([0-9a-zA-Z-_]{10,64})$",
            Self::Color => "html-color",
            Self::ScriptName => r"^[a-zA-Z0-9]([ \-a-zA-Z0-9]*[a-zA-Z0-9])?$",
            Self::OrganizationName => "^[a-z0-9][a-z0-9_-]*$",
            Self::Digits => "^[0-9]*$",
            Self::Hostname => "hostname",
            Self::NoColon => "^[^:]+$",
            Self::Uuid => "uuid",
            Self::ColorWithAlpha => "^#(([0-9a-fA-F]{3}){1,2}|([0-9a-fA-F]{4}){1,2})$",
            Self::NoAngleBracketsOrEmpty => "^[^<>]*$",
            Self::IpOrNetwork => "ip-or-cidr",
        }
    }

    /// Whether [`Format::name`] is a pattern rather than a word.
    pub fn is_pattern(self) -> bool {
        self.name().starts_with('^')
    }

    /// A text of this format.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Any
            | Self::NoAngleBrackets
            | Self::NoSpaces
            | Self::ConnectionName
            | Self::ScriptName
            | Self::OrganizationName
            | Self::NoColon => "example",
            Self::Digits => "123456789012",
            Self::Hostname => "login.example.com",
            Self::Uuid => "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            Self::CallbackUrl
            | Self::UrlWithPlaceholders
            | Self::Url
            | Self::UrlOrEmpty
            | Self::HttpsUrlOrEmpty => "https://app.example/path",
            Self::Email | Self::EmailOrEmpty => "ana@example.com",
            Self::Phone => "+61400000000",
            Self::CountryCode => "AU",
            Self::DateTime => "2026-01-31T12:00:00.000Z",
            Self::KeyId => "key-2026-01-31",
            Self::Color => "#0059d6",
            Self::ColorWithAlpha => "#0059d6cc",
            Self::NoAngleBracketsOrEmpty => "example",
            Self::IpOrNetwork => "192.0.2.0/24",
        }
    }

    /// Whether the text has this format.
    pub fn matches(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::CallbackUrl => is_url(text) && !text.contains('#'),
            Self::UrlWithPlaceholders => is_url(text),
            Self::Url => is_web_url(text),
            Self::UrlOrEmpty => text.is_empty() || is_web_url(text),
            Self::HttpsUrlOrEmpty => {
                text.is_empty()
                    || is_web_url(text)
                        && (text.starts_with("https://")
                            || matches!(host_of(text), Some("localhost" | "127.0.0.1")))
            }
            Self::Email => is_email(text),
            Self::EmailOrEmpty => text.is_empty() || is_email(text),
            Self::Phone => text.strip_prefix('+').is_some_and(|digits| {
                (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
            }),
            Self::NoAngleBrackets => !text.is_empty() && !text.contains(['<', '>']),
            Self::ConnectionName => {
                !text.is_empty()
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && !text.starts_with('-')
                    && !text.ends_with('-')
                    && !text.contains("--")
            }
            Self::NoSpaces => !text.contains(char::is_whitespace),
            Self::CountryCode => text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
            Self::DateTime => Timestamp::parse_iso8601(text).is_some(),
            Self::KeyId => {
                (10..=64).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            }
            Self::Color => Color::parse(text).is_some(),
            Self::ScriptName => {
                text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-'))
                    && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            }
            Self::Hostname => is_hostname(text),
            Self::OrganizationName => {
                let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
                text.bytes().next().is_some_and(is_letter)
                    && text.bytes().all(|b| is_letter(b) || matches!(b, b'_' | b'-'))
            }
            Self::Digits => text.bytes().all(|b| b.is_ascii_digit()),
            Self::NoColon => !text.is_empty() && !text.contains(':'),
            Self::Uuid => {
                text.len() == 36
                    && text.bytes().enumerate().all(|(at, b)| match at {
                        8 | 13 | 18 | 23 => b == b'-',
                        _ => b.is_ascii_hexdigit(),
                    })
            }
            Self::ColorWithAlpha => text.strip_prefix('#').is_some_and(|digits| {
                matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit())
            }),
            Self::NoAngleBracketsOrEmpty => !text.contains(['<', '>']),
            Self::IpOrNetwork => protection::network(text).is_some(),
        }
    }
}

/// Schemes that make a browser run or show what the URL itself holds.
const CODE_SCHEMES: &[&str] = &["javascript", "data", "vbscript", "blob"];

/// Scheme and rest (RFC 3986 section 3.1), if the text is an absolute URL of any scheme.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut bytes = scheme.bytes();
    let well_formed = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    (well_formed && !rest.is_empty()).then_some((scheme, rest))
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = split_scheme(text) else { return false };
    let lower = scheme.to_ascii_lowercase();
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    let hosted =
        !matches!(lower.as_str(), "http" | "https") || rest.starts_with("//") && host_of(text).is_some();
    clean && hosted && !CODE_SCHEMES.contains(&lower.as_str())
}

fn is_web_url(text: &str) -> bool {
    let web = split_scheme(text).is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    });
    web && is_url(text)
}

/// The host name in a URL, without user information and port.
fn host_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_port = authority.rsplit('@').next()?;
    let host = match host_port.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host_port,
    };
    (!host.is_empty()).then_some(host)
}

/// Labels of RFC 1123 section 2.1. The last one is no number, or the whole could be an address.
fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(is_label) && !last.bytes().all(|b| b.is_ascii_digit())
}

/// RFC 5321 lengths, one `@`, no spaces: what can be an address, not what is one.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && local.len() <= 64
        && text.len() <= 254
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ','))
        && !local.contains('@')
        && !domain.is_empty()
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
        && !domain.contains("..")
        && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn formats_accept_what_they_name() {
        let check = |format: Format, good: &[&str], bad: &[&str]| {
            for text in good {
                assert!(format.matches(text), "{format:?} should accept {text:?}");
            }
            for text in bad {
                assert!(!format.matches(text), "{format:?} should refuse {text:?}");
            }
        };
        check(
            Format::CallbackUrl,
            &["https://a.example/cb", "http://localhost:3000", "https://*.example.com/x", "com.app://cb/{x}"],
            &[
                "",
                "a.example",
                "javascript:alert(1)",
                "DATA:text/html,x",
                "https://",
                "http:/x",
                "https://a/#f",
                "https://a b",
            ],
        );
        check(
            Format::UrlWithPlaceholders,
            &["http://localhost:3000", "capacitor://localhost"],
            &["localhost", "x:"],
        );
        check(
            Format::HttpsUrlOrEmpty,
            &["", "https://a/x", "http://localhost:1/x"],
            &["http://a.example/x", "ftp://a"],
        );
        check(
            Format::Email,
            &["a@b", "a.b+c@exämple.org"],
            &["", "a", "a@", "@b", "a b@c", "a@b@c", "a@.b", "a@b..c"],
        );
        check(
            Format::Phone,
            &["+1", "+610400000000"],
            &["", "+", "610400000000", "+1234567890123456", "+1 2"],
        );
        check(
            Format::ConnectionName,
            &["sms", "Username-Password-Authentication"],
            &["", "-a", "a-", "a--b", "a b", "a_b"],
        );
        check(Format::ScriptName, &["a", "My rule - 2"], &["", " a", "a ", "-a", "a_b", "ä"]);
        check(Format::OrganizationName, &["a", "0-a_b"], &["", "-a", "A", "a b", "ä"]);
        check(
            Format::Hostname,
            &["localhost", "a.example", "A-1.example", "1.2.3.example"],
            &["", ".", "a.", "a..b", "-a.example", "a_b.example", "192.0.2.1", "a:443", "[::1]", "ä.example"],
        );
        check(Format::Digits, &["", "0", "123"], &["-1", "1 ", "x"]);
        check(
            Format::Uuid,
            &["b69a6835-57c7-4d53-b0d5-1c6ae580b6d5"],
            &["", "b69a683557c74d53b0d51c6ae580b6d5", "b69a6835-57c7-4d53-b0d5-1c6ae580b6dg"],
        );
    }
}
