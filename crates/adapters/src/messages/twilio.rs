//! Twilio's REST API: one form POST to the account's `Messages.json`, with the account's credentials.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde::Deserialize;

use super::failures::no_answer;
use super::route::{TwilioRoute, TwilioSender};
use super::{DeliveryError, DeliveryErrorKind, Receipt, Sms};
use crate::guarded::{GuardedClient, OutboundRequest, OutboundResponse};

const PROVIDER: &str = "Twilio";

/// A message's JSON is about 1 KB; an error's is shorter.
const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// Twilio's own explanation is passed on up to this many characters.
const MAX_MESSAGE_CHARS: usize = 300;

pub(super) async fn send(
    client: &GuardedClient,
    base_url: &str,
    route: &TwilioRoute,
    sms: &Sms,
    timeout: Duration,
) -> Result<Receipt, DeliveryError> {
    let base_url = base_url.trim_end_matches('/');
    let url = format!("{base_url}/2010-04-01/Accounts/{}/Messages.json", route.account_sid);
    let mut request = OutboundRequest::new(Method::POST, url);
    request.timeout = timeout;
    request.max_response_bytes = MAX_RESPONSE_BYTES;
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    request.headers.insert(AUTHORIZATION, basic(route));
    request.body = form(route, sms).into_bytes();

    let response = client.send(request).await.map_err(|error| no_answer(PROVIDER, &error))?;
    match response.status {
        200..=299 => Ok(Receipt { route: "twilio", provider_message_id: message_sid(&response) }),
        _ => Err(refused(&response, sms)),
    }
}

fn form(route: &TwilioRoute, sms: &Sms) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("To", &sms.to).append_pair("Body", &sms.body);
    match (&route.sender, &sms.from) {
        (TwilioSender::MessagingService(sid), _) => form.append_pair("MessagingServiceSid", sid),
        (TwilioSender::From(_), Some(from)) | (TwilioSender::From(from), None) => {
            form.append_pair("From", from)
        }
    };
    form.finish()
}

/// RFC 7617.
fn basic(route: &TwilioRoute) -> HeaderValue {
    let credentials = STANDARD.encode(format!("{}:{}", route.account_sid, route.auth_token.reveal()));
    let mut header = HeaderValue::try_from(format!("Basic {credentials}"))
        .expect("base64 holds only characters that a header may hold");
    header.set_sensitive(true);
    header
}

fn message_sid(response: &OutboundResponse) -> Option<String> {
    #[derive(Deserialize)]
    struct Message {
        sid: String,
    }
    serde_json::from_slice::<Message>(&response.body).ok().map(|message| message.sid)
}

/// Twilio's error: `{"code": 21211, "message": "…", "status": 400}`.
#[derive(Deserialize)]
struct Problem {
    code: u32,
    #[serde(default)]
    message: String,
}

/// Compat: the description holds `(Code: NNNNN)`; login widgets look for `(Code: 21211)` to tell a wrong
/// number from other failures.
fn refused(response: &OutboundResponse, sms: &Sms) -> DeliveryError {
    let status = response.status;
    let Ok(problem) = serde_json::from_slice::<Problem>(&response.body) else {
        let kind = if status >= 500 { DeliveryErrorKind::Temporary } else { DeliveryErrorKind::Permanent };
        let public = format!("Unexpected response while calling {PROVIDER}: {status}");
        return DeliveryError { kind, public, detail: format!("{PROVIDER} answered with status {status}") };
    };
    let kind = match (status, problem.code) {
        (401 | 403, _) => DeliveryErrorKind::Misconfigured,
        // The sender is wrong, not the recipient: 21212 and 21606 the number, 21701 and later the service.
        (_, 21212 | 21603 | 21606 | 21659 | 21701..=21799) => DeliveryErrorKind::Misconfigured,
        (429 | 500.., _) => DeliveryErrorKind::Temporary,
        _ => DeliveryErrorKind::Permanent,
    };
    let code = problem.code;
    // A message that repeats ours would carry the code into the answer and the log.
    let message: String = if !sms.body.is_empty() && problem.message.contains(sms.body.as_str()) {
        String::new()
    } else {
        problem.message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE_CHARS).collect()
    };
    let message = if message.is_empty() { "The message was refused.".to_owned() } else { message };
    DeliveryError {
        kind,
        public: format!("{message} (Code: {code})"),
        detail: format!("{PROVIDER} answered with status {status} and code {code}"),
    }
}
