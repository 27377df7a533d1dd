use proptest::prelude::*;

use super::prompt::{LoginFacts, LoginReason, Step, next};
use super::response::location;
use super::{Ask, Prompt, Refusal, Request, ResponseMode, ResponseTypes, check as run};
use crate::client::Client;
use crate::time::Timestamp;

const CALLBACK: &str = "http://localhost:4200/";

fn spa() -> Client {
    Client {
        client_id: "spa".into(),
        callbacks: vec![CALLBACK.into()],
        web_origins: vec!["http://localhost:4200".into()],
        grant_types: vec!["implicit".into(), "authorization_code".into()],
        token_endpoint_auth_method: "none".into(),
        ..Client::default()
    }
}

/// Parses a query as the endpoint does and runs the checks for [`spa`].
fn authorize(query: &str) -> Result<Request, Refusal> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let ask = Ask::read(|name| {
        pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone())
    });
    let client = spa();
    run(&ask, (ask.client_id.as_deref() == Some("spa")).then_some(&client))
}

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const IMPLICIT: &str =
    "client_id=spa&redirect_uri=http://localhost:4200/&response_type=token id_token&nonce=n&state=s";

#[test]
fn requests_are_refused_with_a_reason_in_the_right_place() {
    // (query, "page" or the mode of the redirect, error, part of the description)
    let cases = [
        ("", "page", "invalid_request", "client_id"),
        ("client_id=x", "page", "invalid_request", "Unknown client: x"),
        (
            "client_id=spa&redirect_uri=https://evil.example/",
            "page",
            "invalid_request",
            "Callback URL mismatch.",
        ),
        (
            "client_id=spa&redirect_uri=http://localhost:4200",
            "page",
            "invalid_request",
            "Callback URL mismatch.",
        ),
        ("client_id=spa", "query", "invalid_request", "response_type"),
        ("client_id=spa&response_type=banana", "query", "unsupported_response_type", "banana"),
        ("client_id=spa&response_type=code code", "query", "unsupported_response_type", "code code"),
        ("client_id=spa&response_type=token id_token", "fragment", "invalid_request", "nonce"),
        ("client_id=spa&response_type=code", "query", "invalid_request", "code_challenge"),
        ("client_id=spa&response_type=code&code_challenge=short", "query", "invalid_request", "43 to 128"),
        ("client_id=spa&response_type=token&response_mode=query", "fragment", "invalid_request", "query"),
        ("client_id=spa&response_type=token&response_mode=smoke", "fragment", "invalid_request", "smoke"),
        ("client_id=spa&response_type=token&prompt=none login", "fragment", "invalid_request", "prompt"),
        ("client_id=spa&response_type=token&prompt=dance", "fragment", "invalid_request", "dance"),
        ("client_id=spa&response_type=token&max_age=-1", "fragment", "invalid_request", "max_age"),
        ("client_id=spa&response_type=token&request=x", "fragment", "request_not_supported", "request"),
        (
            "client_id=spa&response_type=token&request_uri=x",
            "fragment",
            "request_uri_not_supported",
            "request_uri",
        ),
        ("client_id=spa&response_type=token&organization=o", "fragment", "invalid_request", "Organizations"),
    ];
    for (query, place, code, text) in cases {
        let (got_place, error) = match authorize(query).expect_err(query) {
            Refusal::Page(error) => ("page".to_owned(), error),
            Refusal::Redirect(back) => (format!("{:?}", back.response_mode).to_lowercase(), back.error),
        };
        assert_eq!((got_place.as_str(), &*error.code), (place, code), "{query}");
        assert!(error.description.contains(text), "{query}: {}", error.description);
    }
}

#[test]
fn a_good_request_passes() {
    let request = authorize(IMPLICIT).unwrap();
    assert_eq!(request.response_mode, ResponseMode::Fragment);
    assert_eq!(request.state.as_deref(), Some("s"));
    let code = authorize(&format!(
        "client_id=spa&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256&nonce=&prompt="
    ))
    .unwrap();
    assert_eq!((code.redirect_uri.as_str(), code.response_mode), (CALLBACK, ResponseMode::Query));
    assert_eq!(code.pkce.unwrap().method, "S256");
}

#[test]
fn web_messages_go_to_registered_origins_only() {
    let mut client = spa();
    client.web_origins.clear();
    client.callbacks = vec!["com.example.app://callback".into()];
    let ask = Ask {
        client_id: Some("spa".into()),
        redirect_uri: Some("com.example.app://callback".into()),
        response_type: Some("token".into()),
        response_mode: Some("web_message".into()),
        ..Ask::default()
    };
    assert!(matches!(run(&ask, Some(&client)), Err(Refusal::Page(error)) if error.status == 403));
    assert!(authorize(&format!("{IMPLICIT}&response_mode=web_message")).is_ok());
    let popup = Ask { response_mode: None, owp: Some("true".into()), ..ask };
    assert!(matches!(run(&popup, Some(&client)), Err(Refusal::Page(error)) if error.status == 403));
}

#[test]
fn a_pop_up_is_answered_in_its_own_way() {
    let mode = |query: &str| authorize(&format!("{IMPLICIT}{query}")).unwrap().response_mode;
    assert_eq!(mode("&owp=true"), ResponseMode::Popup);
    assert_eq!(mode("&owp=true&response_mode=web_message"), ResponseMode::Popup);
    assert_eq!(mode("&owp=false"), ResponseMode::Fragment);
    let Err(Refusal::Redirect(back)) = authorize(&format!("{IMPLICIT}&owp=true&max_age=x")) else {
        panic!("an error for the page that opened the window");
    };
    assert_eq!(back.response_mode, ResponseMode::Popup);
}

#[test]
fn a_login_is_asked_for_when_it_must_be() {
    let now = Timestamp::from_seconds(1_000);
    let session = |seconds_ago: i64| LoginFacts {
        session_authenticated_at: Some(now.plus_seconds(-seconds_ago)),
        ..LoginFacts::default()
    };
    let ticket = |usable| LoginFacts { ticket_usable: Some(usable), ..session(5) };
    let check = |extra: &str, facts: LoginFacts, expect: Step| {
        let request = authorize(&format!("{IMPLICIT}{extra}")).unwrap();
        assert_eq!(next(&request, &spa(), facts, now), expect, "{extra}");
    };
    check("", LoginFacts::default(), Step::Login(LoginReason::NoSession));
    check("", session(5), Step::UseSession);
    check("&prompt=none", session(5), Step::UseSession);
    check("&prompt=login", session(5), Step::Login(LoginReason::PromptAsked));
    check("&max_age=4", session(5), Step::Login(LoginReason::MaxAgeExceeded));
    check("&max_age=5", session(5), Step::UseSession);
    check("&connection=sms", session(5), Step::Login(LoginReason::PasswordlessConnection));
    let at_connection = LoginFacts { session_at_connection: true, ..session(5) };
    check("&connection=sms", at_connection, Step::Login(LoginReason::PasswordlessConnection));
    check("&connection=sms&prompt=none", at_connection, Step::UseSession);
    check("&connection=sms&prompt=none", session(5), Step::Login(LoginReason::PasswordlessConnection));
    check("&connection=google-oauth2", session(5), Step::UseSession);
    let other = LoginFacts { session_of_other_user: true, ..session(5) };
    check("&prompt=none", other, Step::Login(LoginReason::OtherUserHinted));
    check("", other, Step::Login(LoginReason::OtherUserHinted));
    check("", LoginFacts { ticket_usable: Some(true), ..other }, Step::UseTicket);
    check("&prompt=none", ticket(true), Step::UseTicket);
    check("", ticket(false), Step::Login(LoginReason::TicketUnusable));
    let request = authorize(IMPLICIT).unwrap();
    let alone = Client { sso_disabled: true, ..spa() };
    assert_eq!(next(&request, &alone, session(5), now), Step::Login(LoginReason::SsoDisabled));
}

#[test]
fn answers_are_encoded_into_the_callback() {
    let answer = [("error", "login_required".to_owned()), ("state", "a b&c#d".to_owned())];
    assert_eq!(
        location("https://a.example/cb?x=1", ResponseMode::Query, &answer),
        "https://a.example/cb?x=1&error=login_required&state=a+b%26c%23d"
    );
    assert_eq!(
        location(CALLBACK, ResponseMode::Fragment, &answer[..1]),
        "http://localhost:4200/#error=login_required"
    );
}

#[test]
fn prompt_and_response_type_words_may_come_in_any_order() {
    assert_eq!(ResponseTypes::parse("id_token code"), ResponseTypes::parse("code id_token"));
    assert_eq!(Prompt::parse("login consent"), Prompt::parse("consent login"));
}

proptest! {
    /// Whatever is sent, the checks answer; and a refusal is redirected to the registered callback only.
    #[test]
    fn errors_never_leave_for_another_place(
        redirect_uri in "(http://localhost:4200/?|https?://[a-z.]{1,12}/?|[ -~]{0,30})",
        response_type in "(code|token|id_token| ){0,4}",
        mode in "(query|fragment|form_post|web_message|x)?",
    ) {
        let client = spa();
        let ask = Ask {
            client_id: Some("spa".into()),
            redirect_uri: Some(redirect_uri.clone()),
            response_type: Some(response_type),
            response_mode: (!mode.is_empty()).then_some(mode),
            ..Ask::default()
        };
        let place = match run(&ask, Some(&client)) {
            Ok(request) => Some(request.redirect_uri),
            Err(Refusal::Redirect(back)) => Some(back.redirect_uri),
            Err(Refusal::Page(_)) => None,
        };
        if let Some(place) = place {
            prop_assert_eq!(place, CALLBACK);
        }
    }
}
