use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatewright_ambient::{Clock, Random};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gatewright-tls-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn authority(folder: &Folder) -> Authority {
    Authority::load_or_create(&folder.0, &Random::system(), Clock::system().now()).unwrap()
}

fn leaves(folder: &Folder) -> Arc<Leaves> {
    Arc::new(Leaves::new(authority(folder), Clock::system(), Random::system()).unwrap())
}

/// A whole handshake in memory: the client trusts the authority's file only.
fn handshake(authority_file: &Path, resolver: Arc<dyn ResolvesServerCert>, name: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority_file).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(server_config(resolver).unwrap()).unwrap();
    for _ in 0..10 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
        }
        server.process_new_packets().map_err(|error| error.to_string())?;
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
        }
        client.process_new_packets().map_err(|error| error.to_string())?;
    }
    if client.is_handshaking() { Err("the handshake did not end".to_owned()) } else { Ok(()) }
}

#[test]
fn localhost_names_and_loopback_addresses_verify_against_the_authority() {
    let folder = Folder::new("verify");
    let leaves = leaves(&folder);
    let file = leaves.authority().certificate_file().to_owned();
    for name in ["localhost", "acme.localhost", "a.b.localhost", "127.0.0.1", "::1"] {
        assert_eq!(handshake(&file, Arc::clone(&leaves) as _, name), Ok(()), "{name}");
    }
    let refused = handshake(&file, leaves, "example.com").unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}

#[test]
fn another_authority_is_not_believed() {
    let (folder, other) = (Folder::new("ours"), Folder::new("theirs"));
    let foreign = authority(&other);
    assert!(handshake(foreign.certificate_file(), leaves(&folder), "localhost").is_err());
}

/// What a thief of the authority's key would do: sign for a name of the web.
#[test]
fn the_authority_cannot_sign_for_the_web() {
    let folder = Folder::new("constraints");
    let authority = authority(&folder);
    for (name, allowed) in [("shop.localhost", true), ("example.com", false), ("notlocalhost", false)] {
        let key = rcgen::KeyPair::generate().unwrap();
        let der = authority.sign(name, &key, &Random::system(), Clock::system().now()).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified = rustls::sign::CertifiedKey::from_der(vec![der], key.into(), &provider).unwrap();
        let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
        let outcome = handshake(authority.certificate_file(), resolver, name);
        assert_eq!(outcome.is_ok(), allowed, "{name}: {outcome:?}");
    }
}

#[test]
fn the_authority_is_made_once_and_its_key_is_private() {
    let folder = Folder::new("once");
    let first = std::fs::read(authority(&folder).certificate_file()).unwrap();
    let second = std::fs::read(authority(&folder).certificate_file()).unwrap();
    assert_eq!(first, second);
    let left: Vec<_> =
        std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["ca"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.0.join("ca/key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn starts_at_the_same_moment_agree_on_one_authority() {
    let folder = Folder::new("race");
    let certificates: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| std::fs::read(authority(&folder).certificate_file()).unwrap()))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(certificates.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn leaves_are_remembered_and_have_serial_numbers_of_their_own() {
    let folder = Folder::new("leaves");
    let leaves = leaves(&folder);
    let first = leaves.certificate_for(Some("acme.localhost")).unwrap();
    assert!(Arc::ptr_eq(&first, &leaves.certificate_for(Some("ACME.localhost")).unwrap()));
    let other = leaves.certificate_for(Some("other.localhost")).unwrap();
    assert_ne!(first.cert, other.cert);
    let default = leaves.certificate_for(None).unwrap();
    assert!(Arc::ptr_eq(&default, &leaves.certificate_for(Some("example.com")).unwrap()));
    for i in 0..500 {
        leaves.certificate_for(Some(&format!("t{i}.localhost"))).unwrap();
    }
    assert!(!Arc::ptr_eq(&first, &leaves.certificate_for(Some("acme.localhost")).unwrap()));
}

#[test]
fn an_own_certificate_is_read_again_and_a_broken_one_is_not_taken() {
    let folder = Folder::new("own");
    let write = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.0.join("tls.crt"), certificate.pem()).unwrap();
        std::fs::write(folder.0.join("tls.key"), key.serialize_pem()).unwrap();
    };
    let (chain, key) = (folder.0.join("tls.crt"), folder.0.join("tls.key"));
    assert!(FileCertificate::load(&chain, &key).is_err());
    write("one.example");
    let own = Arc::new(FileCertificate::load(&chain, &key).unwrap());
    assert_eq!(handshake(&chain, Arc::clone(&own) as _, "one.example"), Ok(()));
    write("two.example");
    own.reload().unwrap();
    assert_eq!(handshake(&chain, Arc::clone(&own) as _, "two.example"), Ok(()));
    let foreign_key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(&key, foreign_key).unwrap();
    let message = own.reload().unwrap_err().to_string();
    assert!(message.contains("tls.key") && message.contains("tls.crt"), "{message}");
    assert_eq!(handshake(&chain, own, "two.example"), Ok(()));
}
