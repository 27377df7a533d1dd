use super::parse;
use crate::StoreError;

#[track_caller]
fn check(url: &str, expect_tls: bool) {
    let target = parse(url).unwrap();
    assert_eq!(target.tls.is_some(), expect_tls, "{url}");
}

#[test]
fn local_servers_need_no_tls() {
    check("postgres://app@localhost/app", false);
    check("postgres://app@127.0.0.1:5433/app", false);
    check("postgres://app@[::1]/app", false);
    check("postgres://app@/app?host=/run/postgresql", false);
    check("postgres://app@db.example.com/app?sslmode=disable", false);
}

#[test]
fn sslrootcert_and_the_verify_modes_are_understood() {
    let folder = std::env::temp_dir().join(format!("gatewright store tls {}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("ca.pem");
    std::fs::write(&file, include_str!("../../tests/store/ca.pem")).unwrap();
    let path = file.display().to_string().replace(' ', "%20");
    for mode in ["require", "verify-ca", "verify-full", "prefer"] {
        check(&format!("postgres://app@db.example.com/app?sslmode={mode}&sslrootcert={path}"), true);
    }
    check(&format!("postgres://app@localhost/app?sslrootcert={path}&sslmode=require"), true);
    std::fs::write(&file, "no certificate").unwrap();
    let error = parse(&format!("postgres://app@db.example.com/app?sslrootcert={path}")).err().unwrap();
    assert!(error.to_string().contains("holds no certificate"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_bad_url_is_refused_without_its_password() {
    for url in ["postgres://app:hunter2@host:port/app", "postgres://app:hunter2@host/app?sslmode=maybe"] {
        let Err(error) = parse(url) else { panic!("{url} was accepted") };
        assert!(matches!(error, StoreError::Config(_)));
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
