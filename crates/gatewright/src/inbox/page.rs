//! `/dev/inbox`: the page. It works with scripts off; with them it follows new messages by itself.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use gatewright_core::Timestamp;
use gatewright_http::respond::no_store;
use gatewright_http::{Fault, RequestCx};
use gatewright_resources::captured_messages::{CapturedMessage, Filter};
use serde::Deserialize;

use super::{Inbox, fault, is_same_origin};

/// As many as a page can show at once without getting slow; the JSON form has the rest.
const SHOWN: usize = 50;

#[derive(Debug, Default, Deserialize)]
pub(super) struct PageQuery {
    to: Option<String>,
}

#[derive(Template)]
#[template(path = "inbox.html")]
struct Page {
    nonce: String,
    tenant: String,
    issuer: String,
    client_id: Option<String>,
    to: String,
    last: String,
    entries: Vec<Entry>,
    more: usize,
}

struct Entry {
    id: String,
    to: String,
    from: Option<String>,
    connection: Option<String>,
    channel: &'static str,
    subject: Option<String>,
    pieces: Vec<Piece>,
    has_html: bool,
    code: Option<String>,
    at: String,
    ago: String,
}

/// A stretch of a text: an address that can be followed, or words.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    text: String,
    is_link: bool,
}

/// Shows the newest messages.
pub(super) async fn show(
    State(inbox): State<Inbox>,
    cx: RequestCx,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Response {
    let to = query.ok().and_then(|Query(query)| query.to).map(|to| to.trim().to_owned()).unwrap_or_default();
    let filter = Filter { to: (!to.is_empty()).then(|| to.clone()), after: None };
    let messages = match inbox.list(&cx.tenant.id, &filter).await {
        Ok(messages) => messages,
        Err(error) => return fault(error),
    };
    let nonce = cx.app.random.alphanumeric(22);
    let page = Page {
        tenant: cx.tenant.id.to_string(),
        issuer: cx.issuer.as_str().to_owned(),
        client_id: inbox.0.clients.get(&cx.tenant.id).cloned(),
        last: messages.first().map(|newest| newest.id.clone()).unwrap_or_default(),
        more: messages.len().saturating_sub(SHOWN),
        entries: messages.into_iter().take(SHOWN).map(|message| entry(message, cx.now)).collect(),
        nonce: nonce.clone(),
        to,
    };
    match page.render() {
        Ok(html) => with_policy(Html(html).into_response(), &nonce),
        Err(error) => Fault::internal(error).into_response(),
    }
}

/// The button that empties the inbox.
pub(super) async fn post(State(inbox): State<Inbox>, cx: RequestCx) -> Response {
    if !is_same_origin(&cx) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match inbox.empty(&cx.tenant.id).await {
        Ok(_) => Redirect::to("/dev/inbox").into_response(),
        Err(error) => fault(error),
    }
}

/// The HTML of one e-mail, for the frame on the page. It is somebody's template around somebody's name, so
/// it runs no script, loads nothing, and its links open outside the frame.
pub(super) async fn html(State(inbox): State<Inbox>, cx: RequestCx, Path(id): Path<i64>) -> Response {
    let html = match inbox.html(&cx.tenant.id, id).await {
        Ok(Some(html)) => html,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return fault(error),
    };
    const LINKS_GO_OUT: &str = "<base target=\"_blank\">";
    let framed = match html.split_once("<head>") {
        Some((before, after)) => format!("{before}<head>{LINKS_GO_OUT}{after}"),
        None => format!("{LINKS_GO_OUT}{html}"),
    };
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; \
             frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    no_store((headers, Html(framed)))
}

/// Nothing from another host, no script but the page's own, no frame around it, no copy in a cache.
fn with_policy(response: Response, nonce: &str) -> Response {
    let mut response = no_store(response);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let fixed: [(HeaderName, &str); 3] = [
        // Not `no-referrer`: with it browsers send `Origin: null` with the page's own form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn entry(message: CapturedMessage, now: Timestamp) -> Entry {
    let at = Timestamp::parse_iso8601(&message.created_at).unwrap_or(now);
    let pieces = pieces(&message.body);
    Entry {
        code: code_in(&pieces),
        ago: ago(now.seconds() - at.seconds()),
        channel: if message.channel == "email" { "E-mail" } else { "SMS" },
        id: message.id,
        to: message.to,
        from: message.from,
        // A connection named after its channel would only say the same twice.
        connection: message.connection.filter(|name| *name != message.channel),
        subject: message.subject,
        has_html: message.html.is_some(),
        pieces,
        at: message.created_at,
    }
}

/// The one-time code of a text: the first run of exactly six digits that is not part of a link.
fn code_in(pieces: &[Piece]) -> Option<String> {
    let words = pieces.iter().filter(|piece| !piece.is_link);
    let mut runs = words.flat_map(|piece| piece.text.split(|c: char| !c.is_ascii_digit()));
    runs.find(|run| run.len() == 6).map(ToOwned::to_owned)
}

/// Splits a text so that its links can be followed.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut push = |text: &str, is_link: bool| {
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), is_link });
        }
    };
    let mut rest = text;
    while let Some(at) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"".contains(c));
        let link = from.get(..end.unwrap_or(from.len())).unwrap_or(from);
        let link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']);
        push(before, false);
        push(link, true);
        rest = from.get(link.len()..).unwrap_or_default();
    }
    push(rest, false);
    pieces
}

fn ago(seconds: i64) -> String {
    match seconds {
        ..=4 => "just now".to_owned(),
        5..=59 => format!("{seconds} s ago"),
        60..=3599 => format!("{} min ago", seconds / 60),
        3600..=86_399 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use askama::Template as _;
    use gatewright_core::Timestamp;
    use gatewright_resources::captured_messages::CapturedMessage;

    use super::{Page, ago, code_in, entry, pieces};

    fn page(messages: Vec<CapturedMessage>) -> String {
        let now = Timestamp::from_seconds(100);
        Page {
            nonce: "N0nce".into(),
            tenant: "localhost".into(),
            issuer: "https://localhost:8443/".into(),
            client_id: Some("the-client".into()),
            to: String::new(),
            last: "7".into(),
            more: 0,
            entries: messages.into_iter().map(|message| entry(message, now)).collect(),
        }
        .render()
        .unwrap()
    }

    fn message(body: &str) -> CapturedMessage {
        CapturedMessage {
            id: "7".into(),
            channel: "sms".into(),
            to: "+61400000000".into(),
            from: None,
            subject: None,
            body: body.into(),
            html: None,
            created_at: Timestamp::from_seconds(30).iso8601(),
            connection: Some("sms".into()),
        }
    }

    #[test]
    fn the_code_is_the_first_run_of_six_digits() {
        let check = |body: &str, expect: Option<&str>| {
            assert_eq!(code_in(&pieces(body)).as_deref(), expect, "{body}");
        };
        check("Log in:\nhttps://localhost:8443/x?y=123456", None);
        check("Your verification code is: 123456", Some("123456"));
        check("Call +61400000000 or type 042195.", Some("042195"));
        check("1234567 is too long, 12345 too short", None);
        check("", None);
    }

    #[test]
    fn bodies_are_escaped_and_codes_are_shown() {
        let html = page(vec![message("<script>alert(1)</script> 123456 \"x\" & y")]);
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
        assert!(html.contains("123456") && html.contains("1 min ago") && html.contains("+61400000000"));
    }

    #[test]
    fn an_e_mail_shows_subject_link_and_a_frame_for_its_html() {
        let mut mail = message("Log in:\nhttps://localhost:8443/l?a=1&b=2.\nBye");
        mail.channel = "email".into();
        mail.subject = Some("Log in to <Tea>".into());
        mail.html = Some("<script>alert(1)</script>".into());
        let html = page(vec![mail]);
        assert!(html.contains("Log in to &#60;Tea&#62;") && html.contains("E-mail"), "{html}");
        let link =
            "<a href=\"https://localhost:8443/l?a=1&#38;b=2\" target=\"_blank\" rel=\"noreferrer noopener\">";
        assert!(html.contains(link), "{html}");
        assert!(html.contains("src=\"/dev/inbox/7/html\"") && html.contains("sandbox=\""), "{html}");
        assert!(!html.contains("alert(1)"), "{html}");
    }

    #[test]
    fn links_end_where_a_reader_would_end_them() {
        let check = |text: &str, links: &[&str]| {
            let all = pieces(text);
            let found: Vec<&str> =
                all.iter().filter(|piece| piece.is_link).map(|piece| piece.text.as_str()).collect();
            assert_eq!(found, links, "{text}");
            assert_eq!(all.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
        };
        check("no link", &[]);
        check(
            "a https://x.example/a?b=c, b http://y.example.",
            &["https://x.example/a?b=c", "http://y.example"],
        );
        check("<https://x.example>", &["https://x.example"]);
        check("javascript:alert(1)", &[]);
    }

    #[test]
    fn an_empty_inbox_says_how_to_make_the_first_message() {
        let html = page(Vec::new());
        assert!(html.contains("/passwordless/start") && html.contains("the-client"), "{html}");
    }

    /// Only what the policy lets through: every style and script has the nonce, nothing is loaded.
    #[test]
    fn nothing_stands_outside_the_content_security_policy() {
        let html = page(vec![message("123456")]);
        for tag in ["<style", "<script"] {
            assert_eq!(html.matches(tag).count(), html.matches(&format!("{tag} nonce=\"N0nce\"")).count());
        }
        for forbidden in ["style=\"", "onclick", "src=\"", "http://", "<link"] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn times_are_relative() {
        let shown = [0, 30, 90, 7300, 200_000].map(ago);
        assert_eq!(shown, ["just now", "30 s ago", "1 min ago", "2 h ago", "2 d ago"]);
    }
}
