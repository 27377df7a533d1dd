use serde_json::{Value, json};

use super::load;
use crate::testing::{on_every_engine, tenant};

fn smtp() -> Value {
    json!({
        "name": "smtp", "default_from_address": "Tea <no-reply@tea.example>",
        "credentials": {"smtp_host": "mail.tea.example", "smtp_port": 587, "smtp_user": "u", "smtp_pass": "hush"},
    })
}

#[tokio::test]
async fn a_tenant_has_one_provider_whose_secrets_never_come_back() {
    on_every_engine(async |server| {
        let none = server.call("GET", "/emails/provider", json!(null)).await;
        assert_eq!(
            none,
            (404, "There is not a configured email provider (inexistent_email_provider)".into())
        );
        assert_eq!(server.call("PATCH", "/emails/provider", json!({"enabled": false})).await.0, 404);

        let shown = json!({
            "name": "smtp", "enabled": true, "default_from_address": "Tea <no-reply@tea.example>",
            "credentials": {"smtp_host": "mail.tea.example", "smtp_port": 587, "smtp_user": "u"},
        });
        assert_eq!(server.call("POST", "/emails/provider", smtp()).await, (201, shown.clone()));
        assert_eq!(server.call("GET", "/emails/provider", json!(null)).await, (200, shown));
        assert_eq!(server.call("POST", "/emails/provider", smtp()).await.0, 409);

        // A change of the port keeps the password, which the caller could not read.
        let change = json!({"credentials": {"smtp_port": 465}, "default_from_address": null});
        let (status, changed) = server.call("PATCH", "/emails/provider", change).await;
        assert_eq!((status, &changed["credentials"]["smtp_port"]), (200, &json!(465)));
        assert!(changed.get("default_from_address").is_none());
        let master_key = std::sync::Arc::clone(&server.seed.master_key);
        let stored = server
            .write(move |tx| Box::pin(async move { load(tx, &tenant(), &master_key).await }))
            .await
            .unwrap();
        assert_eq!((stored.name.as_str(), stored.enabled), ("smtp", true));
        assert_eq!(
            (&stored.credentials["smtp_pass"], &stored.credentials["smtp_port"]),
            (&json!("hush"), &json!(465))
        );

        // Another provider does not inherit them.
        assert_eq!(server.call("PATCH", "/emails/provider", json!({"name": "sendgrid"})).await.0, 400);
        let change = json!({"name": "sendgrid", "credentials": {"api_key": "k"}});
        let (status, changed) = server.call("PATCH", "/emails/provider", change).await;
        assert_eq!((status, &changed["credentials"]), (200, &json!({})));

        assert_eq!(server.call("DELETE", "/emails/provider", json!(null)).await.0, 204);
        assert_eq!(server.call("GET", "/emails/provider", json!(null)).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn nonsense_providers_are_refused() {
    on_every_engine(async |server| {
        for (member, value) in [
            ("name", json!("pigeon")),
            ("credentials", json!({"smtp_port": 0})),
            ("credentials", json!({"smtp_port": "587"})),
            ("credentials", json!({"unknown": "x"})),
            ("enabled", json!("yes")),
            ("extra", json!(1)),
        ] {
            let mut body = smtp();
            body[member] = value;
            assert_eq!(server.call("POST", "/emails/provider", body.clone()).await.0, 400, "{body}");
        }
        assert_eq!(server.call("POST", "/emails/provider", json!({"name": "smtp"})).await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn templates_are_made_read_changed_and_set() {
    on_every_engine(async |server| {
        let path = "/email-templates/verify_email";
        let none = server.call("GET", path, json!(null)).await;
        assert_eq!(
            none,
            (404, "There is not a configured email template (inexistent_email_template)".into())
        );
        assert_eq!(server.call("PATCH", path, json!({"enabled": false})).await.0, 404);
        assert_eq!(server.call("GET", "/email-templates/love_letter", json!(null)).await.0, 400);

        let mine = json!({
            "template": "verify_email", "body": "<a href=\"{{ url }}\">go</a>", "from": "a@tea.example",
            "subject": "Hello", "syntax": "liquid", "enabled": true, "urlLifetimeInSeconds": 3600,
        });
        assert_eq!(server.call("POST", "/email-templates", mine.clone()).await, (200, mine.clone()));
        assert_eq!(server.call("POST", "/email-templates", mine.clone()).await.0, 409);
        assert_eq!(server.call("GET", path, json!(null)).await, (200, mine.clone()));

        let (status, changed) = server.call("PATCH", path, json!({"enabled": false, "subject": "Bye"})).await;
        assert_eq!((status, &changed["enabled"], &changed["subject"]), (200, &json!(false), &json!("Bye")));
        assert_eq!(changed["body"], mine["body"]);
        assert_eq!(server.call("PATCH", path, json!({"template": "reset_email"})).await.0, 400);
        assert_eq!(server.call("PATCH", path, json!({"urlLifetimeInSeconds": -1})).await.0, 400);
        assert_eq!(server.call("PATCH", path, json!({"urlLifetimeInSeconds": 3600.0})).await.0, 200);

        let mut other = mine.clone();
        other["template"] = json!("reset_email");
        assert_eq!(
            server.call("PUT", "/email-templates/reset_email", other.clone()).await,
            (200, other.clone())
        );
        other["subject"] = json!(null);
        assert_eq!(
            server.call("PUT", "/email-templates/reset_email", other.clone()).await,
            (200, other.clone())
        );
        assert_eq!(server.call("GET", "/email-templates/reset_email", json!(null)).await, (200, other));
        assert_eq!(server.call("PUT", path, json!({"template": "verify_email"})).await.0, 400);
        let master_key = std::sync::Arc::clone(&server.seed.master_key);
        let stored = server
            .write(move |tx| {
                Box::pin(async move { crate::email_templates::load(tx, &tenant(), &master_key).await })
            })
            .await;
        let names: Vec<&str> = stored.iter().map(|template| template.template.as_str()).collect();
        assert_eq!(names, ["reset_email", "verify_email"]);
        assert_eq!((stored[1].enabled, stored[1].url_lifetime_in_seconds), (Some(false), Some(3600.0)));
    })
    .await;
}
