//! An authenticator app as the second factor, and the recovery code that stands in for it.

use gatewright_core::mfa::ACR;
use gatewright_testkit::{
    Admin, Answer, Form, OtpApp, Page, Server, Start, claims, on_every_database, shown_code,
};
use reqwest::Method;
use serde_json::{Value, json};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "Correct-horse-battery-1";
const NUMBER: &str = "+61400111222";

fn path(server: &Server) -> String {
    let mut start = Start::seed(server).scope("openid");
    start.audience = None;
    start.authorize_path(&[])
}

async fn switch(admin: &Admin, factor: &str, enabled: bool) {
    let path = format!("/guardian/factors/{factor}");
    admin.call(Method::PUT, &path, Some(json!({ "enabled": enabled }))).await.expect(200);
}

/// Makes Ada, of whom a factor is asked at every login; the path of her.
async fn prepare(server: &Server, factors: &[&str]) -> (Admin, String) {
    let admin = server.admin().await;
    let ada =
        json!({ "connection": "Username-Password-Authentication", "email": EMAIL, "password": PASSWORD });
    let ada = admin.create("/users", ada).await["user_id"].as_str().unwrap().replace('|', "%7C");
    for factor in factors {
        switch(&admin, factor, true).await;
    }
    let policy = json!(["all-applications"]);
    admin.call(Method::PUT, "/guardian/policies", Some(policy)).await.expect(200);
    (admin, format!("/users/{ada}"))
}

/// The first factor; the page that comes next.
async fn by_password(server: &Server, browser: &Page) -> Answer {
    let page = browser.open(&path(server)).await;
    let form = Form::of(page.expect(200)).with("username", EMAIL).with("password", PASSWORD);
    form.submit(browser, "default").await
}

async fn type_code(browser: &Page, page: &Answer, code: &str) -> Answer {
    Form::of(page).with("code", code).submit(browser, "default").await
}

#[track_caller]
fn is_page(page: &Answer, status: u16, name: &str) {
    assert!(
        page.expect(status).body.contains(&format!("<main class=\"card narrow\" id=\"{name}\"")),
        "{}",
        page.body
    );
}

#[track_caller]
fn id_token(answer: &Answer) -> Value {
    claims(
        &answer
            .expect(302)
            .returned("id_token")
            .unwrap_or_else(|| panic!("no ID token in {}", answer.location())),
    )
}

/// Goes where a link of the page leads.
async fn follow(browser: &Page, page: &Answer, text: &str) -> Answer {
    let end = page.body.find(&format!("{text}</")).unwrap_or_else(|| panic!("no {text} in {}", page.body));
    let start = page.body[..end].rfind("href=\"").expect("an address") + 6;
    let href = page.body[start..].split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    browser.open(&href).await
}

/// Enrolls an app on its page, and says to have kept the recovery code if one is shown; the app, and that code.
async fn enroll(server: &Server, browser: &Page) -> (OtpApp, Option<String>) {
    let page = by_password(server, browser).await;
    is_page(&page, 200, "mfa-otp-enrollment-qr");
    let app = OtpApp::of_page(&page);
    let next = type_code(browser, &page, &app.code(server)).await;
    if next.status == 302 {
        id_token(&next);
        return (app, None);
    }
    is_page(&next, 200, "mfa-recovery-code-enrollment");
    let code = shown_code(&next);
    id_token(&Form::of(&next).submit(browser, "default").await);
    (app, Some(code))
}

async fn reason(admin: &Admin, code: &str) -> Value {
    admin.newest_log(code).await["details"]["decision"]["reason"].clone()
}

#[tokio::test]
async fn an_app_is_enrolled_and_gives_a_code_for_each_login() {
    on_every_database(async |server: Server| {
        let (admin, ada) = prepare(&server, &["otp"]).await;
        let browser = server.tool();
        let page = by_password(&server, &browser).await;
        is_page(&page, 200, "mfa-otp-enrollment-qr");
        assert!(page.body.contains("<svg viewBox=") && page.body.contains("role=\"img\""), "{}", page.body);
        let app = OtpApp::of_page(&page);
        let state = Form::of(&page).value("state").unwrap().to_owned();
        let again = browser.get(&format!("/u/mfa-otp-enrollment?state={state}")).await;
        assert_eq!(shown_code(&again), shown_code(&page), "the same secret, looked at again");
        for (typed, text) in [("", "Enter the code"), (&*app.wrong_code(&server), "not right")] {
            let answer = type_code(&browser, &page, typed).await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
        }
        assert_eq!(reason(&admin, "gd_auth_failed").await, "code_wrong");
        let old = type_code(&browser, &page, &app.code_at(&server, -2)).await;
        assert!(old.expect(400).body.contains("not right"), "{}", old.body);
        let forged = Form::of(&page).with("csrf", "f00").with("code", &app.code(&server));
        assert!(forged.submit(&browser, "default").await.expect(400).body.contains("out of date"));
        assert_eq!(admin.get(&format!("{ada}/enrollments")).await, json!([]), "nothing is kept before");
        // A clock may be a step off.
        let first = app.code_at(&server, 1);
        let id = id_token(&type_code(&browser, &page, &first).await);
        assert_eq!((&id["amr"], &id["acr"]), (&json!(["mfa"]), &json!(ACR)));
        let told = admin.newest_log("s").await["details"]["decision"]["multifactor"].clone();
        assert_eq!(told, json!({ "reason": "mfa_passed", "asked_by": "mfa_by_policy", "passed": ["otp"] }));
        for code in ["gd_start_enroll", "gd_enrollment_complete", "gd_auth_succeed"] {
            assert_eq!(admin.newest_log(code).await["details"]["factor"], "otp", "{code}");
        }

        // The secret is never shown again, and the code that proved it is spent.
        let other = server.tool();
        let page = by_password(&server, &other).await;
        is_page(&page, 200, "mfa-otp-challenge");
        assert!(!page.body.contains("<strong>"), "{}", page.body);
        assert_eq!(admin.newest_log("gd_start_auth").await["details"]["factor"], "otp");
        assert!(type_code(&other, &page, &first).await.expect(400).body.contains("used already"));
        assert_eq!(reason(&admin, "gd_auth_failed").await, "code_used");
        // Nor does the login go on without one.
        let state = Form::of(&page).value("state").unwrap().to_owned();
        let around = other.get(&format!("/authorize/resume?state={state}")).await;
        assert!(
            around.expect(302).headers["location"].to_str().unwrap().starts_with("/u/mfa-otp-challenge?")
        );
        // Of two logins at once that show the same code, one comes in.
        server.turn.forward_seconds(90);
        let third = server.tool();
        let third_page = by_password(&server, &third).await;
        let code = app.code(&server);
        let (one, two) = tokio::join!(type_code(&other, &page, &code), type_code(&third, &third_page, &code));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [302, 400], "{}{}", one.body, two.body);

        let methods = admin.get(&format!("{ada}/authentication-methods")).await;
        let id = methods[0]["id"].as_str().unwrap().replace('|', "%7C");
        assert!(id.starts_with("totp%7Cdev_") && methods[0]["type"] == "totp", "{methods}");
        assert_eq!(admin.get(&format!("{ada}/authentication-methods/{id}")).await, methods[0]);
        let enrollment = admin.get(&format!("{ada}/enrollments")).await[0].clone();
        assert_eq!(
            (&enrollment["id"], &enrollment["auth_method"]),
            (&methods[0]["id"], &json!("authenticator"))
        );
        let shown = admin.get(&format!("/guardian/enrollments/{id}")).await;
        assert_eq!((&shown["id"], &shown["status"]), (&methods[0]["id"], &json!("confirmed")));
        admin.call(Method::DELETE, &format!("{ada}/authentication-methods/{id}"), None).await.expect(204);
        admin.newest_log("gd_unenroll").await;
        admin.call(Method::GET, &format!("/guardian/enrollments/{id}"), None).await.expect(404);
        is_page(&by_password(&server, &server.tool()).await, 200, "mfa-otp-enrollment-qr");
    })
    .await;
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_and_is_replaced() {
    on_every_database(async |server: Server| {
        let (admin, ada) = prepare(&server, &["otp", "sms", "recovery-code"]).await;
        let (app, code) = enroll(&server, &server.tool()).await;
        let code = code.expect("a recovery code");
        assert_eq!(code.len(), 24);
        let browser = server.tool();
        let page = by_password(&server, &browser).await;
        is_page(&page, 200, "mfa-otp-challenge");
        let options = follow(&browser, &page, "Try another method").await;
        is_page(&options, 200, "mfa-login-options");
        assert!(options.body.contains("Authenticator app") && !options.body.contains("Text message"));
        let page = follow(&browser, &options, "Recovery code").await;
        is_page(&page, 200, "mfa-recovery-code-challenge");
        for (typed, text) in [("", "Enter the recovery code"), ("BCDFGHJKLMNPQRSTVWXZBCDF", "not right")] {
            let answer = type_code(&browser, &page, typed).await;
            assert!(answer.expect(400).body.contains(text), "{}", answer.body);
        }
        assert_eq!(reason(&admin, "gd_recovery_failed").await, "code_wrong");
        // As people type it.
        let typed = format!(" {} {}", code[..12].to_lowercase(), &code[12..]);
        let renewed = type_code(&browser, &page, &typed).await;
        is_page(&renewed, 200, "mfa-recovery-code-challenge-new-code");
        let new = shown_code(&renewed);
        assert_ne!(new, code);
        let id = id_token(&Form::of(&renewed).submit(&browser, "default").await);
        assert_eq!(id["amr"], json!(["mfa"]));
        assert_eq!(admin.newest_log("gd_recovery_succeed").await["details"]["factor"], "recovery-code");

        // The old one is worth nothing, and wrong ones are counted apart from those of apps.
        let browser = server.tool();
        let page = by_password(&server, &browser).await;
        let page =
            follow(&browser, &follow(&browser, &page, "Try another method").await, "Recovery code").await;
        for _ in 0..9 {
            assert!(type_code(&browser, &page, &code).await.expect(400).body.contains("not right"));
        }
        assert!(type_code(&browser, &page, &new).await.expect(400).body.contains("Too many wrong codes"));
        admin.newest_log("gd_recovery_rate_limit_exceed").await;
        let page =
            follow(&browser, &follow(&browser, &page, "Try another method").await, "Authenticator app").await;
        server.turn.forward_seconds(60);
        id_token(&type_code(&browser, &page, &app.code(&server)).await);

        // An administrator gives a new one, and takes the factor away with it.
        let given = admin.call(Method::POST, &format!("{ada}/recovery-code-regeneration"), None).await;
        let given = given.expect(200).json()["recovery_code"].as_str().unwrap().to_owned();
        assert!(!admin.newest_log("sapi").await.to_string().contains(&given));
        server.turn.forward_seconds(3600);
        let browser = server.tool();
        let page = by_password(&server, &browser).await;
        let page =
            follow(&browser, &follow(&browser, &page, "Try another method").await, "Recovery code").await;
        is_page(&type_code(&browser, &page, &given).await, 200, "mfa-recovery-code-challenge-new-code");
        admin
            .call(Method::DELETE, &format!("{ada}/multifactor/google-authenticator"), None)
            .await
            .expect(204);
        assert_eq!(admin.get(&format!("{ada}/authentication-methods")).await, json!([]));
        let none = admin.call(Method::POST, &format!("{ada}/recovery-code-regeneration"), None).await;
        assert_eq!(none.expect(404).json()["errorCode"], "enrollment_not_found");
    })
    .await;
}

#[tokio::test]
async fn wrong_codes_of_an_app_are_limited_and_factors_can_be_chosen() {
    on_every_database(async |server: Server| {
        let (admin, ada) = prepare(&server, &["otp", "sms"]).await;
        let flag = json!({ "flags": { "mfa_show_factor_list_on_enrollment": true } });
        admin.patch("/tenants/settings", flag).await;
        let browser = server.tool();
        let options = by_password(&server, &browser).await;
        is_page(&options, 200, "mfa-begin-enroll-options");
        let late = follow(&browser, &options, "Authenticator app").await;
        let late_app = OtpApp::of_page(&late);
        let page = follow(&browser, &late, "Try another method").await;
        let page = follow(&browser, &page, "Text message to a phone").await;
        let page = Form::of(&page).with("phone", NUMBER).submit(&browser, "default").await;
        // Somebody else who knows the password has enrolled nothing once the phone is there.
        let stranger = server.tool();
        let strange = by_password(&server, &stranger).await;
        let strange = follow(&stranger, &strange, "Authenticator app").await;
        id_token(&type_code(&browser, &page, &server.mailbox.code_to(NUMBER)).await);
        let strange_code = OtpApp::of_page(&strange).code(&server);
        is_page(&type_code(&stranger, &strange, &strange_code).await, 200, "mfa-sms-challenge");
        // A login that is over takes nothing either.
        type_code(&browser, &late, &late_app.code(&server)).await.expect(400);
        assert_eq!(admin.get(&format!("{ada}/enrollments")).await.as_array().unwrap().len(), 1);

        // An administrator may give a second one.
        let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        let app = OtpApp::new(secret);
        let made = json!({ "type": "totp", "totp_secret": secret, "name": "work" });
        let made = admin.create(&format!("{ada}/authentication-methods"), made).await;
        assert_eq!((&made["type"], &made["name"]), (&json!("totp"), &json!("work")));
        assert!(!admin.newest_log("sapi").await.to_string().contains(secret));
        let browser = server.tool();
        let page = by_password(&server, &browser).await;
        is_page(&page, 200, "mfa-otp-challenge");
        let wrong = app.wrong_code(&server);
        for _ in 0..10 {
            assert!(type_code(&browser, &page, &wrong).await.expect(400).body.contains("not right"));
        }
        let refused = type_code(&browser, &page, &app.code(&server)).await;
        assert!(refused.expect(400).body.contains("Too many wrong codes"), "{}", refused.body);
        assert_eq!(admin.newest_log("gd_otp_rate_limit_exceed").await["details"]["factor"], "otp");
        server.turn.forward_seconds(360);
        id_token(&type_code(&browser, &page, &app.code(&server)).await);
        // A method has a name; a list takes the place of all.
        let id = made["id"].as_str().unwrap().replace('|', "%7C");
        let named =
            admin.patch(&format!("{ada}/authentication-methods/{id}"), json!({ "name": "home" })).await;
        assert_eq!((&named["id"], &named["name"]), (&made["id"], &json!("home")));
        let list = json!([{ "type": "totp", "totp_secret": secret }]);
        let path = format!("{ada}/authentication-methods");
        let set = admin.call(Method::PUT, &path, Some(list)).await.expect(200).json();
        assert_eq!((set.as_array().unwrap().len(), &set[0]["type"]), (1, &json!("totp")));
        let methods = admin.get(&path).await;
        assert!(methods.as_array().unwrap().len() == 1 && methods[0]["id"] != made["id"], "{methods}");
        // Who may enroll at the API is told what it cannot do.
        for (body, status) in [
            (json!({ "type": "totp", "totp_secret": secret }), 409),
            (json!({ "type": "totp", "totp_secret": "no base32!" }), 400),
            (json!({ "type": "totp" }), 400),
            (json!({ "type": "phone" }), 400),
            (json!({ "type": "passkey" }), 400),
        ] {
            let path = format!("{ada}/authentication-methods");
            admin.call(Method::POST, &path, Some(body)).await.expect(status);
        }
    })
    .await;
}
