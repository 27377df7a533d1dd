//! `[outbound]`: where the server's own requests may go.

use super::ConfigError;
use gatewright_adapters::AllowEntry;

use super::setting::{Kind, Setting};
use super::values::Values;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "outbound.allow",
        variable: None,
        kind: Kind::List,
        default: None,
        default_in_dev: None,
        example: "[\"127.0.0.1:4200\", \"sms.internal:443\", \"10.1.0.0/16\"]",
        doc: "Private addresses that SMS gateways and other outside services may have: `host:port`, \
              `ip:port` or a network. Others that are private, loopback or link-local are refused; \
              `gatewright dev` allows loopback as well.",
    },
    Setting {
        key: "outbound.twilio_base_url",
        variable: None,
        kind: Kind::Text,
        default: Some("https://api.twilio.com"),
        default_in_dev: None,
        example: "\"https://api.twilio.com\"",
        doc: "Where Twilio's REST API is, for a relay of one's own.",
    },
    Setting {
        key: "outbound.sms_timeout_seconds",
        variable: None,
        kind: Kind::Number,
        default: Some("30"),
        default_in_dev: None,
        example: "30",
        doc: "How long an SMS gateway or Twilio may take to answer; the person logging in waits for it.",
    },
];

/// Where requests to the outside may go.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// Private destinations that are allowed.
    pub allow: Vec<AllowEntry>,
    /// Base URL of Twilio's REST API.
    pub twilio_base_url: String,
    /// How long a provider of text messages may take, in seconds; at least 1.
    pub sms_timeout_seconds: u64,
}

impl Outbound {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let twilio_base_url = values.text("outbound.twilio_base_url").unwrap_or_default();
        let is_url = twilio_base_url.starts_with("https://") || twilio_base_url.starts_with("http://");
        if !is_url {
            return Err(values.error("outbound.twilio_base_url", "must begin with https:// (or http://)"));
        }
        let read = |item: String| {
            item.parse::<AllowEntry>().map_err(|error| values.error("outbound.allow", &error.to_string()))
        };
        let allow = values.texts("outbound.allow").into_iter().map(read).collect::<Result<_, _>>()?;
        let sms_timeout_seconds = values.number::<u64>("outbound.sms_timeout_seconds")?.unwrap_or(30).max(1);
        Ok(Self { allow, twilio_base_url, sms_timeout_seconds })
    }
}
