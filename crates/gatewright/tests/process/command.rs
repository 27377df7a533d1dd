//! The command as a process: what it prints, how it refuses, how it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::wire::call;

/// A folder of its own, and the command run in it with nothing but the variables given.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gatewright-process-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn command(&self, line: &str, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatewright"));
        command.args(line.split_whitespace()).current_dir(&self.0).env_clear();
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        command
    }

    /// Runs to the end: exit code, standard output, standard error.
    pub(crate) fn run(&self, line: &str, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let output = self.command(line, variables).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        name.to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server process, killed if the test fails before it ends.
pub(crate) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Starts and reads lines of JSON from standard output or error until `wanted` finds what it looks for.
    pub(crate) fn start(
        mut command: Command,
        on_stderr: bool,
        wanted: impl Fn(&Value) -> bool,
    ) -> (Self, Value) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let source: Box<dyn std::io::Read + Send> = if on_stderr {
            Box::new(child.stderr.take().unwrap())
        } else {
            Box::new(child.stdout.take().unwrap())
        };
        let server = Self(child);
        let mut lines = BufReader::new(source).lines();
        let found = lines.find_map(|line| serde_json::from_str(&line.unwrap()).ok().filter(&wanted));
        // Keep reading, or a full pipe would stop the server.
        std::thread::spawn(move || lines.for_each(drop));
        (server, found.expect("the server says where it listens"))
    }

    /// Sends a signal and waits for the end: the exit code.
    pub(crate) fn end_with(mut self, signal: &str) -> Option<i32> {
        let kill = Command::new("kill").args([&format!("-{signal}"), &self.0.id().to_string()]).status();
        assert!(kill.unwrap().success());
        self.0.wait().unwrap().code()
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn dev_prints_one_line_of_json_and_ends_well_on_a_signal() {
    let place = Place::new("dev");
    for signal in ["TERM", "INT"] {
        let command = place.command("dev --port 0 --http 0 --ops-port 0 --tenant acme --json", &[]);
        let (server, line) = Server::start(command, false, Value::is_object);
        assert_eq!(line["tenants"][1]["id"], "acme");
        assert!(line["http_issuer"].as_str().unwrap().starts_with("http://localhost:"));
        let authority = PathBuf::from(line["ca_certificate"].as_str().unwrap());
        assert!(authority.is_absolute() && authority.exists());
        assert_eq!(server.end_with(signal), Some(0), "SIG{signal}");
    }
    let data = place.0.join(".gatewright");
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("master.key")), 0o600);
    assert_eq!(mode(&data.join("ca/key.pem")), 0o600);
}

#[test]
fn refusals_say_what_to_do() {
    let place = Place::new("refusals");
    let key = place.run("keygen", &[]).1.trim().to_owned();
    let with_key = [("GATEWRIGHT_MASTER_KEY", key.as_str())];
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Variables<'_>, &str); 7] = [
        ("serve", &[], "no database"),
        ("serve --database-url sqlite:x.db", &[], "gatewright keygen"),
        ("serve --database-url sqlite:x.db", &with_key, "no listener"),
        ("serve --database-url sqlite:x.db --port 0", &with_key, "no certificate"),
        ("serve --set dev.ephemeral=true", &[], "for `gatewright dev` only"),
        ("dev", &[("GATEWRIGHT_SERVER_PROT", "1")], "GATEWRIGHT_SERVER_PORT"),
        ("dev --ephemeral --database-url sqlite:x.db", &[], "drop one of the two"),
    ];
    for (line, variables, expected) in cases {
        let (code, out, error) =
            place.run(&format!("{line} --log off").replace("trust --log off", "trust"), variables);
        assert_eq!(code, Some(1), "{line}: {out}{error}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{line}: {error}");
    }
    assert!(!place.0.join(".gatewright").exists(), "a refused start leaves nothing behind");
    assert!(place.run("trust", &[]).2.contains("start `gatewright dev` once"));
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_runs_behind_a_proxy_without_dev_conveniences() {
    let place = Place::new("serve");
    let key = place.run("keygen", &[]).1;
    place.file("master.key", &key);
    let config = "[server]\nhttp_port = 0\nbind = [\"127.0.0.1\"]\ntrust_proxy = [\"127.0.0.0/8\"]\n\
                  [ops]\nport = 0\n[database]\nurl = \"sqlite:gatewright.db\"\n\
                  [keys]\nmaster_key = \"file:master.key\"\n";
    place.file("gatewright.toml", config);
    let admin = [
        ("GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_ID", "admin"),
        ("GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_SECRET", "a-long-enough-secret"),
    ];
    let (code, out, error) = place.run("migrate", &[]);
    assert_eq!(code, Some(0), "{error}");
    assert!(out.starts_with("Applied 0001"), "{out}");
    assert!(place.run("migrate", &[]).1.starts_with("The database is up to date"));
    let create = "tenants create acme --host login.acme.example";
    assert_eq!(place.run(create, &[]).0, Some(0));
    assert!(place.run(create, &[]).2.contains("already"));
    assert_eq!(place.run("tenants list", &[]).1, "acme  login.acme.example\n");
    let foreign = place.run("keygen", &[]).1;
    let (code, _, error) = place.run("serve", &[("GATEWRIGHT_MASTER_KEY", foreign.trim())]);
    assert_eq!(code, Some(1));
    assert!(error.contains("this master key does not open this database"), "{error}");

    let command = place.command("serve --log-format json", &admin);
    let (server, line) = Server::start(command, true, |line| line["fields"]["http_port"].is_u64());
    let port = u16::try_from(line["fields"]["http_port"].as_u64().unwrap()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let proxied = [("x-forwarded-proto", "https"), ("x-forwarded-host", "login.acme.example")];
    let discovery = "/.well-known/openid-configuration";
    let answer = call(address, "internal", "GET", discovery, &proxied, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["issuer"], "https://login.acme.example/");
    assert_eq!(call(address, "login.acme.example", "GET", "/dev/inbox", &proxied, "").await.status, 404);
    assert_eq!(call(address, "other.example", "GET", discovery, &[], "").await.status, 421);

    let body = "grant_type=client_credentials&client_id=admin&client_secret=a-long-enough-secret\
                &audience=https%3A%2F%2Flogin.acme.example%2Fapi%2Fv2%2F";
    let form = [proxied[0], proxied[1], ("content-type", "application/x-www-form-urlencoded")];
    let token = call(address, "internal", "POST", "/oauth/token", &form, body).await;
    assert_eq!(token.status, 200, "{}", token.body);
    let bearer = format!("Bearer {}", token.json()["access_token"].as_str().unwrap());
    let with_token = [proxied[0], proxied[1], ("authorization", bearer.as_str())];
    let clients = call(address, "internal", "GET", "/api/v2/clients", &with_token, "").await;
    assert_eq!(clients.status, 200, "{}", clients.body);

    let ops: SocketAddr = line["fields"]["ops"].as_str().unwrap().parse().unwrap();
    assert_eq!(call(ops, "ops", "GET", "/readyz", &[], "").await.status, 200);
    assert_eq!(server.end_with("TERM"), Some(0));
}

#[test]
fn every_command_explains_itself() {
    let place = Place::new("help");
    for command in [
        "",
        "dev",
        "serve",
        "migrate",
        "trust",
        "keygen",
        "tenants",
        "tenants create",
        "users",
        "users import",
        "users export",
        "config",
    ] {
        let (code, out, _) = place.run(&format!("{command} --help"), &[]);
        assert_eq!(code, Some(0));
        assert!(out.contains("Usage: gatewright"), "{command}: {out}");
    }
    let mut child = place.command("config", &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(text.contains("[database]"));
}

/// Everything that was answered with success is there after a kill that nobody can catch.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_sent_before_a_kill_logs_in_after_the_restart() {
    const PAGE: [(&str, &str); 2] =
        [("content-type", "application/json"), ("origin", "http://localhost:4200")];
    let place = Place::new("kill");
    let start = || {
        let command = place.command("dev --port 0 --http 0 --ops-port 0 --json", &[]);
        let (server, line) = Server::start(command, false, Value::is_object);
        let host = line["http_issuer"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/');
        let port: u16 = host.rsplit(':').next().unwrap().parse().unwrap();
        (server, line["client_id"].as_str().unwrap().to_owned(), host.to_owned(), port)
    };
    let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));

    let (server, client_id, host, port) = start();
    let body =
        json!({"client_id": client_id, "connection": "sms", "phone_number": "+61400000000"}).to_string();
    assert_eq!(call(at(port), &host, "POST", "/passwordless/start", &PAGE, &body).await.status, 200);
    server.end_with("KILL");

    let (server, same_client, host, port) = start();
    assert_eq!(same_client, client_id);
    let inbox = call(at(port), &host, "GET", "/dev/inbox.json", &[], "").await.json();
    let message = inbox["messages"][0]["body"].as_str().unwrap().to_owned();
    let code: String = message.chars().filter(char::is_ascii_digit).collect();
    let proof = json!({
        "client_id": client_id, "username": "+61400000000", "otp": code, "realm": "sms",
        "credential_type": "http://auth0.com/oauth/grant-type/passwordless/otp",
    });
    let answer = call(at(port), &host, "POST", "/co/authenticate", &PAGE, &proof.to_string()).await;
    assert_eq!(answer.status, 200, "{message}: {}", answer.body);
    assert!(answer.json()["login_ticket"].is_string());
    assert_eq!(server.end_with("TERM"), Some(0));
}
