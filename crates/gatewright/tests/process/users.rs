//! `gatewright users import` and `export`: files, refused rows, exit status, a server beside it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::command::{Place, Server, mode};
use crate::wire::call;

const DATABASE: &str = "--connection Username-Password-Authentication";
/// Of the word `secret`.
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// A place whose data an earlier `gatewright dev` has made; the flags that name it.
fn on_sqlite(name: &str) -> (Place, String) {
    let place = Place::new(name);
    start(&place, "").0.end_with("TERM");
    (place, String::new())
}

fn start(place: &Place, flags: &str) -> (Server, Value) {
    let line = format!("dev --port 0 --http 0 --ops-port 0 --json --log off {flags}");
    Server::start(place.command(&line, &[]), false, Value::is_object)
}

/// The same on SQLite and, when `GATEWRIGHT_TEST_DATABASE_URL` names a server, in a database there.
async fn on_every_database(name: &str, conversation: impl Fn(&Place, &str)) {
    let (place, flags) = on_sqlite(name);
    conversation(&place, &flags);
    let admin = std::env::var("GATEWRIGHT_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty());
    let Some(admin) = admin else { return };
    let place = Place::new(&format!("{name}-postgres"));
    let database = format!("gatewright_process_{}_{name}", std::process::id());
    let (base, _) = admin.rsplit_once('/').unwrap();
    let flags = format!("--database-url {base}/{database}");
    let run = async |statement: String| {
        let (client, connection) = tokio_postgres::connect(&admin, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&statement).await.unwrap();
    };
    run(format!("CREATE DATABASE {database}")).await;
    start(&place, &flags).0.end_with("TERM");
    conversation(&place, &flags);
    run(format!("DROP DATABASE {database} WITH (FORCE)")).await;
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn read(place: &Place, file: &str) -> String {
    std::fs::read_to_string(place.0.join(file)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_in_and_wrong_ones_are_named() {
    on_every_database("import", |place, flags| {
        let good: Vec<Value> =
            (0..1200).map(|n| json!({"email": format!("u{n}@example.com"), "user_id": n.to_string()})).collect();
        place.file("good.json", &Value::from(good).to_string());
        let import = |rest: &str| place.run(&format!("users import {rest} {DATABASE} {flags} --log off"), &[]);

        let (code, out, error) = import("good.json");
        assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
        assert!(out.starts_with("1200 rows in ") && out.contains(": 1200 users imported, 0 updated, 0 refused"));

        // What is there is refused, or changed.
        let mixed = "{\"email\":\"u1@example.com\",\"name\":\"Ann\"}\n{\"email\":5}\n{\"email\":\"new@example.com\",\
                     \"password_hash\":\"plain\"}\n{\"email\":\"newer@example.com\"}\n";
        place.file("mixed.jsonl", mixed);
        let (code, out, error) = import("mixed.jsonl --errors errors.jsonl");
        assert_eq!((code, error.as_str()), (Some(1), ""), "{out}");
        assert!(out.contains(": 1 users imported, 0 updated, 3 refused"), "{out}");
        let errors = lines(&read(place, "errors.jsonl"));
        let named: Vec<Value> =
            errors.iter().map(|line| json!([line["row"], line["errors"][0]["code"]])).collect();
        assert_eq!(named, [json!([1, "CONFLICT_EMAIL"]), json!([2, "INVALID_TYPE"]), json!([3, "FORMAT"])]);
        assert_eq!(errors[2]["user"]["password_hash"], "*****");
        assert_eq!(mode(&place.0.join("errors.jsonl")), 0o600);

        let (code, out, error) = import("mixed.jsonl --upsert");
        assert_eq!(code, Some(1));
        assert!(out.contains(": 0 users imported, 2 updated, 2 refused"), "{out}");
        assert!(error.starts_with("row 2: ") && error.contains("(INVALID_TYPE)\nrow 3: "), "{error}");

        let (code, out, error) = place.run(&format!("users export {flags} {DATABASE} --log off"), &[]);
        assert_eq!(code, Some(0), "{error}");
        let users = lines(&out);
        assert_eq!(users.len(), 1201);
        let ann = users.iter().find(|user| user["email"] == "u1@example.com").unwrap();
        assert_eq!((&ann["user_id"], &ann["name"]), (&json!("auth0|1"), &json!("Ann")));
        assert!(error.starts_with("1201 users written in "), "{error}");

        assert_eq!(place.run(&format!("users export users.csv --format csv {flags} --log off"), &[]).0, Some(0));
        let csv = read(place, "users.csv");
        assert!(csv.starts_with("\"user_id\",\"email\"") && csv.contains("\"'auth0|1199\",\"'u1199@example.com\""));
        assert_eq!((csv.lines().count(), mode(&place.0.join("users.csv"))), (1202, 0o600));
        // Nobody is in the other connections.
        assert_eq!(place.run(&format!("users export --connection sms {flags} --log off"), &[]).1, "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_says_why_and_imports_nobody() {
    on_every_database("refused", |place, flags| {
        place.file("cut.json", r#"[{"email":"a@example.com"},{"email":"b@exam"#);
        place.file("one.json", r#"[{"email":"a@example.com"}]"#);
        place.file("none.json", "nonsense");
        for (line, expected) in [
            (format!("users import cut.json {DATABASE}"), "the file ends at byte 43"),
            (format!("users import none.json {DATABASE}"), "neither a JSON array"),
            (format!("users import absent.json {DATABASE}"), "absent.json"),
            ("users import one.json --connection Nobody".to_owned(), "has no connection \"Nobody\""),
            (
                format!("users import one.json {DATABASE} --tenant acme"),
                "no tenant \"acme\" (there is localhost)",
            ),
            (format!("users import one.json {DATABASE} --errors no/such/folder"), "no/such/folder"),
            ("users export --format import".to_owned(), "needs --connection"),
            ("users export no/such/file".to_owned(), "no/such/file"),
        ] {
            let (code, out, error) = place.run(&format!("{line} {flags} --log off"), &[]);
            assert_eq!((code, out.as_str()), (Some(2), ""), "{line}: {error}");
            assert!(error.contains(expected) && error.lines().count() == 1, "{line}: {error}");
        }
        assert_eq!(place.run(&format!("users export {flags} --log off"), &[]).1, "");
    })
    .await;
    let nowhere = Place::new("refused-nowhere");
    let (code, _, error) = nowhere.run("users export --log off", &[]);
    assert_eq!(code, Some(2));
    assert!(error.contains("start `gatewright dev` once"), "{error}");
    assert_eq!(std::fs::read_dir(&nowhere.0).unwrap().count(), 0, "nothing is made");
}

/// While the server runs; the file comes through a pipe, and the password in it logs in.
#[tokio::test(flavor = "multi_thread")]
async fn users_imported_beside_a_running_server_log_in() {
    let (place, _) = on_sqlite("beside");
    let (server, screen) = start(&place, "");
    let import = |file: &str| {
        let line = format!("users import - {DATABASE} --log off");
        let mut command = place.command(&line, &[]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(file.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let ann =
        json!([{"email": "ann@example.com", "password_hash": BCRYPT, "email_verified": true}]).to_string();
    let (code, out) = import(&ann);
    assert_eq!(code, Some(0), "{out}");
    // A file that breaks off: what came before stays, and the status says so.
    let (code, out) = import("[{\"email\":\"bob@example.com\"},{\"email\"");
    assert_eq!(code, Some(2));
    assert!(out.contains(": 0 users imported") || out.contains(": 1 users imported"), "{out}");

    let host = screen["http_issuer"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/');
    let address = SocketAddr::from(([127, 0, 0, 1], host.rsplit(':').next().unwrap().parse().unwrap()));
    let page = [("content-type", "application/json"), ("origin", "http://localhost:4200")];
    let login = |password: &str| {
        json!({"client_id": screen["client_id"], "username": "ann@example.com", "password": password,
            "realm": "Username-Password-Authentication",
            "credential_type": "http://auth0.com/oauth/grant-type/password-realm"})
        .to_string()
    };
    let answer = call(address, host, "POST", "/co/authenticate", &page, &login("secret")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = call(address, host, "POST", "/co/authenticate", &page, &login("other")).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    let (code, out, _) = place.run("users export --log off", &[]);
    assert_eq!((code, out.contains("ann@example.com")), (Some(0), true));
    assert_eq!(server.end_with("TERM"), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_rows_is_an_import_elsewhere() {
    on_every_database("rows", |place, flags| {
        let row = json!({
            "user_id": "1", "email": "ann@example.com", "email_verified": true, "username": "ann", "name": "Ann",
            "nickname": "a", "picture": "https://example.com/a.png", "blocked": true, "password_hash": BCRYPT,
            "app_metadata": {"plan": "pro"}, "user_metadata": {"colour": "red"},
        });
        place.file("in.json", &format!("{row}\n"));
        assert_eq!(place.run(&format!("users import in.json {DATABASE} {flags} --log off"), &[]).0, Some(0));
        let (code, _, error) =
            place.run(&format!("users export out.json {DATABASE} --format import {flags} --log off"), &[]);
        assert_eq!(code, Some(0), "{error}");
        assert_eq!(lines(&read(place, "out.json")), [row]);
    })
    .await;
}
