//! Looking at a text of e-mail, and sending a test of it: our own operations beside `/email-templates`.

use gatewright_testkit::{Admin, Answer, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

async fn preview(admin: &Admin, name: &str, texts: Value) -> Answer {
    admin.call(Method::POST, &format!("/email-templates/{name}/preview"), Some(texts)).await
}

#[tokio::test]
async fn a_text_is_shown_with_made_up_people_and_links_before_it_is_stored() {
    on_every_database(async |server| {
        let admin = server.admin().await;
        let default = preview(&admin, "verify_email", json!({})).await.expect(200).json();
        assert!(default["html"].as_str().unwrap().contains("ada@example.org"), "{default}");
        let texts = json!({
            "subject": "For {{ user.name }}", "body": "<p>{{ url }}</p>", "from": "Tea <tea@{{ tenant }}.example>",
        });
        let shown = preview(&admin, "verify_email", texts).await.expect(200).json();
        assert_eq!(shown["subject"], "For Ada Lovelace");
        assert!(shown["from"].as_str().unwrap().starts_with("Tea <tea@"), "{shown}");
        let url = format!("{}u/email-verification", server.issuer());
        assert!(shown["html"].as_str().unwrap().starts_with(&format!("<p>{url}?ticket=")), "{shown}");
        // Looked at, not stored, not sent, not logged.
        assert_eq!(admin.call(Method::GET, "/email-templates/verify_email", None).await.status, 404);
        assert!(server.mailbox.to("ada@example.org").is_empty());
        let logged = admin.get("/logs?q=description%3A%22Show%20an%20email%20as%20it%20would%20be%20sent%22").await;
        assert_eq!(logged, json!([]));
        // What it asks for is named: the part, and what is wrong with it.
        for (part, text) in [("subject", "{% if %}"), ("body", "{{ user.name | nonsense }}"), ("from", "{{")] {
            let answer = preview(&admin, "verify_email", json!({ part: text })).await;
            let said = answer.expect(400).json()["message"].as_str().unwrap().to_owned();
            assert!(said.ends_with(&format!("on property {part}.")), "{said}");
        }
        preview(&admin, "nonsense", json!({})).await.expect(400);
        let unsent = preview(&admin, "welcome_email", json!({})).await;
        assert_eq!(unsent.expect(400).json()["message"], "No flow sends the e-mail welcome_email yet.");
    })
    .await;
}

#[tokio::test]
async fn a_test_is_sent_as_the_real_message_would_be_now() {
    on_every_database(async |server| {
        let admin = server.admin().await;
        let template = json!({
            "template": "reset_email", "subject": "Own words", "body": "<p>{{ url }}</p>", "from": null,
            "syntax": "liquid", "enabled": false,
        });
        admin.call(Method::POST, "/email-templates", Some(template)).await.expect(200);
        let path = "/email-templates/reset_email/try";
        let send = async |to: &str| admin.call(Method::POST, path, Some(json!({ "to": to }))).await;
        send("Bea@Example.org").await.expect(200);
        assert_ne!(
            server.mailbox.to("bea@example.org")[0].subject.as_deref(),
            Some("Own words"),
            "switched off"
        );
        admin.patch("/email-templates/reset_email", json!({"enabled": true})).await;
        send("cleo@example.org").await.expect(200);
        let sent = server.mailbox.to("cleo@example.org");
        assert_eq!((sent.len(), sent[0].subject.as_deref()), (1, Some("Own words")));
        assert_eq!(admin.newest_log("sapi").await["description"], "Send a test of an email template");
        // One recipient, and a real address.
        for nobody in ["nobody", "a@example.org, b@example.org", "a@example.org\r\nBcc: b@example.org"] {
            let said = send(nobody).await.expect(400).json()["message"].as_str().unwrap().to_owned();
            assert!(said.ends_with("on property to."), "{said}");
        }
        // The sample link opens nothing.
        server.tool().get("/u/reset-verify?ticket=this-link-is-a-sample").await.expect(400);
    })
    .await;
}
