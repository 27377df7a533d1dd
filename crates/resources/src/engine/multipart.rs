//! Reads bodies of `multipart/form-data` (RFC 7578).

use futures_util::{FutureExt as _, stream};
use serde_json::{Value, json};

use super::Map;
use super::body::{Files, from_form};
use super::error::ApiError;
use super::field::{Field, Shape};

/// Whether a `Content-Type` says so.
pub(super) fn is(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// The parts: texts as what their fields expect, files apart. Compat: parts that no field names are left
/// out.
///
/// # Errors
/// 400 `invalid_body` for what is no such body.
pub(super) fn read(
    content_type: &str,
    bytes: &[u8],
    fields: &'static [Field],
) -> Result<(Value, Files), ApiError> {
    let wrong = || ApiError::new(400, "Invalid multipart payload format").code("invalid_body");
    let boundary = multer::parse_boundary(content_type).map_err(|_| wrong())?;
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(bytes::Bytes::copy_from_slice(bytes))]);
    let parts = parts(multer::Multipart::new(whole, boundary), fields);
    // All bytes are there, so there is nothing to wait for.
    parts.now_or_never().ok_or_else(wrong)?.map_err(|_| wrong())
}

async fn parts(
    mut multipart: multer::Multipart<'_>,
    fields: &'static [Field],
) -> Result<(Value, Files), multer::Error> {
    let (mut object, mut files) = (Map::new(), Files::new());
    while let Some(part) = multipart.next_field().await? {
        let Some(field) = fields.iter().find(|field| part.name() == Some(field.name)) else { continue };
        let bytes = part.bytes().await?;
        if matches!(field.shape, Shape::File) {
            object.insert(field.name.to_owned(), json!({"bytes": bytes.len()}));
            files.push((field.name, bytes.into()));
        } else {
            let text = String::from_utf8_lossy(&bytes);
            let (name, value) = from_form(field.name.to_owned(), &text, fields);
            object.insert(name, value);
        }
    }
    Ok((Value::Object(object), files))
}

#[cfg(test)]
mod tests {
    use super::super::field::{BOOL, Field, Shape, TEXT, field};
    use super::read;
    use serde_json::json;

    const FIELDS: &[Field] =
        &[field("users", Shape::File), field("upsert", BOOL), field("external_id", TEXT)];

    #[test]
    fn parts_become_members_and_files() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"upsert\"\r\n\r\ntrue\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"unknown\"\r\n\r\n1\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"users\"; filename=\"u.json\"\r\n\
                    Content-Type: application/json\r\n\r\n[1,\r\n2]\r\n--x--\r\n";
        let (value, files) = read("multipart/form-data; boundary=x", body.as_bytes(), FIELDS).unwrap();
        assert_eq!(value, json!({"upsert": true, "users": {"bytes": 7}}));
        assert_eq!(files, [("users", b"[1,\r\n2]".to_vec())]);
    }

    #[test]
    fn what_is_cut_short_or_has_no_boundary_is_refused() {
        let cut = "--x\r\nContent-Disposition: form-data; name=\"users\"\r\n\r\n[";
        for (content_type, body) in [
            ("multipart/form-data", "--x--"),
            ("multipart/form-data; boundary=x", ""),
            ("multipart/form-data; boundary=x", cut),
            ("multipart/form-data; boundary=x", "nonsense"),
        ] {
            let error = read(content_type, body.as_bytes(), FIELDS).unwrap_err();
            assert_eq!((error.status, error.error_code.as_deref()), (400, Some("invalid_body")), "{body}");
        }
    }
}
