use serde_json::{Value, json};

use crate::testing::on_every_engine;

#[tokio::test]
async fn factors_are_switched_one_by_one_and_policies_are_a_bare_list() {
    on_every_engine(async |server| {
        let (_, factors) = server.call("GET", "/guardian/factors", json!(null)).await;
        let factors = factors.as_array().unwrap();
        assert_eq!(factors.len(), 8);
        for factor in factors {
            assert_eq!((&factor["enabled"], &factor["trial_expired"]), (&json!(false), &json!(false)));
        }
        let on = json!({"enabled": true});
        assert_eq!(server.call("PUT", "/guardian/factors/otp", on.clone()).await, (200, on.clone()));
        let enabled = async || {
            let (_, factors) = server.call("GET", "/guardian/factors", json!(null)).await;
            let on = |factor: &&Value| factor["enabled"] == true;
            factors
                .as_array()
                .unwrap()
                .iter()
                .filter(on)
                .map(|factor| factor["name"].clone())
                .collect::<Value>()
        };
        assert_eq!(enabled().await, json!(["otp"]));
        server.call("PUT", "/guardian/factors/sms", on.clone()).await;
        server.call("PUT", "/guardian/factors/otp", json!({"enabled": false})).await;
        assert_eq!(enabled().await, json!(["sms"]));
        assert_eq!(server.call("PUT", "/guardian/factors/carrier-pigeon", on).await.0, 400);

        let policies = "/guardian/policies";
        assert_eq!(server.call("GET", policies, json!(null)).await, (200, json!([])));
        let all = json!(["all-applications"]);
        assert_eq!(server.call("PUT", policies, all.clone()).await, (200, all.clone()));
        for wrong in [json!(["sometimes"]), json!({"policies": []}), json!("all-applications"), json!(null)] {
            assert_eq!(server.call("PUT", policies, wrong.clone()).await.0, 400, "{wrong}");
        }
        assert_eq!(server.call("GET", policies, json!(null)).await, (200, all));
        assert_eq!(server.call("PUT", policies, json!([])).await, (200, json!([])));
    })
    .await;
}

#[tokio::test]
async fn the_phone_factor_has_one_state_under_two_names() {
    on_every_engine(async |server| {
        let twilio =
            json!({"from": "+1", "auth_token": "secret-token", "sid": "AC1", "messaging_service_sid": null});
        let shown = json!({"from": "+1", "auth_token": "secret-token", "sid": "AC1"});
        let answer = server.call("PUT", "/guardian/factors/sms/providers/twilio", twilio).await;
        assert_eq!(answer, (200, shown.clone()));
        let read = server.call("GET", "/guardian/factors/phone/providers/twilio", json!(null)).await;
        assert_eq!(read, (200, shown));
        let (_, events) = server.call("GET", "/logs?sort=date:1", json!(null)).await;
        assert!(events.to_string().contains("mgmt_api_read"), "reading a secret is logged");
        assert!(!events.to_string().contains("secret-token"), "{events}");
        let stored = server
            .write(|tx| {
                Box::pin(async move {
                    let rows = tx
                        .all_dynamic("SELECT doc FROM settings WHERE tenant_id = $1", &["localhost".into()])
                        .await?;
                    rows.iter().map(|row| row.json(0)).collect::<Result<Vec<Value>, _>>()
                })
            })
            .await;
        assert!(!Value::from(stored).to_string().contains("secret-token"));
        // PUT replaces: what is not sent is gone.
        let answer =
            server.call("PUT", "/guardian/factors/phone/providers/twilio", json!({"sid": "AC2"})).await;
        assert_eq!(answer, (200, json!({"sid": "AC2"})));

        let texts = json!({"enrollment_message": "{{code}} e", "verification_message": "{{code}} v"});
        server.call("PUT", "/guardian/factors/phone/templates", texts.clone()).await;
        assert_eq!(server.call("GET", "/guardian/factors/sms/templates", json!(null)).await, (200, texts));
        server.call("PUT", "/guardian/factors/sms/selected-provider", json!({"provider": "twilio"})).await;
        let selected = server.call("GET", "/guardian/factors/phone/selected-provider", json!(null)).await;
        assert_eq!(selected, (200, json!({"provider": "twilio"})));
        let types = json!({"message_types": ["voice"]});
        assert_eq!(
            server.call("PUT", "/guardian/factors/phone/message-types", types.clone()).await,
            (200, types)
        );
    })
    .await;
}

#[tokio::test]
async fn keys_of_push_providers_are_taken_and_never_shown() {
    on_every_engine(async |server| {
        let apns = "/guardian/factors/push-notification/providers/apns";
        let sent = json!({"p12": "secret-p12", "bundle_id": "com.app", "sandbox": true});
        let shown = json!({"bundle_id": "com.app", "sandbox": true, "enabled": true});
        assert_eq!(server.call("PUT", apns, sent).await, (200, shown));
        let (_, changed) = server.call("PATCH", apns, json!({"sandbox": false})).await;
        assert_eq!(changed, json!({"bundle_id": "com.app", "sandbox": false, "enabled": true}));
        for (name, member) in [("fcm", "server_key"), ("fcmv1", "server_credentials")] {
            let path = format!("/guardian/factors/push-notification/providers/{name}");
            assert_eq!(server.call("PUT", &path, json!({ member: "secret-key" })).await, (200, json!({})));
        }
        let (_, events) = server.call("GET", "/logs", json!(null)).await;
        assert!(!events.to_string().contains("secret-"), "{events}");
        let path = "/guardian/factors/webauthn-roaming/settings";
        let (_, roaming) = server.call("GET", path, json!(null)).await;
        assert_eq!(roaming, json!({"userVerification": "discouraged", "overrideRelyingParty": false}));
        let set = json!({"userVerification": "required", "overrideRelyingParty": true, "relyingPartyIdentifier": "a.example"});
        assert_eq!(server.call("PUT", path, set.clone()).await, (200, set));
    })
    .await;
}
