//! Credentials of mutual TLS (RFC 8705): stored and shown as Auth0 does. No client authenticates with one yet.

use gatewright_jose::ClientCertificate;
use serde_json::{Value, json};

use crate::engine::{ApiError, Map, OpCx};

/// The members that belong to public keys alone.
const OF_KEYS: &[&str] = &["alg", "kid", "parse_expiry_from_cert", "expires_at"];

/// The document of a new credential of the type `x509_cert` or `cert_subject_dn`. Its `kid`, which answers do not
/// show, keeps one client from having it twice.
pub(super) fn new_document(cx: &OpCx<'_>, kind: &str, body: &Map) -> Result<Value, ApiError> {
    if let Some(name) = OF_KEYS.iter().find(|name| body.contains_key(**name)) {
        return Err(ApiError::invalid_body(format_args!(
            "'A credential of the type {kind} has none' on property {name}"
        )));
    }
    let given = |name: &str| body.get(name).and_then(Value::as_str);
    let certificate = given("pem")
        .map(ClientCertificate::from_pem)
        .transpose()
        .map_err(|_| ApiError::invalid_body("'Expected an X.509 certificate in PEM' on property pem"))?;
    let now = cx.request.now.iso8601();
    let mut document = json!({
        "id": format!("cred_{}", cx.request.random.alphanumeric(22)),
        "credential_type": kind,
        "created_at": now,
        "updated_at": now,
    });
    if let Some(name) = given("name") {
        document["name"] = name.into();
    }
    match (kind, certificate, given("subject_dn")) {
        ("x509_cert", Some(certificate), None) => {
            document["kid"] = certificate.thumbprint.as_str().into();
            document["thumbprint_sha256"] = certificate.thumbprint.into();
            document["expires_at"] = certificate.ends.iso8601().into();
        }
        ("x509_cert", None, _) => {
            return Err(ApiError::invalid_body("'Missing required property: pem'"));
        }
        ("x509_cert", Some(_), Some(_)) => {
            return Err(ApiError::invalid_body("'The certificate tells it' on property subject_dn"));
        }
        (_, certificate, subject) if certificate.is_some() != subject.is_some() => {
            let subject = certificate.map(|one| one.subject).or_else(|| subject.map(str::to_owned));
            document["subject_dn"] = subject.into();
            document["kid"] = document["subject_dn"].clone();
        }
        _ => return Err(ApiError::invalid_body("'Exactly one of pem and subject_dn is expected'")),
    }
    Ok(document)
}
