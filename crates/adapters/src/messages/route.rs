//! Who delivers a connection's messages: its `options`, read and checked.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};
use gatewright_core::connection::Connection;
use gatewright_core::ids::Secret;
use serde_json::Value;

use super::DeliveryError;

/// Who delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsRoute {
    /// `provider: "sms_gateway"`: a POST to a URL of the tenant's.
    Gateway(GatewayRoute),
    /// `provider: "twilio"`, or none with Twilio's credentials given.
    Twilio(TwilioRoute),
    /// No provider is set at all: the message is captured where somebody captures, else refused.
    Capture,
}

/// The settings of an HTTP gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRoute {
    /// `gateway_url`.
    pub url: String,
    /// `from`, sent as `sender`.
    pub from: Option<String>,
    /// `gateway_authentication`.
    pub authentication: Option<BearerAuthentication>,
    /// `forward_req_info`: whether the gateway is told who asked for the message.
    pub forward_req_info: bool,
}

/// What the gateway's bearer token says, and the key it is signed with (HS256).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerAuthentication {
    /// The claim `sub`.
    pub subject: Option<String>,
    /// The claim `aud`.
    pub audience: Option<String>,
    /// The key, decoded already if the options say it is base64.
    pub secret: Secret<Vec<u8>>,
}

/// The settings of Twilio's REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwilioRoute {
    /// `twilio_sid`: the account.
    pub account_sid: String,
    /// `twilio_token`.
    pub auth_token: Secret<String>,
    /// Who the message comes from.
    pub sender: TwilioSender,
}

/// One or the other: Twilio takes a number or a messaging service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TwilioSender {
    /// `from`.
    From(String),
    /// `messaging_service_sid`.
    MessagingService(String),
}

impl SmsRoute {
    /// Reads a connection's options.
    ///
    /// Errors: always [`super::DeliveryErrorKind::Misconfigured`]; the detail names the option to set.
    pub fn from_options(connection: &Connection) -> Result<Self, DeliveryError> {
        let provider = connection.text_option("provider");
        match provider {
            Some("sms_gateway") => gateway(connection).map(Self::Gateway),
            Some("twilio") => twilio(connection).map(Self::Twilio),
            // Compat: an absent provider means Twilio, once its credentials are there.
            None if ["twilio_sid", "twilio_token"].iter().any(|o| connection.text_option(o).is_some()) => {
                twilio(connection).map(Self::Twilio)
            }
            None => Ok(Self::Capture),
            Some(other) => Err(DeliveryError::misconfigured(format!(
                "options.provider is \"{other}\"; it can be sms_gateway or twilio"
            ))),
        }
    }
}

fn required<'c>(connection: &'c Connection, option: &str) -> Result<&'c str, DeliveryError> {
    connection
        .text_option(option)
        .ok_or_else(|| DeliveryError::misconfigured(format!("the connection has no options.{option}")))
}

fn gateway(connection: &Connection) -> Result<GatewayRoute, DeliveryError> {
    let authentication = match connection.options.get("gateway_authentication") {
        None | Some(Value::Null) => None,
        Some(Value::Object(settings)) if settings.is_empty() => None,
        Some(settings) => Some(bearer(settings)?),
    };
    Ok(GatewayRoute {
        url: required(connection, "gateway_url")?.to_owned(),
        from: connection.text_option("from").map(str::to_owned),
        authentication,
        forward_req_info: flag(&connection.options, "forward_req_info"),
    })
}

fn bearer(settings: &Value) -> Result<BearerAuthentication, DeliveryError> {
    let text = |name: &str| settings.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(method) = text("method").filter(|method| *method != "bearer") {
        return Err(DeliveryError::misconfigured(format!(
            "options.gateway_authentication.method is \"{method}\"; only bearer is known"
        )));
    }
    let secret = text("secret").ok_or_else(|| {
        DeliveryError::misconfigured("the connection has no options.gateway_authentication.secret")
    })?;
    let secret = if flag(settings, "secret_base64_encoded") {
        decode_base64(secret).ok_or_else(|| {
            DeliveryError::misconfigured(
                "options.gateway_authentication.secret is not base64, though secret_base64_encoded says so",
            )
        })?
    } else {
        secret.as_bytes().to_vec()
    };
    Ok(BearerAuthentication {
        subject: text("subject").map(str::to_owned),
        audience: text("audience").map(str::to_owned),
        secret: Secret::new(secret),
    })
}

/// Both alphabets, padded or not: tools differ in what they call base64.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let alphabet = if text.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config).decode(text.trim()).ok().filter(|bytes| !bytes.is_empty())
}

fn flag(settings: &Value, name: &str) -> bool {
    settings.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn twilio(connection: &Connection) -> Result<TwilioRoute, DeliveryError> {
    let account_sid = required(connection, "twilio_sid")?;
    // It becomes part of the URL's path.
    if !account_sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(DeliveryError::misconfigured("options.twilio_sid holds more than letters and digits"));
    }
    let auth_token = Secret::new(required(connection, "twilio_token")?.to_owned());
    // Compat: `from` XOR `messaging_service_sid`; dashboards leave the unused one behind as an empty text.
    let sender = match (connection.text_option("messaging_service_sid"), connection.text_option("from")) {
        (Some(sid), _) => TwilioSender::MessagingService(sid.to_owned()),
        (None, Some(from)) => TwilioSender::From(from.to_owned()),
        (None, None) => {
            return Err(DeliveryError::misconfigured(
                "the connection has neither options.from nor options.messaging_service_sid",
            ));
        }
    };
    Ok(TwilioRoute { account_sid: account_sid.to_owned(), auth_token, sender })
}
