//! `/v2/logout`: ends the session, returns only to registered places.

use gatewright_testkit::{Server, Start, on_every_database};

const APP: &str = "http://localhost:4200";

#[tokio::test]
async fn logout_ends_the_session_and_returns_to_a_registered_url() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.log_in(&server, &page).await;
        let stolen = page.cookies();
        let path = format!(
            "/v2/logout?client_id={}&returnTo=http%3A%2F%2Flocalhost%3A4200%3Fx%3D1",
            server.client_id()
        );
        let answer = page.get(&path).await;
        assert_eq!(answer.expect(302).location().as_str(), "http://localhost:4200/?x=1");
        let probe = start.authorize_path(&[("prompt", "none"), ("response_mode", "web_message")]);
        assert_eq!(page.get(&probe).await.web_message()["error"], "login_required");
        let replayed = server.tool();
        let request = replayed.request(reqwest::Method::GET, &probe).header("cookie", stolen);
        assert_eq!(
            replayed.send(request).await.web_message()["error"],
            "login_required",
            "the row is gone, not only the cookie"
        );
    })
    .await;
}

#[tokio::test]
async fn logout_never_redirects_elsewhere() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let client = server.client_id();
        for query in [
            format!("client_id={client}&returnTo=https%3A%2F%2Fevil.example"),
            "returnTo=http%3A%2F%2Flocalhost%3A4200".to_owned(),
            "client_id=nobody".to_owned(),
        ] {
            let answer = page.get(&format!("/v2/logout?{query}")).await;
            answer.expect(400);
            assert_eq!(answer.header("location"), "", "{query}");
        }
        assert_eq!(page.get("/v2/logout").await.expect(200).body, "OK");
    })
    .await;
}

/// A browser with a session, and an ID token of it.
async fn logged_in(server: &Server) -> (gatewright_testkit::Page, String) {
    let page = server.page(APP);
    let tokens = Start::seed(server).log_in(server, &page).await;
    (page, tokens.response["id_token"].as_str().expect("an ID token").to_owned())
}

async fn still_logged_in(server: &Server, page: &gatewright_testkit::Page) -> bool {
    let probe = Start::seed(server).authorize_path(&[("prompt", "none"), ("response_mode", "web_message")]);
    page.get(&probe).await.web_message().get("error").is_none()
}

fn logout_path(pairs: &[(&str, &str)]) -> String {
    format!(
        "/oidc/logout?{}",
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    )
}

#[tokio::test]
async fn a_hint_of_this_session_logs_out_at_once_and_returns_exactly_to_a_registered_uri() {
    on_every_database(async |server: Server| {
        let document = server.tool().get("/.well-known/openid-configuration").await.json();
        assert_eq!(document["end_session_endpoint"], format!("{}oidc/logout", server.issuer()));
        let back = ("post_logout_redirect_uri", "http://localhost:4200/callback");
        for (state, expect) in [(None, ""), (Some("a b&c"), "?state=a+b%26c")] {
            let (page, id_token) = logged_in(&server).await;
            let mut pairs = vec![("id_token_hint", id_token.as_str()), back];
            pairs.extend(state.map(|state| ("state", state)));
            let answer = page.get(&logout_path(&pairs)).await;
            assert_eq!(answer.expect(302).header("location"), format!("{}{expect}", back.1));
            assert!(!still_logged_in(&server, &page).await);
        }
        // By POST, long after the hint has expired, and with the client named too.
        let (page, id_token) = logged_in(&server).await;
        server.turn.forward_seconds(40_000);
        let fields = [("id_token_hint", id_token.as_str()), ("client_id", server.client_id()), back];
        assert_eq!(page.post_form("/oidc/logout", &fields).await.expect(302).header("location"), back.1);
        assert!(!still_logged_in(&server, &page).await);
        // No way back: a page says so. The same once more, without a session.
        let (page, id_token) = logged_in(&server).await;
        for _ in 0..2 {
            let answer = page.get(&logout_path(&[("id_token_hint", &id_token)])).await;
            assert!(answer.expect(200).body.contains("You are logged out"), "{}", answer.body);
            assert!(!still_logged_in(&server, &page).await);
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_hint_or_return_uri_is_an_error_page_and_ends_nothing() {
    on_every_database(async |server: Server| {
        let (page, id_token) = logged_in(&server).await;
        let good = "http://localhost:4200/callback";
        let (head, rest) = id_token.split_once('.').unwrap();
        let (payload, _signature) = rest.split_once('.').unwrap();
        let none = format!("eyJhbGciOiJub25lIn0.{payload}.");
        let foreign = format!("{head}.{payload}.{}", "A".repeat(342));
        for pairs in [
            vec![("id_token_hint", &*id_token), ("post_logout_redirect_uri", "https://evil.example/")],
            vec![
                ("id_token_hint", &*id_token),
                ("post_logout_redirect_uri", "http://localhost:4200/callback?x=1"),
            ],
            vec![("id_token_hint", &*none), ("post_logout_redirect_uri", good)],
            vec![("id_token_hint", &*foreign), ("post_logout_redirect_uri", good)],
            vec![("id_token_hint", &*id_token), ("client_id", "somebody-else")],
            vec![("post_logout_redirect_uri", good)],
            vec![("client_id", "nobody")],
        ] {
            let answer = page.get(&logout_path(&pairs)).await;
            answer.expect(400);
            assert_eq!(answer.header("location"), "", "{pairs:?}");
            assert!(still_logged_in(&server, &page).await, "{pairs:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_hint_of_this_session_the_user_is_asked() {
    on_every_database(async |server: Server| {
        let (page, _) = logged_in(&server).await;
        let (_, other) = logged_in(&server).await;
        let back = ("post_logout_redirect_uri", "http://localhost:4200/callback");
        let client = ("client_id", server.client_id());
        for pairs in [
            vec![],
            vec![("state", "s")],
            vec![client, back],
            vec![("id_token_hint", &*other), back],
            vec![("logout_hint", "another-session"), client],
        ] {
            let asked = page.get(&logout_path(&pairs)).await;
            assert!(asked.expect(200).body.contains("Log out?"), "{pairs:?} {}", asked.body);
            assert!(still_logged_in(&server, &page).await, "{pairs:?}");
            let form = gatewright_testkit::Form::of(&asked);
            let stay = form.press(&page, "cancel").await;
            assert!(stay.expect(200).body.contains("still logged in"), "{}", stay.body);
            let forged = form.clone().with("csrf", "0").press(&page, "confirm").await;
            assert!(forged.expect(200).body.contains("Log out?"), "{}", forged.body);
            assert!(still_logged_in(&server, &page).await, "{pairs:?}");
        }
        let asked = page.get(&logout_path(&[client, back, ("state", "x")])).await;
        let done = gatewright_testkit::Form::of(&asked).press(&page, "confirm").await;
        assert_eq!(done.expect(302).header("location"), "http://localhost:4200/callback?state=x");
        assert!(!still_logged_in(&server, &page).await);

        let (page, id_token) = logged_in(&server).await;
        let sid = gatewright_testkit::claims(&id_token)["sid"].as_str().unwrap().to_owned();
        let answer = page.get(&logout_path(&[("logout_hint", &sid), client, back])).await;
        assert_eq!(answer.expect(302).header("location"), back.1);
        assert!(!still_logged_in(&server, &page).await);
    })
    .await;
}
