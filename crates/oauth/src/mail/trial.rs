//! A message with made-up people and links, to be looked at before anybody gets one.

use gatewright_adapters::email::EmailKind;
use gatewright_adapters::{Syntax, TemplateError, templates};
use gatewright_core::client::Client;
use gatewright_core::connection::Connection;
use gatewright_core::user::User;
use gatewright_http::RequestCx;
use gatewright_resources::engine::{ApiError, Map};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Mail, OwnText};

/// What a text can hold besides its body.
const PARTS: [&str; 3] = ["subject", "from", "body"];

/// The kind of message that a template of the API is for.
fn kind(template: &str) -> Option<EmailKind> {
    Some(match template {
        "verify_email" => EmailKind::VerifyEmail,
        "verify_email_by_code" => EmailKind::VerifyEmailByCode,
        // Compat: older tenants know the same text under these names.
        "reset_email" | "change_password" | "password_reset" => EmailKind::ResetEmail,
        "reset_email_by_code" => EmailKind::ResetEmailByCode,
        _ => return None,
    })
}

/// Writes the message of a template: in the words of `texts`, or where it has none, as it would be sent now. Sends
/// it if there is a recipient.
///
/// # Errors
/// The words cannot be rendered, no such message is ever sent, or it could not be delivered.
pub(crate) async fn written(
    cx: &RequestCx,
    template: &str,
    texts: &Map,
    to: Option<&str>,
) -> Result<Value, ApiError> {
    let Some(kind) = kind(template) else {
        return Err(ApiError::new(400, format!("No flow sends the e-mail {template} yet.")));
    };
    let (client, connection, user): (Client, Connection, User) = sample()?;
    let path = match kind {
        EmailKind::VerifyEmail => "u/email-verification?ticket=this-link-is-a-sample",
        _ => "u/reset-verify?ticket=this-link-is-a-sample",
    };
    let mail = Mail {
        kind,
        to: to.unwrap_or("ada@example.org"),
        client: Some(&client),
        connection: Some(&connection),
        user: Some(&user),
        language: Some("en"),
        vars: json!({"url": cx.issuer.join(path), "code": "123456"}),
    };
    let own = if PARTS.iter().any(|part| texts.contains_key(*part)) {
        Some(given(texts)?)
    } else {
        mail.template(cx).map(super::own_text)
    };
    let email = match mail.write(cx, own).await {
        Ok(Ok(email)) => email,
        Ok(Err(error)) => return Err(refused("body", &error)),
        Err(_) => return Err(ApiError::new(500, "The message could not be written.")),
    };
    if to.is_some()
        && let Err(error) = mail.deliver(cx, &email).await.sent
    {
        let text = format!("The e-mail could not be sent: {}", error.detail);
        return Err(ApiError::new(400, text).code("email_provider_error"));
    }
    Ok(json!({
        "from": email.from, "to": email.to, "subject": email.subject, "html": email.html, "text": email.text,
    }))
}

/// The words of a call, each of which must be Liquid.
fn given(texts: &Map) -> Result<OwnText, ApiError> {
    let part = |name: &str| texts.get(name).and_then(Value::as_str).map(str::to_owned);
    for name in PARTS {
        if let Some(text) = part(name) {
            templates::check(Syntax::Liquid, &text).map_err(|error| refused(name, &error))?;
        }
    }
    Ok(OwnText { from: part("from"), subject: part("subject"), body: part("body"), syntax: Syntax::Liquid })
}

fn refused(part: &str, error: &TemplateError) -> ApiError {
    ApiError::invalid_body(format_args!("'{}' on property {part}", sentence(&error.to_string())))
}

/// What is wrong with a template in one line: the parser draws the place and underlines it.
fn sentence(error: &str) -> String {
    let (mut place, mut words) = (String::new(), Vec::new());
    for line in error.lines().map(str::trim) {
        // "the template is not valid:" stands before whatever the parser says.
        let (before, line) = line.split_once("-->").map_or(("", line), |(before, at)| (before.trim(), at));
        if !before.is_empty() {
            words.push(before.trim_end_matches(':').to_owned());
        }
        match line.trim().split_once(':') {
            Some((row, column)) if is_number(row) && is_number(column) => {
                place = format!("line {row}, character {column}");
            }
            // The drawing.
            _ if line.starts_with('|') || line.split_once(" |").is_some_and(|(row, _)| is_number(row)) => {}
            // The list of everything that could have been asked for helps nobody.
            _ if line.trim().is_empty() || line == "with:" || line.starts_with("available ") => {}
            _ if line.starts_with("requested ") => {
                words.extend(line.split_once('=').map(|(_, asked)| asked.to_owned()));
            }
            _ => words.push(line.trim_start_matches("= ").trim_end_matches([':', '.']).to_owned()),
        }
    }
    if !place.is_empty() {
        words.insert(1.min(words.len()), place);
    }
    let mut said = words.join(": ").replace('\'', "\"");
    if let Some(first) = said.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    said
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An application, a connection and a person that nobody is.
fn sample<C: DeserializeOwned, D: DeserializeOwned, U: DeserializeOwned>() -> Result<(C, D, U), ApiError> {
    let client = json!({
        "client_id": "sample-application", "name": "Sample application",
        "callbacks": ["https://app.example.org/callback"],
    });
    let connection =
        json!({"id": "con_sample", "name": "Username-Password-Authentication", "strategy": "auth0"});
    let user = json!({
        "user_id": "auth0|sample", "email": "ada@example.org", "email_verified": false, "name": "Ada Lovelace",
        "given_name": "Ada", "family_name": "Lovelace", "nickname": "ada",
    });
    Ok((read(client)?, read(connection)?, read(user)?))
}

fn read<T: DeserializeOwned>(document: Value) -> Result<T, ApiError> {
    serde_json::from_value(document).map_err(|_| ApiError::new(500, "The message could not be written."))
}

#[cfg(test)]
mod tests {
    use gatewright_adapters::{Syntax, templates};

    use super::sentence;

    #[test]
    fn what_is_wrong_with_a_template_is_a_sentence() {
        let check = |template: &str, expect: &str| {
            let error = templates::check(Syntax::Liquid, template).unwrap_err();
            assert_eq!(sentence(&error.to_string()), expect, "{error}");
        };
        check("{% if %}", "The template is not valid: line 1, character 6: Value expected");
        check("a\n{{ b", "The template is not valid: line 2, character 4: expected Literal");
        check("{{ b | nonsense }}", "The template is not valid: Unknown filter: nonsense");
        assert_eq!(sentence("the template failed"), "The template failed");
    }
}
