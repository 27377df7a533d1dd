//! `/authorize`: tickets, sessions, silent probes, refusals and where they go.

use gatewright_testkit::{Server, Start, on_every_database};
use serde_json::json;

const APP: &str = "http://localhost:4200";
const SILENT: [(&str, &str); 2] = [("prompt", "none"), ("response_mode", "web_message")];

#[tokio::test]
async fn the_silent_probe_of_lock_answers_login_required_with_its_state() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let mut probe = Start::seed(&server).scope("openid profile email");
        probe.audience = None;
        let answer = page.get(&probe.authorize_path(&SILENT)).await;
        let expected =
            json!({"error": "login_required", "error_description": "Login required", "state": "the-state"});
        assert_eq!(answer.web_message(), expected);
        assert!(answer.body.contains(&format!("var targetOrigin = \"{APP}\"")), "{}", answer.body);
        assert_eq!(answer.header("x-frame-options"), "");
        assert!(!answer.header("content-security-policy").contains("frame-ancestors"));
        assert!(answer.header("cache-control").contains("no-store"));

        Start::seed(&server).log_in(&server, &page).await;
        let live = page.get(&probe.authorize_path(&SILENT)).await.web_message();
        assert_eq!(live["scope"], "openid profile email");
        assert_eq!(
            server.admin().await.newest_log("ssa").await["details"]["decision"]["login"]["by"],
            "session"
        );
    })
    .await;
}

#[tokio::test]
async fn a_ticket_is_good_once_for_its_client_and_its_browser() {
    on_every_database(async |server: Server| {
        let start = Start::seed(&server);
        let spent = async |page: &gatewright_testkit::Page, ticket: &str| {
            page.get(&start.authorize_path(&[("login_ticket", ticket), SILENT[0], SILENT[1]]))
                .await
                .web_message()
        };
        let page = server.page(APP);
        let ticket = start.ticket(&server, &page).await;
        assert!(spent(&page, &ticket).await["id_token"].is_string());
        let reuse = spent(&server.page(APP), &ticket).await;
        assert_eq!(reuse["error"], "login_required", "a ticket is single use");

        // Another browser on the attacker's page, holding a ticket of the attacker: login CSRF.
        let ticket = start.ticket(&server, &server.page(APP)).await;
        let victim = server.page("https://evil.example");
        assert_eq!(spent(&victim, &ticket).await["error"], "login_required");
        let reason =
            server.admin().await.newest_log("fsa").await["details"]["decision"]["login"]["reason"].clone();
        assert_eq!(reason, "ticket_of_other_origin");
        assert_eq!(
            spent(&server.tool(), &ticket).await["error"],
            "login_required",
            "no cookie and no Referer"
        );
        // Third-party cookies blocked: the page that logged in is known by its Referer.
        assert!(spent(&server.page(APP), &ticket).await["id_token"].is_string());

        let page = server.page(APP);
        let ticket = start.ticket(&server, &page).await;
        server.turn.forward_seconds(121);
        assert_eq!(spent(&page, &ticket).await["error"], "login_required", "a ticket lives two minutes");
    })
    .await;
}

#[tokio::test]
async fn the_binding_cookie_is_set_twice_and_the_session_cookie_never_partitioned() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.send_code(&page).await.expect(200);
        let answer = start.authenticate(&page, &server.mailbox.code_to(gatewright_testkit::PHONE)).await;
        let cookies = answer.set_cookies().join("\n");
        assert_eq!(answer.set_cookies().len(), 2, "{cookies}");
        assert_eq!(cookies.matches("Secure; SameSite=None").count(), 2);
        assert_eq!(cookies.matches("Partitioned").count(), 1);
        let ticket = answer.json()["login_ticket"].as_str().unwrap().to_owned();
        let logged_in = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
        let session = logged_in.expect(302).set_cookies().join("\n");
        assert!(session.contains("HttpOnly") && session.contains("Secure; SameSite=None"), "{session}");
        assert!(!session.contains("Partitioned"), "{session}");
    })
    .await;
}

#[tokio::test]
async fn a_ticket_wins_over_the_session_of_another_user() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let first = Start::seed(&server).log_in(&server, &page).await;
        let mut other = Start::seed(&server);
        other.phone_number = "+61400000001".into();
        let second = other.log_in(&server, &page).await;
        assert_ne!(first.id_claims()["sub"], second.id_claims()["sub"]);
        assert_ne!(first.id_claims()["sid"], second.id_claims()["sid"]);
        let silent = page.get(&other.authorize_path(&SILENT)).await.web_message();
        let id_token = silent["id_token"].as_str().unwrap();
        assert_eq!(gatewright_testkit::claims(id_token)["sub"], second.id_claims()["sub"]);
    })
    .await;
}

#[tokio::test]
async fn sessions_end_when_idle_and_at_their_absolute_end() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.log_in(&server, &page).await;
        let alive = async || page.get(&start.authorize_path(&SILENT)).await.web_message()["error"].is_null();
        server.turn.forward_seconds(71 * 3600);
        assert!(alive().await, "used within 72 hours");
        server.turn.forward_seconds(71 * 3600);
        assert!(alive().await, "use prolongs it");
        server.turn.forward_seconds(27 * 3600);
        assert!(!alive().await, "168 hours are the end");

        start.log_in(&server, &page).await;
        server.turn.forward_seconds(73 * 3600);
        assert!(!alive().await, "idle for 73 hours");
    })
    .await;
}

#[tokio::test]
async fn an_unregistered_callback_is_a_page_and_never_a_redirect() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        for uri in [
            "https://evil.example/",
            "http://localhost:4200/other",
            "http://localhost:4200/#x",
            "http://localhost:4200/?x=1",
            "http://localhost:4200@evil.example/",
            "http://LOCALHOST:4200/",
            "javascript:alert(1)",
        ] {
            let mut start = Start::seed(&server);
            start.redirect_uri = uri.into();
            let answer = page.get(&start.authorize_path(&[])).await;
            answer.expect(403);
            assert_eq!(answer.header("location"), "");
            assert!(answer.body.contains("Callback URL mismatch."), "{}", answer.body);
            let policy = answer.header("content-security-policy").to_owned();
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
                "{policy}"
            );
        }
        let mut hostile = Start::seed(&server);
        hostile.redirect_uri = "https://x.example/<script>alert(1)</script>".into();
        assert!(!page.get(&hostile.authorize_path(&[])).await.body.contains("<script>alert"));
        let mut unknown = Start::seed(&server);
        unknown.client_id = "nobody".into();
        assert!(page.get(&unknown.authorize_path(&[])).await.expect(400).body.contains("Unknown client"));
        let twice = page.get(&format!("{}&state=again", Start::seed(&server).authorize_path(&[]))).await;
        assert!(twice.expect(400).body.contains("state was sent more than once"), "{}", twice.body);
    })
    .await;
}

#[tokio::test]
async fn refusals_after_the_callback_is_known_go_there() {
    on_every_database(async |server: Server| {
        let page = server.page(APP);
        let seed = Start::seed(&server);
        let unknown_api = Start { audience: Some("https://unknown.example/".into()), ..seed.clone() };
        let logged_in = async |start: &Start| {
            seed.log_in(&server, &page).await;
            page.get(&start.authorize_path(&[])).await
        };
        let answer = logged_in(&unknown_api).await;
        assert_eq!(answer.expect(302).returned("error").as_deref(), Some("access_denied"));
        assert_eq!(
            answer.returned("error_description").as_deref(),
            Some("Service not found: https://unknown.example/")
        );
        assert_eq!(answer.returned("state").as_deref(), Some("the-state"));

        let code = Start { response_type: "code".into(), ..seed.clone() };
        let no_pkce = page.get(&code.authorize_path(&[])).await;
        assert_eq!(no_pkce.expect(302).returned("error").as_deref(), Some("invalid_request"));
        assert!(no_pkce.location().query().is_some() && no_pkce.location().fragment().is_none());

        // Nobody is logged in: the hosted page asks.
        let hosted = server.page(APP).get(&seed.authorize_path(&[])).await;
        assert!(hosted.expect(302).header("location").starts_with("/u/login?state="), "{hosted:?}");
    })
    .await;
}

#[tokio::test]
async fn auth_time_comes_when_it_is_asked_for() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        let first = start.log_in(&server, &page).await.id_claims();
        assert_eq!(first.get("auth_time"), None);
        server.turn.forward_seconds(100);
        let silent =
            page.get(&start.clone().with("max_age", "200").authorize_path(&SILENT)).await.web_message();
        let id = gatewright_testkit::claims(silent["id_token"].as_str().unwrap());
        assert_eq!(id["sid"], first["sid"]);
        assert!(id["iat"].as_i64().unwrap() - id["auth_time"].as_i64().unwrap() >= 100);
        let stale = page.get(&start.with("max_age", "50").authorize_path(&SILENT)).await.web_message();
        assert_eq!(stale["error"], "login_required");
    })
    .await;
}

#[tokio::test]
async fn a_form_post_answer_stands_in_the_form_only() {
    on_every_database(async |server: Server| {
        let (page, start) = (server.page(APP), Start::seed(&server));
        start.log_in(&server, &page).await;
        let answer = page.get(&start.authorize_path(&[("response_mode", "form_post")])).await;
        assert!(answer.expect(200).body.contains("action=\"http://localhost:4200/\""), "{}", answer.body);
        assert!(answer.body.contains("name=\"access_token\"") && answer.body.contains("name=\"id_token\""));
    })
    .await;
}

#[tokio::test]
async fn the_hybrid_flow_ties_its_id_token_to_code_and_token() {
    on_every_database(async |server: Server| {
        // RFC 7636 appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let page = server.page(APP);
        let mut start =
            Start::seed(&server).with("code_challenge", challenge).with("code_challenge_method", "S256");
        start.response_type = "code id_token token".into();
        let ticket = start.ticket(&server, &page).await;
        let answer = page.get(&start.authorize_path(&[("login_ticket", &ticket)])).await;
        let returned =
            |name: &str| answer.returned(name).unwrap_or_else(|| panic!("{name}: {}", answer.body));
        assert!(answer.expect(302).location().query().is_none(), "tokens never travel in a query");
        let front = gatewright_testkit::claims(&returned("id_token"));
        assert_eq!(front["c_hash"], gatewright_jose::left_half_hash(&returned("code")));
        assert_eq!(front["at_hash"], gatewright_jose::left_half_hash(&returned("access_token")));

        let redeem = json!({"grant_type": "authorization_code", "client_id": server.client_id(),
            "code": returned("code"), "code_verifier": verifier, "redirect_uri": start.redirect_uri});
        let back = page.post("/oauth/token", redeem).await.expect(200).json();
        let back = gatewright_testkit::claims(back["id_token"].as_str().expect("an ID token"));
        assert_eq!((&front["iss"], &front["sub"], &front["sid"]), (&back["iss"], &back["sub"], &back["sid"]));
    })
    .await;
}
