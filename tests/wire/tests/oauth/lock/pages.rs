//! Pop-ups, and who may call the database endpoints.

use gatewright_testkit::{Answer, Form, Server, Start, claims, on_every_database};
use serde_json::{Value, json};

use super::{ANN, APP, DATABASE, GOOD, make_ann, own_page, refusal};

#[tokio::test]
async fn a_pop_up_answers_the_page_that_opened_it() {
    on_every_database(async |server: Server| {
        make_ann(&server).await;
        let page = server.tool();
        let mut start = Start::seed(&server).scope("openid").with("owp", "true");
        start.audience = None;
        let login = page.open(&start.authorize_path(&[])).await;
        let form = Form::of(login.expect(200)).with("username", ANN).with("password", GOOD);
        let answer = form.submit(&page, "default").await;
        assert_eq!(answer.expect(200).header("location"), "");
        assert!(answer.body.contains(&format!("var answerTo = \"{APP}\";")), "{}", answer.body);
        assert!(answer.header("content-security-policy").contains("script-src 'nonce-"));
        assert_eq!(answer.header("cache-control"), "no-store");
        let told = told(&answer);
        assert_eq!((&told["state"], &told["token_type"]), (&json!("the-state"), &json!("Bearer")));
        assert_eq!(claims(told["id_token"].as_str().unwrap())["nonce"], "the-nonce");

        // Errors take the same way; an unknown callback gets a page.
        let refused = page.get(&start.authorize_path(&[("max_age", "soon")])).await;
        assert_eq!(self::told(refused.expect(200))["error"], "invalid_request");
        let fresh = server.tool().get(&start.authorize_path(&[("prompt", "none")])).await;
        let told = self::told(fresh.expect(200));
        assert_eq!((&told["error"], &told["state"]), (&json!("login_required"), &json!("the-state")));
        start.redirect_uri = "https://evil.example/".to_owned();
        let page = page.get(&start.authorize_path(&[])).await;
        assert!(!page.expect(403).body.contains("answerTo"));
    })
    .await;
}

/// What the page in the pop-up has for the one that opened it.
fn told(answer: &Answer) -> Value {
    let rest = answer.body.split_once("var answer = ").unwrap_or_else(|| panic!("{}", answer.body)).1;
    serde_json::from_str(rest.lines().next().unwrap().trim_end_matches(';')).unwrap()
}

#[tokio::test]
async fn pages_of_other_origins_neither_sign_up_nor_reset() {
    on_every_database(async |server: Server| {
        let form = |email: &str| {
            json!({"client_id": server.client_id(), "connection": DATABASE, "email": email, "password": GOOD})
        };
        let evil = server.page("https://evil.example");
        for path in ["/dbconnections/signup", "/dbconnections/change_password"] {
            let answer = evil.post(path, form(ANN)).await;
            let text = "Origin https://evil.example is not allowed.";
            assert_eq!(refusal(&answer), (403, "unauthorized".into(), text.into()), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
        // A program, the application's page, a page of this host.
        for (page, email) in
            [(server.tool(), "a@example.com"), (server.page(APP), "b@example.com"), (own_page(&server), "c@example.com")]
        {
            page.post("/dbconnections/signup", form(email)).await.expect(200);
            page.post("/dbconnections/change_password", form(email)).await.expect(200);
        }
    })
    .await;
}
