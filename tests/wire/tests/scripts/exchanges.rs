//! Custom token exchange: profiles, the one Action of each, and whose tokens come of it.

use gatewright_testkit::{Answer, Server, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{action, action_with, bind, encoded, told};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TYPE: &str = "urn:acme:legacy-token";
const DATABASE: &str = "Username-Password-Authentication";

/// A tenant with a profile whose Action is this code, and a client that may use it; its id.
async fn profile(server: &Server, code: &str) -> (String, String) {
    let admin = server.admin().await;
    let id = action_with(
        &admin,
        "custom-token-exchange",
        json!({ "name": "Judge", "code": code, "secrets": [{ "name": "KEY", "value": "k" }] }),
    )
    .await;
    let profile = json!({ "name": "Legacy", "subject_token_type": TYPE, "action_id": id, "type": "custom_authentication" });
    admin.create("/token-exchange-profiles", profile).await;
    (client(server).await, id)
}

async fn client(server: &Server) -> String {
    let client = json!({
        "name": "Portal", "app_type": "spa", "token_endpoint_auth_method": "none",
        "token_exchange": { "allow_any_profile_of_type": ["custom_authentication"] },
    });
    server.admin().await.create("/clients", client).await["client_id"].as_str().unwrap().to_owned()
}

/// Presents a token.
async fn exchange(server: &Server, client_id: &str, token: &str, more: Value) -> Answer {
    let mut body = json!({
        "grant_type": EXCHANGE, "client_id": client_id, "subject_token": token, "subject_token_type": TYPE,
        "scope": "openid profile email offline_access read:orders", "audience": server.audience(),
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.tool().post("/oauth/token", body).await
}

/// Changes the code of the profile's Action.
async fn rewrite(server: &Server, id: &str, body: &str) {
    let admin = server.admin().await;
    let code = format!("exports.onExecuteCustomTokenExchange = async (event, api) => {{ {body} }};");
    admin.patch(&format!("/actions/actions/{id}"), json!({ "code": code })).await;
    admin.call(Method::POST, &format!("/actions/actions/{id}/deploy"), None).await.expect(200);
}

const BY_CONNECTION: &str = "exports.onExecuteCustomTokenExchange = async (event, api) => {
  const [sub, email] = event.transaction.subject_token.split('/');
  api.authentication.setUserByConnection('Username-Password-Authentication',
    { user_id: sub, email, email_verified: true, name: 'From a token', role: 'left out' },
    { creationBehavior: 'create_if_not_exists', updateBehavior: 'replace' });
  api.user.setUserMetadata('from', event.transaction.subject_token_type);
  api.user.setAppMetadata('key', event.secrets.KEY);
};";

#[tokio::test]
async fn a_token_of_the_tenants_own_becomes_a_user() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let (client_id, id) = profile(&server, BY_CONNECTION).await;
        let tokens = exchange(&server, &client_id, "7/Ann@example.com", json!({})).await.expect(200).json();
        assert_eq!(tokens["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
        assert_eq!(tokens["scope"], "openid profile email read:orders");
        let (access, token) =
            (claims(tokens["access_token"].as_str().unwrap()), claims(tokens["id_token"].as_str().unwrap()));
        assert_eq!(
            (&access["sub"], &access["gty"], &access["aud"][0]),
            (&json!("auth0|7"), &json!(EXCHANGE), &json!(server.audience()))
        );
        assert_eq!(
            (&token["email"], &token["email_verified"], &token["name"]),
            (&json!("ann@example.com"), &json!(true), &json!("From a token"))
        );
        let user = admin.get("/users/auth0%7C7").await;
        assert_eq!(
            (&user["user_metadata"], &user["app_metadata"]),
            (&json!({ "from": TYPE }), &json!({ "key": "k" }))
        );
        assert_eq!((&user["logins_count"], user.get("role")), (&json!(1), None));
        let made = admin.newest_log("ss").await;
        assert_eq!(
            (&made["user_id"], &made["details"]["decision"]["reason"]),
            (&json!("auth0|7"), &json!("first_token_exchange"))
        );
        let event = admin.newest_log("secte").await;
        assert_eq!((&event["user_id"], &event["connection"]), (&json!("auth0|7"), &json!(DATABASE)));
        let runs = told(&admin, "secte").await["runs"].clone();
        assert_eq!(
            (&runs[0]["name"], &runs[0]["trigger"]),
            (&json!("Judge"), &json!("custom-token-exchange"))
        );

        // Again: the profile follows the token, what the account logs in by does not.
        rewrite(
            &server,
            &id,
            "api.authentication.setUserByConnection('Username-Password-Authentication',
            { user_id: '7', email: 'other@example.com', email_verified: false, nickname: 'Annie' },
            { creationBehavior: 'none', updateBehavior: 'replace' });",
        )
        .await;
        let tokens = exchange(&server, &client_id, "x", json!({})).await.expect(200).json();
        let token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(
            (&token["email"], &token["email_verified"], &token["nickname"]),
            (&json!("ann@example.com"), &json!(true), &json!("Annie"))
        );
        rewrite(
            &server,
            &id,
            "api.authentication.setUserByConnection('Username-Password-Authentication',
            { user_id: '7', nickname: 'Nobody' }, { creationBehavior: 'none', updateBehavior: 'none' });",
        )
        .await;
        let tokens = exchange(&server, &client_id, "x", json!({})).await.expect(200).json();
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["nickname"], "Annie");
        rewrite(&server, &id, "api.authentication.setUserById('auth0|7');").await;
        exchange(&server, &client_id, "x", json!({})).await.expect(200);
        assert_eq!(admin.get("/users/auth0%7C7").await["logins_count"], 4);
        admin.patch("/users/auth0%7C7", json!({ "blocked": true })).await;
        assert_eq!(
            exchange(&server, &client_id, "x", json!({})).await.expect(401).error().1,
            "user is blocked"
        );
        assert_eq!(admin.get("/users/auth0%7C7").await["logins_count"], 4);
    })
    .await;
}

#[tokio::test]
async fn what_the_action_says_wrong_is_told_by_its_reason() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let (client_id, id) = profile(&server, BY_CONNECTION).await;
        let by = |attributes: &str, options: &str| {
            format!("api.authentication.setUserByConnection('{DATABASE}', {attributes}, {options});")
        };
        let make = "{ creationBehavior: 'create_if_not_exists', updateBehavior: 'none' }";
        let cases = [
            ("return;".to_owned(), 403, "access_denied", "exchange_without_user"),
            (
                "api.authentication.setUserById('a|1'); api.authentication.setUserById('a|2');".into(),
                403,
                "access_denied",
                "exchange_with_two_users",
            ),
            (
                "api.authentication.setUserById('auth0|nobody');".into(),
                400,
                "invalid_request",
                "exchange_user_unknown",
            ),
            (
                by("{ user_id: '1' }", "{ creationBehavior: 'none', updateBehavior: 'none' }"),
                400,
                "invalid_request",
                "exchange_user_unknown",
            ),
            (
                by("{ user_id: '1', email: 'no address' }", make),
                403,
                "access_denied",
                "exchange_user_refused",
            ),
            (by("{ user_id: '1' }", make), 403, "access_denied", "exchange_user_refused"),
            (
                by("{ user_id: '1', email: 'a@b.example' }", make).replace(DATABASE, "none"),
                403,
                "access_denied",
                "exchange_unknown_connection",
            ),
            (
                "api.authentication.setUserById('a|1'); api.authentication.setOrganization('o');".into(),
                400,
                "invalid_request",
                "organizations_not_built",
            ),
            (
                "api.access.deny('invalid_target', 'Not there');".into(),
                400,
                "invalid_target",
                "denied_by_script",
            ),
            (
                "api.access.rejectInvalidSubjectToken('Bad signature');".into(),
                400,
                "invalid_request",
                "invalid_subject_token",
            ),
            ("throw new Error('secret cause');".into(), 403, "access_denied", "script_threw"),
        ];
        for (body, status, code, reason) in cases {
            rewrite(&server, &id, &body).await;
            let (error, text) = exchange(&server, &client_id, "x", json!({})).await.expect(status).error();
            assert_eq!(error, code, "{body}");
            assert!(!text.contains("secret cause"));
            let event = admin.newest_log("fecte").await;
            assert_eq!(event["details"]["decision"]["reason"], reason, "{body}: {event:#}");
            assert_eq!(event["details"]["decision"]["scripts"]["runs"][0]["name"], "Judge");
        }
        assert!(admin.get("/users?q=email:a@b.example").await.as_array().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn only_clients_that_are_allowed_exchange_tokens_of_known_types() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let (client_id, id) = profile(&server, BY_CONNECTION).await;
        let dev = server.client_id().to_owned();
        let (error, _) = exchange(&server, &dev, "7/a@b.example", json!({})).await.expect(403).error();
        assert_eq!(error, "unauthorized_client");
        assert_eq!(
            admin.newest_log("fecte").await["details"]["decision"]["reason"],
            "token_exchange_not_allowed"
        );
        let undeployed = json!({ "name": "Draft", "code": BY_CONNECTION,
            "supported_triggers": [{ "id": "custom-token-exchange" }] });
        let undeployed = admin.create("/actions/actions", undeployed).await["id"].clone();
        let profile = json!({ "name": "Draft", "subject_token_type": "urn:acme:draft", "action_id": undeployed,
            "type": "custom_authentication" });
        admin.create("/token-exchange-profiles", profile).await;
        for (more, text, reason) in [
            (
                json!({ "subject_token_type": "urn:acme:other" }),
                "Unsupported subject_token_type: urn:acme:other.",
                "token_exchange_profile_unknown",
            ),
            (
                json!({ "requested_token_type": "urn:ietf:params:oauth:token-type:id_token" }),
                "Unsupported requested_token_type",
                "requested_token_type_unsupported",
            ),
            (
                json!({ "subject_token_type": "urn:acme:draft" }),
                "The Action of this token exchange profile is not deployed",
                "token_exchange_action_not_deployed",
            ),
            (
                json!({ "organization": "org_1" }),
                "Organizations are not built",
                "organizations_not_built",
            ),
        ] {
            let (error, said) =
                exchange(&server, &client_id, "7/a@b.example", more).await.expect(400).error();
            assert_eq!(error, "invalid_request");
            assert!(said.starts_with(text), "{said}");
            assert_eq!(admin.newest_log("fecte").await["details"]["decision"]["reason"], reason);
        }
        // The profile goes with its action; without force the action stays.
        admin.call(Method::DELETE, &format!("/actions/actions/{id}"), None).await.expect(409);
        admin.call(Method::DELETE, &format!("/actions/actions/{id}?force=true"), None).await.expect(204);
        let profiles = admin.get("/token-exchange-profiles?take=10").await;
        let left: Vec<&Value> =
            profiles["token_exchange_profiles"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(left, ["Draft"]);
        exchange(&server, &client_id, "7/a@b.example", json!({})).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn an_actor_stands_in_the_tokens_and_gets_no_refresh_token() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let (client_id, id) = profile(&server, BY_CONNECTION).await;
        admin.patch(&format!("/clients/{client_id}"), json!({ "grant_types": ["refresh_token"] })).await;
        let api = admin.get("/resource-servers").await;
        let api = api
            .as_array()
            .unwrap()
            .iter()
            .find(|api| api["identifier"] == server.audience())
            .unwrap()
            .clone();
        admin
            .patch(
                &format!("/resource-servers/{}", api["id"].as_str().unwrap()),
                json!({ "allow_offline_access": true }),
            )
            .await;
        let tokens = exchange(&server, &client_id, "7/ann@example.com", json!({})).await.expect(200).json();
        assert!(tokens["refresh_token"].is_string(), "{tokens}");

        rewrite(
            &server,
            &id,
            "api.authentication.setUserById('auth0|7');
            api.authentication.setActor({ sub: event.transaction.actor_token, act: { sub: 'robot' } });",
        )
        .await;
        let seen = action(
            &admin,
            "post-login",
            "Sees",
            "exports.onExecutePostLogin = async (event, api) => {
            api.accessToken.setCustomClaim('https://example.com/transaction', event.transaction);
            api.accessToken.setCustomClaim('https://example.com/body', event.request.body);
            api.accessToken.setCustomClaim('act', { sub: 'me' });
        };",
        )
        .await;
        bind(&admin, "post-login", &[&seen]).await;
        let more = json!({ "actor_token": "agent-1", "actor_token_type": "urn:acme:agent", "color": "red" });
        let tokens = exchange(&server, &client_id, "7/x", more).await.expect(200).json();
        assert_eq!(tokens.get("refresh_token"), None);
        assert_eq!(tokens["scope"], "openid profile email read:orders");
        let actor = json!({ "sub": "agent-1", "act": { "sub": "robot" } });
        let access = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["act"], actor);
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["act"], actor);
        let transaction = &access["https://example.com/transaction"];
        assert_eq!(
            (&transaction["protocol"], &transaction["subject_token_type"]),
            (&json!("oauth2-token-exchange"), &json!(TYPE))
        );
        assert_eq!(
            (&transaction["actor"], &transaction["actor_token_type"]),
            (&actor, &json!("urn:acme:agent"))
        );
        let body = &access["https://example.com/body"];
        assert_eq!(
            (&body["color"], body.get("subject_token"), body.get("actor_token")),
            (&json!("red"), None, None)
        );
        // Both triggers stand in the log, and each has an execution.
        let event = admin.newest_log("secte").await;
        let runs = event["details"]["decision"]["scripts"]["runs"].as_array().unwrap().clone();
        assert_eq!(runs.len(), 2);
        assert_eq!(event["details"]["actions"]["executions"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn tokens_that_are_called_invalid_slow_their_address_down() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let (client_id, id) = profile(&server, BY_CONNECTION).await;
        let stage =
            json!({ "stage": { "pre-custom-token-exchange": { "max_attempts": 2, "rate": 60_000 } } });
        admin.patch("/attack-protection/suspicious-ip-throttling", stage).await;
        for _ in 0..4 {
            exchange(&server, &client_id, "7/ann@example.com", json!({})).await.expect(200);
        }
        rewrite(&server, &id, "api.access.rejectInvalidSubjectToken('Bad signature');").await;
        for status in [400, 400, 429] {
            exchange(&server, &client_id, "guess", json!({})).await.expect(status);
        }
        assert_eq!(admin.newest_log("limit_mu").await["details"]["decision"]["reason"], "address_throttled");
        server.turn.forward_seconds(61);
        exchange(&server, &client_id, "guess", json!({})).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn profiles_name_one_type_and_one_action_each() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let code = "exports.onExecuteCustomTokenExchange = async () => {};";
        let id = action(&admin, "custom-token-exchange", "Judge", code).await;
        let other = action(&admin, "post-login", "Other", "exports.onExecutePostLogin = async () => {};").await;
        let body = json!({ "name": "Legacy", "subject_token_type": TYPE, "action_id": id, "type": "custom_authentication" });
        let made = admin.create("/token-exchange-profiles", body.clone()).await;
        let tep = made["id"].as_str().unwrap().to_owned();
        assert!(tep.starts_with("tep_") && made["created_at"].is_string());
        admin.call(Method::POST, "/token-exchange-profiles", Some(body.clone())).await.expect(409);
        for (name, value) in [
            ("subject_token_type", json!("urn:ietf:params:oauth:token-type:jwt")),
            ("subject_token_type", json!("https://auth0.com/token")),
            ("subject_token_type", json!("http://auth0.com/oauth/token-type/apple-authz-code")),
            ("subject_token_type", json!("not a URI")),
            ("action_id", json!("00000000-0000-4000-8000-000000000000")),
            ("action_id", json!(other)),
            ("type", json!("other")),
        ] {
            let mut wrong = body.clone();
            wrong[name] = value;
            admin.call(Method::POST, "/token-exchange-profiles", Some(wrong)).await.expect(400);
        }
        let path = format!("/token-exchange-profiles/{}", encoded(&tep));
        let changed = admin.patch(&path, json!({ "name": "Older", "subject_token_type": "urn:acme:older" })).await;
        assert_eq!((&changed["name"], &changed["action_id"]), (&json!("Older"), &json!(id)));
        admin.call(Method::PATCH, &path, Some(json!({ "action_id": id }))).await.expect(400);
        let mut second = body;
        second["name"] = json!("Second");
        admin.create("/token-exchange-profiles", second).await;
        let page = admin.get("/token-exchange-profiles?take=1").await;
        assert_eq!((&page["token_exchange_profiles"][0]["id"], &page["next"]), (&json!(tep), &json!(tep)));
        let page = admin.get(&format!("/token-exchange-profiles?take=1&from={tep}")).await;
        assert_eq!((&page["token_exchange_profiles"][0]["name"], page.get("next")), (&json!("Second"), None));
        admin.call(Method::DELETE, &path, None).await.expect(204);
        admin.call(Method::GET, &path, None).await.expect(404);
    })
    .await;
}
