use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn check(bend: impl FnOnce(&mut TicketFacts<'_>), expect: TicketVerdict) {
    let registered = ["https://app.example.com".to_owned(), "https://*.preview.example.com".to_owned()];
    let mut facts = TicketFacts {
        client_matches: true,
        expires_at: NOW.plus_seconds(1),
        used: false,
        plain_cookie_matches: false,
        partitioned_cookie_matches: false,
        recorded_origin: Some("https://app.example.com"),
        registered_origins: &registered,
        referer: Some("https://app.example.com/"),
    };
    bend(&mut facts);
    assert_eq!(verdict(Some(&facts), NOW), expect, "{facts:?}");
}

#[test]
fn a_cookie_or_the_referer_binds() {
    use TicketBinding::{Cookie, PartitionedCookie, Referer};
    use TicketVerdict::Accepted;
    check(|_| (), Accepted(Referer));
    check(|facts| facts.referer = Some("https://app.example.com/login?x=1"), Accepted(Referer));
    check(|facts| facts.plain_cookie_matches = true, Accepted(Cookie));
    check(|facts| facts.partitioned_cookie_matches = true, Accepted(PartitionedCookie));
    // A cookie stands on its own.
    check(
        |facts| {
            facts.plain_cookie_matches = true;
            facts.referer = None;
            facts.recorded_origin = None;
            facts.registered_origins = &[];
        },
        Accepted(Cookie),
    );
    check(
        |facts| {
            facts.recorded_origin = Some("https://pr-7.preview.example.com");
            facts.referer = Some("https://pr-7.preview.example.com/");
        },
        Accepted(Referer),
    );
}

#[test]
fn no_binding_no_login() {
    use TicketVerdict::{NothingBinds, OriginNotRegistered, OtherOrigin};
    for referer in
        [None, Some(""), Some("null"), Some("about:client"), Some("https://app.example.com@evil.example/")]
    {
        check(|facts| facts.referer = referer, NothingBinds);
    }
    for referer in [
        "https://evil.example/",
        "https://app.example.com.evil.example/",
        "http://app.example.com/",
        "https://app.example.com:8443/",
        // Registered too, but not the page that got the ticket.
        "https://pr-7.preview.example.com/",
    ] {
        check(|facts| facts.referer = Some(referer), OtherOrigin);
    }
    check(|facts| facts.recorded_origin = None, OtherOrigin);
    check(|facts| facts.recorded_origin = Some("null"), OtherOrigin);
    check(|facts| facts.registered_origins = &[], OriginNotRegistered);
}

#[test]
fn a_bound_ticket_must_still_be_good() {
    use TicketVerdict::{Expired, Unknown, Used, WrongClient};
    check(|facts| facts.expires_at = NOW, Expired);
    check(|facts| facts.used = true, Used);
    check(|facts| facts.client_matches = false, WrongClient);
    assert_eq!(verdict(None, NOW), Unknown);
}

#[test]
fn every_refusal_that_a_setting_cures_says_which() {
    assert!(TicketVerdict::NothingBinds.remedy().unwrap().contains("Referrer-Policy"));
    assert!(TicketVerdict::OriginNotRegistered.remedy().unwrap().contains("web_origins"));
    assert_eq!(TicketVerdict::Used.remedy(), None);
}
