//! Imports and exports of users, and mails that verify addresses.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use gatewright_testkit::{Admin, Answer, Form, Server, on_every_database};
use reqwest::Method;
use serde_json::{Value, json};

const DATABASE: &str = "Username-Password-Authentication";
const REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

/// Sends an import.
async fn upload(server: &Server, token: &str, fields: &[(&str, &str)], file: &str) -> Answer {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += "--edge\r\nContent-Disposition: form-data; name=\"users\"; filename=\"users.json\"\r\n";
    body += &format!("Content-Type: application/json\r\n\r\n{file}\r\n--edge--\r\n");
    let request = server.tool().request(Method::POST, "/api/v2/jobs/users-imports").bearer_auth(token);
    let request = request.header("content-type", "multipart/form-data; boundary=edge").body(body);
    server.tool().send(request).await
}

async fn connection_id(admin: &Admin) -> String {
    admin.connection(DATABASE).await["id"].as_str().unwrap().to_owned()
}

/// The job once it is over.
async fn over(admin: &Admin, job: &Value) -> Value {
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    for _ in 0..1200 {
        let job = admin.get(&path).await;
        if matches!(job["status"].as_str(), Some("completed" | "failed")) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the job does not end: {}", admin.get(&path).await);
}

/// Imports and waits: the job when it is over, and its errors.
async fn import(server: &Server, admin: &Admin, more: &[(&str, &str)], rows: Value) -> (Value, Answer) {
    let id = connection_id(admin).await;
    let mut fields = vec![("connection_id", id.as_str())];
    fields.extend(more);
    let queued = upload(server, admin.token(), &fields, &rows.to_string()).await;
    let job = over(admin, &queued.expect(202).json()).await;
    let errors = format!("/jobs/{}/errors", job["id"].as_str().unwrap());
    let errors = admin.call(Method::GET, &errors, None).await;
    (job, errors)
}

/// The secret of an app, in base32.
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

async fn user(admin: &Admin, user_id: &str) -> Value {
    admin.get(&format!("/users/{}", user_id.replace('|', "%7C"))).await
}

#[tokio::test]
async fn users_come_in_and_one_bad_row_does_not_spoil_the_file() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let id = connection_id(&admin).await;
        let rows = json!([
            {"email": "Ann@Example.com", "email_verified": true, "user_id": "1", "username": "Ann", "given_name": "Ann",
             "family_name": "A", "name": "Ann A", "nickname": "a", "picture": "https://app.example/a.png",
             "blocked": false, "phone_number": "+610400000000", "phone_verified": true,
             "app_metadata": {"plan": "free"}, "user_metadata": {"size": 43}},
            {"email": "nonsense", "password_hash": "x",
             "custom_password_hash": {"algorithm": "md5", "hash": {"value": "secret"}}},
            {"email": "factors@example.com", "mfa_factors": [{"email": {"value": "factors@example.com"}}]},
            {"email": "bob@example.com", "user_id": "2",
             "mfa_factors": [{"totp": {"secret": SECRET}}, {"phone": {"value": "+61400111222"}}]},
        ]);
        let fields = [("connection_id", &*id), ("external_id", "mine"), ("send_completion_email", "false"),
            ("something_else", "1")];
        let queued = upload(&server, admin.token(), &fields, &rows.to_string()).await.expect(202).json();
        let created_at = queued["created_at"].clone();
        assert_eq!(
            queued,
            json!({"id": queued["id"], "type": "users_import", "status": "pending", "created_at": created_at,
                "connection_id": id, "connection": DATABASE, "external_id": "mine", "upsert": false,
                "send_completion_email": false})
        );
        assert!(queued["id"].as_str().unwrap().starts_with("job_") && queued["id"].as_str().unwrap().len() == 20);
        let job = over(&admin, &queued).await;
        assert_eq!(job["status"], "completed");
        assert_eq!(job["summary"], json!({"total": 4, "inserted": 2, "updated": 0, "failed": 2}));
        let path = format!("/jobs/{}/errors", job["id"].as_str().unwrap());
        let errors = admin.get(&path).await;
        assert_eq!(errors.as_array().unwrap().len(), 2);
        let first = &errors[0];
        assert_eq!(first["user"]["email"], "nonsense");
        assert_eq!(first["user"]["password_hash"], "*****");
        assert_eq!(first["user"]["custom_password_hash"]["hash"]["value"], "*****");
        let codes: Vec<_> = first["errors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
        assert_eq!(codes, ["FORMAT", "NOT_PASSED"]);
        assert_eq!(first["errors"][0]["path"], "email");
        assert!(first["errors"][0]["message"].as_str().unwrap().starts_with("Error in email property - "));
        assert_eq!(errors[1]["errors"][0]["code"], "MFA_FACTORS_FAILED");

        let ann = user(&admin, "auth0|1").await;
        for (name, value) in rows[0].as_object().unwrap() {
            match name.as_str() {
                "user_id" => assert_eq!(ann["user_id"], "auth0|1"),
                "email" | "username" => assert_eq!(ann[name], value.as_str().unwrap().to_lowercase()),
                name => assert_eq!(ann[name], *value, "{name}"),
            }
        }
        let methods = admin.get("/users/auth0%7C2/authentication-methods").await;
        let types: Vec<_> = methods.as_array().unwrap().iter().map(|method| &method["type"]).collect();
        assert_eq!(types, ["totp", "phone"], "{methods}");
        // They are found like everybody else.
        let found = admin.get("/users?q=user_metadata.size:43&search_engine=v3").await;
        assert_eq!(found[0]["user_id"], "auth0|1");
        assert_eq!(admin.get("/users-by-email?email=bob@example.com").await.as_array().unwrap().len(), 1);
        let logged = admin.newest_log("sui").await;
        assert_eq!((&logged["connection"], &logged["details"]["job_id"]), (&json!(DATABASE), &job["id"]));
        // What was sent is not in the log.
        assert_eq!(admin.newest_log("sapi").await["details"]["request"]["body"]["users"], json!({"bytes": rows.to_string().len()}));

        // Another tenant does not know the job.
        let acme = server.admin_of("acme").await;
        acme.call(Method::GET, &format!("/jobs/{}", job["id"].as_str().unwrap()), None).await.expect(404);
        acme.call(Method::GET, &path, None).await.expect(404);
        // A day later nobody does.
        server.turn.forward_seconds(86_401);
        let admin = server.admin().await;
        let mut gone = false;
        for _ in 0..200 {
            gone = admin.call(Method::GET, &path, None).await.status == 404;
            if gone {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(gone, "the job is still there");
        assert_eq!(user(&admin, "auth0|1").await["email"], "ann@example.com");
    })
    .await;
}

#[tokio::test]
async fn people_log_in_with_the_password_that_they_had_elsewhere() {
    let custom = |algorithm: &str, value: &str, encoding: &str| json!({"custom_password_hash": {"algorithm": algorithm, "hash": {"value": value, "encoding": encoding}}});
    let mut salted =
        custom("sha256", "d24e794fce503c3ddb1cd1ba1dd5d9b250cf9917336a0316fefd87fecf79200f", "hex");
    salted["custom_password_hash"]["hash"]["value"] = json!("494d4870110a8ef93674221816007b21");
    salted["custom_password_hash"]["algorithm"] = json!("md5");
    salted["custom_password_hash"]["salt"] = json!({"value": "salt", "position": "prefix"});
    let mut hmac = custom("hmac", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "hex");
    hmac["custom_password_hash"]["hash"]["digest"] = json!("sha1");
    hmac["custom_password_hash"]["hash"]["key"] = json!({"value": "Jefe"});
    let scrypt = json!({"custom_password_hash": {"algorithm": "scrypt", "keylen": 32, "cost": 16, "blockSize": 1,
        "salt": {"value": "NaCl"}, "hash": {"encoding": "hex",
        "value": "aec6b7483ed26e08802b41f4032086a0e886be7ac48fcfd92ff0cef8109752f4"}}});
    let sha512 = "sQnzu7wkTrgkQZF+0G1hi5AI3Qmzvv0bXgc5THBqi7mAsdd4Xll27ASbRt9fEyavWi6m0QP9B8lThf+rDKy8hg==";
    let cases = [
        (json!({"password_hash": "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"}), "U*U"),
        (custom("bcrypt", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "utf8"), "U*U"),
        (
            custom(
                "argon2",
                "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "utf8",
            ),
            "password",
        ),
        (
            custom(
                "pbkdf2",
                "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHQ$E196ZhRPzw+wA84EjzHwJO1cv/MFJdO6C/sxmUeTYqY",
                "utf8",
            ),
            "password",
        ),
        (scrypt, "password"),
        (hmac, "what do ya want for nothing?"),
        (custom("ldap", "{SSHA}UVzTPN8LJr8KD0hiYi5PaOVGehFzYWx0eQ==", "utf8"), "password"),
        (custom("md4", "a448017aaf21d8525fc10ae87aa6729d", "hex"), "abc"),
        (custom("md5", "kAFQmDzST7DWlj99KOF/cg==", "base64"), "abc"),
        (salted, "hunter2"),
        (custom("sha1", "f3bbbd66a63d4bf1747940578ec3d0103530e21d", "hex"), "hunter2"),
        (custom("sha256", "9S-9MrKzuG_4jvbEkGKChfSCrxXdyylUH5S89Saj9sc", "base64"), "hunter2"),
        (custom("sha512", sha512, "base64"), "password"),
    ];
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let grants = json!({"grant_types": ["implicit", "authorization_code", "password", REALM]});
        admin.patch(&format!("/clients/{}", server.client_id()), grants).await;
        let rows: Vec<Value> = (0..)
            .zip(&cases)
            .map(|(place, (hash, _))| {
                let mut row = hash.clone();
                row["email"] = json!(format!("u{place}@example.com"));
                row["user_id"] = json!(place.to_string());
                row
            })
            .collect();
        let (job, errors) = import(&server, &admin, &[], Value::from(rows)).await;
        assert_eq!((job["summary"]["inserted"].as_u64(), errors.status), (Some(cases.len() as u64), 204), "{}", errors.body);
        let page = server.page("http://localhost:4200");
        for (place, (hash, password)) in (0..).zip(&cases) {
            let login = |password: &str| {
                json!({"grant_type": REALM, "client_id": server.client_id(), "realm": DATABASE, "scope": "openid",
                    "username": format!("u{place}@example.com"), "password": password})
            };
            let wrong = page.post("/oauth/token", login(&format!("{password}!"))).await;
            assert_eq!(wrong.status, 403, "{hash}: {}", wrong.body);
            // The second time with a hash of ours.
            for time in 1..=2 {
                let right = page.post("/oauth/token", login(password)).await;
                assert_eq!(right.status, 200, "{hash}, time {time}: {}", right.body);
            }
            assert!(server.stored_password(&format!("auth0|{place}")).await.starts_with("$argon2id$"));
        }
    })
    .await;
}

#[tokio::test]
async fn an_upsert_replaces_metadata_and_a_hash_that_nobody_has_used() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let md5 = |value: &str| json!({"algorithm": "md5", "hash": {"value": value, "encoding": "hex"}});
        let rows = json!([{"email": "ann@example.com", "user_id": "1", "user_metadata": {"a": 1},
            "custom_password_hash": md5("900150983cd24fb0d6963f7d28e17f72")}]);
        import(&server, &admin, &[], rows).await;
        let before = server.stored_password("auth0|1").await;
        let rows = json!([
            {"email": "ann@example.com", "user_metadata": {"b": 2}, "custom_password_hash": md5("494d4870110a8ef93674221816007b21")},
            {"email": "bob@example.com"},
        ]);
        let (job, errors) = import(&server, &admin, &[], rows.clone()).await;
        assert_eq!(job["summary"], json!({"total": 2, "inserted": 1, "updated": 0, "failed": 1}));
        assert_eq!(errors.expect(200).json()[0]["errors"][0]["code"], "CONFLICT_EMAIL");
        assert_eq!(server.stored_password("auth0|1").await, before);
        let (job, errors) = import(&server, &admin, &[("upsert", "true")], rows).await;
        assert_eq!(job["summary"], json!({"total": 2, "inserted": 0, "updated": 2, "failed": 0}));
        assert_eq!((errors.status, errors.body.as_str()), (204, ""));
        assert_eq!(user(&admin, "auth0|1").await["user_metadata"], json!({"b": 2}));
        assert_ne!(server.stored_password("auth0|1").await, before);
    })
    .await;
}

#[tokio::test]
async fn imports_that_cannot_be_done_say_why() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let id = connection_id(&admin).await;
        let right = [("connection_id", &*id)];
        // No file of users: the job fails, and nobody comes in.
        for (file, word) in
            [("nonsense", "neither"), (r#"[{"email":"ann@example.com"},{"email""#, "not closed")]
        {
            let queued = upload(&server, admin.token(), &right, file).await.expect(202).json();
            let job = over(&admin, &queued).await;
            assert_eq!(job["status"], "failed");
            let details = job["status_details"].as_str().unwrap();
            assert!(
                details.starts_with("Failed to parse users file: ") && details.contains(word),
                "{details}"
            );
            let errors = admin.get(&format!("/jobs/{}/errors", job["id"].as_str().unwrap())).await;
            assert_eq!(errors, job);
            assert_eq!(admin.newest_log("fui").await["details"]["job_id"], job["id"]);
        }
        assert_eq!(admin.get("/users-by-email?email=ann@example.com").await, json!([]));

        let refused = async |fields: &[(&str, &str)], status: u16, word: &str| {
            let answer = upload(&server, admin.token(), fields, "[]").await;
            assert!(answer.expect(status).body.contains(word), "{fields:?}: {}", answer.body);
        };
        refused(&[], 400, "connection_id").await;
        refused(&[("connection_id", "con_0000000000000000")], 400, "inexistent_connection").await;
        refused(&[("connection_id", &id), ("upsert", "perhaps")], 400, "upsert").await;
        let json = admin
            .call(Method::POST, "/jobs/users-imports", Some(json!({"connection_id": id, "users": "[]"})))
            .await;
        assert!(json.expect(400).body.contains("Expected type file"), "{}", json.body);

        // A long body is read for those who may send one, and up to a limit.
        let long = " ".repeat(2 * 1024 * 1024) + "[]";
        upload(&server, "nonsense", &right, &long).await.expect(413);
        let queued = upload(&server, admin.token(), &right, &long).await.expect(202).json();
        assert_eq!(over(&admin, &queued).await["summary"]["total"], 0);
        upload(&server, admin.token(), &right, &" ".repeat(21 * 1024 * 1024)).await.expect(413);

        // Two at once, and no third.
        let many: Vec<Value> = (0..6000).map(|n| json!({"email": format!("u{n}@example.com")})).collect();
        let many = Value::from(many).to_string();
        let one = upload(&server, admin.token(), &right, &many).await.expect(202).json();
        let two = upload(&server, admin.token(), &right, &many).await.expect(202).json();
        let three = upload(&server, admin.token(), &right, "[]").await;
        assert!(three.expect(429).body.contains("There are 2 active import users jobs"), "{}", three.body);
        let (one, two) = (over(&admin, &one).await, over(&admin, &two).await);
        let total =
            |name: &str| one["summary"][name].as_u64().unwrap() + two["summary"][name].as_u64().unwrap();
        assert_eq!((total("inserted"), total("failed")), (6000, 6000), "{one} {two}");
        upload(&server, admin.token(), &right, "[]").await.expect(202);
    })
    .await;
}

/// What a finished export holds.
async fn download(server: &Server, location: &str) -> Result<String, u16> {
    let path = location.strip_prefix(server.issuer().trim_end_matches('/')).expect("the tenant's host");
    let response = server.tool().request(Method::GET, path).send().await.unwrap();
    if response.status() != 200 {
        return Err(response.status().as_u16());
    }
    assert_eq!(response.headers()["content-type"], "application/gzip");
    let bytes = response.bytes().await.unwrap();
    let mut text = String::new();
    MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    Ok(text)
}

#[tokio::test]
async fn users_go_out_as_json_lines_and_csv() {
    on_every_database(async |server: Server| {
        let admin = server.admin().await;
        let rows: Vec<Value> = (0..2345)
            .map(|n| {
                json!({"email": format!("u{n}@example.com"), "user_id": format!("{n:04}"),
                "name": format!("=\"{n}\""), "user_metadata": {"n": n}, "password_hash":
                "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"})
            })
            .collect();
        let (job, _) = import(&server, &admin, &[], Value::from(rows)).await;
        assert_eq!(job["summary"]["inserted"], 2345);
        let phone = json!({"connection": "sms", "phone_number": "+610400000000"});
        admin.create("/users", phone).await;

        let export = async |body: Value| {
            let queued =
                admin.call(Method::POST, "/jobs/users-exports", Some(body.clone())).await.expect(200).json();
            assert_eq!((&queued["type"], &queued["status"]), (&json!("users_export"), &json!("pending")));
            for (name, value) in body.as_object().unwrap() {
                assert_eq!(queued[name], *value);
            }
            over(&admin, &queued).await
        };
        // Everybody, and no hashes.
        let all = export(json!({})).await;
        let text = download(&server, all["location"].as_str().unwrap()).await.unwrap();
        assert!(!text.contains("$2a$"));
        let users: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(users.len(), 2346);
        assert_eq!(
            (&users[77]["user_id"], &users[77]["user_metadata"]),
            (&json!("auth0|0077"), &json!({"n": 77}))
        );
        assert_eq!(users[77]["identities"][0]["connection"], DATABASE);

        // Of one connection, with names of the caller's.
        let id = connection_id(&admin).await;
        let fields = json!([{"name": "email"}, {"name": "name", "export_as": "who"},
            {"name": "identities[0].connection", "export_as": "provider"}, {"name": "user_metadata.n"}]);
        let csv =
            export(json!({"format": "csv", "connection_id": id, "limit": 1500, "fields": fields})).await;
        assert_eq!(
            (&csv["connection"], &csv["format"], &csv["limit"]),
            (&json!(DATABASE), &json!("csv"), &json!(1500))
        );
        let location = csv["location"].as_str().unwrap();
        assert!(location.contains("/localhost.csv.gz?"), "{location}");
        let text = download(&server, location).await.unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(r#""email","who","provider","user_metadata.n""#));
        assert_eq!(lines.next(), Some(&*format!(r#""'u0@example.com","'=""0""","'{DATABASE}",0"#)));
        assert_eq!(lines.count(), 1499);

        // The address is good for a minute, for this file, at this tenant; the job gives a new one.
        assert_eq!(download(&server, &location.replace("signature=", "signature=0")).await, Err(403));
        assert_eq!(download(&server, &location.replace("expires=", "expires=9")).await, Err(403));
        let other = location.replace(csv["id"].as_str().unwrap(), all["id"].as_str().unwrap());
        assert_eq!(download(&server, &other).await, Err(403));
        let path = &location[server.issuer().len() - 1..];
        server.page_at("acme", "https://acme.example").get(path).await.expect(403);
        server.turn.forward_seconds(60);
        assert_eq!(download(&server, location).await, Err(403));
        let again = admin.get(&format!("/jobs/{}", csv["id"].as_str().unwrap())).await;
        assert_eq!(download(&server, again["location"].as_str().unwrap()).await.unwrap(), text);

        let columns: Vec<Value> = (0..31).map(|n| json!({"name": format!("user_metadata.a{n}")})).collect();
        for (body, word) in [
            (json!({"format": "csv", "fields": [{"name": "user_metadata"}]}), "user_metadata"),
            (json!({"format": "csv", "fields": columns}), "fields"),
            (json!({"limit": 0}), "limit"),
            (json!({"connection_id": "con_0000000000000000"}), "inexistent_connection"),
        ] {
            let answer = admin.call(Method::POST, "/jobs/users-exports", Some(body)).await;
            assert!(answer.expect(400).body.contains(word), "{}", answer.body);
        }
    })
    .await;
}

#[tokio::test]
async fn a_mail_verifies_an_address() {
    on_every_database(async |server: Server| {
        let (admin, browser) = (server.admin().await, server.tool());
        let new = json!({"connection": DATABASE, "email": "ann@example.com", "password": "Correct-horse-7",
            "verify_email": false});
        let ann = admin.create("/users", new).await["user_id"].as_str().unwrap().to_owned();
        let queued = admin
            .create("/jobs/verification-email", json!({"user_id": ann, "client_id": server.client_id()}))
            .await;
        assert_eq!((&queued["type"], &queued["status"]), (&json!("verification_email"), &json!("pending")));
        assert_eq!(over(&admin, &queued).await["status"], "completed");
        let link = server.mailbox.link_to("ann@example.com", 1).await;
        assert!(link.starts_with(&format!("{}u/email-verification?ticket=", server.issuer())), "{link}");
        let page = browser.get(link.trim_end_matches('#')).await;
        Form::of(page.expect(200)).press(&browser, "default").await.expect(200);
        assert_eq!(user(&admin, &ann).await["email_verified"], json!(true));
        let nobody = json!({"user_id": "auth0|nobody"});
        let refused = admin.call(Method::POST, "/jobs/verification-email", Some(nobody)).await;
        assert!(refused.expect(400).body.contains("inexistent_user"));
    })
    .await;
}
