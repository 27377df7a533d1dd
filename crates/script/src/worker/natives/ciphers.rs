//! AES in the modes that scripts use: GCM and CBC.

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use rquickjs::{ArrayBuffer, Ctx, Error, Exception, Function};

use super::bytes::decode;

/// Bytes of the tag at the end of a GCM text.
const TAG: usize = 16;

pub(super) const NAMES: &[&str] = &["aesGcm", "aesCbc"];

pub(super) fn find<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Option<Function<'js>>, Error> {
    let ctx = ctx.clone();
    match name {
        "aesGcm" => Function::new(
            ctx,
            |ctx: Ctx<'js>, seals: bool, key: String, nonce: String, aad: String, data: String| {
                let (key, nonce) = (decode(&ctx, &key)?, decode(&ctx, &nonce)?);
                let (aad, data) = (decode(&ctx, &aad)?, decode(&ctx, &data)?);
                let done = gcm(seals, &key, &nonce, &aad, data)
                    .map_err(|why| Exception::throw_message(&ctx, why))?;
                ArrayBuffer::new_copy(ctx, done)
            },
        ),
        "aesCbc" => {
            Function::new(ctx, |ctx: Ctx<'js>, encrypts: bool, key: String, iv: String, data: String| {
                let (key, iv, data) = (decode(&ctx, &key)?, decode(&ctx, &iv)?, decode(&ctx, &data)?);
                let done =
                    cbc(encrypts, &key, &iv, data).map_err(|why| Exception::throw_message(&ctx, why))?;
                ArrayBuffer::new_copy(ctx, done)
            })
        }
        _ => return Ok(None),
    }
    .map(Some)
}

/// Seals, with the tag at the end, or opens what ends with one.
fn gcm(
    seals: bool,
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    mut data: Vec<u8>,
) -> Result<Vec<u8>, &'static str> {
    let algorithm = match key.len() {
        16 => &AES_128_GCM,
        24 => &AES_192_GCM,
        32 => &AES_256_GCM,
        _ => return Err("Invalid key length"),
    };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).map_err(|_| "Invalid key length")?);
    let nonce = Nonce::try_assume_unique_for_key(nonce)
        .map_err(|_| "The initialization vector of AES-GCM must be 12 bytes long")?;
    if seals {
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut data).map_err(|_| "Encryption failed")?;
    } else {
        if data.len() < TAG {
            return Err("The text is shorter than its authentication tag");
        }
        key.open_in_place(nonce, Aad::from(aad), &mut data)
            .map_err(|_| "Unsupported state or unable to authenticate data")?;
        data.truncate(data.len() - TAG);
    }
    Ok(data)
}

fn cbc(encrypts: bool, key: &[u8], iv: &[u8], mut data: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    let algorithm: &'static Algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return Err("Invalid key length"),
    };
    let iv: [u8; 16] = iv.try_into().map_err(|_| "Invalid initialization vector")?;
    let key = UnboundCipherKey::new(algorithm, key).map_err(|_| "Invalid key length")?;
    if encrypts {
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(|_| "Encryption failed")?;
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        key.less_safe_encrypt(&mut data, context).map_err(|_| "Encryption failed")?;
        return Ok(data);
    }
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| "Decryption failed")?;
    let plain =
        key.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(iv))).map_err(|_| "bad decrypt")?;
    Ok(plain.to_vec())
}
