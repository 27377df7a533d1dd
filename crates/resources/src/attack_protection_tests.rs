use serde_json::{Value, json};

use crate::testing::on_every_engine;

#[tokio::test]
async fn settings_have_defaults_and_a_change_merges() {
    on_every_engine(async |server| {
        let path = "/attack-protection/brute-force-protection";
        let defaults = json!({"enabled": true, "shields": ["block", "user_notification"], "allowlist": [],
            "mode": "count_per_identifier_and_ip", "max_attempts": 10});
        assert_eq!(server.call("GET", path, json!(null)).await, (200, defaults));
        let change = json!({"max_attempts": 5, "allowlist": ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]});
        let (_, changed) = server.call("PATCH", path, change).await;
        assert_eq!((&changed["max_attempts"], &changed["enabled"]), (&json!(5), &json!(true)));
        // What GET answered is taken back.
        assert_eq!(server.call("PATCH", path, changed.clone()).await, (200, changed));
        for wrong in [
            json!({"max_attempts": 0}),
            json!({"max_attempts": 101}),
            json!({"allowlist": ["example.com"]}),
            json!({"allowlist": ["10.0.0.0/33"]}),
            json!({"shields": ["admin_notification"]}),
            json!({"mode": "never"}),
        ] {
            assert_eq!(server.call("PATCH", path, wrong.clone()).await.0, 400, "{wrong}");
        }

        let path = "/attack-protection/suspicious-ip-throttling";
        let stage = json!({"stage": {"pre-login": {"max_attempts": 7}}});
        let (status, changed) = server.call("PATCH", path, stage).await;
        let stages = json!({"pre-login": {"max_attempts": 7, "rate": 864_000},
            "pre-user-registration": {"max_attempts": 50, "rate": 1200},
            "pre-custom-token-exchange": {"max_attempts": 10, "rate": 600_000}});
        assert_eq!((status, &changed["stage"]), (200, &stages));
        // The numbers that a change leaves out are those that were set, not the defaults.
        let stage =
            json!({"stage": {"pre-login": {"rate": 90_000}, "pre-user-registration": {"rate": 2000}}});
        let (_, changed) = server.call("PATCH", path, stage).await;
        let stages = json!({"pre-login": {"max_attempts": 7, "rate": 90_000},
            "pre-user-registration": {"max_attempts": 50, "rate": 2000},
            "pre-custom-token-exchange": {"max_attempts": 10, "rate": 600_000}});
        assert_eq!(changed["stage"], stages);
        let wrong = json!({"stage": {"pre-login": {"rate": 1}}});
        assert_eq!(server.call("PATCH", path, wrong).await.0, 400);
        assert_eq!(server.call("GET", path, json!(null)).await, (200, changed));

        let path = "/attack-protection/breached-password-detection";
        let sent = json!({"stage": {"pre-change-password": {"shields": ["block"]}}});
        server.call("PATCH", path, sent).await;
        let sent = json!({"stage": {"pre-user-registration": {"shields": ["admin_notification"]}}});
        let (status, changed) = server.call("PATCH", path, sent).await;
        let stages = json!({"pre-user-registration": {"shields": ["admin_notification"]},
            "pre-change-password": {"shields": ["block"]}});
        assert_eq!((status, &changed["stage"]), (200, &stages));
        assert_eq!(server.call("GET", path, json!(null)).await, (200, changed));
        let emptied = json!({"stage": {"pre-change-password": {"shields": []}}});
        let (_, changed) = server.call("PATCH", path, emptied).await;
        assert_eq!(changed["stage"]["pre-change-password"], json!({"shields": []}), "a list is replaced");

        for path in ["/attack-protection/breached-password-detection", "/attack-protection/bot-detection"] {
            let (_, read) = server.call("GET", path, json!(null)).await;
            assert_eq!(server.call("PATCH", path, read.clone()).await, (200, read));
        }
    })
    .await;
}

#[tokio::test]
async fn secrets_of_captchas_are_kept_and_never_shown() {
    on_every_engine(async |server| {
        let path = "/attack-protection/captcha";
        let (_, read) = server.call("GET", path, json!(null)).await;
        assert_eq!(
            (&read["active_provider_id"], &read["simple_captcha"]),
            (&json!("auth_challenge"), &json!({}))
        );
        let first =
            json!({"active_provider_id": "hcaptcha", "hcaptcha": {"site_key": "k", "secret": "hidden-1"}});
        let (status, changed) = server.call("PATCH", path, first).await;
        assert_eq!(
            (status, &changed["hcaptcha"], changed.get("secrets")),
            (200, &json!({"site_key": "k"}), None)
        );
        let enterprise = json!({"site_key": "e", "api_key": "hidden-2", "project_id": "p"});
        let (_, changed) = server.call("PATCH", path, json!({"recaptcha_enterprise": enterprise})).await;
        assert_eq!(changed["recaptcha_enterprise"], json!({"site_key": "e", "project_id": "p"}));
        assert_eq!(changed["hcaptcha"], json!({"site_key": "k"}));
        assert_eq!(server.call("PATCH", path, json!({"hcaptcha": {"site_key": "k"}})).await.0, 400);
        let (_, events) = server.call("GET", "/logs", json!(null)).await;
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
        for shown in [changed, events, Value::from(stored)] {
            assert!(!shown.to_string().contains("hidden-"), "{shown}");
        }
    })
    .await;
}
