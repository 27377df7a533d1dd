//! `docs/reasons.md`, made from the registry.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Area, find, of};

const INTRODUCTION: &str = "\
# Reasons

Generated from the registry in `crates/core/src/reasons`; a test keeps it true
(`UPDATE=1 cargo test -p gatewright-core reasons` rewrites it).

Every decision names its reason by a stable code. It stands in the tenant log under `details.decision` (of each
scope, claim, lifetime, prompt and so on, and of a refusal as a whole), and `gatewright explain` and
`POST /api/v2/explain` show it with sentence, setting and remedy. Callers never see it: they get the standard error.

A setting is `resource.field` as the Management API has them; `request.…` is a parameter of the request, `system.…`
what this server fixes. Each code is reached by a test; the last column names one.
";

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The page.
pub(super) fn page(reached: &BTreeMap<String, String>) -> String {
    let mut page = String::from(INTRODUCTION);
    for area in Area::ALL {
        let _ = writeln!(page, "\n## {}\n", area.title());
        page.push_str("| Code | What is so | Remedy | Setting | Reached by |\n|---|---|---|---|---|\n");
        for entry in of(area) {
            let test = reached.get(entry.code).map_or("", String::as_str);
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | `{}` | {test} |",
                entry.code, entry.says, entry.remedy, entry.setting
            );
        }
    }
    page.push_str(EXAMPLES);
    for (code, says) in examples() {
        let _ = writeln!(page, "- `{code}`: {says}");
    }
    page
}

const EXAMPLES: &str = "
## Examples

What was asked, and what the decision came to: made by the decisions themselves. Reasons that only the endpoints
give show the line that `gatewright explain` prints for them.

";

fn examples() -> BTreeMap<&'static str, String> {
    let mut all = super::examples::examples();
    for (_, entry) in super::all() {
        let outcome = if entry.remedy.is_empty() { "done" } else { "refused" };
        let row = crate::explain::Row::new("request", "", outcome, entry.code);
        let table = crate::explain::table::rows(&[row], false);
        let line = table.split_whitespace().collect::<Vec<_>>().join(" ");
        all.entry(entry.code).or_insert_with(|| format!("`{line}`"));
    }
    all
}

#[test]
fn the_page_is_as_the_registry_says() {
    let path = root().join("docs/reasons.md");
    let page = page(&super::tests::reached());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == page, "docs/reasons.md is stale: run with UPDATE=1");
    assert!(find("code_expired").is_some());
}
