//! The kinds of e-mail, and the forms of their texts.

use serde_json::{Value, json};

use crate::form::{Kind as Typed, Spec, control};
use crate::problem::Problem;

/// A kind of e-mail.
pub(super) struct Kind {
    /// Its name at the API.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) says: &'static str,
    /// Whether a flow of this server sends it.
    pub(super) is_sent: bool,
    subject: &'static str,
    body: &'static str,
}

const fn sent(name: &'static str, title: &'static str, says: &'static str) -> Kind {
    Kind { name, title, says, is_sent: true, subject: "", body: "" }
}

const fn kept(name: &'static str, title: &'static str, says: &'static str) -> Kind {
    let (subject, body) = ("Hello from {{ application.name }}", "<p>Hello {{ user.name }},</p>\n");
    Kind { name, title, says, is_sent: false, subject, body }
}

impl Kind {
    const fn with(self, subject: &'static str, body: &'static str) -> Self {
        Self { subject, body, ..self }
    }

    /// A text to begin with, switched off.
    pub(super) fn starter(&self) -> Value {
        json!({
            "template": self.name, "subject": self.subject, "body": self.body, "from": null, "syntax": "liquid",
            "enabled": false,
        })
    }
}

/// Every kind; the names of older tenants are those of the same text.
pub(super) const KINDS: &[Kind] = &[
    sent("verify_email", "Confirm an address, by link", "After a sign-up with a password, and when it is asked for.")
        .with(
            "Confirm your address for {{ application.name }}",
            "<p>Hello {{ user.name | default: user.email }},</p>\n<p>please <a href=\"{{ url }}\">confirm that \
             {{ user.email }} is your address</a>.</p>\n",
        ),
    sent("verify_email_by_code", "Confirm an address, by code", "In a sign-up on the login pages, where an address \
        has to be proved first.")
        .with(
            "{{ code }} is your code for {{ application.name }}",
            "<p>Hello {{ user.email }},</p>\n<p>enter this code to confirm your address:</p>\n<p><b>{{ code }}</b></p>\n",
        ),
    sent("reset_email", "Choose a new password, by link", "When somebody has forgotten a password.").with(
        "A new password for {{ application.name }}",
        "<p>Hello {{ user.name | default: user.email }},</p>\n<p><a href=\"{{ url }}\">choose a new password</a>. If \
         you did not ask for it, ignore this message.</p>\n",
    ),
    sent("reset_email_by_code", "Choose a new password, by code", "The same, for connections that use codes.").with(
        "{{ code }} is your code for {{ application.name }}",
        "<p>Hello {{ user.email }},</p>\n<p>enter this code to choose a new password:</p>\n<p><b>{{ code }}</b></p>\n",
    ),
    kept("auth_email_by_code", "Code of a login", "When a login is by a code; here that text is an option of the connection."),
    kept("welcome_email", "Welcome", "After an address was confirmed."),
    kept("blocked_account", "Account blocked", "After too many wrong passwords."),
    kept("stolen_credentials", "Password stolen", "When a password was found in a breach."),
    kept("enrollment_email", "Enrollment", "An invitation to enroll a second factor."),
    kept("mfa_oob_code", "Code of a second factor", "When a second factor is a code by e-mail."),
    kept("user_invitation", "Invitation", "An invitation to an organization."),
    kept("async_approval", "Approval", "When an application asks for an approval."),
];

/// The kind of this name.
///
/// # Errors
/// [`Problem`] if there is none.
pub(super) fn kind(name: &str) -> Result<&'static Kind, Problem> {
    let found = KINDS.iter().find(|kind| kind.name == name);
    found.ok_or_else(|| gatewright_resources::engine::ApiError::no_such_path().into())
}

pub(super) static OWN: Spec = Spec {
    id: "own",
    title: "Your own text",
    intro: "It begins with a short example and is switched off until you switch it on.",
    controls: &[],
    submit: "Write your own text",
};

pub(super) static EMAIL: Spec = Spec {
    id: "email",
    title: "Your text",
    intro: "Liquid. Among others it knows user.name, user.email, application.name, friendly_name, support_email, url \
            and code.",
    controls: &[
        control("enabled", "Sent instead of the default text", Typed::Toggle),
        control("from", "From", Typed::Text).nullable().hint(
            "Such as Tea House <hello@tea.example>. Without it, the \
            provider's own address.",
        ),
        control("subject", "Subject", Typed::Text).required(),
        control("body", "Body", Typed::Code).required().hint("HTML. The plain text is made from it."),
        control("resultUrl", "Where the link leads afterwards", Typed::Text).mono().nullable(),
        control("urlLifetimeInSeconds", "The link is good for", Typed::Number).nullable().hint("In seconds."),
        control("includeEmailInRedirect", "The address is told to that page", Typed::Toggle),
    ],
    submit: "Save text",
};

pub(super) static TRY: Spec = Spec {
    id: "try",
    title: "Send a test",
    intro: "The text that is saved and switched on, or the default one, with made-up names and links.",
    controls: &[control("to", "To", Typed::Text).required().autocomplete("email")],
    submit: "Send test",
};

#[cfg(test)]
mod tests {
    use gatewright_resources::email_templates::NAMES;

    use super::{KINDS, kind};

    #[test]
    fn every_kind_of_the_api_has_its_page() {
        for name in NAMES {
            let is_old_name = matches!(*name, "change_password" | "password_reset");
            assert_eq!(kind(name).is_ok(), !is_old_name, "{name}");
        }
        assert!(KINDS.iter().all(|kind| !kind.starter()["body"].as_str().unwrap().is_empty()));
    }
}
