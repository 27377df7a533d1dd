//! What the worker process has given up.

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_confined() {
    use std::io::Read as _;
    use std::process::{Command, Stdio};

    let mut child = Command::new(env!("CARGO_BIN_EXE_gatewright-test-script-worker"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut header = [0; 4];
    let out = child.stdout.as_mut().unwrap();
    out.read_exact(&mut header).unwrap();
    let mut ready = vec![0; u32::from_le_bytes(header) as usize];
    out.read_exact(&mut ready).unwrap();
    assert_eq!(String::from_utf8(ready).unwrap(), r#"{"ready":{"unconfined":null}}"#);

    let proc = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap();
    let status = proc("status");
    let line =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!((line("Seccomp:"), line("NoNewPrivs:")), ("2".to_owned(), "1".to_owned()));
    let limits = proc("limits");
    for (name, limit) in [("Max core file size", "0"), ("Max file size", "0"), ("Max open files", "3")] {
        let found = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert_eq!(found.split_whitespace().next(), Some(limit), "{name}");
    }
    assert_eq!(std::fs::read_link(format!("/proc/{}/cwd", child.id())).unwrap(), std::path::Path::new("/"));

    drop(child.stdin.take());
    assert!(child.wait().unwrap().success(), "it ends with its input");
}
