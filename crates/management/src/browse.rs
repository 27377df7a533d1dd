//! The reference for people: `GET /api/v2/reference`, the same declarations as a page.

use std::collections::BTreeMap;

use askama::Template;
use gatewright_resources::engine::field::{Accepted, Field, Shape};
use gatewright_resources::engine::format::Format;
use gatewright_resources::engine::routes::KNOWN;
use gatewright_resources::engine::validate::Purpose;
use gatewright_resources::{OWN_RESOURCES, RESOURCES};

/// The page. Its style sheet is allowed by the nonce alone.
#[derive(Template)]
#[template(path = "reference.html")]
pub(crate) struct Page {
    nonce: String,
    base: String,
    audience: String,
    built: usize,
    groups: Vec<Group>,
    unbuilt: Vec<(&'static str, &'static str)>,
}

struct Group {
    name: &'static str,
    operations: Vec<Described>,
}

struct Described {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    scopes: &'static [&'static str],
    own_scopes: &'static [&'static str],
    query: Vec<Member>,
    body: Vec<Member>,
    is_list: bool,
    success: u16,
    missing: &'static str,
}

struct Member {
    name: String,
    kind: &'static str,
    rules: String,
}

impl Page {
    /// The page as it is at an issuer (which ends with `/`).
    pub(crate) fn at(issuer: &str, nonce: String) -> Self {
        let mut groups: BTreeMap<&'static str, Vec<Described>> = BTreeMap::new();
        for resource in RESOURCES.iter().chain(OWN_RESOURCES) {
            let described = resource.operations.iter().map(|operation| Described {
                id: operation.id,
                method: operation.method.name(),
                path: operation.path,
                summary: operation.summary,
                scopes: operation.scopes,
                own_scopes: operation.own_scopes,
                query: members(operation.query, Purpose::Create, ""),
                body: operation.body.map(|body| members(body.fields, body.purpose, "")).unwrap_or_default(),
                is_list: operation.body.is_some_and(|body| body.is_list),
                success: operation.success,
                missing: operation.missing,
            });
            groups.entry(resource.name).or_default().extend(described);
        }
        let groups: Vec<Group> =
            groups.into_iter().map(|(name, operations)| Group { name, operations }).collect();
        let is_built = |id: &str| gatewright_resources::operations().any(|operation| operation.id == id);
        let unbuilt = KNOWN.iter().filter(|known| known.is_management() && !is_built(known.id));
        Self {
            nonce,
            base: format!("{issuer}api/v2"),
            audience: format!("{issuer}api/v2/"),
            built: groups.iter().map(|group| group.operations.len()).sum(),
            groups,
            unbuilt: unbuilt.map(|known| (known.method.name(), known.path)).collect(),
        }
    }
}

/// A line for each member, nested ones with their path.
fn members(fields: &'static [Field], purpose: Purpose, prefix: &str) -> Vec<Member> {
    let mut lines = Vec::new();
    for field in fields {
        let taken = match field.accepted {
            Accepted::Always => true,
            Accepted::OnCreate => purpose == Purpose::Create,
            Accepted::OnUpdate => purpose == Purpose::Update,
        };
        if !taken {
            continue;
        }
        let name = format!("{prefix}{}", field.name);
        let requires = purpose == Purpose::Create && field.required;
        lines.push(Member {
            kind: field.shape.type_name(),
            rules: rules(field, requires),
            name: name.clone(),
        });
        match field.shape {
            Shape::Object { fields, .. } => {
                lines.extend(members(fields, Purpose::Create, &format!("{name}.")));
            }
            Shape::List { of: Shape::Object { fields, .. }, .. } => {
                lines.extend(members(fields, Purpose::Create, &format!("{name}[].")));
            }
            _ => {}
        }
    }
    lines
}

fn rules(field: &Field, requires: bool) -> String {
    let mut rules = Vec::new();
    if requires {
        rules.push("required".to_owned());
    }
    match field.shape {
        Shape::Text { min, max, format } => {
            match (min, max) {
                (0, usize::MAX) => {}
                (min, usize::MAX) => rules.push(format!("at least {min} characters")),
                (0, max) => rules.push(format!("at most {max} characters")),
                (min, max) => rules.push(format!("{min} to {max} characters")),
            }
            if format != Format::Any {
                rules.push(format.name().to_owned());
            }
        }
        Shape::Int { min, max } => match (min, max) {
            (i64::MIN, i64::MAX) => {}
            (min, i64::MAX) => rules.push(format!("at least {min}")),
            (i64::MIN, max) => rules.push(format!("at most {max}")),
            (min, max) => rules.push(format!("{min} to {max}")),
        },
        Shape::OneOf(names) => rules.push(format!("one of {}", names.join(", "))),
        Shape::List { of, .. } => rules.push(format!("each a {}", of.type_name())),
        _ => {}
    }
    if field.nullable {
        rules.push("may be null".to_owned());
    }
    let rules = rules.join("; ");
    match (field.hint, rules.is_empty()) {
        ("", _) => rules,
        (hint, true) => hint.to_owned(),
        (hint, false) => format!("{}. {rules}", hint.trim_end_matches('.')),
    }
}
