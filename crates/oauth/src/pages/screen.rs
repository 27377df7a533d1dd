//! One hosted page: a card with a question, its fields and its buttons, as plain forms.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use gatewright_http::{Fault, RequestCx, respond};

use super::look::Look;
use super::policy::Policy;
use super::qr::Qr;
use super::texts::Texts;

/// A page. Everything in it is text and is escaped by the template.
#[derive(Template)]
#[template(path = "screen.html")]
pub(crate) struct Screen {
    pub(crate) texts: Texts,
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) description: String,
    /// Who or what the page is about, with a way to change it.
    pub(crate) subject: Option<Subject>,
    /// How something ended, as a sign above the title.
    pub(crate) mark: Option<Mark>,
    /// A code to scan.
    pub(crate) qr: Option<Qr>,
    /// A code to compare, or to keep.
    pub(crate) code: Option<Code>,
    /// What to look out for, above the buttons.
    pub(crate) caution: Option<String>,
    /// What went wrong, above the form; announced.
    pub(crate) alert: Option<String>,
    /// What went well; announced.
    pub(crate) notice: Option<String>,
    pub(crate) list: Option<List>,
    pub(crate) form: Option<Form>,
    /// A way out below the fields, for who forgot a password.
    pub(crate) aside: Option<Link>,
    /// What a new password must hold; shown below its field.
    pub(crate) policy: Option<Policy>,
    /// Providers at which one can log in instead.
    pub(crate) providers: Vec<Provider>,
    pub(crate) links: Vec<Link>,
    /// The one thing to do next, where there is no form.
    pub(crate) onward: Option<Link>,
    /// The picture of the application that the page is about.
    pub(crate) client_logo: Option<String>,
    pub(crate) look: Look,
    pub(crate) company: String,
    pub(crate) nonce: String,
    pub(crate) request_id: Option<String>,
}

/// See [`Screen::subject`].
pub(crate) struct Subject {
    pub(crate) lead: Option<String>,
    pub(crate) text: String,
    pub(crate) edit: Option<String>,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Good,
    Bad,
}

impl Mark {
    pub(crate) fn is_good(self) -> bool {
        self == Self::Good
    }
}

/// A code that is shown, with what it is.
pub(crate) struct Code {
    pub(crate) label: String,
    pub(crate) text: String,
    /// It is too long for large letters.
    pub(crate) long: bool,
}

/// A list of sentences with its title.
pub(crate) struct List {
    pub(crate) title: String,
    pub(crate) items: Vec<String>,
}

/// A form that posts to `action`.
pub(crate) struct Form {
    pub(crate) action: &'static str,
    pub(crate) hidden: Vec<(&'static str, String)>,
    pub(crate) fields: Vec<Field>,
    pub(crate) buttons: Vec<Button>,
    pub(crate) resend: Option<Resend>,
}

/// What a field is for; it decides about keyboards, password managers and pasted codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Phone,
    Email,
    Username,
    Password,
    Code,
    /// The code on a device, of letters.
    DeviceLetters,
    /// The code on a device, of digits.
    DeviceDigits,
    /// An address that becomes the name of an account.
    NewEmail,
    /// A name that an account gets besides its address.
    NewUsername,
    NewPassword,
}

/// An input with its label.
pub(crate) struct Field {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) hint: Option<String>,
    pub(crate) error: Option<String>,
    /// Where the keyboard begins.
    pub(crate) focus: bool,
    /// The last field of its form.
    pub(crate) last: bool,
}

impl Field {
    /// Where a code that was sent is typed in, the only field of its form.
    pub(crate) fn code(label: String, error: Option<String>) -> Self {
        Self {
            kind: Kind::Code,
            name: "code",
            label,
            value: String::new(),
            hint: None,
            error,
            focus: true,
            last: true,
        }
    }

    /// The attributes that a browser reads.
    pub(crate) fn attributes(&self) -> &'static str {
        match self.kind {
            Kind::Phone => r#"type="tel" inputmode="tel" autocomplete="tel""#,
            Kind::Email => {
                r#"type="email" inputmode="email" autocomplete="email" autocapitalize="none" spellcheck="false""#
            }
            Kind::Username => {
                r#"type="text" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false""#
            }
            Kind::Password => {
                r#"type="password" autocomplete="current-password" autocapitalize="none" spellcheck="false""#
            }
            Kind::DeviceLetters => {
                r#"type="text" inputmode="text" autocomplete="off" autocapitalize="characters" spellcheck="false" class="code letters""#
            }
            Kind::DeviceDigits => {
                r#"type="text" inputmode="numeric" autocomplete="off" spellcheck="false" class="code""#
            }
            Kind::NewEmail => {
                r#"type="email" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false""#
            }
            Kind::NewUsername => {
                r#"type="text" autocomplete="nickname" autocapitalize="none" spellcheck="false""#
            }
            Kind::NewPassword => {
                r#"type="password" autocomplete="new-password" autocapitalize="none" spellcheck="false""#
            }
            Kind::Code => {
                r#"type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false""#
            }
        }
    }

    pub(crate) fn is_password(&self) -> bool {
        matches!(self.kind, Kind::Password | Kind::NewPassword)
    }

    /// The password that the list of rules is about.
    pub(crate) fn has_policy(&self) -> bool {
        self.kind == Kind::NewPassword && self.name == "password"
    }

    pub(crate) fn is_code(&self) -> bool {
        self.kind == Kind::Code
    }
}

/// A button that posts `action=value`.
pub(crate) struct Button {
    pub(crate) text: String,
    pub(crate) value: &'static str,
    pub(crate) primary: bool,
}

/// Asking for another code.
pub(crate) struct Resend {
    pub(crate) lead: String,
    pub(crate) text: String,
    /// Seconds until it is allowed; the page counts them down where scripts run.
    pub(crate) wait_seconds: i64,
    pub(crate) wait_text: String,
    pub(crate) wait_template: String,
}

/// A way elsewhere.
pub(crate) struct Link {
    pub(crate) lead: Option<String>,
    pub(crate) text: String,
    pub(crate) href: String,
}

/// A button that leads to a provider.
pub(crate) struct Provider {
    pub(crate) text: String,
    pub(crate) href: String,
    pub(crate) icon: Option<String>,
}

impl Screen {
    /// A page with title and description of its texts, and nothing else yet.
    pub(crate) fn new(cx: &RequestCx, name: &'static str, texts: Texts) -> Self {
        let texts = texts.in_words_of(&cx.tenant);
        Self {
            title: texts.get("title"),
            description: texts.get("description"),
            name,
            subject: None,
            mark: None,
            qr: None,
            code: None,
            caution: None,
            alert: None,
            notice: None,
            list: None,
            form: None,
            aside: None,
            policy: None,
            providers: Vec::new(),
            links: Vec::new(),
            onward: None,
            client_logo: None,
            look: Look::of(cx),
            company: company(cx),
            nonce: cx.app.random.alphanumeric(22),
            request_id: None,
            texts,
        }
    }

    pub(crate) fn has_error(&self) -> bool {
        let in_fields =
            self.form.as_ref().is_some_and(|form| form.fields.iter().any(|field| field.error.is_some()));
        self.alert.is_some() || in_fields
    }

    /// What describes a field: its error, its hint, and the list of rules.
    fn described_by(&self, field: &Field) -> Option<String> {
        let mut ids = Vec::new();
        if field.error.is_some() {
            ids.push(format!("{}-error", field.name));
        }
        if field.hint.is_some() {
            ids.push(format!("{}-hint", field.name));
        }
        if field.has_policy() && self.policy.is_some() {
            ids.push("rules rules-list".to_owned());
        }
        // Nothing says which field a message above the form is about, so it belongs to the first.
        let first = self.form.as_ref().and_then(|form| form.fields.first());
        if self.alert.is_some() && first.is_some_and(|first| first.name == field.name) {
            ids.push("alert".to_owned());
        }
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// In words, what the mark of a rule shows.
    fn state(&self, holds: &Option<bool>) -> String {
        match holds {
            Some(true) => self.texts.get("accessibilityValid"),
            Some(false) => self.texts.get("accessibilityError"),
            None => String::new(),
        }
    }

    /// The response. `leads_to` is the URL at which the browser may end after the form was posted.
    ///
    /// Chromium holds `form-action` against every redirect that follows a post, also those that the
    /// application makes after its callback, to hosts nobody knows here. So the scheme is named, not
    /// the host: a custom scheme, or https.
    pub(crate) fn respond(&self, status: StatusCode, leads_to: &[&str]) -> Response {
        let Ok(body) = self.render() else { return Fault::internal("a template failed").into_response() };
        let mut targets = String::from("'self' https:");
        for url in leads_to {
            let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
            let plain = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
            if plain && !scheme.is_empty() && scheme != "https" && !targets.contains(&format!(" {scheme}:")) {
                targets.push_str(&format!(" {scheme}:"));
            }
        }
        let nonce = &self.nonce;
        let icons = self.providers.iter().filter_map(|provider| provider.icon.as_deref());
        let images = self.look.image_sources(self.client_logo.as_deref().into_iter().chain(icons));
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src {images}; \
             form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
        );
        let headers = [
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::X_FRAME_OPTIONS, "DENY".to_owned()),
            // The state token is in the address: it must not travel on.
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
            (header::CONTENT_LANGUAGE, self.texts.language.to_owned()),
        ];
        respond::no_store((status, headers, Html(body)))
    }
}

/// What the tenant calls itself, or its host.
pub(crate) fn company(cx: &RequestCx) -> String {
    cx.tenant.text_setting("friendly_name").unwrap_or_else(|| cx.issuer.domain()).to_owned()
}
