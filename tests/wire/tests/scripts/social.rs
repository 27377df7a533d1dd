//! Social connections whose script fetches the profile: logging in, again, linked, with what of the provider.

use std::collections::BTreeMap;

use gatewright_testkit::{Answer, Form, Page, Server, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

use crate::provider::{ACME, Provider, back, log_in, sent};
use crate::stage::{code_flow, encoded, log_of, post_login, redeem, rule};

const ANN: &str = "oauth2|acme-id|7";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Begins a login at the provider.
async fn begin(server: &Server, browser: &Page, more: &[(&str, &str)]) -> Answer {
    let path = code_flow(server, "openid profile email").authorize_path(&[("connection", ACME)]);
    let more: String = more.iter().map(|(name, value)| format!("&{name}={value}")).collect();
    browser.get(&format!("{path}{more}")).await
}

/// The ID token's claims after a whole login as `user`.
async fn whole(server: &Server, browser: &Page, user: &str) -> Value {
    let done = log_in(browser, &begin(server, browser, &[("prompt", "login")]).await, user).await;
    let code = done.returned("code").unwrap_or_else(|| panic!("no code: {}", done.location()));
    claims(redeem(server, &code).await["id_token"].as_str().unwrap())
}

async fn user(server: &Server, id: &str) -> Value {
    server.admin().await.get(&format!("/users/{}", encoded(id))).await
}

/// The same user, read with `read:users` alone.
async fn read_narrowly(server: &Server, id: &str) -> Value {
    let (admin, audience) = (server.admin().await, server.management_audience());
    let client =
        json!({ "name": "Reader", "app_type": "non_interactive", "grant_types": ["client_credentials"] });
    let client = admin.create("/clients", client).await;
    let grant = json!({ "client_id": client["client_id"], "audience": audience, "scope": ["read:users"] });
    admin.create("/client-grants", grant).await;
    let asked = json!({ "grant_type": "client_credentials", "client_id": client["client_id"],
        "client_secret": client["client_secret"], "audience": audience });
    let token = server.tool().post("/oauth/token", asked).await.expect(200).json()["access_token"].clone();
    let (tool, path) = (server.tool(), format!("/api/v2/users/{}", encoded(id)));
    let request = tool.request(Method::GET, &path).bearer_auth(token.as_str().unwrap());
    tool.send(request).await.expect(200).json()
}

fn ann() -> Value {
    json!({ "user_id": 7, "email": "Ann@Example.com", "email_verified": true, "name": "Ann",
        "picture": "https://a.example/7",
        "app_metadata": { "admin": true }, "locale": "de" })
}

#[tokio::test]
async fn a_provider_says_who_logs_in() {
    on_every_database(async |server: Server| {
        let (provider, browser) = (Provider::start().await, server.tool());
        provider.set("ann", ann());
        provider.attach(&server, json!({ "customHeaders": { "X-Key": "the-key" } })).await;
        let at_provider = begin(&server, &browser, &[]).await;
        let asked = sent(&at_provider);
        let callback = format!("{}login/callback", server.issuer());
        let expected = [
            ("client_id", "our-id"),
            ("redirect_uri", &callback),
            ("response_type", "code"),
            ("scope", "openid profile"),
            ("state", &asked["state"]),
            ("theme", "dark"),
        ];
        let expected: BTreeMap<String, String> =
            expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(asked, expected);

        let done = log_in(&browser, &at_provider, "ann").await;
        assert!(done.location().as_str().starts_with("http://localhost:4200/?"), "{}", done.location());
        assert_eq!(done.returned("state").as_deref(), Some("the-state"));
        let form = [
            ("client_id", "our-id"),
            ("client_secret", "our-secret"),
            ("code", "ann"),
            ("grant_type", "authorization_code"),
            ("redirect_uri", &callback),
        ];
        let form = form.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(provider.asked(), [("the-key".to_owned(), form)]);
        let tokens = redeem(&server, &done.returned("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(
            (&id["sub"], &id["email"], &id["name"]),
            (&json!(ANN), &json!("ann@example.com"), &json!("Ann"))
        );

        let made = user(&server, ANN).await;
        let identity = &made["identities"][0];
        let text =
            (&identity["connection"], &identity["provider"], &identity["user_id"], &identity["isSocial"]);
        assert_eq!(text, (&json!(ACME), &json!("oauth2"), &json!("acme-id|7"), &json!(true)));
        assert_eq!((&made["email_verified"], &made["logins_count"]), (&json!(true), &json!(1)));
        // What the provider answers may not write what is this server's own.
        assert_eq!((&made["app_metadata"], &made["locale"]), (&Value::Null, &Value::Null));
        // The script had the answer of the token endpoint.
        let answered = "access_token,expires_in,id_token,refresh_token,token_type secret-it-ann";
        assert_eq!(made["nickname"], answered);

        let admin = server.admin().await;
        let log = admin.newest_log("s").await;
        let told = (&log["connection"], &log["strategy"], &log["strategy_type"], &log["user_id"]);
        assert_eq!(told, (&json!(ACME), &json!("oauth2"), &json!("social"), &json!(ANN)));
        let log = log_of(&server, "actions_executed", 1).await;
        assert_eq!(
            (&log["details"]["trigger_id"], &log["user_id"]),
            (&json!("fetch-user-profile"), &json!(ANN))
        );
        assert_eq!(log["details"]["decision"]["reason"], "profile_fetched");
        let run = &log["details"]["decision"]["scripts"]["runs"][0];
        assert_eq!((&run["kind"], &run["name"]), (&json!("social"), &json!("fetchUserProfile of acme-id")));
        assert!(run["console"][0].as_str().unwrap().starts_with("got *****"), "{run}");
        let all = admin.get("/logs?per_page=100").await.to_string();
        assert!(
            !all.contains("secret-at") && !all.contains("secret-rt") && !all.contains("our-secret"),
            "{all}"
        );

        // The session goes on without the provider.
        let again = browser.get(&code_flow(&server, "openid").authorize_path(&[("prompt", "none")])).await;
        assert!(again.returned("code").is_some(), "{}", again.location());
        let path = code_flow(&server, "openid").authorize_path(&[("prompt", "none"), ("connection", ACME)]);
        let silent = server.tool().get(&path).await;
        assert_eq!(silent.returned("error").as_deref(), Some("login_required"));
    })
    .await;
}

#[tokio::test]
async fn the_request_is_as_the_options_say() {
    on_every_database(async |server: Server| {
        let (provider, browser) = (Provider::start().await, server.tool());
        provider.set("ann", ann());
        let options = json!({ "pkce_enabled": true, "useOauthSpecScope": true,
            "authParams": { "state": "x", "hd": "acme" },
            "authParamsMap": { "access_type": "access" }, "upstream_params": { "who": { "alias": "login_hint" } } });
        provider.attach(&server, options).await;
        let more = [("access_type", "offline"), ("login_hint", "ann"), ("connection_scope", "profile,mail")];
        let at_provider = begin(&server, &browser, &more).await;
        let asked = sent(&at_provider);
        let shown = ["hd", "access", "who", "scope", "code_challenge_method"].map(|name| asked[name].as_str());
        assert_eq!(shown, ["acme", "offline", "ann", "openid profile mail", "S256"]);
        let done = log_in(&browser, &at_provider, "ann").await;
        assert!(done.returned("code").is_some(), "{}", done.location());
        let verifier = provider.asked().remove(0).1.remove("code_verifier").unwrap();
        assert_eq!(gatewright_jose::pkce_s256(&verifier), asked["code_challenge"]);
    })
    .await;
}

#[tokio::test]
async fn an_account_follows_its_provider() {
    on_every_database(async |server: Server| {
        let (provider, browser) = (Provider::start().await, server.tool());
        provider.set("ann", ann());
        let id = provider.attach(&server, json!({})).await;
        // Two first logins at once make one account.
        let other = server.tool();
        let (one, two) = tokio::join!(whole(&server, &browser, "ann"), whole(&server, &other, "ann"));
        assert_eq!((&one["sub"], &two["sub"]), (&json!(ANN), &json!(ANN)));
        // Another address is as verified as the provider says.
        provider.set("ann", json!({ "user_id": "7", "email": "ann@new.example", "name": "Anna" }));
        assert_eq!(whole(&server, &browser, "ann").await["email_verified"], false);
        let account = user(&server, ANN).await;
        let shown = (&account["email"], &account["name"], &account["picture"], &account["logins_count"]);
        assert_eq!(
            shown,
            (&json!("ann@new.example"), &json!("Anna"), &json!("https://a.example/7"), &json!(3))
        );
        // Others of the provider are others here, however few of their members are told.
        provider.set("bob", json!({ "user_id": "8" }));
        assert_eq!(whole(&server, &browser, "bob").await["sub"], "oauth2|acme-id|8");

        let admin = server.admin().await;
        let mut options = admin.get(&format!("/connections/{id}")).await["options"].clone();
        options["set_user_root_attributes"] = json!("on_first_login");
        admin.patch(&format!("/connections/{id}"), json!({ "options": options })).await;
        provider.set("ann", json!({ "user_id": "7", "name": "Annabel" }));
        assert_eq!(whole(&server, &browser, "ann").await["name"], "Anna");
        // The root of a profile is the provider's; metadata are this server's.
        let path = format!("/users/{}", encoded(ANN));
        admin.patch(&path, json!({ "user_metadata": { "color": "red" } })).await;
        admin.call(Method::PATCH, &path, Some(json!({ "name": "X" }))).await.expect(400);
        // The tenant's secrets come back as they were sent: tools write back what they read.
        assert_eq!(options["client_secret"], "our-secret");
    })
    .await;
}

#[tokio::test]
async fn a_linked_account_logs_in_as_the_user_it_is_linked_to() {
    on_every_database(async |server: Server| {
        let (provider, browser, admin) = (Provider::start().await, server.tool(), server.admin().await);
        provider.set("ann", ann());
        provider.set("bob", json!({ "user_id": "8", "name": "Bob" }));
        provider.attach(&server, json!({})).await;
        whole(&server, &browser, "ann").await;
        whole(&server, &browser, "bob").await;
        let link = json!({ "provider": "oauth2", "user_id": "oauth2|acme-id|8" });
        admin.create(&format!("/users/{}/identities", encoded(ANN)), link).await;
        provider.set("bob", json!({ "user_id": "8", "name": "Robert" }));
        assert_eq!(whole(&server, &browser, "bob").await["sub"], ANN);
        let both = user(&server, ANN).await;
        assert_eq!(
            (&both["name"], &both["identities"][1]["profileData"]["name"]),
            (&json!("Ann"), &json!("Robert"))
        );
        // The provider's tokens are for whoever may read them.
        let tokens = |user: &Value| {
            let of = |at: usize| user["identities"][at]["access_token"].clone();
            (of(0), of(1), user["identities"][1]["refresh_token"].clone())
        };
        assert_eq!(tokens(&both), (json!("secret-at-ann"), json!("secret-at-bob"), json!("secret-rt-bob")));
        assert_eq!(tokens(&read_narrowly(&server, ANN).await), (Value::Null, Value::Null, Value::Null));
        let listed = admin.get("/users").await.to_string();
        assert!(!listed.contains("secret-at") && !listed.contains("secret-rt"), "{listed}");
        // They go with the account.
        admin.call(Method::DELETE, &format!("/users/{}", encoded(ANN)), None).await.expect(204);
        provider.set("bob", json!({ "user_id": "8", "name": "Bob" }));
        assert_eq!(whole(&server, &browser, "bob").await["sub"], "oauth2|acme-id|8");
    })
    .await;
}

#[tokio::test]
async fn rules_and_actions_see_the_login() {
    on_every_database(async |server: Server| {
        let (provider, browser, admin) = (Provider::start().await, server.tool(), server.admin().await);
        provider.set("ann", ann());
        provider.attach(&server, json!({})).await;
        rule(&admin, "Seen", "function (user, context, callback) {
            context.idToken['https://a.example/rule'] =
                [context.connection, context.connectionStrategy, user.identities[0].isSocial,
                    user.identities[0].access_token];
            callback(null, user, context);
        }").await;
        post_login(&server, "exports.onExecutePostLogin = async (event, api) => {
            api.idToken.setCustomClaim('https://a.example/action', [event.connection.name, event.connection.strategy,
                event.authentication.methods[0].name, event.stats.logins_count, event.user.user_id]);
        };").await;
        let id = whole(&server, &browser, "ann").await;
        assert_eq!(id["https://a.example/rule"], json!([ACME, "oauth2", true, null]));
        assert_eq!(id["https://a.example/action"], json!([ACME, "oauth2", "federated", 1, ANN]));
        admin.patch(&format!("/users/{}", encoded(ANN)), json!({ "blocked": true })).await;
        let refused = log_in(&browser, &begin(&server, &browser, &[("prompt", "login")]).await, "ann").await;
        assert_eq!(refused.returned("error").as_deref(), Some("unauthorized"));
    })
    .await;
}

#[tokio::test]
async fn the_hosted_page_has_a_button() {
    on_every_database(async |server: Server| {
        let (provider, browser) = (Provider::start().await, server.tool());
        provider.set("ann", ann());
        provider.attach(&server, json!({ "icon_url": "https://acme.example/icon.png" })).await;
        let page = browser.open(&code_flow(&server, "openid").authorize_path(&[])).await;
        assert!(page.body.contains("Continue with Acme &#60;ID&#62;"), "{}", page.body);
        assert!(page.body.contains(r#"<img src="https://acme.example/icon.png""#), "{}", page.body);
        assert!(
            page.header("content-security-policy").contains("img-src 'self' data: https://acme.example;")
        );
        let done = log_in(&browser, &browser.get(&button(&page)).await, "ann").await;
        assert!(done.returned("code").is_some(), "{}", done.location());
        // Who asks for the database is offered nothing else.
        let other = server.tool();
        let database = [("connection", crate::stage::DATABASE)];
        let page = other.open(&code_flow(&server, "openid").authorize_path(&database)).await;
        assert!(!page.body.contains("Continue with"), "{}", page.body);
        // A client without other connections has a page of buttons.
        let admin = server.admin().await;
        for connection in admin.get("/connections").await.as_array().unwrap() {
            let enabled: &[&str] = if connection["name"] == ACME { &[server.client_id()] } else { &[] };
            let path = format!("/connections/{}", connection["id"].as_str().unwrap());
            admin.patch(&path, json!({ "enabled_clients": enabled })).await;
        }
        let page = other.open(&code_flow(&server, "openid").authorize_path(&[])).await;
        assert!(!page.expect(200).body.contains("<form"), "{}", page.body);
        let done = log_in(&other, &other.get(&button(&page)).await, "ann").await;
        assert!(done.returned("code").is_some(), "{}", done.location());
    })
    .await;
}

#[tokio::test]
async fn a_device_is_logged_in_at_a_provider() {
    on_every_database(async |server: Server| {
        let (provider, admin, tool) = (Provider::start().await, server.admin().await, server.tool());
        provider.set("ann", ann());
        let id = provider.attach(&server, json!({})).await;
        let tv = json!({ "name": "TV", "app_type": "native", "token_endpoint_auth_method": "none",
            "grant_types": [DEVICE] });
        let tv = admin.create("/clients", tv).await["client_id"].clone();
        admin.patch(&format!("/connections/{id}"), json!({ "enabled_clients": [tv] })).await;
        let asked = json!({ "client_id": tv, "scope": "openid" });
        let poll = async |codes: &Value| {
            let body = json!({ "grant_type": DEVICE, "client_id": tv, "device_code": codes["device_code"] });
            tool.post("/oauth/token", body).await
        };
        for denied in [true, false] {
            let codes = tool.post("/oauth/device/code", asked.clone()).await.expect(200).json();
            let browser = server.tool();
            let url = codes["verification_uri_complete"].as_str().unwrap();
            let page = browser.follow(browser.get(url).await).await;
            let page = Form::of(&page).submit(&browser, "confirm").await;
            let at_provider = browser.get(&button(&page)).await;
            if denied {
                let answer = [("error", "access_denied"), ("error_description", "Not today")];
                browser.get(&back(&sent(&at_provider), &answer)).await;
                let told = ("access_denied".to_owned(), "Not today".to_owned());
                assert_eq!(poll(&codes).await.expect(403).error(), told);
                assert_eq!(
                    admin.newest_log("fdeac").await["details"]["decision"]["reason"],
                    "provider_refused"
                );
            } else {
                log_in(&browser, &at_provider, "ann").await.expect(200);
                let tokens = poll(&codes).await.expect(200).json();
                assert_eq!(claims(tokens["id_token"].as_str().unwrap())["sub"], ANN);
            }
        }
    })
    .await;
}

/// Where the provider's button leads.
#[track_caller]
fn button(page: &Answer) -> String {
    let (_, rest) = page.body.split_once(r#"<a class="secondary" href=""#).expect("a button");
    rest.split_once('"').unwrap().0.replace("&#38;", "&")
}
