//! The blocks that pages are made of.

use askama::Template;
use gatewright_core::Timestamp;
use serde_json::Value;

use crate::api::encoded;
use crate::page::Link;
use crate::sent::Sent;

/// What stands in a cell of a table, or beside a name in a list of facts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    /// `text`, `code`, `time`, `good`, `bad` or `quiet`.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    /// The exact time behind a relative one.
    pub(crate) exact: String,
    pub(crate) href: Option<String>,
}

impl Cell {
    fn of(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), ..Self::default() }
    }

    /// Words.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::of("text", text)
    }

    /// An id, a scope, an address.
    pub(crate) fn code(text: impl Into<String>) -> Self {
        Self::of("code", text)
    }

    /// A word with a colour: `good`, `bad` or `quiet`.
    pub(crate) fn badge(kind: &'static str, text: impl Into<String>) -> Self {
        Self::of(kind, text)
    }

    /// A point in time as the API writes it, seen from now.
    pub(crate) fn time(value: &Value, now: Timestamp) -> Self {
        let exact = value.as_str().unwrap_or_default();
        match Timestamp::parse_iso8601(exact) {
            Some(then) => Self { exact: exact.to_owned(), ..Self::of("time", since(then, now)) },
            None => Self::of("quiet", "never"),
        }
    }

    /// Leads somewhere.
    pub(crate) fn to(self, href: impl Into<String>) -> Self {
        Self { href: Some(href.into()), ..self }
    }
}

/// How long ago, or how far ahead, in words.
pub(crate) fn since(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.seconds() - then.seconds();
    let amount = |seconds: i64| match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        3600..=86_399 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    };
    match seconds {
        0..=4 => "just now".to_owned(),
        5.. => format!("{} ago", amount(seconds)),
        _ => format!("in {}", amount(-seconds)),
    }
}

/// A line of a table; its first cell leads to the thing itself.
pub(crate) struct Row {
    pub(crate) href: String,
    pub(crate) cells: Vec<Cell>,
}

/// A button that sends one call, in a line of a table.
pub(crate) struct RowAction {
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) text: &'static str,
    /// What the button is for, for those who do not see the line.
    pub(crate) about: String,
}

/// The search above a list.
pub(crate) struct Search {
    pub(crate) action: String,
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) hint: &'static str,
    pub(crate) error: Option<String>,
    pub(crate) hidden: Vec<(String, String)>,
}

/// What stands where nothing is yet: what it is for, and how the first one is made.
#[derive(Default)]
pub(crate) struct Empty {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    pub(crate) link: Option<(String, &'static str)>,
    pub(crate) api: &'static str,
    pub(crate) cli: &'static str,
}

/// A list.
#[derive(Template, Default)]
#[template(path = "table.html")]
pub(crate) struct Table {
    /// A heading of its own, where a page has several lists.
    pub(crate) title: &'static str,
    pub(crate) search: Option<Search>,
    pub(crate) chips: Vec<Link>,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
    /// One for each row, or none at all.
    pub(crate) actions: Vec<RowAction>,
    pub(crate) csrf: String,
    pub(crate) empty: Empty,
    pub(crate) newer: Option<String>,
    pub(crate) older: Option<String>,
    pub(crate) range: String,
}

impl Table {
    fn action(&self, row: &usize) -> Option<&RowAction> {
        self.actions.get(*row)
    }

    /// Adds links to the pages before and after; `base` holds the rest of the query.
    pub(crate) fn paged(mut self, base: &str, page: u32, per_page: u32, total: u64) -> Self {
        let glue = if base.contains('?') { '&' } else { '?' };
        let first = u64::from(page) * u64::from(per_page);
        let shown = self.rows.len() as u64;
        if page > 0 {
            self.newer = Some(format!("{base}{glue}page={}", page - 1));
        }
        if first + shown < total && shown > 0 {
            self.older = Some(format!("{base}{glue}page={}", page + 1));
        }
        if shown > 0 {
            self.range = format!("{} to {} of {total}", first + 1, first + shown);
        }
        self
    }
}

/// Names with values.
#[derive(Template)]
#[template(path = "facts.html")]
pub(crate) struct Facts {
    pub(crate) title: &'static str,
    pub(crate) facts: Vec<(&'static str, Cell)>,
}

/// JSON, or another text as it is.
#[derive(Template)]
#[template(
    source = r#"<details class="raw"{% if open %} open{% endif %}><summary>{{ title }}</summary><pre tabindex="0"><code>{{ text }}</code></pre></details>"#,
    ext = "html"
)]
pub(crate) struct Raw {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) open: bool,
}

/// Words between blocks: `note`, `good` or `bad`.
#[derive(Template)]
#[template(
    source = r#"<div class="notice {{ kind }}"{% if kind == "bad" %} role="alert"{% endif %}>{% if !title.is_empty() %}<h2>{{ title }}</h2>{% endif %}<p>{{ text }}</p>{% if let Some((href, link)) = link %}<p><a class="button" href="{{ href }}">{{ link }}</a></p>{% endif %}</div>"#,
    ext = "html"
)]
pub(crate) struct Notice {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) link: Option<(String, String)>,
}

/// Code to copy.
pub(crate) struct Snippet {
    pub(crate) id: String,
    pub(crate) title: &'static str,
    pub(crate) note: &'static str,
    pub(crate) text: String,
}

/// Pieces of code below each other.
#[derive(Template)]
#[template(path = "snippets.html")]
pub(crate) struct Snippets {
    pub(crate) snippets: Vec<Snippet>,
}

/// JSON as people read it.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A text member of a document; empty if it has none.
pub(crate) fn text<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name].as_str().unwrap_or_default()
}

/// The members of a list, wherever it stands in an answer.
pub(crate) fn items<'a>(answer: &'a Value, plural: &str) -> &'a [Value] {
    let list = if answer.is_array() { answer } else { &answer[plural] };
    list.as_array().map_or(&[], Vec::as_slice)
}

/// How many there are in all, where an answer says so.
pub(crate) fn total(answer: &Value) -> u64 {
    answer["total"].as_u64().unwrap_or(0)
}

/// The query that a list was asked with, without its page.
pub(crate) fn kept(path: &str, query: &Sent, names: &[&str]) -> String {
    let pairs: Vec<String> = names
        .iter()
        .filter_map(|name| query.some(name).map(|value| format!("{name}={}", encoded(value))))
        .collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use gatewright_core::Timestamp;

    use super::since;

    #[test]
    fn times_are_seen_from_now() {
        let now = Timestamp::from_seconds(1_000_000);
        let at = |seconds: i64| since(Timestamp::from_seconds(1_000_000 - seconds), now);
        assert_eq!(
            [0, 30, 90, 7300, 200_000].map(at),
            ["just now", "30 s ago", "1 min ago", "2 h ago", "2 d ago"]
        );
        assert_eq!(at(-7300), "in 2 h");
    }
}
