//! Accounts that are linked: whoever logs in by one of them is the same user.

use futures_util::future::join_all;
use gatewright_testkit::{Admin, Answer, Server, Start, Tokens, claims, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const APP: &str = "http://localhost:4200";
const DATABASE: &str = "Username-Password-Authentication";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const GOOD: &str = "Correct-horse-7";
const BETTER: &str = "Battery-staple-8";
const OTHER_PHONE: &str = "+61400000002";

async fn by_phone(server: &Server, phone: &str, scope: &str) -> Tokens {
    let start = Start { phone_number: phone.to_owned(), ..Start::seed(server).scope(scope) };
    start.log_in(server, &server.page(APP)).await
}

async fn by_password(server: &Server, username: &str, password: &str) -> Answer {
    let grants = json!({"grant_types": ["implicit", "authorization_code", "password", REALM,
        "http://auth0.com/oauth/grant-type/passwordless/otp"]});
    server.admin().await.patch(&format!("/clients/{}", server.client_id()), grants).await;
    let body = json!({"grant_type": REALM, "client_id": server.client_id(), "username": username,
        "password": password, "realm": DATABASE, "scope": "openid email"});
    server.page(APP).post("/oauth/token", body).await
}

#[track_caller]
fn sub(answer: &Answer) -> Value {
    claims(answer.expect(200).json()["id_token"].as_str().unwrap())["sub"].clone()
}

async fn database_user(admin: &Admin, email: &str) -> Value {
    let user = json!({"connection": DATABASE, "email": email, "password": GOOD, "email_verified": true,
        "user_metadata": {"kept": false}, "given_name": "Ann"});
    admin.create("/users", user).await
}

fn path(user: &Value, more: &str) -> String {
    format!("/users/{}{more}", user["user_id"].as_str().unwrap().replace('|', "%7C"))
}

/// The user of a login as the API shows it.
async fn user_of(admin: &Admin, tokens: &Tokens) -> Value {
    let id = tokens.id_claims()["sub"].as_str().unwrap().replace('|', "%7C");
    admin.get(&format!("/users/{id}")).await
}

#[tokio::test]
async fn a_linked_account_logs_in_as_the_main_user_until_it_is_unlinked() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let main = database_user(&admin, "ann@example.com").await;
        let phone = user_of(&admin, &by_phone(&server, OTHER_PHONE, "openid").await).await;
        admin.patch(&path(&phone, ""), json!({"app_metadata": {"gone": true}})).await;
        let local = phone["user_id"].as_str().unwrap().strip_prefix("sms|").unwrap();

        let body = json!({"provider": "sms", "user_id": phone["user_id"], "connection_id": admin.connection("sms").await["id"]});
        let identities = admin.create(&path(&main, "/identities"), body.clone()).await;
        assert_eq!(identities[0], main["identities"][0]);
        assert_eq!((&identities[1]["provider"], &identities[1]["user_id"]), (&json!("sms"), &json!(local)));
        assert_eq!(identities[1]["profileData"]["phone_number"], OTHER_PHONE);
        admin.call(Method::GET, &path(&phone, ""), None).await.expect(404);
        let again = admin.call(Method::POST, &path(&main, "/identities"), Some(body)).await;
        assert_eq!(again.expect(409).json()["message"], "The account is linked already.");
        let found = admin.get(&format!("/users?q=identities.user_id:{local}")).await;
        assert_eq!((found[0]["user_id"].clone(), found.as_array().unwrap().len()), (main["user_id"].clone(), 1));

        let tokens = by_phone(&server, OTHER_PHONE, "openid email").await;
        assert_eq!(tokens.id_claims()["sub"], main["user_id"]);
        let user = admin.get(&path(&main, "")).await;
        assert_eq!((&user["logins_count"], user.get("app_metadata")), (&json!(1), None), "metadata is not merged");
        assert_eq!(sub(&by_password(&server, "ann@example.com", GOOD).await), main["user_id"]);

        let identity = format!("/identities/sms/{local}");
        let main_identity = format!("/identities/auth0/{}", main["identities"][0]["user_id"].as_str().unwrap());
        admin.call(Method::DELETE, &path(&main, &main_identity), None).await.expect(400);
        let left = admin.call(Method::DELETE, &path(&main, &identity), None).await;
        assert_eq!(left.expect(200).json(), main["identities"]);
        admin.call(Method::DELETE, &path(&main, &identity), None).await.expect(404);
        let back = user_of(&admin, &by_phone(&server, OTHER_PHONE, "openid").await).await;
        assert_eq!((&back["user_id"], &back["phone_number"]), (&phone["user_id"], &json!(OTHER_PHONE)));
        assert_eq!(back.get("app_metadata"), None);
    })
    .await;
}

#[tokio::test]
async fn users_link_with_their_own_tokens() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let scope = "openid update:current_user_identities";
        let main = by_phone(&server, "+61400000001", scope).await;
        let other = by_phone(&server, OTHER_PHONE, "openid").await;
        let (main_user, other_user) = (user_of(&admin, &main).await, user_of(&admin, &other).await);
        let page = server.page(APP);
        let call = async |method: Method, path: String, body: Value| {
            let path = format!("/api/v2{path}");
            page.send(page.request(method, &path).bearer_auth(main.access_token()).json(&body)).await
        };
        let id_token = other.response["id_token"].as_str().unwrap();
        let own = path(&main_user, "/identities");

        let named = json!({"provider": "sms", "user_id": other_user["user_id"]});
        let refused = call(Method::POST, own.clone(), named).await;
        assert_eq!(refused.expect(403).json()["errorCode"], "insufficient_scope");
        call(Method::POST, path(&other_user, "/identities"), json!({"link_with": id_token}))
            .await
            .expect(403);
        for token in ["nonsense", other.access_token()] {
            let refused = call(Method::POST, own.clone(), json!({"link_with": token})).await;
            assert_eq!(refused.expect(400).json()["errorCode"], "invalid_body");
        }
        let itself = main.response["id_token"].as_str().unwrap();
        call(Method::POST, own.clone(), json!({"link_with": itself})).await.expect(400);

        let linked = call(Method::POST, own.clone(), json!({"link_with": id_token})).await;
        assert_eq!(linked.expect(201).json().as_array().unwrap().len(), 2);
        let tokens = by_phone(&server, OTHER_PHONE, "openid").await;
        assert_eq!(tokens.id_claims()["sub"], main_user["user_id"]);
        let local = other_user["identities"][0]["user_id"].as_str().unwrap();
        let unlinked =
            call(Method::DELETE, path(&main_user, &format!("/identities/sms/{local}")), json!(null)).await;
        assert_eq!(unlinked.expect(200).json(), main_user["identities"]);
    })
    .await;
}

#[tokio::test]
async fn a_linked_account_keeps_its_own_password_and_address() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let main = user_of(&admin, &by_phone(&server, OTHER_PHONE, "openid").await).await;
        let account = database_user(&admin, "ann@example.com").await;
        let body = json!({"provider": "auth0", "user_id": account["identities"][0]["user_id"]});
        admin.create(&path(&main, "/identities"), body).await;
        assert_eq!(sub(&by_password(&server, "ann@example.com", GOOD).await), main["user_id"]);

        admin.patch(&path(&main, ""), json!({"connection": DATABASE, "password": BETTER})).await;
        by_password(&server, "ann@example.com", GOOD).await.expect(403);
        assert_eq!(sub(&by_password(&server, "ann@example.com", BETTER).await), main["user_id"]);
        admin.patch(&path(&main, ""), json!({"connection": DATABASE, "username": "ann"})).await;
        assert_eq!(sub(&by_password(&server, "ann", BETTER).await), main["user_id"]);
        let change = json!({"connection": DATABASE, "email": "Ann@Example.org", "email_verified": true});
        let changed = admin.patch(&path(&main, ""), change).await;
        assert_eq!(changed["identities"][1]["profileData"]["email"], "ann@example.org");
        assert_eq!(changed.get("email"), None, "it is the account's, not the user's");
        by_password(&server, "ann@example.com", BETTER).await.expect(403);
        assert_eq!(sub(&by_password(&server, "ann@example.org", BETTER).await), main["user_id"]);

        // The link to choose a new password goes to the account's own address, and changes its password.
        let forgotten =
            json!({"client_id": server.client_id(), "connection": DATABASE, "email": "ann@example.org"});
        server.page(APP).post("/dbconnections/change_password", forgotten).await.expect(200);
        let link = server.mailbox.link_to("ann@example.org", 1).await;
        let page = server.page(server.issuer());
        let shown = page.open(&link).await;
        let form = gatewright_testkit::Form::of(&shown);
        let answer = form
            .with("password", "Third-password-9")
            .with("re-enter-password", "Third-password-9")
            .submit(&page, "default")
            .await;
        page.follow(answer).await.expect(200);
        by_password(&server, "ann@example.org", BETTER).await.expect(403);
        assert_eq!(sub(&by_password(&server, "ann@example.org", "Third-password-9").await), main["user_id"]);

        // A deleted user takes all accounts along.
        admin.call(Method::DELETE, &path(&main, ""), None).await.expect(204);
        by_password(&server, "ann@example.org", "Third-password-9").await.expect(403);
        let new =
            json!({"connection": DATABASE, "email": "ann@example.org", "username": "ann", "password": GOOD});
        admin.create("/users", new).await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_connection_takes_linked_accounts_and_not_their_users() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let new = json!({"name": "staff", "strategy": "auth0"});
        let staff = admin.create("/connections", new).await;
        let main = database_user(&admin, "ann@example.com").await;
        let linked = json!({"connection": "staff", "email": "ann@staff.example", "password": GOOD});
        let linked = admin.create("/users", linked).await;
        let alone = json!({"connection": "staff", "email": "bob@staff.example", "password": GOOD});
        let alone = admin.create("/users", alone).await;
        let body = json!({"provider": "auth0", "user_id": linked["user_id"]});
        admin.create(&path(&main, "/identities"), body).await;
        let deleted = admin
            .call(Method::DELETE, &format!("/connections/{}", staff["id"].as_str().unwrap()), None)
            .await;
        assert!(matches!(deleted.status, 202 | 204), "{}", deleted.status);
        assert_eq!(admin.get(&path(&main, "")).await["identities"], main["identities"]);
        admin.call(Method::GET, &path(&alone, ""), None).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn racing_changes_of_metadata_lose_no_key() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let user = database_user(&admin, "ann@example.com").await;
        let change = |number: usize| {
            let (admin, path) = (&admin, path(&user, ""));
            async move {
                let member = if number.is_multiple_of(2) { "user_metadata" } else { "app_metadata" };
                admin.patch(&path, json!({member: {format!("key{number}"): number}})).await
            }
        };
        join_all((0..24).map(change)).await;
        let after = admin.get(&path(&user, "")).await;
        for number in 0..24 {
            let member = if number % 2 == 0 { "user_metadata" } else { "app_metadata" };
            assert_eq!(after[member][format!("key{number}")], number, "{after:#}");
        }
        let found = admin.get("/users?q=user_metadata.key0:0%20AND%20app_metadata.key23:23").await;
        assert_eq!(found.as_array().unwrap().len(), 1);
    })
    .await;
}
