//! Hashes, keyed hashes, and keys made of passwords.

use std::num::NonZeroU32;
use std::rc::Rc;

use aws_lc_rs::{constant_time, digest, hkdf, hmac, pbkdf2};
use md5::Digest as _;
use rquickjs::function::Opt;
use rquickjs::{ArrayBuffer, Ctx, Error, Exception, Function};

use super::Known;
use super::bytes::decode;

/// The highest cost of bcrypt: with one more, a hash takes longer than a script may compute.
const HIGHEST_COST: u32 = 14;
/// Bytes that scrypt may need, as in Node.
const SCRYPT_BYTES: u64 = 32 * 1024 * 1024;
/// The longest key that is derived, in bytes.
const LONGEST_KEY: usize = 1 << 20;

pub(super) const NAMES: &[&str] =
    &["hash", "hmac", "sameBytes", "pbkdf2", "hkdf", "scrypt", "bcryptHash", "bcryptCompare"];

pub(super) fn find<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    known: &Rc<Known>,
) -> Result<Option<Function<'js>>, Error> {
    let ctx = ctx.clone();
    let known = Rc::clone(known);
    match name {
        "hash" => Function::new(ctx, |ctx: Ctx<'js>, name: String, data: String| {
            let data = decode(&ctx, &data)?;
            let hash = hash(&name, &data).ok_or_else(|| unsupported(&ctx, &name))?;
            ArrayBuffer::new_copy(ctx, hash)
        }),
        "hmac" => Function::new(ctx, |ctx: Ctx<'js>, name: String, key: String, data: String| {
            let algorithm = hmac_algorithm(&name).ok_or_else(|| unsupported(&ctx, &name))?;
            let key = hmac::Key::new(algorithm, &decode(&ctx, &key)?);
            ArrayBuffer::new_copy(ctx.clone(), hmac::sign(&key, &decode(&ctx, &data)?))
        }),
        "sameBytes" => Function::new(ctx, |ctx: Ctx<'js>, one: String, other: String| {
            let (one, other) = (decode(&ctx, &one)?, decode(&ctx, &other)?);
            Ok::<_, Error>(constant_time::verify_slices_are_equal(&one, &other).is_ok())
        }),
        "pbkdf2" => Function::new(
            ctx,
            |ctx: Ctx<'js>, name: String, password: String, salt: String, rounds: u32, length: usize| {
                let algorithm = pbkdf2_algorithm(&name).ok_or_else(|| unsupported(&ctx, &name))?;
                let rounds = NonZeroU32::new(rounds)
                    .ok_or_else(|| Exception::throw_range(&ctx, "There must be at least one iteration"))?;
                let mut key = key(&ctx, length)?;
                pbkdf2::derive(algorithm, rounds, &decode(&ctx, &salt)?, &decode(&ctx, &password)?, &mut key);
                ArrayBuffer::new_copy(ctx, key)
            },
        ),
        "hkdf" => Function::new(
            ctx,
            |ctx: Ctx<'js>, name: String, secret: String, salt: String, info: String, length: usize| {
                let algorithm = hkdf_algorithm(&name).ok_or_else(|| unsupported(&ctx, &name))?;
                let prk = hkdf::Salt::new(algorithm, &decode(&ctx, &salt)?).extract(&decode(&ctx, &secret)?);
                let mut key = key(&ctx, length)?;
                let info = decode(&ctx, &info)?;
                let too_long = |_| Exception::throw_range(&ctx, "The key is too long for this hash");
                prk.expand(&[&info], Length(length)).and_then(|okm| okm.fill(&mut key)).map_err(too_long)?;
                ArrayBuffer::new_copy(ctx, key)
            },
        ),
        "scrypt" => Function::new(
            ctx,
            |ctx: Ctx<'js>, password: String, salt: String, cost: Vec<u32>, length: usize| {
                let key = scrypt(&decode(&ctx, &password)?, &decode(&ctx, &salt)?, &cost, key(&ctx, length)?)
                    .map_err(|why| Exception::throw_range(&ctx, why))?;
                ArrayBuffer::new_copy(ctx, key)
            },
        ),
        "bcryptHash" => {
            Function::new(ctx, move |ctx: Ctx<'js>, password: String, cost: u32, salt: Opt<String>| {
                let salt = match salt.0 {
                    Some(salt) => decode(&ctx, &salt)?
                        .try_into()
                        .map_err(|_| Exception::throw_type(&ctx, "Invalid salt"))?,
                    None => known.flight.random(&ctx)?.bytes::<16>(),
                };
                if !(4..=HIGHEST_COST).contains(&cost) {
                    let text = format!(
                        "The rounds of bcrypt must be between 4 and {HIGHEST_COST}: more takes too long"
                    );
                    return Err(Exception::throw_range(&ctx, &text));
                }
                let password = decode(&ctx, &password)?;
                let hash = bcrypt::hash_with_salt(password, cost, salt)
                    .map_err(|error| Exception::throw_message(&ctx, &error.to_string()))?;
                Ok(hash.format_for_version(bcrypt::Version::TwoB))
            })
        }
        "bcryptCompare" => Function::new(ctx, |ctx: Ctx<'js>, password: String, hash: String| {
            let password = decode(&ctx, &password)?;
            if hash.parse::<bcrypt::HashParts>().is_ok_and(|parts| parts.get_cost() > HIGHEST_COST) {
                return Err(Exception::throw_range(
                    &ctx,
                    "The hash has more rounds than a script has time for",
                ));
            }
            // What is no hash is of no password.
            Ok(bcrypt::verify(password, &hash).unwrap_or(false))
        }),
        _ => return Ok(None),
    }
    .map(Some)
}

pub(super) fn unsupported(ctx: &Ctx<'_>, name: &str) -> Error {
    Exception::throw_message(ctx, &format!("{name} is not supported"))
}

fn key(ctx: &Ctx<'_>, length: usize) -> Result<Vec<u8>, Error> {
    if length > LONGEST_KEY {
        return Err(Exception::throw_range(ctx, "The key is too long"));
    }
    Ok(vec![0; length])
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn hash(name: &str, data: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match name {
        "md5" => return Some(md5::Md5::digest(data).to_vec()),
        "ripemd160" => return Some(ripemd::Ripemd160::digest(data).to_vec()),
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha224" => &digest::SHA224,
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        "sha512-256" => &digest::SHA512_256,
        "sha3-256" => &digest::SHA3_256,
        "sha3-384" => &digest::SHA3_384,
        "sha3-512" => &digest::SHA3_512,
        _ => return None,
    };
    Some(digest::digest(algorithm, data).as_ref().to_vec())
}

fn hmac_algorithm(name: &str) -> Option<hmac::Algorithm> {
    Some(match name {
        "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha224" => hmac::HMAC_SHA224,
        "sha256" => hmac::HMAC_SHA256,
        "sha384" => hmac::HMAC_SHA384,
        "sha512" => hmac::HMAC_SHA512,
        _ => return None,
    })
}

fn pbkdf2_algorithm(name: &str) -> Option<pbkdf2::Algorithm> {
    Some(match name {
        "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
        "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
        "sha384" => pbkdf2::PBKDF2_HMAC_SHA384,
        "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return None,
    })
}

fn hkdf_algorithm(name: &str) -> Option<hkdf::Algorithm> {
    Some(match name {
        "sha1" => hkdf::HKDF_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => hkdf::HKDF_SHA256,
        "sha384" => hkdf::HKDF_SHA384,
        "sha512" => hkdf::HKDF_SHA512,
        _ => return None,
    })
}

/// `cost` is N, r and p.
fn scrypt(password: &[u8], salt: &[u8], cost: &[u32], mut key: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    let &[n, r, p] = cost else { return Err("The cost of scrypt is N, r and p") };
    if !n.is_power_of_two() || n < 2 {
        return Err("N must be a power of two");
    }
    if 128 * u64::from(n) * u64::from(r) > SCRYPT_BYTES || u64::from(r) * u64::from(p) > 1 << 10 {
        return Err("scrypt would need too much memory");
    }
    let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| "The parameters of scrypt are invalid")?;
    scrypt::scrypt(password, salt, &params, &mut key).map_err(|_| "The key length is invalid")?;
    Ok(key)
}
