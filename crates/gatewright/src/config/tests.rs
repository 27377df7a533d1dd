use std::path::{Path, PathBuf};

use super::*;

/// A folder of its own for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gatewright-config-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn inputs(&self, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Inputs {
        let own = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>()
        };
        Inputs { file: None, directory: self.0.clone(), variables: own(variables), flags: own(flags) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load(folder: &Folder, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, String> {
    Config::load(Form::Dev, &folder.inputs(variables, flags)).map_err(|error| error.to_string())
}

fn refusal(form: Form, inputs: &Inputs) -> String {
    Config::load(form, inputs).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let folder = Folder::new("precedence");
    let variable = ("GATEWRIGHT_SERVER_PORT", "2002");
    assert_eq!(load(&folder, &[], &[]).unwrap().server.port, Some(8443));
    folder.file("gatewright.toml", "[server]\nport = 1001\n");
    assert_eq!(load(&folder, &[], &[]).unwrap().server.port, Some(1001));
    assert_eq!(load(&folder, &[variable], &[]).unwrap().server.port, Some(2002));
    assert_eq!(load(&folder, &[variable], &[("server.port", "3003")]).unwrap().server.port, Some(3003));
}

#[test]
fn a_named_file_replaces_the_default_one_and_must_exist() {
    let folder = Folder::new("named");
    folder.file("gatewright.toml", "[server]\nport = 1001\n");
    let other = folder.file("other.toml", "[server]\nport = 1002\n");
    let mut inputs = folder.inputs(&[], &[]);
    inputs.file = Some(other.clone());
    assert_eq!(Config::load(Form::Dev, &inputs).unwrap().server.port, Some(1002));
    let by_variable = folder.inputs(&[("GATEWRIGHT_CONFIG", other.to_str().unwrap())], &[]);
    assert_eq!(Config::load(Form::Dev, &by_variable).unwrap().server.port, Some(1002));
    inputs.file = Some(folder.0.join("absent.toml"));
    assert!(refusal(Form::Dev, &inputs).contains("absent.toml"));
}

#[test]
fn unknown_names_are_errors_with_the_nearest_known_one() {
    let folder = Folder::new("unknown");
    let cases = [
        ("[server]\nprot = 1\n", "Did you mean \"server.port\"?"),
        ("[sever]\nport = 1\n", "Did you mean \"server.port\"?"),
        ("port = 1\n", "Did you mean \"server.port\"?"),
        ("[database]\nulr = \"\"\n", "Did you mean \"database.url\"?"),
        ("[zebra]\nquagga = 1\n", "`gatewright config` lists every setting."),
    ];
    for (text, expected) in cases {
        folder.file("gatewright.toml", text);
        let message = load(&folder, &[], &[]).unwrap_err();
        assert!(message.contains(expected), "{text:?}: {message}");
        assert!(message.contains("gatewright.toml"), "{message}");
    }
    folder.file("gatewright.toml", "");
    let message = load(&folder, &[("GATEWRIGHT_SERVER_PROT", "1")], &[]).unwrap_err();
    assert_eq!(message, "unknown variable GATEWRIGHT_SERVER_PROT. Did you mean \"GATEWRIGHT_SERVER_PORT\"?");
    assert!(load(&folder, &[("GATEWRIGHT_TEST_ANYTHING", "1"), ("OTHER", "1")], &[]).is_ok());
    assert!(load(&folder, &[], &[("log.fitler", "info")]).unwrap_err().contains("log.filter"));
}

#[test]
fn wrong_values_name_the_setting_and_its_place() {
    let folder = Folder::new("wrong");
    let cases = [
        ("[server]\nport = \"x\"\n", "server.port", "a whole number"),
        ("[server]\nport = 70000\n", "server.port", "out of range"),
        ("[server]\nbind = \"127.0.0.1\"\n", "server.bind", "a list of texts"),
        ("[server]\nbind = [\"localhost\"]\n", "server.bind", "not an IP address"),
        (
            "[server]\ntrust_proxy = [\"nowhere\"]\n",
            "server.trust_proxy",
            "neither an IP address nor a network",
        ),
        ("[server]\ncertificate = \"a.pem\"\n", "server.certificate", "server.certificate_key"),
        ("[database]\nurl = \"mysql://x\"\n", "database.url", "must begin with"),
        ("[log]\nformat = \"xml\"\n", "log.format", "auto, text or json"),
        ("[log]\nfilter = \"a=b=c\"\n", "log.filter", "expected a level"),
        ("[dev]\ntenants = [\"Not_A_Host\"]\n", "dev.tenants", ".localhost"),
        ("[bootstrap]\nadmin_client_id = \"a\"\n", "bootstrap.admin_client_id", "admin_client_secret"),
    ];
    for (text, key, reason) in cases {
        folder.file("gatewright.toml", text);
        let message = load(&folder, &[], &[]).unwrap_err();
        assert!(message.starts_with(key), "{text:?}: {message}");
        assert!(message.contains(reason), "{text:?}: {message}");
        assert!(message.contains("gatewright.toml"), "{text:?}: {message}");
    }
    folder.file("gatewright.toml", "[server\n");
    assert!(load(&folder, &[], &[]).unwrap_err().contains("is not valid TOML"));
}

#[test]
fn secrets_may_stand_in_files_and_are_never_printed() {
    let folder = Folder::new("secrets");
    let path = folder.file("admin.secret", "from-the-file\n");
    let reference = format!("file:{}", path.display());
    let variables = [
        ("GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_ID", "admin"),
        ("GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_SECRET", reference.as_str()),
        ("GATEWRIGHT_MASTER_KEY", "in-the-variable"),
        ("GATEWRIGHT_DATABASE_URL", "postgres://user:pass-word@host/db"),
    ];
    let config = load(&folder, &variables, &[]).unwrap();
    let (id, secret) = config.bootstrap.admin.clone().unwrap();
    assert_eq!((id.as_str(), secret.reveal().as_str()), ("admin", "from-the-file"));
    assert_eq!(config.keys.master_key.clone().unwrap().reveal(), "in-the-variable");
    let printed = format!("{config:?}");
    for hidden in ["from-the-file", "in-the-variable", "pass-word"] {
        assert!(!printed.contains(hidden), "{printed}");
    }
    let message = load(&folder, &[("GATEWRIGHT_MASTER_KEY", "file:/absent/key")], &[]).unwrap_err();
    assert!(message.contains("/absent/key") && message.contains("GATEWRIGHT_MASTER_KEY"), "{message}");
    let message = load(&folder, &[("GATEWRIGHT_DATABASE_URL", "mysql://u:pass-word@h/d")], &[]).unwrap_err();
    assert!(!message.contains("pass-word"), "{message}");
}

#[test]
fn serving_needs_database_key_and_listener_and_refuses_dev_settings() {
    let folder = Folder::new("serve");
    let check = |variables: &[(&str, &str)]| {
        let config = Config::load(Form::Serve, &folder.inputs(variables, &[])).map_err(|e| e.to_string())?;
        config.check_for_serving().map_err(|e| e.to_string())
    };
    let database = ("GATEWRIGHT_DATABASE_URL", "sqlite:/tmp/x.db");
    let key = ("GATEWRIGHT_MASTER_KEY", "AAAA");
    let https = ("GATEWRIGHT_SERVER_PORT", "8443");
    let http = ("GATEWRIGHT_SERVER_HTTP_PORT", "8080");
    assert!(check(&[]).unwrap_err().starts_with("no database"));
    assert!(check(&[database]).unwrap_err().starts_with("no master key"));
    assert!(check(&[database, key]).unwrap_err().starts_with("no listener"));
    assert!(check(&[database, key, https]).unwrap_err().starts_with("no certificate"));
    assert_eq!(check(&[database, key, http]), Ok(()));
    let refused = check(&[database, key, http, ("GATEWRIGHT_DEV_EPHEMERAL", "true")]).unwrap_err();
    assert!(refused.starts_with("dev.ephemeral (from GATEWRIGHT_DEV_EPHEMERAL)"), "{refused}");
}

#[test]
fn lists_and_database_urls_are_read() {
    let folder = Folder::new("lists");
    let variables = [
        ("GATEWRIGHT_OUTBOUND_ALLOW", "127.0.0.1:4200, sms.internal:443"),
        ("GATEWRIGHT_SERVER_TRUST_PROXY", "10.0.0.1,192.168.0.0/16"),
        ("GATEWRIGHT_DATABASE_URL", "sqlite:///var/lib/gatewright.db"),
    ];
    let config = load(&folder, &variables, &[]).unwrap();
    let allowed: Vec<_> = ["127.0.0.1:4200", "sms.internal:443"].map(|text| text.parse().unwrap()).into();
    assert_eq!(config.outbound.allow, allowed);
    let message = load(&folder, &[("GATEWRIGHT_OUTBOUND_ALLOW", "http://sms.internal")], &[]).unwrap_err();
    assert!(message.contains("outbound.allow") && message.contains("is a URL"), "{message}");
    assert_eq!(config.server.trust_proxy.len(), 2);
    let Some(DatabaseUrl::Sqlite(path)) = config.database.url else { panic!("not SQLite") };
    assert_eq!(path, Path::new("/var/lib/gatewright.db"));
}

#[test]
fn every_row_of_the_table_is_whole() {
    let mut seen = std::collections::BTreeSet::new();
    for setting in settings() {
        assert!(seen.insert(setting.key), "{} stands twice", setting.key);
        assert!(seen.len() < 100 && setting.key.split('.').count() == 2, "{}", setting.key);
        assert!(!setting.doc.is_empty(), "{} has no words", setting.key);
        for default in [setting.default, setting.default_in_dev].into_iter().flatten() {
            assert!(setting.kind.parse(default).is_ok(), "{}", setting.key);
        }
        let example: toml::Table = format!("x = {}", setting.example).parse().unwrap();
        assert_eq!(setting.kind.check(&example["x"]), Ok(()), "{}", setting.key);
    }
}

#[test]
fn the_reference_in_the_repository_is_the_generated_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files =
        [("docs/configuration.md", reference::page()), ("gatewright.example.toml", reference::example())];
    for (name, generated) in files {
        let path = root.join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == generated, "{name} is out of date: UPDATE=1 cargo test -p gatewright");
    }
}
