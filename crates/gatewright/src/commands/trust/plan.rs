//! What has to be done on which machine; nothing here touches it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What matters about a machine.
#[derive(Debug)]
pub(super) struct Machine {
    /// `linux`, `macos` or `windows`.
    pub(super) os: &'static str,
    pub(super) is_root: bool,
    pub(super) has_program: BTreeSet<&'static str>,
    /// Folders with a certificate database of a browser.
    pub(super) nss_databases: Vec<PathBuf>,
    /// Where Chromium on Linux looks; may not exist yet.
    pub(super) chromium_database: Option<PathBuf>,
}

/// One store.
#[derive(Debug)]
pub(super) struct Step {
    /// In words.
    pub(super) what: String,
    pub(super) actions: Vec<Action>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    MakeFolder(PathBuf),
    Run { program: String, arguments: Vec<String>, may_fail: bool },
}

/// Folders below a home in which browsers keep their databases; `*` stands for any profile.
pub(super) fn nss_candidates(home: &Path) -> Vec<PathBuf> {
    [
        ".pki/nssdb",
        "snap/chromium/current/.pki/nssdb",
        ".mozilla/firefox/*",
        ".config/mozilla/firefox/*",
        "snap/firefox/common/.mozilla/firefox/*",
        "Library/Application Support/Firefox/Profiles/*",
    ]
    .map(|place| home.join(place))
    .into()
}

/// The steps for this machine.
pub(super) fn plan(machine: &Machine, file: &Path, nickname: &str, uninstall: bool) -> Vec<Step> {
    let mut steps: Vec<Step> = system(machine, file, nickname, uninstall).into_iter().collect();
    if machine.has_program.contains("certutil") && machine.os != "windows" {
        steps.extend(browsers(machine, file, nickname, uninstall));
    }
    steps
}

/// What cannot be done, and what would make it possible.
pub(super) fn notes(machine: &Machine) -> Vec<String> {
    let mut notes = Vec::new();
    let has = |program| machine.has_program.contains(program);
    if machine.os == "linux" && !has("certutil") {
        notes.push(
            "Chromium and Firefox have stores of their own, which need certutil: install libnss3-tools \
             (Fedora: nss-tools) and run this again."
                .to_owned(),
        );
    }
    if machine.os == "linux" && !has("update-ca-certificates") && !has("update-ca-trust") {
        notes.push(
            "The system's store is not of a kind known here (ca-certificates is not installed).".to_owned(),
        );
    }
    notes
}

fn system(machine: &Machine, file: &Path, nickname: &str, uninstall: bool) -> Option<Step> {
    let file = file.display().to_string();
    let has = |program| machine.has_program.contains(program);
    let root = |line: &[&str]| as_root(machine, line);
    let anchored = |folder: &str, update: &str| {
        let target = format!("{folder}/{nickname}.crt");
        let actions = if uninstall {
            vec![root(&["rm", "-f", &target]), root(&[update])]
        } else {
            vec![root(&["install", "-D", "-m", "0644", &file, &target]), root(&[update])]
        };
        Step { what: format!("the system's store ({target}, {update})"), actions }
    };
    match machine.os {
        "linux" if has("update-ca-certificates") => {
            Some(anchored("/usr/local/share/ca-certificates", "update-ca-certificates"))
        }
        "linux" if has("update-ca-trust") => {
            Some(anchored("/etc/pki/ca-trust/source/anchors", "update-ca-trust"))
        }
        "macos" => {
            let keychain = "/Library/Keychains/System.keychain";
            let action = if uninstall {
                root(&["security", "remove-trusted-cert", "-d", &file])
            } else {
                root(&["security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", keychain, &file])
            };
            Some(Step { what: "the system's keychain".to_owned(), actions: vec![action] })
        }
        "windows" => {
            let action = if uninstall {
                // The store finds it by the beginning of the subject's name.
                run(&["certutil", "-user", "-delstore", "Root", "Gatewright development CA"])
            } else {
                run(&["certutil", "-user", "-addstore", "Root", &file])
            };
            Some(Step { what: "the user's certificate store".to_owned(), actions: vec![action] })
        }
        _ => None,
    }
}

fn browsers(machine: &Machine, file: &Path, nickname: &str, uninstall: bool) -> Vec<Step> {
    let mut folders: BTreeSet<PathBuf> = machine.nss_databases.iter().cloned().collect();
    let mut new = None;
    // Chromium on Linux makes this database on first use; made now, it is there when it is needed.
    if machine.os == "linux"
        && !uninstall
        && let Some(folder) = machine.chromium_database.clone()
        && folders.insert(folder.clone())
    {
        new = Some(folder);
    }
    let step = |folder: PathBuf| {
        let database = format!("sql:{}", folder.display());
        let mut actions = Vec::new();
        if new.as_ref() == Some(&folder) {
            actions.push(Action::MakeFolder(folder.clone()));
            actions.push(run(&["certutil", "-N", "-d", &database, "--empty-password"]));
        }
        // An older one of the same name would stay beside the new one.
        let mut remove = run(&["certutil", "-D", "-d", &database, "-n", nickname]);
        if let Action::Run { may_fail, .. } = &mut remove {
            *may_fail = true;
        }
        actions.push(remove);
        if !uninstall {
            let file = file.display().to_string();
            // `C` trusts it to sign servers' certificates, and nothing else.
            actions.push(run(&["certutil", "-A", "-d", &database, "-t", "C,,", "-n", nickname, "-i", &file]));
        }
        Step { what: format!("the browser database in {}", folder.display()), actions }
    };
    folders.into_iter().map(step).collect()
}

fn as_root(machine: &Machine, line: &[&str]) -> Action {
    if machine.is_root || !machine.has_program.contains("sudo") {
        return run(line);
    }
    let mut with_sudo = vec!["sudo"];
    with_sudo.extend(line);
    run(&with_sudo)
}

fn run(line: &[&str]) -> Action {
    let (program, arguments) = line.split_first().expect("every command line here names a program");
    Action::Run {
        program: (*program).to_owned(),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        may_fail: false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Action, Machine, notes, plan};

    fn machine(os: &'static str, programs: &[&'static str]) -> Machine {
        Machine {
            os,
            is_root: false,
            has_program: programs.iter().copied().collect(),
            nss_databases: vec![PathBuf::from("/home/a/.mozilla/firefox/x.default")],
            chromium_database: Some(PathBuf::from("/home/a/.pki/nssdb")),
        }
    }

    /// The command lines of a plan.
    fn lines(machine: &Machine, uninstall: bool) -> Vec<String> {
        let steps = plan(machine, Path::new("/data/ca.pem"), "nick", uninstall);
        let show = |action: Action| match action {
            Action::MakeFolder(path) => format!("mkdir {}", path.display()),
            Action::Run { program, arguments, .. } => format!("{program} {}", arguments.join(" ")),
        };
        steps.into_iter().flat_map(|step| step.actions).map(show).collect()
    }

    #[test]
    fn debian_with_certutil_gets_system_and_browsers() {
        let machine = machine("linux", &["update-ca-certificates", "certutil", "sudo"]);
        assert_eq!(
            lines(&machine, false),
            [
                "sudo install -D -m 0644 /data/ca.pem /usr/local/share/ca-certificates/nick.crt",
                "sudo update-ca-certificates",
                "certutil -D -d sql:/home/a/.mozilla/firefox/x.default -n nick",
                "certutil -A -d sql:/home/a/.mozilla/firefox/x.default -t C,, -n nick -i /data/ca.pem",
                "mkdir /home/a/.pki/nssdb",
                "certutil -N -d sql:/home/a/.pki/nssdb --empty-password",
                "certutil -D -d sql:/home/a/.pki/nssdb -n nick",
                "certutil -A -d sql:/home/a/.pki/nssdb -t C,, -n nick -i /data/ca.pem",
            ]
        );
        assert_eq!(
            lines(&machine, true),
            [
                "sudo rm -f /usr/local/share/ca-certificates/nick.crt",
                "sudo update-ca-certificates",
                "certutil -D -d sql:/home/a/.mozilla/firefox/x.default -n nick",
            ]
        );
        assert!(notes(&machine).is_empty());
    }

    #[test]
    fn what_is_missing_is_said() {
        let bare = machine("linux", &[]);
        assert!(lines(&bare, false).is_empty());
        assert!(notes(&bare).iter().any(|note| note.contains("libnss3-tools")));
    }

    #[test]
    fn other_systems_use_their_own_tools() {
        assert!(
            lines(&machine("macos", &["security", "sudo"]), false)[0]
                .starts_with("sudo security add-trusted-cert")
        );
        assert_eq!(lines(&machine("windows", &[]), false), ["certutil -user -addstore Root /data/ca.pem"]);
        let root = Machine { is_root: true, ..machine("linux", &["update-ca-trust", "sudo"]) };
        assert!(lines(&root, false)[0].starts_with("install "));
    }
}
