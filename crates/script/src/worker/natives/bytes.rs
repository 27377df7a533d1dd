//! Bytes and text. Bytes come in as base64, the one fast way that needs no trust in memory that scripts share,
//! and go out as an `ArrayBuffer` of their own: a copy that the engine allocates, because the flow's limit counts
//! no other memory.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rquickjs::{ArrayBuffer, Ctx, Error, Exception, Function};

use super::Known;

/// The most random bytes at once.
const MOST_RANDOM: usize = 1 << 20;

pub(super) const NAMES: &[&str] = &["utf8Encode", "utf8Decode", "randomBytes"];

pub(super) fn find<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    known: &Rc<Known>,
) -> Result<Option<Function<'js>>, Error> {
    let known = Rc::clone(known);
    let ctx = ctx.clone();
    match name {
        "utf8Encode" => {
            Function::new(ctx, |ctx: Ctx<'js>, text: String| ArrayBuffer::new_copy(ctx, text.as_bytes()))
        }
        "utf8Decode" => Function::new(ctx, |ctx: Ctx<'js>, base64: String, fatal: bool| {
            let bytes = decode(&ctx, &base64)?;
            match String::from_utf8(bytes) {
                Ok(text) => Ok(text),
                Err(_) if fatal => {
                    Err(Exception::throw_type(&ctx, "The encoded data was not valid for encoding utf-8"))
                }
                Err(error) => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
            }
        }),
        "randomBytes" => Function::new(ctx, move |ctx: Ctx<'js>, length: usize| {
            if length > MOST_RANDOM {
                return Err(Exception::throw_range(
                    &ctx,
                    "That is more randomness than can be drawn at once",
                ));
            }
            let mut bytes = vec![0; length];
            known.flight.random(&ctx)?.fill(&mut bytes);
            ArrayBuffer::new_copy(ctx, bytes)
        }),
        _ => return Ok(None),
    }
    .map(Some)
}

/// Bytes that came in.
pub(super) fn decode(ctx: &Ctx<'_>, base64: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(base64).map_err(|_| Exception::throw_type(ctx, "The bytes are not base64"))
}
