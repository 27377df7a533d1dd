//! The texts of e-mails: what a tenant wrote, or a plain default.
//!
//! A default is HTML without images, scripts or anything loaded, and the same in plain text. A tenant's
//! own text is HTML in Liquid; its plain part is made from it.

use serde_json::Value;

use crate::templates::{Syntax, TemplateError, render};

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;

/// The kinds of e-mail that have a default text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailKind {
    /// A link by which an address is confirmed: `url`.
    VerifyEmail,
    /// A code for the same: `code`.
    VerifyEmailByCode,
    /// A link to a page where a password is chosen: `url`.
    ResetEmail,
    /// A code for the same: `code`.
    ResetEmailByCode,
    /// The code of a passwordless login: `code`.
    PasswordlessCode,
    /// The link of a passwordless login: `link`.
    PasswordlessLink,
    /// To somebody who signs up with an address that has an account.
    AccountExists,
}

impl EmailKind {
    /// The name in logs; for the first four also the name at `/api/v2/email-templates`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::VerifyEmailByCode => "verify_email_by_code",
            Self::ResetEmail => "reset_email",
            Self::ResetEmailByCode => "reset_email_by_code",
            Self::PasswordlessCode => "passwordless_code",
            Self::PasswordlessLink => "passwordless_link",
            Self::AccountExists => "account_exists",
        }
    }
}

/// What a tenant wrote. A part that is missing is taken from the default.
#[derive(Clone, Debug, Default)]
pub struct OwnText {
    /// The sender; may hold Liquid.
    pub from: Option<String>,
    /// The subject; may hold Liquid.
    pub subject: Option<String>,
    /// The HTML.
    pub body: Option<String>,
    /// How the three are written: Liquid, except in old connections.
    pub syntax: Syntax,
}

/// The parts of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The sender, if the tenant's text names one.
    pub from: Option<String>,
    /// The subject, one line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain part.
    pub text: String,
}

/// Writes a message. `vars` is an object with at least `application.name`, `user.email` and the kind's
/// own variable.
///
/// # Errors
/// The tenant's text cannot be rendered. Defaults always can.
pub fn compose(kind: EmailKind, own: Option<&OwnText>, vars: &Value) -> Result<Composed, TemplateError> {
    let default = default_text(kind, vars);
    let Some(own) = own else { return Ok(default) };
    let part = |template: &Option<String>| match template.as_deref().filter(|text| !text.trim().is_empty()) {
        Some(template) => render(own.syntax, template, vars).map(|text| Some(one_line(&text))),
        None => Ok(None),
    };
    let from = part(&own.from)?;
    // Compat: a sender at auth0.com is a leftover of the built-in mail service; the whole text goes with it.
    if from.as_deref().is_some_and(|from| from.contains("@auth0.com")) {
        return Ok(default);
    }
    let subject = part(&own.subject)?.unwrap_or(default.subject);
    let (html, text) = match own.body.as_deref().filter(|body| !body.trim().is_empty()) {
        Some(body) => {
            let html = render(own.syntax, body, vars)?;
            let text = plain(&html);
            (html, text)
        }
        None => (default.html, default.text),
    };
    Ok(Composed { from, subject, html, text })
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c == ' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a default says, before it is HTML or plain.
struct Says {
    subject: String,
    lead: String,
    key: Key,
    end: String,
}

/// What the reader came for.
enum Key {
    Code(String),
    Link {
        url: String,
        label: &'static str,
    },
    /// The words alone.
    Nothing,
}

fn default_text(kind: EmailKind, vars: &Value) -> Composed {
    let text = |path: &str| vars.pointer(path).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let app =
        text("/application/name").or(text("/friendly_name")).map_or("the application".to_owned(), one_line);
    let email = text("/user/email").unwrap_or("this address");
    let code = || Key::Code(text("/code").unwrap_or_default().to_owned());
    let link = |name: &str, label| Key::Link { url: text(name).unwrap_or_default().to_owned(), label };
    let ignore = "If you did not ask for it, ignore this message: nothing happens without it.";
    let says = match kind {
        EmailKind::VerifyEmail => Says {
            subject: format!("Confirm your e-mail address for {app}"),
            lead: format!(
                "Please confirm that {email} is your address. {app} needs to know it before you go on."
            ),
            key: link("/url", "Confirm e-mail address"),
            end: format!("If you have not signed up for {app}, ignore this message."),
        },
        EmailKind::VerifyEmailByCode => Says {
            subject: format!("Your confirmation code for {app}"),
            lead: format!("Enter this code at {app} to confirm that {email} is your address."),
            key: code(),
            end: ignore.to_owned(),
        },
        EmailKind::ResetEmail => Says {
            subject: format!("Choose a new password for {app}"),
            lead: format!("Somebody, we hope you, asked for a new password for {email} at {app}."),
            key: link("/url", "Choose a new password"),
            end: "If you did not ask for it, ignore this message: your password stays as it is.".to_owned(),
        },
        EmailKind::ResetEmailByCode => Says {
            subject: format!("Your password reset code for {app}"),
            lead: format!("Enter this code at {app} to choose a new password for {email}."),
            key: code(),
            end: "If you did not ask for it, ignore this message: your password stays as it is.".to_owned(),
        },
        EmailKind::PasswordlessCode => Says {
            subject: format!("Your verification code for {app}"),
            lead: format!("Enter this code at {app} to log in. Give it to nobody else."),
            key: code(),
            end: ignore.to_owned(),
        },
        EmailKind::PasswordlessLink => Says {
            subject: format!("Log in to {app}"),
            lead: format!(
                "Open this link to log in to {app}. It works once, and only in the browser in which you asked for it."
            ),
            key: link("/link", "Log in"),
            end: ignore.to_owned(),
        },
        EmailKind::AccountExists => Says {
            subject: format!("You have an account at {app}"),
            lead: format!(
                "Somebody, we hope you, tried to sign up for {app} with {email}. There is an account with this address \
                 already: go back and log in. If you no longer know the password, choose a new one there."
            ),
            key: Key::Nothing,
            end: "If that was not you, ignore this message: nothing was changed.".to_owned(),
        },
    };
    Composed { from: None, html: html(&says), text: words(&says), subject: says.subject }
}

fn words(says: &Says) -> String {
    let key = match &says.key {
        Key::Code(code) => code.clone(),
        Key::Link { url, label } => format!("{label}:\n{url}"),
        Key::Nothing => return format!("{}\n\n{}\n", says.lead, says.end),
    };
    format!("{}\n\n{key}\n\n{}\n", says.lead, says.end)
}

fn html(says: &Says) -> String {
    const FONT: &str = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
    let key = match &says.key {
        Key::Nothing => "<p style=\"margin:16px 0\"></p>".to_owned(),
        Key::Code(code) => format!(
            "<p style=\"font:600 32px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:4px;margin:24px 0\">{}</p>",
            escape(code)
        ),
        Key::Link { url, label } => {
            let url = escape(url);
            format!(
                "<p style=\"margin:24px 0\"><a href=\"{url}\" style=\"display:inline-block;padding:12px 20px;\
                 border-radius:8px;background:#1f5fbf;color:#ffffff;text-decoration:none;font-weight:600\">{label}</a></p>\n\
                 <p style=\"font-size:14px;color:#5f5f59;overflow-wrap:anywhere\">Or copy this address into your \
                 browser:<br><a href=\"{url}\" style=\"color:#1f5fbf\">{url}</a></p>"
            )
        }
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{subject}</title>\n</head>\n\
         <body style=\"margin:0;padding:24px 16px;background:#f7f7f5;color:#1b1b19;font-size:16px;line-height:1.5;{FONT}\">\n\
         <div style=\"max-width:520px;margin:0 auto;padding:24px;background:#ffffff;border:1px solid #dcdcd7;border-radius:8px\">\n\
         <h1 style=\"font-size:20px;line-height:1.3;margin:0 0 12px\">{subject}</h1>\n<p style=\"margin:0\">{lead}</p>\n\
         {key}\n<p style=\"margin:0;font-size:14px;color:#5f5f59\">{end}</p>\n</div>\n</body>\n</html>\n",
        subject = escape(&says.subject),
        lead = escape(&says.lead),
        end = escape(&says.end),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// HTML as plain text, good enough to be read: tags go, blocks end lines, links keep their address.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    let mut link: Option<(String, usize)> = None;
    while let Some(at) = rest.find('<') {
        text.push_str(&words_of(rest.get(..at).unwrap_or_default()));
        let tag = rest.get(at..).unwrap_or_default();
        let end = if tag.starts_with("<!--") { tag.find("-->").map(|end| end + 2) } else { tag.find('>') };
        let Some(end) = end else {
            rest = "";
            break;
        };
        let inside = tag.get(1..end).unwrap_or_default();
        rest = tag.get(end + 1..).unwrap_or_default();
        let name: String = inside.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        match name.to_ascii_lowercase().trim_end_matches('/') {
            unread @ ("style" | "script" | "title") => {
                let close = format!("</{unread}");
                let lower = rest.to_ascii_lowercase();
                rest = lower.find(&close).and_then(|at| rest.get(at..)).unwrap_or_default();
            }
            "a" => link = href(inside).map(|url| (url, text.len())),
            "/a" => {
                if let Some((url, from)) = link.take()
                    && text.get(from..).is_some_and(|label| label.trim() != url)
                {
                    text.push_str(&format!(" ({url})"));
                }
            }
            "br" | "/p" | "/div" | "/h1" | "/h2" | "/h3" | "/li" | "/tr" | "/table" => text.push('\n'),
            _ => {}
        }
    }
    text.push_str(&words_of(rest));
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")) {
        if !(line.is_empty() && lines.last().is_none_or(String::is_empty)) {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

/// Text between tags: line breaks mean nothing there, and entities are read.
fn words_of(text: &str) -> String {
    entities(&text.replace(['\n', '\r'], " "))
}

fn href(inside: &str) -> Option<String> {
    let (_, value) = inside.split_once("href=")?;
    let url = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        _ => value.split(char::is_whitespace).next()?,
    };
    Some(entities(url.trim()))
}

fn entities(text: &str) -> String {
    text.replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
