//! The reference page of operations, `docs/management-api.md`: what is built, counted against the table
//! of every operation of the real API.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gatewright_resources::engine::Operation;
use gatewright_resources::engine::routes::{KNOWN, Known};

/// By operation id: the test that calls it and sees it succeed. Written by the test itself, see the page.
const PROOFS: &str = include_str!("../../../docs/management-api-tests.tsv");

const INTRODUCTION: &str = "\
# Management API

Generated from the resource registry, `management-api-operations.tsv` and `management-api-tests.tsv`; a test keeps
it true (`UPDATE=1 cargo test -p gatewright-management` rewrites it). The same as a page with every member and
its rules is served at `/api/v2/reference`, and as an OpenAPI document at `/api/v2/openapi.json`.

The API is served at `/api/v2`. Its audience is `https://DOMAIN/api/v2/`. An operation needs any one of
its scopes. Scopes in italics let a user's own token call the operation on that user only.

An operation that is not built answers 403 `insufficient_scope`, which tools that read a whole tenant
tolerate; the header `x-gatewright-not-built` names it. Those of the My Account and My Organization APIs
(`/me/v1`, `/my-org/v1`) answer 501 with the same header.

Each operation that is built is called by an unmodified Auth0 client, for Node unless another test is named, in a
test under `tests/sdk` that fails if one is left out
(`UPDATE=1 node --test tests/sdk/tests/node-management.test.js` notes which file calls it). Beside that
`tests/wire/tests/management` calls every one without a token, without its scopes, with each member of its body
wrong, and with the ids of another tenant.
";

const OWN: &str = "
## Ours

Operations that Auth0 has not, under scopes of their own. Conversations in `tests/wire` and tables in
`crates/resources` prove them; no Auth0 client knows them.

| Operation | Path | Scopes | What it does |
|---|---|---|---|
";

/// The test that proves an operation.
pub fn proof(operation_id: &str) -> Option<&'static str> {
    let mut lines = PROOFS.lines().filter_map(|line| line.split_once('\t'));
    lines.find(|(id, _)| *id == operation_id).map(|(_, test)| test)
}

/// The whole page, in Markdown.
pub fn page() -> String {
    let built: BTreeMap<&str, &Operation> =
        gatewright_resources::operations().map(|operation| (operation.id, operation)).collect();
    let (done, open): (Vec<&Known>, Vec<&Known>) =
        KNOWN.iter().partition(|known| built.contains_key(known.id));
    let partly = built.values().filter(|operation| !operation.missing.is_empty()).count();
    let mut page = String::from(INTRODUCTION);
    let _ = writeln!(page, "\n## Built: {} of {}, {partly} of them partly\n", done.len(), KNOWN.len());
    page.push_str("| Operation | Path | Scopes | Proved by | Not yet |\n|---|---|---|---|---|\n");
    for known in &done {
        let operation = built[known.id];
        let own = operation.own_scopes;
        let scopes: Vec<String> = known
            .scopes
            .iter()
            .map(|scope| if own.contains(scope) { format!("_{scope}_") } else { (*scope).to_owned() })
            .collect();
        let _ = writeln!(
            page,
            "| {} {} | `{}` | {} | {} | {} |",
            known.method.name(),
            known.id,
            known.path,
            scopes.join(", "),
            proof(known.id).unwrap_or_default(),
            operation.missing
        );
    }
    page.push_str(OWN);
    for operation in gatewright_resources::own_operations() {
        let _ = writeln!(
            page,
            "| {} {} | `{}` | {} | {} |",
            operation.method.name(),
            operation.id,
            operation.path,
            operation.scopes.join(", "),
            operation.summary
        );
    }
    let _ = writeln!(page, "\n## Not built: {}\n", open.len());
    let mut by_tag: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for known in &open {
        by_tag.entry(known.tag).or_default().push(format!("`{} {}`", known.method.name(), known.path));
    }
    for (tag, operations) in by_tag {
        let _ = writeln!(page, "- **{tag}** ({}): {}", operations.len(), operations.join(", "));
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use gatewright_resources::engine::routes::KNOWN;

    #[test]
    fn the_page_is_as_the_registry_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/management-api.md");
        let page = super::page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == page, "docs/management-api.md is stale: run with UPDATE=1");
    }

    #[test]
    fn what_is_built_has_the_path_method_and_scopes_of_the_real_operation() {
        let mut seen = BTreeSet::new();
        for operation in gatewright_resources::operations() {
            assert!(seen.insert(operation.id), "{} is declared twice", operation.id);
            let known = KNOWN.iter().find(|known| known.id == operation.id);
            let known = known.unwrap_or_else(|| panic!("{} is no operation of the real API", operation.id));
            assert_eq!((known.method, known.path), (operation.method, operation.path), "{}", operation.id);
            assert_eq!(known.scopes, operation.scopes, "{}", operation.id);
        }
    }

    #[test]
    fn what_is_ours_takes_no_name_path_or_scope_of_the_real_api() {
        for operation in gatewright_resources::own_operations() {
            let taken = KNOWN.iter().any(|known| known.id == operation.id || known.path == operation.path);
            assert!(!taken, "{} is an operation of the real API", operation.id);
            let lent = |scope: &&&str| KNOWN.iter().any(|known| known.scopes.contains(*scope));
            assert_eq!(operation.scopes.iter().find(lent), None, "{}", operation.id);
        }
    }

    #[test]
    fn every_scope_that_an_operation_takes_is_defined() {
        let defined: BTreeSet<&str> = gatewright_resources::resource_servers::management_scopes().collect();
        let all = gatewright_resources::operations().chain(gatewright_resources::own_operations());
        for operation in all {
            for scope in operation.scopes.iter().chain(operation.own_scopes) {
                assert!(defined.contains(scope), "{} takes the undefined scope {scope}", operation.id);
            }
        }
    }

    #[test]
    fn what_is_built_is_proved() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for operation in gatewright_resources::operations() {
            let noted = super::proof(operation.id).is_some();
            assert!(noted, "{} has no line in docs/management-api-tests.tsv", operation.id);
        }
        for line in super::PROOFS.lines() {
            let (id, test) = line.split_once('\t').unwrap();
            assert!(root.join(test).is_file(), "{test} is no file");
            assert!(
                gatewright_resources::operations().any(|operation| operation.id == id),
                "{id} is not built"
            );
        }
    }
}
