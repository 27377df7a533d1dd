//! The frame around every page, and the headers it goes out with.

use askama::Template;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use gatewright_http::{Fault, RequestCx, respond as http};

use crate::assets;
use crate::session::Admin;

/// Nothing is loaded from elsewhere, no script or style stands in a page, nobody may frame one.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The headers of a page. The referrer stays on this host: forms are known by their origin.
fn headers() -> [(HeaderName, &'static str); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ]
}

/// A template as a page.
pub(crate) fn respond(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => http::no_store((status, headers(), Html(html))),
        Err(error) => Fault::internal(error).into_response(),
    }
}

/// A section of the side navigation.
struct Section {
    path: &'static str,
    name: &'static str,
    /// Any of these scopes shows it; empty for everybody.
    scopes: &'static [&'static str],
}

const fn section(path: &'static str, name: &'static str, scopes: &'static [&'static str]) -> Section {
    Section { path, name, scopes }
}

const SECTIONS: &[Section] = &[
    section("/dashboard", "Overview", &[]),
    section("/dashboard/logs", "Logs", &["read:logs", "read:logs_users"]),
    section("/dashboard/playground", "Playground", &["read:clients"]),
    section("/dashboard/applications", "Applications", &["read:clients"]),
    section("/dashboard/users", "Users", &["read:users"]),
    section("/dashboard/apis", "APIs", &["read:resource_servers"]),
    section("/dashboard/connections", "Connections", &["read:connections"]),
    section("/dashboard/roles", "Roles", &["read:roles"]),
    section("/dashboard/actions", "Actions", &["read:actions"]),
    section("/dashboard/triggers", "Triggers", &["read:actions"]),
    section("/dashboard/rules", "Rules", &["read:rules"]),
    section("/dashboard/rule-settings", "Rule settings", &["read:rules_configs"]),
    section("/dashboard/branding", "Branding", &["read:branding"]),
    section("/dashboard/emails", "E-mail templates", &["read:email_templates"]),
    section("/dashboard/keys", "Keys", &["read:signing_keys"]),
    section("/dashboard/settings", "Tenant settings", &["read:tenant_settings"]),
];

/// Blocks put together before it is known on which kind of page they stand.
#[derive(Default)]
pub(crate) struct Blocks(Vec<String>);

impl Blocks {
    /// Adds a block.
    pub(crate) fn add(&mut self, block: &impl Template) {
        // A template fails only if memory does.
        self.0.push(block.render().unwrap_or_default());
    }

    /// The blocks, for one that holds them.
    pub(crate) fn into_inner(self) -> Vec<String> {
        self.0
    }
}

/// A link of the navigation.
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
    pub(crate) current: bool,
}

/// A page of the dashboard: a heading and blocks below each other.
#[derive(Template)]
#[template(path = "page.html")]
pub(crate) struct Page {
    title: String,
    tenant: String,
    admin: String,
    csrf: String,
    nav: Vec<Link>,
    inbox: bool,
    back: Option<(String, &'static str)>,
    id: Option<String>,
    lead: String,
    tabs: Vec<Link>,
    action: Option<(String, &'static str)>,
    done: Option<&'static str>,
    is_reloading: bool,
    blocks: Vec<String>,
    css: &'static str,
    js: &'static str,
}

impl Page {
    /// A page of the section at `section`.
    pub(crate) fn new(admin: &Admin, section: &str, title: impl Into<String>) -> Self {
        let shown = SECTIONS.iter().filter(|one| one.scopes.is_empty() || admin.may(one.scopes));
        let nav = shown.map(|one| Link {
            href: one.path.to_owned(),
            text: one.name.to_owned(),
            current: one.path == section,
        });
        Self {
            title: title.into(),
            tenant: tenant_name(&admin.cx),
            admin: admin.name.clone(),
            csrf: admin.csrf.clone(),
            nav: nav.collect(),
            inbox: admin.cx.app.settings.dev,
            back: None,
            id: None,
            lead: String::new(),
            tabs: Vec::new(),
            action: None,
            done: None,
            is_reloading: false,
            blocks: Vec::new(),
            css: assets::css(),
            js: assets::js(),
        }
    }

    /// Where the page belongs: a link above the heading.
    pub(crate) fn back(mut self, href: impl Into<String>, text: &'static str) -> Self {
        self.back = Some((href.into(), text));
        self
    }

    /// The id of what is shown.
    pub(crate) fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// A sentence below the heading.
    pub(crate) fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }

    /// Pages of the same thing beside this one.
    pub(crate) fn tabs(mut self, base: &str, tabs: &[(&str, &str)], current: &str) -> Self {
        let link = |(path, text): &(&str, &str)| Link {
            href: if path.is_empty() { base.to_owned() } else { format!("{base}/{path}") },
            text: (*text).to_owned(),
            current: *path == current,
        };
        self.tabs = tabs.iter().map(link).collect();
        self
    }

    /// The button beside the heading.
    pub(crate) fn action(mut self, href: impl Into<String>, text: &'static str) -> Self {
        self.action = Some((href.into(), text));
        self
    }

    /// Loads itself anew every five seconds where scripts do not run.
    pub(crate) fn reloading(mut self) -> Self {
        self.is_reloading = true;
        self
    }

    /// What was just done, by the code in the address.
    pub(crate) fn done(mut self, code: Option<&str>) -> Self {
        self.done =
            code.and_then(|code| DONE.iter().find(|(known, _)| *known == code)).map(|(_, text)| *text);
        self
    }

    /// Adds a block.
    pub(crate) fn block(mut self, block: &impl Template) -> Self {
        // A template fails only if memory does.
        self.blocks.push(block.render().unwrap_or_default());
        self
    }

    /// Adds blocks.
    pub(crate) fn blocks(mut self, blocks: Blocks) -> Self {
        self.blocks.extend(blocks.0);
        self
    }

    /// The page as an answer.
    pub(crate) fn respond(self) -> Response {
        respond(StatusCode::OK, &self)
    }

    /// The page as the answer to a form that was refused.
    pub(crate) fn refused(self) -> Response {
        respond(StatusCode::UNPROCESSABLE_ENTITY, &self)
    }
}

/// What a page says after a form that worked.
const DONE: &[(&str, &str)] = &[
    ("created", "Created."),
    ("saved", "Saved."),
    ("nothing", "Nothing was different, so nothing was changed."),
    ("deleted", "Deleted."),
    ("rotated", "The secret is new. The old one has stopped working."),
    ("blocked", "Blocked. The user cannot log in any more."),
    ("unblocked", "Unblocked."),
    ("revoked", "Ended."),
    ("added", "Added."),
    ("deployed", "Deployed. Logins run it from now on, if it is bound to its trigger."),
    ("removed", "Removed."),
    ("tried", "Sent."),
    ("remedied", "The change is made. Logins from now on are decided with it."),
    ("welcome", "You are an administrator now."),
];

/// The tenant as people know it.
pub(crate) fn tenant_name(cx: &RequestCx) -> String {
    cx.tenant.text_setting("friendly_name").unwrap_or(cx.tenant.id.as_str()).to_owned()
}

/// A page without a session: an invitation, a problem with the login.
#[derive(Template)]
#[template(path = "plain.html")]
pub(crate) struct Plain {
    title: &'static str,
    tenant: String,
    lead: &'static str,
    back: Option<(String, &'static str)>,
    is_wide: bool,
    blocks: Vec<String>,
    css: &'static str,
    js: &'static str,
}

impl Plain {
    /// A page of this tenant.
    pub(crate) fn new(cx: &RequestCx, title: &'static str) -> Self {
        Self {
            title,
            tenant: tenant_name(cx),
            lead: "",
            back: None,
            is_wide: false,
            blocks: Vec::new(),
            css: assets::css(),
            js: assets::js(),
        }
    }

    /// A page as wide as those of the dashboard.
    pub(crate) fn wide(cx: &RequestCx, title: &'static str) -> Self {
        Self { is_wide: true, ..Self::new(cx, title) }
    }

    /// A sentence below the heading.
    pub(crate) fn lead(mut self, lead: &'static str) -> Self {
        self.lead = lead;
        self
    }

    /// Adds a block.
    pub(crate) fn block(mut self, block: &impl Template) -> Self {
        self.blocks.push(block.render().unwrap_or_default());
        self
    }

    /// Adds blocks.
    pub(crate) fn blocks(mut self, blocks: Blocks) -> Self {
        self.blocks.extend(blocks.0);
        self
    }

    /// Where the page belongs: a link above the heading.
    pub(crate) fn back(mut self, href: String, text: &'static str) -> Self {
        self.back = Some((href, text));
        self
    }

    /// The page as an answer.
    pub(crate) fn respond(self, status: StatusCode) -> Response {
        respond(status, &self)
    }
}
