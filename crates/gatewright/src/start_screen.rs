//! What `gatewright dev` says when it is up: for people, or one line of JSON for scripts.

use std::fmt::Write as _;
use std::path::PathBuf;

use gatewright_core::ids::Issuer;
use serde::Serialize;

/// What there is to say. Its JSON form is a contract with scripts.
#[derive(Clone, Debug, Serialize)]
pub struct StartScreen {
    /// Host and port, as SDKs want it.
    pub domain: String,
    /// The issuer of the `localhost` tenant.
    pub issuer: String,
    /// The single-page app's client in the `localhost` tenant.
    pub client_id: String,
    /// The example API.
    pub audience: String,
    /// The PEM file to trust; `null` with an own certificate or without HTTPS.
    pub ca_certificate: Option<PathBuf>,
    /// The inbox page.
    pub inbox: String,
    /// The dashboard.
    pub dashboard: String,
    /// A link that makes whoever opens it the first administrator; `null` if there is one.
    pub invitation: Option<String>,
    /// Base URL of health and metrics.
    pub ops: String,
    /// The issuer over plain HTTP, if there is such a listener.
    pub http_issuer: Option<String>,
    /// All tenants, `localhost` first.
    pub tenants: Vec<TenantLine>,
    /// Where the data is, in words; only for people.
    #[serde(skip)]
    pub data: String,
    /// From start to listening, in milliseconds; only for people.
    #[serde(skip)]
    pub started_in_ms: u128,
}

/// One tenant.
#[derive(Clone, Debug, Serialize)]
pub struct TenantLine {
    /// Its id.
    pub id: String,
    /// Its issuer.
    pub issuer: String,
    /// Its single-page app's client.
    pub client_id: String,
}

impl StartScreen {
    /// The screen for people; `styled` for a terminal.
    pub fn text(&self, styled: bool) -> String {
        let (bold, dim, end) = if styled { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        let issuer = &self.issuer;
        let mut out = String::new();
        let mut line = |label: &str, value: &str, note: &str| {
            let note = if note.is_empty() { String::new() } else { format!("  {dim}{note}{end}") };
            let _ = writeln!(out, "  {dim}{label:<10}{end} {value}{note}");
        };
        line("Domain", &format!("{bold}{}{end}", self.domain), "");
        line("Client ID", &format!("{bold}{}{end}", self.client_id), "a single-page app");
        line("Audience", &self.audience, "an API of your own");
        for tenant in self.tenants.iter().skip(1) {
            let domain = tenant.issuer.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            line("Tenant", &format!("{domain}  client {}", tenant.client_id), "");
        }
        line("", "", "");
        line("Inbox", &self.inbox, "codes appear here instead of being sent");
        match &self.invitation {
            Some(link) => {
                line("Dashboard", "open this link to become its administrator:", "");
                line("", link, "");
            }
            None => line("Dashboard", &self.dashboard, ""),
        }
        line("Discovery", &format!("{issuer}.well-known/openid-configuration"), "");
        if let Some(http) = self.http_issuer.as_ref().filter(|http| *http != issuer) {
            line("Plain HTTP", http, "");
        }
        line("Health", &format!("{}/readyz", self.ops), "metrics at /metrics");
        line("Data", &self.data, "");
        if let Some(file) = &self.ca_certificate {
            line("", "", "");
            line("Trust", "gatewright trust", "once, so that browsers accept the certificate");
            line("", &file.display().to_string(), "the authority, for other tools");
        }
        let head = format!(
            "\n  {bold}Gatewright {}{end}  {dim}for development, ready in {} ms{end}\n\n",
            env!("CARGO_PKG_VERSION"),
            self.started_in_ms
        );
        let snippet = format!(
            "\n  {dim}In your app{end}\n    \
             new Auth0LockPasswordless(\"{}\", \"{}\", {{ allowedConnections: [\"sms\"] }}).show()\n\n  \
             {dim}Ctrl+C stops.{end}\n",
            self.client_id, self.domain
        );
        let body: Vec<&str> = out.lines().map(str::trim_end).collect();
        format!("{head}{}\n{snippet}", body.join("\n"))
    }

    /// One line of JSON, without the line end.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("texts, lists and null always make JSON")
    }
}

/// The issuer at a host and port; the scheme's default port is left out, as browsers do.
pub(crate) fn issuer_at(scheme: &str, host: &str, port: u16) -> Issuer {
    let is_default = matches!((scheme, port), ("https", 443) | ("http", 80));
    if is_default { Issuer::new(scheme, host) } else { Issuer::new(scheme, &format!("{host}:{port}")) }
}

#[cfg(test)]
mod tests {
    use super::{StartScreen, TenantLine, issuer_at};

    fn screen() -> StartScreen {
        let line = |id: &str, issuer: &str| TenantLine {
            id: id.into(),
            issuer: issuer.into(),
            client_id: format!("client-of-{id}"),
        };
        StartScreen {
            domain: "localhost:8443".into(),
            issuer: "https://localhost:8443/".into(),
            client_id: "client-of-localhost".into(),
            audience: "https://api.localhost/".into(),
            ca_certificate: Some("/data/ca/certificate.pem".into()),
            inbox: "https://localhost:8443/dev/inbox".into(),
            dashboard: "https://localhost:8443/dashboard".into(),
            invitation: Some("https://localhost:8443/dashboard/invitation/t0ken".into()),
            ops: "http://127.0.0.1:8444".into(),
            http_issuer: None,
            tenants: vec![
                line("localhost", "https://localhost:8443/"),
                line("acme", "https://acme.localhost:8443/"),
            ],
            data: "/data".into(),
            started_in_ms: 42,
        }
    }

    #[test]
    fn people_see_what_they_need_and_lines_stay_short() {
        let text = screen().text(false);
        for needed in [
            "localhost:8443",
            "client-of-localhost",
            "acme.localhost:8443  client client-of-acme",
            "https://localhost:8443/dev/inbox",
            "https://localhost:8443/dashboard/invitation/t0ken",
            ".well-known/openid-configuration",
            "gatewright trust",
            "/data/ca/certificate.pem",
            "new Auth0LockPasswordless(\"client-of-localhost\", \"localhost:8443\"",
        ] {
            assert!(text.contains(needed), "{needed} is missing in\n{text}");
        }
        assert!(text.lines().all(|line| line.len() <= 120 && line.trim_end() == line), "{text}");
        assert!(!text.contains('\x1b') && screen().text(true).contains('\x1b'));
    }

    #[test]
    fn scripts_see_one_line_with_the_agreed_names() {
        let json = screen().json();
        assert!(!json.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let mut expected = [
            "domain",
            "issuer",
            "client_id",
            "audience",
            "ca_certificate",
            "inbox",
            "dashboard",
            "invitation",
            "ops",
            "http_issuer",
            "tenants",
        ];
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(value["tenants"][1]["issuer"], "https://acme.localhost:8443/");
        assert!(value["http_issuer"].is_null());
    }

    #[test]
    fn default_ports_are_left_out() {
        assert_eq!(issuer_at("https", "localhost", 443).as_str(), "https://localhost/");
        assert_eq!(issuer_at("http", "localhost", 443).as_str(), "http://localhost:443/");
        assert_eq!(issuer_at("https", "localhost", 8443).domain(), "localhost:8443");
    }
}
