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
