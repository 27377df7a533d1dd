//! `GET /user/geoloc/country`: the country whose dialling code Lock Passwordless preselects.
//!
//! No geo-IP data is shipped, so the guess comes from the region of `Accept-Language`; without one it is
//! `US`, which is also what Lock falls back to.

use axum::Json;
use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

pub(crate) async fn country(headers: HeaderMap) -> Json<Value> {
    let languages = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    Json(json!({"country_code": region(languages).unwrap_or_else(|| "US".to_owned())}))
}

/// The region of the first language that names one: `en-AU,en;q=0.9` → `AU`.
fn region(accept_language: &str) -> Option<String> {
    accept_language.split(',').find_map(|language| {
        let tag = language.split(';').next().unwrap_or("").trim();
        let region = tag.split('-').skip(1).find(|part| part.len() == 2)?;
        region.chars().all(|c| c.is_ascii_alphabetic()).then(|| region.to_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::region;

    #[test]
    fn the_region_comes_from_the_first_language_that_has_one() {
        assert_eq!(region("en-AU,en;q=0.9").as_deref(), Some("AU"));
        assert_eq!(region("de, fr-CH;q=0.5").as_deref(), Some("CH"));
        assert_eq!(region("zh-Hant-TW").as_deref(), Some("TW"));
        assert_eq!(region("en, *").as_deref(), None);
    }
}
