//! Statements composed at run time: their parameters, and the tests of one text.

use gatewright_core::ids::TenantId;
use gatewright_core::search::syntax::Pattern;
use gatewright_core::search::tree::{Edge, Test, Tree};
use gatewright_core::search::value::after_prefix;
use gatewright_store::Val;

/// The parameters of a statement that is being written; `$1` is the tenant.
#[derive(Clone, Debug)]
pub struct Params(Vec<Val>);

impl Params {
    /// With the tenant only.
    pub fn new(tenant: &TenantId) -> Self {
        Self(vec![tenant.into()])
    }

    /// Adds a value and returns its placeholder.
    pub fn bind(&mut self, value: impl Into<Val>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// The values, in the order of their placeholders.
    pub fn values(&self) -> &[Val] {
        &self.0
    }
}

/// A tree as a condition; `one` writes each of its leaves. None may be `NULL` for any row, or `NOT` would lose
/// that row.
pub fn condition<C>(params: &mut Params, tree: &Tree<C>, one: &impl Fn(&mut Params, &C) -> String) -> String {
    let mut all = |trees: &[Tree<C>], word: &str, none: &str| {
        let conditions: Vec<String> = trees.iter().map(|tree| condition(params, tree, one)).collect();
        if conditions.is_empty() { none.to_owned() } else { format!("({})", conditions.join(word)) }
    };
    match tree {
        Tree::Everything => "TRUE".to_owned(),
        Tree::Is(leaf) => one(params, leaf),
        Tree::And(trees) => all(trees, " AND ", "TRUE"),
        Tree::Or(trees) => all(trees, " OR ", "FALSE"),
        Tree::Not(tree) => format!("NOT {}", condition(params, tree, one)),
    }
}

/// A test of the text `expression`, which is not `NULL`. `lead` stands before every text that is compared.
pub fn text_test(params: &mut Params, expression: &str, lead: &str, test: &Test) -> String {
    match test {
        Test::OneOf(texts) => match texts.as_slice() {
            [] => "FALSE".to_owned(),
            [text] => format!("{expression} = {}", params.bind(text)),
            texts => {
                let bound: Vec<String> = texts.iter().map(|text| params.bind(text)).collect();
                format!("{expression} IN ({})", bound.join(", "))
            }
        },
        Test::Like(pattern) => like(params, expression, lead, pattern),
        Test::Within(low, high) => within(params, expression, low.as_ref(), high.as_ref()),
        // These are no tests of texts.
        Test::Exists | Test::Is(_) | Test::Between(..) => "TRUE".to_owned(),
    }
}

fn within(params: &mut Params, expression: &str, low: Option<&Edge>, high: Option<&Edge>) -> String {
    let mut conditions = Vec::new();
    for (edge, inclusive, exclusive) in [(low, ">=", ">"), (high, "<=", "<")] {
        if let Some(edge) = edge {
            let operator = if edge.inclusive { inclusive } else { exclusive };
            conditions.push(format!("{expression} {operator} {}", params.bind(&edge.text)));
        }
    }
    if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
}

/// The range of what begins with the pattern's first part, which an index finds, and `LIKE` for the rest.
fn like(params: &mut Params, expression: &str, lead: &str, pattern: &Pattern) -> String {
    let prefix = format!("{lead}{}", pattern.prefix());
    let mut conditions = Vec::new();
    let end = after_prefix(&prefix);
    if let Some(end) = &end {
        let first = params.bind(&prefix);
        conditions.push(format!("{expression} >= {first} AND {expression} < {}", params.bind(end)));
    }
    if !pattern.is_prefix() || end.is_none() {
        let parts: Vec<String> = pattern.parts().iter().map(|part| escaped(part)).collect();
        let text = params.bind(format!("{}{}", escaped(lead), parts.join("%")));
        conditions.push(format!("{expression} LIKE {text} ESCAPE '\\'"));
    }
    conditions.join(" AND ")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
