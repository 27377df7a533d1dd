//! The checks of `/authorize`, each a few lines, in the order in which they run.

use super::{Ask, ErrorRedirect, Pkce, Prompt, Refusal, Request, ResponseMode, ResponseTypes};
use crate::client::Client;
use crate::errors::OAuthError;
use crate::redirect;

/// A check reads the request and what earlier checks made of it, adds its part, or refuses.
pub(super) type Check = fn(&mut Draft<'_>) -> Result<(), OAuthError>;

/// Every check with its name. Those up to `redirect_uri_allowed` are answered by a page; after it the
/// client's callback is known to be safe and errors go there.
pub(super) const CHECKS: &[(&str, Check)] = &[
    ("client_known", client_known),
    ("redirect_uri_allowed", redirect_uri_allowed),
    ("response_type", response_type),
    ("response_mode", response_mode),
    ("web_message_origin", web_message_origin),
    ("request_objects_unsupported", request_objects_unsupported),
    ("pushed_if_required", pushed_if_required),
    ("grant_allowed", grant_allowed),
    ("nonce", nonce),
    ("pkce", pkce),
    ("prompt", prompt),
    ("max_age", max_age),
    ("organization_unsupported", organization_unsupported),
    ("sizes", sizes),
];

/// A request on its way through the checks.
pub(super) struct Draft<'a> {
    ask: &'a Ask,
    client: Option<&'a Client>,
    /// Set once the callback is known to be registered.
    safe_redirect: Option<String>,
    response_types: ResponseTypes,
    response_mode: ResponseMode,
    prompt: Prompt,
    max_age_seconds: Option<i64>,
    pkce: Option<Pkce>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(ask: &'a Ask, client: Option<&'a Client>) -> Self {
        Self {
            ask,
            client,
            safe_redirect: None,
            response_types: ResponseTypes::default(),
            response_mode: ResponseMode::Query,
            prompt: Prompt::default(),
            max_age_seconds: None,
            pkce: None,
        }
    }

    pub(super) fn refuse(self, error: OAuthError) -> Refusal {
        match self.safe_redirect {
            Some(redirect_uri) => Refusal::Redirect(Box::new(ErrorRedirect {
                redirect_uri,
                response_mode: self.response_mode,
                state: self.ask.state.clone(),
                error,
            })),
            None => Refusal::Page(error),
        }
    }

    pub(super) fn finish(self) -> Request {
        Request {
            redirect_uri: self.safe_redirect.unwrap_or_default(),
            response_types: self.response_types,
            response_mode: self.response_mode,
            state: self.ask.state.clone(),
            nonce: self.ask.nonce.clone(),
            scope: self.ask.scope.clone(),
            audience: self.ask.audience.clone(),
            prompt: self.prompt,
            max_age_seconds: self.max_age_seconds,
            pkce: self.pkce,
            login_ticket: self.ask.login_ticket.clone(),
            connection: self.ask.connection.clone(),
        }
    }

    fn client(&self) -> Result<&'a Client, OAuthError> {
        self.client.ok_or_else(|| OAuthError::invalid_request("Unknown client.").because("client_unknown"))
    }
}

fn client_known(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    let Some(client_id) = &draft.ask.client_id else {
        return Err(OAuthError::missing_parameter("client_id").because("client_id_missing"));
    };
    if draft.client.is_none() {
        return Err(
            OAuthError::invalid_request(format!("Unknown client: {client_id}")).because("client_unknown")
        );
    }
    Ok(())
}

// RFC 6749 section 3.1.2.4: never redirect to a URI that is not registered.
fn redirect_uri_allowed(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    let client = draft.client()?;
    let uri = match (&draft.ask.redirect_uri, client.callbacks.as_slice()) {
        (Some(uri), _) => uri,
        (None, [only]) if !only.contains('*') => only,
        (None, _) => {
            return Err(OAuthError::missing_parameter("redirect_uri").because("redirect_uri_missing"));
        }
    };
    if !redirect::redirect_uri_allowed(uri, &client.callbacks) {
        // Compat: 403 and this text.
        let text = format!(
            "Callback URL mismatch. {uri} is not in the list of allowed callback URLs of this application."
        );
        return Err(OAuthError::new(403, "invalid_request", text).because("redirect_uri_not_registered"));
    }
    draft.safe_redirect = Some(uri.clone());
    Ok(())
}

fn response_type(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    // An error goes where the client listens, even one about the response type. A message goes to an
    // origin, and that is not checked yet.
    let mode = draft.ask.response_mode.as_deref().and_then(ResponseMode::parse);
    draft.response_mode =
        mode.filter(|mode| *mode != ResponseMode::WebMessage).unwrap_or(ResponseMode::Query);
    let Some(text) = &draft.ask.response_type else {
        return Err(OAuthError::missing_parameter("response_type").because("response_type_missing"));
    };
    // The default mode is needed for errors too, so it is set before anything can be refused.
    draft.response_types = ResponseTypes::parse(text).ok_or_else(|| {
        let text = format!("Unsupported response type: {text}");
        OAuthError::new(400, "unsupported_response_type", text).because("response_type_unknown")
    })?;
    draft.response_mode = draft.response_types.default_mode();
    Ok(())
}

fn response_mode(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    // Compat: the page that opened the window waits for a message, whatever else is asked for.
    if draft.ask.owp.as_deref() == Some("true") {
        draft.response_mode = ResponseMode::Popup;
        return Ok(());
    }
    let Some(text) = &draft.ask.response_mode else { return Ok(()) };
    let mode = ResponseMode::parse(text).ok_or_else(|| {
        OAuthError::invalid_request(format!("Unsupported response_mode: {text}"))
            .because("response_mode_unknown")
    })?;
    // OAuth 2.0 Multiple Response Types section 5: tokens never travel in a query.
    if mode == ResponseMode::Query && draft.response_types.has_token_or_id_token() {
        return Err(OAuthError::invalid_request(
            "response_mode query is not allowed for response types that return tokens.",
        )
        .because("response_mode_unsafe"));
    }
    draft.response_mode = mode;
    Ok(())
}

// The message goes to the origin of the callback, which must be one that may receive messages.
fn web_message_origin(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    if !matches!(draft.response_mode, ResponseMode::WebMessage | ResponseMode::Popup) {
        return Ok(());
    }
    let client = draft.client()?;
    let origin = draft.safe_redirect.as_deref().and_then(redirect::origin_of);
    let allowed = origin.as_ref().is_some_and(|origin| {
        redirect::origin_allowed(origin, &client.web_origins)
            || redirect::origin_allowed(origin, &redirect::callback_origins(&client.callbacks))
    });
    if !allowed {
        // Nobody may be told: the page that would receive the message is the one not trusted.
        draft.safe_redirect = None;
        let text = "The origin of redirect_uri may not receive web messages from this application.";
        return Err(
            OAuthError::new(403, "invalid_request", text).because("web_message_origin_not_registered")
        );
    }
    Ok(())
}

// OpenID Connect Core sections 6.1 and 6.2: to ignore these silently would change the request's meaning.
fn request_objects_unsupported(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    if draft.ask.request.is_some() {
        let error = OAuthError::new(400, "request_not_supported", "The request parameter is not supported.");
        return Err(error.because("request_object_not_built"));
    }
    if draft.ask.request_uri.is_some() {
        let text = "The request_uri parameter is not supported.";
        return Err(
            OAuthError::new(400, "request_uri_not_supported", text).because("request_object_not_built")
        );
    }
    Ok(())
}

// RFC 9126 section 6: the client's metadata require_pushed_authorization_requests.
fn pushed_if_required(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    if draft.client()?.require_pushed_authorization_requests && !draft.ask.pushed {
        let text = "This client has to push its authorization requests.";
        return Err(OAuthError::invalid_request(text).because("request_not_pushed"));
    }
    Ok(())
}

fn grant_allowed(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    let client = draft.client()?;
    let types = draft.response_types;
    let needed = [(types.code, "authorization_code"), (types.has_token_or_id_token(), "implicit")];
    for (wanted, grant) in needed {
        if wanted && !client.allows_grant(grant) {
            let text = format!("Grant type '{grant}' not allowed for the client.");
            return Err(OAuthError::unauthorized_client(text).because("grant_type_not_allowed"));
        }
    }
    Ok(())
}

// OpenID Connect Core section 3.2.2.1: an ID token from the front channel must be tied to the request.
fn nonce(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    if draft.response_types.id_token && draft.ask.nonce.is_none() {
        return Err(OAuthError::missing_parameter("nonce").because("nonce_missing"));
    }
    Ok(())
}

fn pkce(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    let client = draft.client()?;
    if !draft.response_types.code {
        return Ok(());
    }
    let Some(challenge) = &draft.ask.code_challenge else {
        // RFC 9700 section 2.1.1: a public client's code is worthless without PKCE.
        return if client.is_public() {
            Err(OAuthError::missing_parameter("code_challenge").because("pkce_required"))
        } else {
            Ok(())
        };
    };
    let method = match draft.ask.code_challenge_method.as_deref() {
        Some("S256") => "S256",
        None | Some("plain") => "plain",
        Some(other) => {
            return Err(OAuthError::invalid_request(format!("Unsupported code_challenge_method: {other}"))
                .because("pkce_malformed"));
        }
    };
    // RFC 7636 section 4.2: 43 to 128 unreserved characters.
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if !(43..=128).contains(&challenge.len()) || !challenge.chars().all(unreserved) {
        return Err(OAuthError::invalid_request("code_challenge must be 43 to 128 URL-safe characters.")
            .because("pkce_malformed"));
    }
    draft.pkce = Some(Pkce { challenge: challenge.clone(), method });
    Ok(())
}

fn prompt(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    let Some(text) = &draft.ask.prompt else { return Ok(()) };
    draft.prompt = Prompt::parse(text)?;
    Ok(())
}

fn max_age(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    let Some(text) = &draft.ask.max_age else { return Ok(()) };
    let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
    let Some(seconds) = seconds else {
        let text = "max_age must be a number of seconds.";
        return Err(OAuthError::invalid_request(text).because("max_age_malformed"));
    };
    draft.max_age_seconds = Some(seconds);
    Ok(())
}

fn organization_unsupported(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    if draft.ask.organization.is_some() {
        return Err(OAuthError::invalid_request(
            "Organizations are not built in this version of Gatewright.",
        )
        .because("organizations_not_built"));
    }
    Ok(())
}

fn sizes(draft: &mut Draft<'_>) -> Result<(), OAuthError> {
    let limited = [("state", &draft.ask.state), ("nonce", &draft.ask.nonce), ("scope", &draft.ask.scope)];
    for (name, value) in limited {
        if value.as_ref().is_some_and(|value| value.len() > 4096) {
            let text = format!("{name} is longer than 4096 bytes.");
            return Err(OAuthError::invalid_request(text).because("parameter_too_long"));
        }
    }
    Ok(())
}
