//! Asymmetric keys: read from PEM, DER and JWK, written as DER and JWK, signed and verified with.
//!
//! To JavaScript a key is its description: `{type, kty, curve, bits, der}`, where `der` is PKCS#8 or SPKI.

mod read;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED,
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_ASN1,
    ECDSA_P521_SHA512_ASN1_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, ED25519,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
    RsaParameters, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rquickjs::{ArrayBuffer, Ctx, Error, Exception, Function, Value};
use serde_json::{Map, Value as Json, json};

use super::bytes::decode;
use crate::worker::json;

/// What a function here says when it cannot do what was asked.
type Refusal = &'static str;

const BAD_KEY: Refusal = "The key is none that can be read";

/// A key.
#[derive(Debug)]
struct Key {
    private: bool,
    family: Family,
    /// PKCS#8 of a private key, SPKI of a public one.
    der: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Rsa { bits: usize },
    P256,
    P384,
    P521,
    Ed25519,
}

pub(super) const NAMES: &[&str] = &[
    "keyFromPem",
    "keyFromDer",
    "keyFromJwk",
    "keyPublic",
    "keyToJwk",
    "keyGenerate",
    "keySign",
    "keyVerify",
];

pub(super) fn find<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Option<Function<'js>>, Error> {
    let ctx = ctx.clone();
    match name {
        "keyFromPem" => Function::new(ctx, |ctx: Ctx<'js>, pem: String| told(&ctx, read::from_pem(&pem))),
        "keyFromDer" => Function::new(ctx, |ctx: Ctx<'js>, der: String| {
            let der = decode(&ctx, &der)?;
            told(&ctx, read::from_der(&der))
        }),
        "keyFromJwk" => Function::new(ctx, |ctx: Ctx<'js>, jwk: Value<'js>| {
            let jwk = serde_json::from_str(&json::text(&ctx, jwk)?).unwrap_or_default();
            told(&ctx, read::from_jwk(&jwk))
        }),
        "keyPublic" => Function::new(ctx, |ctx: Ctx<'js>, der: String| {
            let der = decode(&ctx, &der)?;
            told(&ctx, read::from_der(&der).and_then(|key| key.public()))
        }),
        "keyToJwk" => Function::new(ctx, |ctx: Ctx<'js>, der: String| {
            let der = decode(&ctx, &der)?;
            let jwk = read::from_der(&der).and_then(|key| key.jwk());
            let jwk = jwk.map_err(|why| Exception::throw_message(&ctx, why))?;
            ctx.json_parse(jwk.to_string())
        }),
        "keyGenerate" => {
            Function::new(ctx, |ctx: Ctx<'js>, kind: String, bits: u32| told(&ctx, generate(&kind, bits)))
        }
        "keySign" => {
            Function::new(ctx, |ctx: Ctx<'js>, der: String, scheme: String, hash: String, data: String| {
                let (der, data) = (decode(&ctx, &der)?, decode(&ctx, &data)?);
                let signed = read::from_der(&der).and_then(|key| key.sign(&scheme, &hash, &data));
                ArrayBuffer::new_copy(ctx.clone(), signed.map_err(|why| Exception::throw_message(&ctx, why))?)
            })
        }
        "keyVerify" => Function::new(
            ctx,
            |ctx: Ctx<'js>, der: String, scheme: String, hash: String, data: String, signature: String| {
                let (der, data) = (decode(&ctx, &der)?, decode(&ctx, &data)?);
                let signature = decode(&ctx, &signature)?;
                read::from_der(&der)
                    .and_then(|key| key.verify(&scheme, &hash, &data, &signature))
                    .map_err(|why| Exception::throw_message(&ctx, why))
            },
        ),
        _ => return Ok(None),
    }
    .map(Some)
}

/// A key's description for JavaScript.
fn told<'js>(ctx: &Ctx<'js>, key: Result<Key, Refusal>) -> Result<Value<'js>, Error> {
    let key = key.map_err(|why| Exception::throw_message(ctx, why))?;
    let (kty, curve, bits) = match key.family {
        Family::Rsa { bits } => ("rsa", None, bits),
        Family::P256 => ("ec", Some("P-256"), 256),
        Family::P384 => ("ec", Some("P-384"), 384),
        Family::P521 => ("ec", Some("P-521"), 521),
        Family::Ed25519 => ("ed25519", None, 256),
    };
    let kind = if key.private { "private" } else { "public" };
    let text =
        json!({"type": kind, "kty": kty, "curve": curve, "bits": bits, "der": STANDARD.encode(&key.der)});
    ctx.json_parse(text.to_string())
}

fn generate(kind: &str, bits: u32) -> Result<Key, Refusal> {
    const FAILED: Refusal = "The key could not be made";
    let ec = |algorithm| -> Result<Vec<u8>, Refusal> {
        let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| FAILED)?;
        Ok(pair.to_pkcs8v1().map_err(|_| FAILED)?.as_ref().to_vec())
    };
    let (family, der) = match kind {
        "rsa" => {
            let size = match bits {
                2048 => KeySize::Rsa2048,
                3072 => KeySize::Rsa3072,
                4096 => KeySize::Rsa4096,
                _ => return Err("RSA keys have 2048, 3072 or 4096 bits"),
            };
            let pair = RsaKeyPair::generate(size).map_err(|_| FAILED)?;
            let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| FAILED)?;
            (Family::Rsa { bits: bits as usize }, der.as_ref().to_vec())
        }
        "P-256" => (Family::P256, ec(&ECDSA_P256_SHA256_ASN1_SIGNING)?),
        "P-384" => (Family::P384, ec(&ECDSA_P384_SHA384_ASN1_SIGNING)?),
        "P-521" => (Family::P521, ec(&ECDSA_P521_SHA512_ASN1_SIGNING)?),
        "ed25519" => {
            let pair = Ed25519KeyPair::generate().map_err(|_| FAILED)?;
            (Family::Ed25519, pair.to_pkcs8v1().map_err(|_| FAILED)?.as_ref().to_vec())
        }
        _ => return Err("There are no keys of this kind"),
    };
    Ok(Key { private: true, family, der })
}

impl Key {
    fn rsa(&self) -> Result<RsaKeyPair, Refusal> {
        RsaKeyPair::from_pkcs8(&self.der).map_err(|_| BAD_KEY)
    }

    fn ec(&self, algorithm: &'static EcdsaSigningAlgorithm) -> Result<EcdsaKeyPair, Refusal> {
        EcdsaKeyPair::from_pkcs8(algorithm, &self.der).map_err(|_| BAD_KEY)
    }

    /// The algorithm with which a curve's keys are taken apart.
    fn curve(&self) -> Option<&'static EcdsaSigningAlgorithm> {
        Some(match self.family {
            Family::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Family::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
            Family::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
            _ => return None,
        })
    }

    fn public(self) -> Result<Self, Refusal> {
        if !self.private {
            return Ok(self);
        }
        let der: PublicKeyX509Der<'_> = match (self.family, self.curve()) {
            (Family::Rsa { .. }, _) => self.rsa()?.public_key().as_der(),
            (_, Some(curve)) => self.ec(curve)?.public_key().as_der(),
            _ => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&self.der).map_err(|_| BAD_KEY)?;
                pair.public_key().as_der()
            }
        }
        .map_err(|_| BAD_KEY)?;
        Ok(Self { private: false, family: self.family, der: der.as_ref().to_vec() })
    }

    /// RFC 7517. The private part of RSA keys is not given out by the library that holds them.
    fn jwk(self) -> Result<Json, Refusal> {
        let mut jwk = Map::new();
        if self.private {
            match self.curve() {
                Some(curve) => {
                    let pair = self.ec(curve)?;
                    let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(|_| BAD_KEY)?;
                    jwk.insert("d".to_owned(), URL_SAFE_NO_PAD.encode(d.as_ref()).into());
                }
                None => return Err("Private keys of this kind cannot be exported as JWK"),
            }
        }
        read::public_members(&self.public()?, &mut jwk)?;
        Ok(Json::Object(jwk))
    }

    /// Signs. The scheme is `pkcs1` or `pss` for RSA, `der` or `fixed` for EC.
    fn sign(&self, scheme: &str, hash: &str, data: &[u8]) -> Result<Vec<u8>, Refusal> {
        const FAILED: Refusal = "The signature could not be made";
        if !self.private {
            return Err("A private key is needed to sign");
        }
        let random = aws_lc_rs::rand::SystemRandom::default;
        match self.family {
            Family::Rsa { .. } => {
                let encoding = rsa_encoding(scheme, hash)?;
                let pair = self.rsa()?;
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random(), data, &mut signed).map_err(|_| FAILED)?;
                Ok(signed)
            }
            Family::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&self.der).map_err(|_| BAD_KEY)?;
                Ok(pair.sign(data).as_ref().to_vec())
            }
            _ => {
                let pair = self.ec(ec_signing(self.family, scheme, hash)?)?;
                Ok(pair.sign(&random(), data).map_err(|_| FAILED)?.as_ref().to_vec())
            }
        }
    }

    fn verify(self, scheme: &str, hash: &str, data: &[u8], signature: &[u8]) -> Result<bool, Refusal> {
        let key = self.public()?;
        let algorithm: &'static dyn VerificationAlgorithm = match key.family {
            Family::Rsa { .. } => rsa_parameters(scheme, hash)?,
            Family::Ed25519 => &ED25519,
            family => ec_verification(family, scheme, hash)?,
        };
        Ok(UnparsedPublicKey::new(algorithm, &key.der).verify(data, signature).is_ok())
    }
}

const NO_SCHEME: Refusal = "This kind of signature is not supported for this key";

fn rsa_encoding(scheme: &str, hash: &str) -> Result<&'static dyn RsaEncoding, Refusal> {
    Ok(match (scheme, hash) {
        ("pkcs1", "sha256") => &signature::RSA_PKCS1_SHA256,
        ("pkcs1", "sha384") => &signature::RSA_PKCS1_SHA384,
        ("pkcs1", "sha512") => &signature::RSA_PKCS1_SHA512,
        ("pss", "sha256") => &signature::RSA_PSS_SHA256,
        ("pss", "sha384") => &signature::RSA_PSS_SHA384,
        ("pss", "sha512") => &signature::RSA_PSS_SHA512,
        _ => return Err(NO_SCHEME),
    })
}

fn rsa_parameters(scheme: &str, hash: &str) -> Result<&'static RsaParameters, Refusal> {
    Ok(match (scheme, hash) {
        ("pkcs1", "sha1") => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        ("pkcs1", "sha256") => &signature::RSA_PKCS1_2048_8192_SHA256,
        ("pkcs1", "sha384") => &signature::RSA_PKCS1_2048_8192_SHA384,
        ("pkcs1", "sha512") => &signature::RSA_PKCS1_2048_8192_SHA512,
        ("pss", "sha256") => &signature::RSA_PSS_2048_8192_SHA256,
        ("pss", "sha384") => &signature::RSA_PSS_2048_8192_SHA384,
        ("pss", "sha512") => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return Err(NO_SCHEME),
    })
}

fn ec_signing(family: Family, scheme: &str, hash: &str) -> Result<&'static EcdsaSigningAlgorithm, Refusal> {
    Ok(match (family, scheme, hash) {
        (Family::P256, "der", "sha256") => &ECDSA_P256_SHA256_ASN1_SIGNING,
        (Family::P256, "fixed", "sha256") => &ECDSA_P256_SHA256_FIXED_SIGNING,
        (Family::P384, "der", "sha384") => &ECDSA_P384_SHA384_ASN1_SIGNING,
        (Family::P384, "fixed", "sha384") => &ECDSA_P384_SHA384_FIXED_SIGNING,
        (Family::P521, "der", "sha512") => &ECDSA_P521_SHA512_ASN1_SIGNING,
        (Family::P521, "fixed", "sha512") => &ECDSA_P521_SHA512_FIXED_SIGNING,
        _ => return Err(NO_SCHEME),
    })
}

fn ec_verification(
    family: Family,
    scheme: &str,
    hash: &str,
) -> Result<&'static dyn VerificationAlgorithm, Refusal> {
    Ok(match (family, scheme, hash) {
        (Family::P256, "der", "sha256") => &ECDSA_P256_SHA256_ASN1,
        (Family::P256, "fixed", "sha256") => &ECDSA_P256_SHA256_FIXED,
        (Family::P384, "der", "sha384") => &ECDSA_P384_SHA384_ASN1,
        (Family::P384, "fixed", "sha384") => &ECDSA_P384_SHA384_FIXED,
        (Family::P521, "der", "sha512") => &ECDSA_P521_SHA512_ASN1,
        (Family::P521, "fixed", "sha512") => &ECDSA_P521_SHA512_FIXED,
        _ => return Err(NO_SCHEME),
    })
}
