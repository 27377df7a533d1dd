//! Tables of cases, and the law that nothing but the registered list is accepted.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

fn check(registered: &str, uri: &str, expect: bool) {
    assert_eq!(
        redirect_uri_allowed(uri, &list(&[registered])),
        expect,
        "registered {registered}, asked {uri}"
    );
}

#[test]
fn redirect_uris_are_compared_as_text() {
    for same in [
        "https://app.example.com/cb",
        "https://app.example.com/cb?a=1&b=2",
        "http://localhost:4200",
        "http://localhost:4200/",
        "http://[::1]:4200/cb",
        "com.example.app://localhost/ios/com.example.app/callback",
        "myapp:/callback?next=https://x.example/",
        "urn:ietf:wg:oauth:2.0:oob",
        "https://app.example.com/cb?to=*",
    ] {
        check(same, same, true);
    }
    for (registered, asked) in [
        ("https://app.example.com/cb", "https://app.example.com/cb/"),
        ("https://app.example.com/cb", "https://app.example.com/CB"),
        ("https://app.example.com/cb", "https://app.example.com:443/cb"),
        ("https://app.example.com/cb", "HTTPS://app.example.com/cb"),
        ("https://app.example.com/cb", "http://app.example.com/cb"),
        ("https://app.example.com/cb", "https://app.example.com/cb?x=1"),
        ("https://app.example.com/cb", "https://app.example.com/cb?"),
        ("https://app.example.com/cb?x=1", "https://app.example.com/cb"),
        ("https://app.example.com/cb", "https://app.example.com/%63b"),
        ("https://app.example.com/cb", "https://app.example.com/x/../cb"),
        ("http://localhost:4200", "http://localhost:4200/"),
        ("http://localhost:4200", "http://localhost:4201"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb"),
        ("https://app.example.com", "https://app.example.com.evil.example"),
        ("https://app.example.com", ""),
        ("", ""),
    ] {
        check(registered, asked, false);
    }
    assert!(!redirect_uri_allowed("https://app.example.com/cb", &[]));
}

#[test]
fn some_redirect_uris_are_refused_even_when_registered() {
    for uri in [
        "https://app.example.com/cb#there",
        "https://app.example.com/cb#",
        "https://user@app.example.com/cb",
        "https://app.example.com@evil.example/cb",
        "https://app.example.com\\@evil.example/cb",
        "https://app.example.com\\cb",
        "https://app.example.com/c b",
        "https://app.example.com/cb\n",
        "https://app.example.com/c\u{f6}b",
        "https://*.example.com/cb",
        "myapp://*/cb",
        "javascript:alert(1)",
        "JavaScript://app.example.com/%0aalert(1)",
        "data:text/html,x",
    ] {
        check(uri, uri, false);
    }
}

#[test]
fn a_star_stands_for_part_of_the_leftmost_label() {
    for (registered, asked) in [
        ("https://*.example.com/cb", "https://app.example.com/cb"),
        ("https://*.example.com/cb", "https://a-1.example.com/cb"),
        ("https://pr-*.example.com/cb", "https://pr-42.example.com/cb"),
        ("https://*-preview.example.com/cb", "https://x-preview.example.com/cb"),
        ("https://pr-*-web.example.com/cb", "https://pr-42-web.example.com/cb"),
        ("http://*.example.com:8080/cb?x=1", "http://app.example.com:8080/cb?x=1"),
        ("https://*.app.example.co.uk", "https://a.app.example.co.uk"),
        ("https://*.example.co.uk", "https://a.example.co.uk"),
    ] {
        check(registered, asked, true);
    }
    for (registered, asked) in [
        // One label, not none and not two.
        ("https://*.example.com/cb", "https://example.com/cb"),
        ("https://*.example.com/cb", "https://.example.com/cb"),
        ("https://*.example.com/cb", "https://a.b.example.com/cb"),
        ("https://pr-*.example.com/cb", "https://pr-.example.com/cb"),
        // The rest stays text.
        ("https://*.example.com/cb", "https://app.example.com/cb/"),
        ("https://*.example.com/cb", "https://app.example.com:443/cb"),
        ("https://*.example.com/cb", "http://app.example.com/cb"),
        ("https://*.example.com/cb", "https://app.example.com/cb?x=1"),
        ("https://*.example.com/cb", "https://App.example.com/cb"),
        ("https://*.example.com/cb", "https://app.EXAMPLE.com/cb"),
        // Another domain.
        ("https://*.example.com/cb", "https://evil.example/.example.com/cb"),
        ("https://*.example.com/cb", "https://evil.example?.example.com/cb"),
        ("https://*.example.com/cb", "https://evil.example#.example.com/cb"),
        ("https://*.example.com/cb", "https://evil.example\\.example.com/cb"),
        ("https://*.example.com/cb", "https://user@app.example.com/cb"),
        ("https://*.example.com/cb", "https://evil.example:80@app.example.com/cb"),
        ("https://*.example.com/cb", "https://evil%2f.example.com/cb"),
        ("https://*.example.com/cb", "https://evil%00.example.com/cb"),
        ("https://*.example.com/cb", "https://app.example.com.evil.example/cb"),
        ("https://*.example.com/cb", "https://*.example.com/cb"),
        ("https://*.example.com/cb", "https://app_1.example.com/cb"),
    ] {
        check(registered, asked, false);
    }
}

#[test]
fn a_star_anywhere_else_is_no_wildcard() {
    for (registered, asked) in [
        ("https://*", "https://a"),
        ("https://*/cb", "https://a/cb"),
        ("https://*.com", "https://evil.com"),
        ("https://*.localhost:3000", "https://a.localhost:3000"),
        ("https://*.co.uk", "https://evil.co.uk"),
        ("https://*.com.au/cb", "https://evil.com.au/cb"),
        ("https://*.*.example.com", "https://a.b.example.com"),
        ("https://**.example.com", "https://aa.example.com"),
        ("https://*a*.example.com", "https://xay.example.com"),
        ("https://app.*.com", "https://app.evil.com"),
        ("https://app.example.*", "https://app.example.evil"),
        ("https://app.example.com:*/cb", "https://app.example.com:1/cb"),
        ("https://app.example.com/*", "https://app.example.com/x"),
        ("https://*.example.com/*", "https://a.example.com/x"),
        ("https://*.example.com/cb?x=*", "https://a.example.com/cb?x=1"),
        ("https://*.0.0.1", "https://127.0.0.1"),
        ("https://*@app.example.com", "https://a@app.example.com"),
        ("*://app.example.com", "https://app.example.com"),
        ("*", "https://app.example.com"),
        ("myapp://*.example.com/cb", "myapp://a.example.com/cb"),
        ("https://*.example.com/cb#x", "https://a.example.com/cb#x"),
    ] {
        check(registered, asked, false);
    }
}

#[test]
fn origins() {
    let check = |registered: &str, origin: &str, expect: bool| {
        assert_eq!(origin_allowed(origin, &list(&[registered])), expect, "registered {registered}, {origin}");
    };
    for (registered, origin) in [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("HTTPS://App.Example.com", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80/", "http://app.example.com"),
        ("http://localhost:4200", "http://localhost:4200"),
        ("http://[::1]:4200", "http://[::1]:4200"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("https://*.example.com", "https://app.example.com"),
        ("https://PR-*.Example.com/", "https://pr-1.example.com"),
        ("https://*.example.com:8443", "https://app.example.com:8443"),
    ] {
        check(registered, origin, true);
    }
    for (registered, origin) in [
        ("https://app.example.com", "http://app.example.com"),
        ("https://app.example.com", "https://app.example.com:8443"),
        ("http://localhost", "http://localhost:4200"),
        ("http://localhost:443", "http://localhost"),
        ("https://app.example.com/path", "https://app.example.com"),
        ("https://app.example.com//", "https://app.example.com"),
        ("https://app.example.com", "https://app.example.com/"),
        ("https://app.example.com", "https://user@app.example.com"),
        ("https://app.example.com", "https://app.example.com."),
        ("https://app.example.com", "https://%61pp.example.com"),
        ("https://app.example.com:0443", "https://app.example.com"),
        ("https://app.example.com:", "https://app.example.com"),
        ("null", "null"),
        ("", ""),
        ("*", "https://app.example.com"),
        ("https://*", "https://a"),
        ("https://*.com", "https://evil.com"),
        ("https://*.example.com", "https://example.com"),
        ("https://*.example.com", "https://a.b.example.com"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://*.example.com", "https://a.example.com:8443"),
        ("https://app.*.com", "https://app.x.com"),
        ("capacitor://*.example.com", "capacitor://a.example.com"),
    ] {
        check(registered, origin, false);
    }
}

#[test]
fn origins_of_urls_and_callbacks() {
    for (url, origin) in [
        ("https://App.Example.com:443/cb?x=1#y", Some("https://app.example.com")),
        ("http://localhost:4200", Some("http://localhost:4200")),
        ("http://localhost?x", Some("http://localhost")),
        ("https://a.example/b@c", Some("https://a.example")),
        ("https://user@a.example/", None),
        ("https://a.example\\b", None),
        ("https://*.example.com/", None),
        ("https://a.example:99999/", None),
        ("https:///a", None),
        ("myapp://localhost/cb", None),
        ("urn:x", None),
        ("null", None),
        ("http://127.0.0.1:3000/x", Some("http://127.0.0.1:3000")),
        // Browsers read these as 0.0.11.185, 127.0.0.1 (three times) and [::1].
        ("http://3001", None),
        ("http://127.1/", None),
        ("http://0x7f000001/", None),
        ("http://127.0.0.1./", None),
        ("http://[::0:1]/", None),
    ] {
        assert_eq!(origin_of(url).as_deref(), origin, "{url}");
    }
    let callbacks = list(&[
        "https://app.example.com/cb",
        "https://app.example.com/other",
        "https://*.example.com/cb",
        "myapp://x/cb",
        "http://localhost:3000",
    ]);
    let origins = callback_origins(&callbacks);
    assert_eq!(origins, ["https://app.example.com", "https://*.example.com", "http://localhost:3000"]);
    assert!(origin_allowed("https://pr.example.com", &origins));
}

#[test]
fn logout_urls() {
    let check = |registered: &str, url: &str, expect: bool| {
        assert_eq!(logout_url_allowed(url, &list(&[registered])), expect, "registered {registered}, {url}");
    };
    for (registered, url) in [
        ("https://app.example.com/out", "https://app.example.com/out"),
        ("https://app.example.com/out", "https://app.example.com/out?x=1#y"),
        ("https://app.example.com/out?x=1", "https://app.example.com/out"),
        ("https://App.example.com/out", "HTTPS://app.EXAMPLE.com/out"),
        ("https://app.example.com", "https://app.example.com/"),
        ("https://app.example.com:443/out", "https://app.example.com/out"),
        ("http://localhost:4200", "http://localhost:4200?x"),
        ("https://*.example.com/out", "https://App.example.com/out?x"),
        ("myapp://out", "myapp://out?x"),
        ("myapp:out", "myapp:out"),
    ] {
        check(registered, url, true);
    }
    for (registered, url) in [
        ("https://app.example.com/out", "https://app.example.com/OUT"),
        ("https://app.example.com/out", "https://app.example.com/out/"),
        ("https://app.example.com/out", "https://app.example.com/out/../in"),
        ("https://app.example.com/out", "http://app.example.com/out"),
        ("https://app.example.com/out", "https://app.example.com:8443/out"),
        ("https://app.example.com/out", "https://evil.example/?https://app.example.com/out"),
        ("https://app.example.com", "https://app.example.com.evil.example"),
        ("https://app.example.com", "https://app.example.com@evil.example"),
        ("https://app.example.com", "https://evil.example\\app.example.com"),
        ("https://user@app.example.com", "https://user@app.example.com"),
        ("https://*.example.com/out", "https://a.b.example.com/out"),
        ("https://*.example.com/out", "https://*.example.com/out"),
        ("https://*.com/out", "https://evil.com/out"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("/out", "/out"),
        ("", ""),
    ] {
        check(registered, url, false);
    }
}

const REGISTERED: [&str; 5] = [
    "https://app.example.com/cb?x=1",
    "http://localhost:4200/",
    "com.example.app://localhost/callback",
    "https://*.example.org/cb",
    "https://pr-*-web.example.net:8443/cb?x=1",
];

/// Text made of the characters that URL tricks are made of.
fn trick() -> impl Strategy<Value = String> {
    let piece = select(vec![
        ".",
        "/",
        "\\",
        "@",
        ":",
        "?",
        "#",
        "%",
        "%2e",
        "%2f",
        "*",
        "-",
        "_",
        "[",
        "]",
        " ",
        "\t",
        "a",
        "z9",
        "A",
        "\u{e9}",
        "\u{3002}",
        "evil.example",
        "//",
        "xn--",
        "example.org",
    ]);
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_changed_character_is_refused(
        which in 0..3usize, at in any::<proptest::sample::Index>(), how in 0..4u8, with in any::<char>(),
    ) {
        let registered = list(&REGISTERED[..3]);
        let mut chars: Vec<char> = REGISTERED[which].chars().collect();
        let at = at.index(chars.len());
        match how {
            0 => chars[at] = with,
            1 => chars.insert(at, with),
            2 => { chars.remove(at); }
            _ => chars.push(with),
        }
        let changed: String = chars.into_iter().collect();
        prop_assume!(!registered.contains(&changed));
        prop_assert!(!redirect_uri_allowed(&changed, &registered), "{}", changed);
    }

    #[test]
    fn a_wildcard_takes_a_plain_label_piece_and_nothing_else(
        piece in prop_oneof![trick(), "[a-z0-9.-]{0,8}", "\\PC{0,6}"],
    ) {
        let plain = !piece.is_empty() && piece.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let registered = list(&REGISTERED);
        for pattern in &REGISTERED[3..] {
            let uri = pattern.replacen('*', &piece, 1);
            prop_assert_eq!(redirect_uri_allowed(&uri, &registered), plain, "{}", uri);
            let url = uri.to_ascii_lowercase();
            let piece = piece.to_ascii_lowercase();
            let plain = !piece.is_empty() && piece.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            prop_assert!(plain || !logout_url_allowed(&url, &list(&[pattern])), "{}", url);
        }
    }

    /// Whatever is accepted, a browser's own reading of it lands on the registered host.
    #[test]
    fn what_is_accepted_goes_to_a_registered_domain(
        head in select(vec!["https://", "http://", "https:/", "https:\\\\", "//", "https://app.example.org"]),
        middle in trick(),
        tail in select(vec![".example.org/cb", "example.org/cb", ".example.org", "/cb", ".example.com/cb?x=1", ""]),
    ) {
        let uri = format!("{head}{middle}{tail}");
        let registered = list(&REGISTERED);
        let lands_well = |text: &str| match url::Url::parse(text) {
            Ok(url) => {
                let host = url.host_str().unwrap_or_default().to_owned();
                let sub = host.strip_suffix(".example.org").is_some_and(|sub| !sub.contains('.'));
                (sub || host == "app.example.com") && url.username().is_empty() && url.password().is_none()
            }
            // A label such as `xn--` is no host at all: a browser goes nowhere.
            Err(_) => true,
        };
        if redirect_uri_allowed(&uri, &registered) {
            prop_assert!(lands_well(&uri), "{}", uri);
        }
        if logout_url_allowed(&uri, &registered) {
            prop_assert!(lands_well(&uri), "{}", uri);
        }
        let origin = uri.trim_end_matches("/cb").to_owned();
        if origin_allowed(&origin, &list(&["https://*.example.org"])) {
            prop_assert!(lands_well(&origin), "{}", origin);
        }
    }

    /// `origin_of` agrees with the URL standard wherever it answers.
    #[test]
    fn the_origin_is_the_one_browsers_compute(middle in trick(), host in "[a-zA-Z0-9.-]{1,12}") {
        let urls = [format!("https://{host}{middle}"), format!("http://{host}:{middle}"), format!("https://{middle}")];
        for url in urls {
            let Some(ours) = origin_of(&url) else { continue };
            // Where a browser sees no URL there is no page.
            if let Ok(theirs) = url::Url::parse(&url) {
                prop_assert_eq!(ours, theirs.origin().ascii_serialization(), "{}", url);
            }
        }
    }
}
