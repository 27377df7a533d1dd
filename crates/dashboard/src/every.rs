//! Whole lists, for pages that show or offer all there is.

use serde_json::Value;

use crate::api::Api;
use crate::problem::Problem;
use crate::session::Admin;
use crate::view::items;

/// A longer list is no page for people.
const MOST_PAGES: u32 = 20;

/// Every item of a list, page by page.
pub(crate) async fn every(admin: &Admin, path: &str, plural: &str) -> Result<Vec<Value>, Problem> {
    every_of(&admin.api, path, plural).await
}

/// The same for whoever calls.
pub(crate) async fn every_of(api: &Api, path: &str, plural: &str) -> Result<Vec<Value>, Problem> {
    let mut all = Vec::new();
    let glue = if path.contains('?') { '&' } else { '?' };
    for page in 0..MOST_PAGES {
        let found = api.get(format!("{path}{glue}per_page=100&page={page}")).await?;
        let some = items(&found, plural);
        all.extend_from_slice(some);
        if some.len() < 100 {
            break;
        }
    }
    Ok(all)
}
