//! `gatewright explain`: local data, a server beside it, what it changes; and that `serve` tells strangers nothing.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;

use serde_json::Value;

use crate::command::{Place, Server};
use crate::wire::{Answer, call};

fn dev(place: &Place) -> (Server, Value, SocketAddr) {
    let line = "dev --port 0 --http 0 --ops-port 0 --json --log off";
    let (server, screen) = Server::start(place.command(line, &[]), false, Value::is_object);
    let issuer = screen["http_issuer"].as_str().unwrap();
    let port = issuer.trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap();
    (server, screen, SocketAddr::from(([127, 0, 0, 1], port)))
}

fn query(client_id: &str, redirect_uri: &str) -> String {
    format!(
        "/authorize?client_id={client_id}&response_type=token&nonce=n&redirect_uri={redirect_uri}&\
         audience=https%3A%2F%2Fapi.localhost%2F&scope=openid%20user_metadata%20print%3Aorders"
    )
}

async fn get(address: SocketAddr, host: &str, path: &str) -> Answer {
    call(address, host, "GET", path, &[], "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_explained_by_its_id_and_put_right() {
    let place = Place::new("explain");
    let (server, screen, address) = dev(&place);
    let client_id = screen["client_id"].as_str().unwrap().to_owned();
    let host = format!("localhost:{}", address.port());
    let evil = query(&client_id, "https%3A%2F%2Fnew.example%2Fcb");
    let refused = get(address, &host, &evil).await;
    let log_id = refused.header("x-gatewright-decision").expect("dev names the decision").to_owned();
    assert!(refused.body.contains("gatewright explain"), "{}", refused.body);
    let request_id = refused.header("x-request-id").unwrap().to_owned();

    // Beside the running server.
    for id in [&log_id, &request_id] {
        let (code, out, error) = place.run(&format!("explain {id} --log off"), &[]);
        assert_eq!(code, Some(0), "{error}");
        assert!(
            out.contains("refused  redirect_uri_not_registered")
                && out.contains("remedy: Add this exact URL"),
            "{out}"
        );
        assert!(!out.contains('\u{1b}'), "no colour in a pipe");
    }
    let (code, out, error) = place.run(&format!("explain {log_id} --json --apply --yes --log off"), &[]);
    assert_eq!(code, Some(0), "{error}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["rows"][0]["change"]["value"], "https://new.example/cb");
    assert!(error.contains("Done: PATCH /api/v2/clients/"), "{error}");
    // The server sees the change within a second.
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert_eq!(get(address, &host, &evil).await.status, 302);

    let mut command = place.command("explain --log off", &[]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("https://{host}{evil}\n").as_bytes()).unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    for expected in [
        "granted  oidc_standard",
        "dropped  not_defined_on_api",
        "it is a field of the profile, not a scope.",
        "redirect_uri_exact",
        "the token will hold: openid",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }

    for (line, expected, status) in [
        ("explain why?", "what is none of", 1),
        ("explain 00000000000000000000", "No log event", 1),
        ("explain x --token t", "name it with --server", 2),
        ("explain x --server https://localhost:1", "asks for a token", 2),
        ("explain code_expired", "", 0),
    ] {
        let (code, _, error) = place.run(&format!("{line} --log off"), &[]);
        assert_eq!(code, Some(status), "{line}: {error}");
        assert!(error.contains(expected), "{line}: {error}");
    }
    assert_eq!(server.end_with("TERM"), Some(0));
}

/// A stranger at a production server gets the standard error and a request id; its owner gets the whole.
#[tokio::test(flavor = "multi_thread")]
async fn serve_tells_strangers_nothing_and_its_owner_everything() {
    let place = Place::new("explain-serve");
    let key = place.run("keygen", &[]).1;
    place.file("master.key", &key);
    let config = "[server]\nhttp_port = 0\nbind = [\"127.0.0.1\"]\n[ops]\nport = 0\n\
                  [database]\nurl = \"sqlite:gatewright.db\"\n[keys]\nmaster_key = \"file:master.key\"\n";
    place.file("gatewright.toml", config);
    assert_eq!(place.run("tenants create acme --host localhost", &[]).0, Some(0));
    let admin = [
        ("GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_ID", "admin"),
        ("GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_SECRET", "a-long-enough-secret"),
    ];
    let command = place.command("serve --log-format json", &admin);
    let (server, line) = Server::start(command, true, |line| line["fields"]["http_port"].is_u64());
    let port = u16::try_from(line["fields"]["http_port"].as_u64().unwrap()).unwrap();
    let (address, host) = (SocketAddr::from(([127, 0, 0, 1], port)), format!("localhost:{port}"));

    let refused = get(address, &host, &query("admin", "https%3A%2F%2Fevil.example%2F")).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let wrong = "grant_type=client_credentials&client_id=admin&client_secret=wrong";
    let token = call(address, &host, "POST", "/oauth/token", &form, wrong).await;
    assert_eq!((token.status, token.json()["error"].as_str()), (401, Some("access_denied")));
    for answer in [&refused, &token] {
        assert_eq!(answer.header("x-gatewright-decision"), None);
        for secret in ["redirect_uri_not_registered", "client_secret_wrong", "explain", "remedy", "Remedy"] {
            assert!(!answer.body.contains(secret), "{secret}: {}", answer.body);
        }
    }
    let request_id = refused.header("x-request-id").unwrap().to_owned();
    let anonymous = call(address, &host, "POST", "/api/v2/explain", &[], "{}").await;
    assert_eq!(anonymous.status, 401);

    let right = format!(
        "grant_type=client_credentials&client_id=admin&client_secret=a-long-enough-secret&\
         audience=http%3A%2F%2Flocalhost%3A{port}%2Fapi%2Fv2%2F"
    );
    let token = call(address, &host, "POST", "/oauth/token", &form, &right).await.json();
    let token = [("GATEWRIGHT_TOKEN", token["access_token"].as_str().unwrap())];
    let line = format!("explain {request_id} --server http://{host} --log off");
    let (code, out, error) = place.run(&line, &token);
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains("redirect_uri_not_registered"), "{out}");
    let (code, _, error) = place.run(&line, &[("GATEWRIGHT_TOKEN", "nonsense")]);
    assert!(code == Some(2) && error.contains("401"), "{error}");
    assert_eq!(server.end_with("TERM"), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_record_names_does_not_paint_the_terminal() {
    let place = Place::new("explain-terminal");
    let (server, screen, address) = dev(&place);
    let client_id = screen["client_id"].as_str().unwrap().to_owned();
    let host = format!("localhost:{}", address.port());
    // U+009B begins a control sequence without ESC; U+202E turns the direction of what follows.
    let evil = query(&client_id, "https%3A%2F%2Fnew.example%2F%C2%9B2J%E2%80%AE%7F");
    let refused = get(address, &host, &evil).await;
    let log_id = refused.header("x-gatewright-decision").unwrap().to_owned();
    for more in ["", "--json", "--now", "--now --json"] {
        let (code, out, error) = place.run(&format!("explain {log_id} {more} --log off"), &[]);
        assert_eq!(code, Some(0), "{error}");
        assert!(!out.contains(['\u{9b}', '\u{202e}', '\u{7f}', '\u{1b}']), "{more}: {out:?}");
        if more.contains("json") {
            assert!(out.contains("\\u009b2J\\u202e\\u007f"), "{out}");
            let report: Value = serde_json::from_str(&out).unwrap();
            assert!(report.to_string().contains('\u{202e}'), "it says the same to who parses it");
        }
    }
    let elsewhere = format!("https://other.example{}", query(&client_id, "https%3A%2F%2Fnew.example%2Fcb"));
    let (code, _, error) = place.run(&format!("explain {elsewhere} --log off"), &[]);
    assert_eq!(code, Some(1));
    assert!(error.contains("other.example") && error.contains("localhost"), "{error}");
    drop(server);
}
