//! `POST /api/v2/explain`: what is told of tokens, and what is not; records decided again with the settings of now.

use gatewright_testkit::{Admin, Server, Start, on_every_database};
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

async fn explain(admin: &Admin, what: &Value, basis: &str) -> Value {
    let body = json!({"what": what, "basis": basis});
    admin.call(reqwest::Method::POST, "/explain", Some(body)).await.expect(200).json()
}

/// How a row was and is: outcomes and reasons; or that it stands, and why.
fn row(report: &Value, kind: &str, item: &str) -> String {
    let rows = report["rows"].as_array().unwrap();
    let found = rows.iter().find(|row| row["kind"] == kind && row["item"] == item);
    let row = found.unwrap_or_else(|| panic!("no {kind} {item} in {report:#}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match row["kept"].as_str() {
        Some(kept) => format!("{} {}: {kept}", text(&row["outcome"]), text(&row["reason"])),
        None => {
            let then = &row["then"];
            let was = format!("{} {}", text(&then["outcome"]), text(&then["reason"]));
            format!("{} -> {} {}", was.trim_end(), text(&row["outcome"]), text(&row["reason"]))
        }
    }
}

#[tokio::test]
async fn a_refused_request_is_decided_again_by_every_check() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let made = admin
            .create(
                "/clients",
                json!({"name": "Shop", "app_type": "regular_web", "callbacks": ["https://app.example/cb"],
                       "grant_types": ["implicit"]}),
            )
            .await;
        let id = made["client_id"].as_str().unwrap();
        let asked = format!(
            "client_id={id}&response_type=code&redirect_uri=https%3A%2F%2Fnew.example%2Fcb&scope=openid%20read:orders&\
             audience={}&state=secret-state&login_hint=someone",
            server.audience()
        );
        page.get(&format!("/authorize?{asked}")).await.expect(403);
        let event = admin.newest_log("f").await;
        let kept = event["details"]["decision"]["asked"].to_string();
        assert!(kept.contains("new.example") && !kept.contains("secret-state") && !kept.contains("someone"));

        // As it is, the same check refuses, and the next one would.
        let report = explain(&admin, &event["log_id"], "now").await;
        let same = "redirect_uri_not_registered";
        assert_eq!(row(&report, "request", ""), format!("refused {same} -> refused {same}"));
        assert_eq!(
            row(&report, "grant_type", "authorization_code"),
            "allowed grant_type_allowed -> refused grant_type_not_allowed"
        );
        assert_eq!(report["verdict"], "Now it would be refused: grant_type_not_allowed.");

        admin.patch(&format!("/clients/{id}"), json!({"callbacks": ["https://new.example/cb"]})).await;
        let report = explain(&admin, &event["log_id"], "now").await;
        assert_eq!(row(&report, "request", ""), format!("refused {same} -> refused grant_type_not_allowed"));

        let change = json!({"grant_types": ["authorization_code"]});
        admin.patch(&format!("/clients/{id}"), change).await;
        let report = explain(&admin, &event["log_id"], "now").await;
        assert_eq!(row(&report, "request", ""), format!("refused {same} -> passed request_good"));
        assert_eq!(row(&report, "client", id), "known client_known -> known client_known");
        assert_eq!(
            row(&report, "redirect", "https://new.example/cb"),
            "absent -> matched redirect_uri_exact"
        );
        assert_eq!(row(&report, "scope", "read:orders"), "absent -> granted defined_on_api");
        assert_eq!(report["verdict"], "Now the token would hold: openid read:orders");

        // The record itself says what it said, and a client that is gone refuses everything.
        let recorded = explain(&admin, &event["log_id"], "recorded").await;
        assert_eq!((&recorded["rows"][0]["reason"], &recorded["rows"][0]["then"]), (&json!(same), &Value::Null));
        admin.call(reqwest::Method::DELETE, &format!("/clients/{id}"), None).await.expect(204);
        let report = explain(&admin, &event["log_id"], "now").await;
        assert_eq!(row(&report, "client", id), "known client_known -> refused client_unknown");
    })
    .await;
}

#[tokio::test]
async fn a_login_is_decided_again_row_by_row() {
    on_every_database(async |server: Server| {
        let (admin, page) = (server.admin().await, server.page(APP));
        let mut start = Start::seed(&server).scope("openid email read:orders");
        start.audience = Some(server.audience().to_owned());
        start.log_in(&server, &page).await;
        let event = admin.newest_log("s").await;
        let (client_id, user_id) = (server.client_id(), event["user_id"].as_str().unwrap());
        let report = explain(&admin, &event["log_id"], "now").await;
        assert_eq!(report["differs"], json!([]), "{report:#}");
        assert_eq!(row(&report, "audience", ""), "api audience_asked -> api audience_asked");
        assert_eq!(row(&report, "multifactor", ""), "not asked mfa_not_asked -> not asked mfa_not_asked");
        assert_eq!(
            row(&report, "connection", "sms"),
            "enabled connection_enabled -> enabled connection_enabled"
        );
        assert!(row(&report, "login", "login_ticket").ends_with("is not in the record."), "{report:#}");

        let apis = admin.get("/resource-servers").await;
        let api = apis.as_array().unwrap().iter().find(|api| api["identifier"] == server.audience()).unwrap();
        let api = format!("/resource-servers/{}", api["id"].as_str().unwrap());
        admin.patch(&api, json!({"scopes": [], "token_lifetime": 900, "token_lifetime_for_web": 600})).await;
        let sms = admin.connection("sms").await;
        let sms = format!("/connections/{}", sms["id"].as_str().unwrap());
        admin.patch(&sms, json!({"enabled_clients": []})).await;
        admin.patch(&format!("/users/{user_id}"), json!({"blocked": true})).await;
        let policies = json!(["all-applications"]);
        admin.call(reqwest::Method::PUT, "/guardian/policies", Some(policies)).await.expect(200);
        admin
            .call(reqwest::Method::PUT, "/guardian/factors/push-notification", Some(json!({"enabled": true})))
            .await
            .expect(200);

        let report = explain(&admin, &event["log_id"], "now").await;
        assert_eq!(
            row(&report, "scope", "read:orders"),
            "granted defined_on_api -> dropped not_defined_on_api"
        );
        assert_eq!(
            row(&report, "connection", "sms"),
            "enabled connection_enabled -> refused connection_not_usable"
        );
        assert_eq!(row(&report, "user", user_id), "good user_not_blocked -> refused user_blocked");
        assert_eq!(row(&report, "multifactor", ""), "not asked mfa_not_asked -> refused mfa_no_factor");
        assert_eq!(row(&report, "client", client_id), "known client_known -> known client_known");
        let lifetime =
            report["rows"].as_array().unwrap().iter().find(|row| row["item"] == "access_token").unwrap();
        assert!(lifetime["says"].as_str().unwrap().ends_with("600 seconds."), "{lifetime:#}");
        assert!(!lifetime["then"]["says"].as_str().unwrap().ends_with(" 600 seconds."), "{lifetime:#}");
        let differs: Vec<&str> =
            report["differs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let told = "read:orders is dropped (not_defined_on_api); it was granted (defined_on_api)";
        assert!(differs.contains(&told), "{differs:#?}");
        assert_eq!(report["verdict"], "Now it would be refused: connection_not_usable.");
    })
    .await;
}

#[tokio::test]
async fn a_claim_goes_with_its_scope_and_the_default_audience_is_that_of_now() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        admin.patch("/tenants/settings", json!({"default_audience": server.audience()})).await;
        let mut start = Start::seed(&server).scope("openid read:orders");
        start.audience = None;
        start.log_in(&server, &server.page(APP)).await;
        let event = admin.newest_log("s").await;
        assert_eq!(event["details"]["decision"]["audience"]["reason"], "audience_default");
        admin.patch("/tenants/settings", json!({"default_audience": ""})).await;
        let report = explain(&admin, &event["log_id"], "now").await;
        assert_eq!(row(&report, "audience", ""), "api audience_default -> opaque audience_none");
        let dropped = row(&report, "scope", "read:orders");
        assert!(dropped.starts_with("granted defined_on_api -> dropped"), "{dropped}");
    })
    .await;
}

#[tokio::test]
async fn what_the_token_endpoint_refused_is_decided_again() {
    on_every_database(async |server: Server| {
        let (admin, tool) = (server.admin().await, server.tool());
        let made = admin
            .create(
                "/clients",
                json!({"name": "Robot", "app_type": "regular_web", "grant_types": ["password"]}),
            )
            .await;
        let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
        let body = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret,
                          "audience": server.audience()});
        tool.post("/oauth/token", body.clone()).await.expect(403);
        let event = admin.newest_log("feccft").await;
        let change = json!({"grant_types": ["client_credentials"]});
        admin.patch(&format!("/clients/{id}"), change).await;
        let report = explain(&admin, &event["log_id"], "now").await;
        assert_eq!(
            row(&report, "grant_type", "client_credentials"),
            "refused grant_type_not_allowed -> allowed grant_type_allowed"
        );
        assert_eq!(row(&report, "request", ""), "refused grant_type_not_allowed -> passed request_good");

        // The grant is missing now; with it the same record would be a token.
        tool.post("/oauth/token", body).await.expect(403);
        let event = admin.newest_log("feccft").await;
        let missing = explain(&admin, &event["log_id"], "now").await;
        assert!(missing["verdict"].as_str().unwrap().starts_with("Now it would be refused: client_grant_"));
        let grant = json!({"client_id": id, "audience": server.audience(), "scope": ["read:orders"]});
        admin.create("/client-grants", grant).await;
        let report = explain(&admin, &event["log_id"], "now").await;
        let request = row(&report, "request", "");
        assert!(request.starts_with("refused client_grant_") && request.ends_with(" -> passed request_good"));

        // What was proved then is not on record.
        let wrong = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": "x",
                           "audience": server.audience()});
        tool.post("/oauth/token", wrong).await.expect(401);
        let event = admin.newest_log("feccft").await;
        let report = explain(&admin, &event["log_id"], "now").await;
        let stands = "refused client_secret_wrong: What the client proved is not in the record.";
        assert_eq!(row(&report, "request", ""), stands);
        assert!(report["verdict"].as_str().unwrap().starts_with("What refused it then is not decided again"));
    })
    .await;
}

#[tokio::test]
async fn a_url_of_another_host_is_not_explained_as_this_tenants() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let path = format!("/authorize?client_id={}&response_type=code", server.client_id());
        let ask = async |what: String| {
            admin.call(reqwest::Method::POST, "/explain", Some(json!({"what": what}))).await
        };
        let answer = ask(format!("https://other.example{path}")).await;
        let said = answer.expect(400).json()["message"].as_str().unwrap().to_owned();
        let own = server.issuer().trim_start_matches("https://").trim_end_matches('/').to_owned();
        let own = own.split(':').next().unwrap().to_owned();
        assert!(said.contains("other.example") && said.contains(&own), "{said}");
        ask(format!("{}{}", server.issuer().trim_end_matches('/'), path)).await.expect(200);
        ask(path).await.expect(200);
    })
    .await;
}
