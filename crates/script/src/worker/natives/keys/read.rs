//! Keys as they come: PEM, DER, JWK.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_ASN1_SIGNING, ED25519,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, ParsedPublicKey, RsaKeyPair, RsaPublicKeyComponents,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{BAD_KEY, Family, Key, Refusal};

/// A curve: its family, its name in JWKs, and how keys on it sign and verify.
type Curve = (Family, &'static str, &'static EcdsaSigningAlgorithm);

const CURVES: [Curve; 3] = [
    (Family::P256, "P-256", &ECDSA_P256_SHA256_ASN1_SIGNING),
    (Family::P384, "P-384", &ECDSA_P384_SHA384_ASN1_SIGNING),
    (Family::P521, "P-521", &ECDSA_P521_SHA512_ASN1_SIGNING),
];

fn verification(family: Family) -> &'static dyn VerificationAlgorithm {
    match family {
        Family::P384 => &ECDSA_P384_SHA384_ASN1,
        Family::P521 => &ECDSA_P521_SHA512_ASN1,
        Family::Ed25519 => &ED25519,
        _ => &ECDSA_P256_SHA256_ASN1,
    }
}

/// The first key or certificate in a PEM text.
pub(super) fn from_pem(text: &str) -> Result<Key, Refusal> {
    const NO_PEM: Refusal = "The key is no PEM text";
    let (_, pem) = x509_parser::pem::parse_x509_pem(text.trim().as_bytes()).map_err(|_| NO_PEM)?;
    if pem.label == "CERTIFICATE" {
        let certificate = pem.parse_x509().map_err(|_| "The certificate cannot be read")?;
        return from_der(certificate.public_key().raw);
    }
    if pem.label == "ENCRYPTED PRIVATE KEY" {
        return Err("Encrypted private keys are not supported");
    }
    from_der(&pem.contents)
}

/// PKCS#8, PKCS#1, SEC 1 or SPKI.
pub(super) fn from_der(der: &[u8]) -> Result<Key, Refusal> {
    if let Ok(pair) = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)) {
        return rsa_private(&pair);
    }
    for (family, _, algorithm) in CURVES {
        if let Ok(pair) = EcdsaKeyPair::from_private_key_der(algorithm, der) {
            return ec_private(family, &pair);
        }
    }
    if Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).is_ok() {
        return Ok(Key { private: true, family: Family::Ed25519, der: der.to_vec() });
    }
    from_public(der)
}

fn rsa_private(pair: &RsaKeyPair) -> Result<Key, Refusal> {
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map_err(|_| BAD_KEY)?;
    let family = Family::Rsa { bits: pair.public_modulus_len() * 8 };
    Ok(Key { private: true, family, der: der.as_ref().to_vec() })
}

fn ec_private(family: Family, pair: &EcdsaKeyPair) -> Result<Key, Refusal> {
    let der = pair.to_pkcs8v1().map_err(|_| BAD_KEY)?;
    Ok(Key { private: true, family, der: der.as_ref().to_vec() })
}

fn from_public(der: &[u8]) -> Result<Key, Refusal> {
    let parsed = SubjectPublicKeyInfo::from_der(der).ok().and_then(|(_, spki)| {
        spki.parsed().ok().map(|key| {
            let family = match key {
                PublicKey::RSA(key) => Some(Family::Rsa { bits: key.key_size() }),
                PublicKey::EC(point) => match point.key_size() {
                    256 => Some(Family::P256),
                    384 => Some(Family::P384),
                    521 | 528 => Some(Family::P521),
                    _ => None,
                },
                // RFC 8410: the algorithm says all.
                PublicKey::Unknown(_) => {
                    (spki.algorithm.algorithm.to_id_string() == "1.3.101.112").then_some(Family::Ed25519)
                }
                _ => None,
            };
            family.map(|family| (family, spki.raw.to_vec()))
        })
    });
    if let Some(found) = parsed {
        let (family, der) = found.ok_or(BAD_KEY)?;
        return Ok(Key { private: false, family, der });
    }
    // PKCS#1.
    let algorithm = &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
    let key = ParsedPublicKey::new(algorithm, der).map_err(|_| BAD_KEY)?;
    let spki: PublicKeyX509Der<'_> = key.as_der().map_err(|_| BAD_KEY)?;
    from_spki_of_rsa(spki.as_ref())
}

fn from_spki_of_rsa(spki: &[u8]) -> Result<Key, Refusal> {
    let (_, info) = SubjectPublicKeyInfo::from_der(spki).map_err(|_| BAD_KEY)?;
    let Ok(PublicKey::RSA(key)) = info.parsed() else { return Err(BAD_KEY) };
    Ok(Key { private: false, family: Family::Rsa { bits: key.key_size() }, der: spki.to_vec() })
}

fn member(jwk: &Json, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?.trim_end_matches('=')).ok()
}

/// RFC 7517 and 7518 section 6.
pub(super) fn from_jwk(jwk: &Json) -> Result<Key, Refusal> {
    let need = |name| member(jwk, name).ok_or("The JWK lacks a member");
    match jwk.get("kty").and_then(Json::as_str) {
        Some("RSA") => {
            let public_key = RsaPublicKeyComponents { n: need("n")?, e: need("e")? };
            if jwk.get("d").is_some() {
                let components = KeyPairComponents {
                    public_key,
                    d: need("d")?,
                    p: need("p")?,
                    q: need("q")?,
                    dP: need("dp")?,
                    dQ: need("dq")?,
                    qInv: need("qi")?,
                };
                return rsa_private(&RsaKeyPair::from_components(&components).map_err(|_| BAD_KEY)?);
            }
            let der: PublicKeyX509Der<'_> = public_key.as_der().map_err(|_| BAD_KEY)?;
            from_spki_of_rsa(der.as_ref())
        }
        Some("EC") => {
            let name = jwk.get("crv").and_then(Json::as_str).unwrap_or_default();
            let curve = CURVES.into_iter().find(|(_, known, _)| *known == name);
            let (family, _, algorithm) = curve.ok_or("The curve of the JWK is not supported")?;
            let point = [&[4][..], &need("x")?, &need("y")?].concat();
            if let Some(d) = member(jwk, "d") {
                let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &d, &point);
                return ec_private(family, &pair.map_err(|_| BAD_KEY)?);
            }
            spki_of(family, &point)
        }
        Some("OKP") => {
            if let Some(d) = member(jwk, "d") {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &need("x")?).map_err(|_| BAD_KEY)?;
                let der = pair.to_pkcs8v1().map_err(|_| BAD_KEY)?;
                return Ok(Key { private: true, family: Family::Ed25519, der: der.as_ref().to_vec() });
            }
            spki_of(Family::Ed25519, &need("x")?)
        }
        _ => Err("The kind of the JWK is not supported"),
    }
}

fn spki_of(family: Family, raw: &[u8]) -> Result<Key, Refusal> {
    let key = ParsedPublicKey::new(verification(family), raw).map_err(|_| BAD_KEY)?;
    let der: PublicKeyX509Der<'_> = key.as_der().map_err(|_| BAD_KEY)?;
    Ok(Key { private: false, family, der: der.as_ref().to_vec() })
}

/// The members of a JWK that say which public key it is.
pub(super) fn public_members(key: &Key, jwk: &mut Map<String, Json>) -> Result<(), Refusal> {
    let (_, spki) = SubjectPublicKeyInfo::from_der(&key.der).map_err(|_| BAD_KEY)?;
    let mut put =
        |name: &str, value: &[u8]| jwk.insert(name.to_owned(), URL_SAFE_NO_PAD.encode(value).into());
    let (kty, crv) = match spki.parsed().map_err(|_| BAD_KEY)? {
        PublicKey::RSA(rsa) => {
            let unsigned = |bytes: &[u8]| bytes.iter().position(|byte| *byte != 0).unwrap_or(0);
            put("n", &rsa.modulus[unsigned(rsa.modulus)..]);
            put("e", &rsa.exponent[unsigned(rsa.exponent)..]);
            ("RSA", None)
        }
        PublicKey::EC(point) => {
            let coordinates = point.data().get(1..).ok_or(BAD_KEY)?;
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            put("x", x);
            put("y", y);
            let name = CURVES.into_iter().find(|(family, ..)| *family == key.family).map(|(_, name, _)| name);
            ("EC", Some(name.ok_or(BAD_KEY)?))
        }
        _ => {
            put("x", &spki.subject_public_key.data);
            ("OKP", Some("Ed25519"))
        }
    };
    jwk.insert("kty".to_owned(), kty.into());
    if let Some(crv) = crv {
        jwk.insert("crv".to_owned(), crv.into());
    }
    Ok(())
}
