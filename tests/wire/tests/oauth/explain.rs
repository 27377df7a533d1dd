//! `POST /api/v2/explain`: what is told of tokens, and what is not.

use gatewright_testkit::{Server, Start, on_every_database};
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";

fn signature(report: &Value) -> &str {
    let rows = report["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["item"] == "signature").unwrap_or_else(|| panic!("{report:#}"));
    row["outcome"].as_str().unwrap()
}

/// The same token with one letter of what it says changed.
fn forged(token: &str) -> String {
    let (head, signature) = token.rsplit_once('.').unwrap();
    let last = signature.chars().next().unwrap();
    let other = if last == 'A' { 'B' } else { 'A' };
    format!("{head}.{other}{}", &signature[1..])
}

#[tokio::test]
async fn a_token_is_told_about_only_where_this_tenant_signed_it() {
    on_every_database(async |server: Server| {
        let (admin, there) = (server.admin().await, server.admin_of("acme").await);
        let mut start = Start::seed(&server).scope("openid read:orders offline_access");
        start.audience = Some(server.audience().to_owned());
        let tokens = start.log_in(&server, &server.page(APP)).await;
        let access = tokens.access_token();
        let own = admin
            .call(reqwest::Method::POST, "/explain", Some(json!({"what": access})))
            .await
            .expect(200)
            .json();
        assert_eq!(signature(&own), "valid");
        assert!(own["rows"].as_array().unwrap().len() > 3, "{own:#}");

        // Changed, or of another tenant: nothing is looked up, so nothing of the login is told.
        for (asked, what) in [(&admin, forged(access)), (&there, access.to_owned())] {
            let report = asked
                .call(reqwest::Method::POST, "/explain", Some(json!({"what": what})))
                .await
                .expect(200)
                .json();
            assert_eq!(signature(&report), "unknown");
            assert_eq!(report["rows"].as_array().unwrap().len(), 1, "{report:#}");
            let facts = report["facts"].as_array().unwrap();
            assert!(
                facts.iter().all(|fact| ["typ", "iss", "sub", "aud"].contains(&fact[0].as_str().unwrap()))
            );
            assert!(report["verdict"].as_str().unwrap().starts_with("It does not verify"), "{report:#}");
        }

        // Nor is an event of another tenant there.
        let event = admin.newest_log("s").await;
        for what in [&event["log_id"], &event["request_id"]] {
            let body = json!({"what": what});
            admin.call(reqwest::Method::POST, "/explain", Some(body.clone())).await.expect(200).json();
            there.call(reqwest::Method::POST, "/explain", Some(body)).await.expect(404);
        }
    })
    .await;
}
