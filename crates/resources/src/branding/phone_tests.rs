use serde_json::json;

use crate::testing::on_every_engine;

#[tokio::test]
async fn providers_keep_their_token_to_themselves() {
    on_every_engine(async |server| {
        let providers = "/branding/phone/providers";
        assert_eq!(server.call("GET", providers, json!(null)).await, (200, json!({"providers": []})));
        let twilio = json!({"name": "twilio", "credentials": {"auth_token": "hidden-token"},
            "configuration": {"sid": "AC1", "default_from": "+1", "delivery_methods": ["text"]}});
        let (status, made) = server.call("POST", providers, twilio).await;
        assert_eq!((status, &made["channel"], &made["disabled"]), (201, &json!("phone"), &json!(false)));
        assert_eq!((&made["tenant"], made.get("credentials")), (&json!("localhost"), None));
        let path = format!("{providers}/{}", made["id"].as_str().unwrap());
        let (_, changed) = server.call("PATCH", &path, json!({"disabled": true})).await;
        assert_eq!((&changed["disabled"], &changed["configuration"]["sid"]), (&json!(true), &json!("AC1")));
        assert_eq!(server.call("GET", &path, json!(null)).await, (200, changed.clone()));
        let listed = server.call("GET", "/branding/phone/providers?disabled=true", json!(null)).await;
        assert_eq!(listed, (200, json!({"providers": [changed]})));
        let listed = server.call("GET", "/branding/phone/providers?disabled=false", json!(null)).await;
        assert_eq!(listed.1, json!({"providers": []}));
        for wrong in [
            json!({"name": "twilio", "credentials": {}}),
            json!({"name": "twilio", "credentials": {"auth_token": "t"}, "configuration": {"delivery_methods": ["text"]}}),
            json!({"name": "custom", "credentials": {}, "configuration": {"delivery_methods": []}}),
            json!({"name": "pigeon", "credentials": {}}),
        ] {
            assert_eq!(server.call("POST", providers, wrong.clone()).await.0, 400, "{wrong}");
        }
        let (_, events) = server.call("GET", "/logs", json!(null)).await;
        assert!(!events.to_string().contains("hidden-token"));
        let (status, _) = server.call("POST", providers, json!({"name": "custom", "credentials": {}})).await;
        assert_eq!(status, 201);
        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 204);
        assert_eq!(server.call("GET", &path, json!(null)).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn there_is_one_template_of_each_type() {
    on_every_engine(async |server| {
        let templates = "/branding/phone/templates";
        let content = json!({"body": {"text": "{{ code }}"}, "from": "Acme"});
        let (status, made) =
            server.call("POST", templates, json!({"type": "otp_enroll", "content": content})).await;
        assert_eq!((status, &made["content"]["body"]["text"]), (201, &json!("{{ code }}")));
        assert_eq!((&made["content"]["syntax"], &made["channel"]), (&json!("liquid"), &json!("phone")));
        assert_eq!(server.call("POST", templates, json!({"type": "otp_enroll"})).await.0, 409);
        let path = format!("{templates}/{}", made["id"].as_str().unwrap());
        let (_, changed) =
            server.call("PATCH", &path, json!({"disabled": true, "content": {"from": "Bolt"}})).await;
        assert_eq!(
            (&changed["content"]["from"], &changed["content"]["body"]["text"]),
            (&json!("Bolt"), &json!("{{ code }}"))
        );
        assert_eq!(server.call("PATCH", &path, json!({"type": "otp_verify"})).await.0, 400);
        let listed = server.call("GET", templates, json!(null)).await;
        assert_eq!(listed, (200, json!({"templates": [changed]})));
        let (status, reset) = server.call("PATCH", &format!("{path}/reset"), json!(null)).await;
        assert_eq!((status, reset["content"].get("from")), (200, None));
        assert_ne!(reset["content"]["body"]["text"], "{{ code }}");
        assert_eq!(server.call("DELETE", &path, json!(null)).await.0, 204);
        assert_eq!(server.call("PATCH", &format!("{path}/reset"), json!(null)).await.0, 404);
    })
    .await;
}
