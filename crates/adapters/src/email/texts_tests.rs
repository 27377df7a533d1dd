use serde_json::{Value, json};

use super::{EmailKind, OwnText, compose, plain};
use crate::templates::{Syntax, TemplateError};

fn vars() -> Value {
    json!({
        "application": {"name": "Tea & <Co>"}, "user": {"email": "ann@example.com"}, "code": "123456",
        "url": "https://id.example/u?a=1&b=2", "link": "https://id.example/l?a=1&b=2",
    })
}

fn own(from: Option<&str>, subject: Option<&str>, body: Option<&str>) -> OwnText {
    let text = |text: Option<&str>| text.map(str::to_owned);
    OwnText { from: text(from), subject: text(subject), body: text(body), syntax: Syntax::Liquid }
}

#[test]
fn every_default_says_what_the_reader_came_for_in_both_parts() {
    use EmailKind::*;
    let check = |kind, subject: &str, in_html: &str, in_text: &str| {
        let composed = compose(kind, None, &vars()).unwrap();
        assert_eq!(composed.subject, subject);
        assert!(composed.html.contains(in_html), "{}", composed.html);
        assert!(composed.text.contains(in_text), "{}", composed.text);
        assert!(!composed.html.contains("<Co>"), "names are escaped: {}", composed.html);
        assert!(composed.from.is_none());
    };
    let url = ("https://id.example/u?a=1&amp;b=2", "https://id.example/u?a=1&b=2");
    let link = ("href=\"https://id.example/l?a=1&amp;b=2\"", "https://id.example/l?a=1&b=2");
    check(VerifyEmail, "Confirm your e-mail address for Tea & <Co>", url.0, url.1);
    check(ResetEmail, "Choose a new password for Tea & <Co>", url.0, url.1);
    check(VerifyEmailByCode, "Your confirmation code for Tea & <Co>", ">123456<", "\n123456\n");
    check(ResetEmailByCode, "Your password reset code for Tea & <Co>", ">123456<", "\n123456\n");
    check(PasswordlessCode, "Your verification code for Tea & <Co>", ">123456<", "\n123456\n");
    check(PasswordlessLink, "Log in to Tea & <Co>", link.0, link.1);
    check(
        AccountExists,
        "You have an account at Tea & <Co>",
        "log in.",
        "ann@example.com. There is an account",
    );
}

#[test]
fn a_tenants_text_replaces_what_it_names_and_the_default_keeps_the_rest() {
    let mine = own(
        Some("{{ application.name }} <no-reply@tea.example>"),
        None,
        Some("<p>Hello {{ user.email }}, <b>{{ code }}</b></p><a href=\"{{ url }}\">Go</a>"),
    );
    let composed = compose(EmailKind::VerifyEmail, Some(&mine), &vars()).unwrap();
    assert_eq!(composed.from.as_deref(), Some("Tea & <Co> <no-reply@tea.example>"));
    assert_eq!(composed.subject, "Confirm your e-mail address for Tea & <Co>");
    assert!(composed.html.starts_with("<p>Hello ann@example.com, <b>123456</b></p>"));
    assert_eq!(composed.text, "Hello ann@example.com, 123456\nGo (https://id.example/u?a=1&b=2)\n");
}

#[test]
fn a_subject_stays_one_line_and_a_broken_text_is_an_error() {
    let mine = own(None, Some("Code\r\nBcc: eve@example.com"), None);
    let composed = compose(EmailKind::PasswordlessCode, Some(&mine), &vars()).unwrap();
    assert_eq!(composed.subject, "Code Bcc: eve@example.com");
    let broken = own(None, None, Some("{% if %}"));
    let error = compose(EmailKind::PasswordlessCode, Some(&broken), &vars()).unwrap_err();
    assert!(matches!(error, TemplateError::Invalid(_)), "{error}");
}

#[test]
fn a_sender_at_auth0_com_means_the_default_text() {
    let mine = own(Some("x@auth0.com"), Some("Mine"), Some("<p>mine</p>"));
    let composed = compose(EmailKind::PasswordlessCode, Some(&mine), &vars()).unwrap();
    assert_eq!(composed.subject, "Your verification code for Tea & <Co>");
}

#[test]
fn html_becomes_plain_text() {
    let check = |html: &str, expect: &str| assert_eq!(plain(html), expect, "{html}");
    check("<style>p{color:red}</style><p>a\n b</p><p>c &amp; d</p>", "a b\nc & d\n");
    check(
        "<a href='https://x.example/?a=1&amp;b'>https://x.example/?a=1&b</a>",
        "https://x.example/?a=1&b\n",
    );
    check("<!-- a > b -->x<br/>y", "x\ny\n");
    check("<p", "\n");
}
