use serde_json::json;

use crate::testing::on_every_engine;

#[tokio::test]
async fn texts_of_a_prompt_are_replaced_whole_and_cleared() {
    on_every_engine(async |server| {
        let german = "/prompts/signup/custom-text/de";
        assert_eq!(server.call("GET", german, json!(null)).await, (200, json!({})));
        let texts = json!({"signup": {"title": "Komm herein", "description": "Für ${clientName}"}});
        assert_eq!(server.call("PUT", german, texts.clone()).await, (200, texts.clone()));
        assert_eq!(server.call("GET", german, json!(null)).await, (200, texts));
        assert_eq!(server.call("GET", "/prompts/signup/custom-text/en", json!(null)).await, (200, json!({})));
        let other = json!({"signup": {"buttonText": "Los"}});
        assert_eq!(server.call("PUT", german, other.clone()).await.0, 200);
        assert_eq!(server.call("GET", german, json!(null)).await, (200, other));
        assert_eq!(server.call("PUT", german, json!({})).await, (200, json!({})));
        assert_eq!(server.call("GET", german, json!(null)).await, (200, json!({})));
    })
    .await;
}

#[tokio::test]
async fn unknown_prompts_screens_and_languages_are_refused() {
    on_every_engine(async |server| {
        let refused = async |path: &str, body| {
            let (status, text) = server.call("PUT", path, body).await;
            assert_eq!(status, 400, "{path} {text}");
            text.as_str().unwrap_or_default().to_owned()
        };
        assert!(refused("/prompts/nothing/custom-text/de", json!({})).await.contains("invalid_uri"));
        assert!(refused("/prompts/login/custom-text/xx", json!({})).await.contains("invalid_uri"));
        for body in [
            json!({"signup": {}}),
            json!({"login": "text"}),
            json!({"login": {"title": 7}}),
            json!({"x": {}}),
        ] {
            assert!(refused("/prompts/login/custom-text/de", body).await.contains("invalid_body"));
        }
        assert_eq!(server.call("GET", "/prompts/login/custom-text/xx", json!(null)).await.0, 400);
    })
    .await;
}
