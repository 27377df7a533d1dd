//! The query language, a subset of Lucene's: text to tree, and back.
//!
//! ```text
//! sequence = any+              clauses side by side: any of them; `+` must, `-` must not
//! any      = both (OR both)*       also ||
//! both     = one (AND one)*        also &&
//! one      = NOT one | - one | + one | [field:] value      also !
//! value    = word | "phrase" | wild*card | [a TO b] | {a TO b} | ( sequence )
//! ```
//!
//! `_exists_:field` and `field:*` ask whether there is a value. A backslash takes the next letter as it is.

use std::fmt;

/// Longer queries are refused, in bytes.
pub const LONGEST_QUERY: usize = 4096;
/// More terms in a query are refused.
pub const MOST_TERMS: usize = 64;
/// Deeper nesting is refused.
const DEEPEST: usize = 32;

/// Why a query is refused; a sentence for its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Part of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// `*:*`
    Everything,
    /// A field, if one is named, and what it must be.
    Term(Option<String>, Match),
    /// All of at least two.
    And(Vec<Self>),
    /// Any of at least two.
    Or(Vec<Self>),
    /// What does not match.
    Not(Box<Self>),
}

/// What a field must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Anything at all.
    Exists,
    /// This value.
    Text(String),
    /// A text with these parts.
    Like(Pattern),
    /// Between two values; an open end is `None`.
    Range(Option<Bound>, Option<Bound>),
}

/// The end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The value.
    pub value: String,
    /// Whether it belongs to the range.
    pub inclusive: bool,
}

/// Text with wildcards: what stands before, between and behind the `*`. At least two parts; only the
/// first and the last may be empty, and not both of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<String>);

impl Pattern {
    /// From its parts; `None` if they have not the form that [`Pattern`] tells.
    pub fn new(parts: Vec<String>) -> Option<Self> {
        let middle_is_empty = |parts: &[String]| parts.iter().any(String::is_empty);
        match parts.as_slice() {
            [] | [_] => None,
            [first, last] if first.is_empty() && last.is_empty() => None,
            [_, middle @ .., _] if middle_is_empty(middle) => None,
            _ => Some(Self(parts)),
        }
    }

    /// The parts.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// What every match begins with.
    pub fn prefix(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether it is a prefix and nothing else.
    pub fn is_prefix(&self) -> bool {
        self.0.len() == 2 && self.0.last().is_some_and(String::is_empty)
    }

    /// The same with every part changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self(self.0.iter().map(|part| change(part)).collect())
    }

    /// Whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else { return false };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

/// Reads a query.
///
/// # Errors
/// [`Refused`] if it is not one, or is too long or too complex.
pub fn parse(query: &str) -> Result<Clause, Refused> {
    if query.len() > LONGEST_QUERY {
        return refuse(format!("the query is longer than {LONGEST_QUERY} bytes"));
    }
    let mut parser = Parser { rest: query, terms: 0 };
    let clause = parser.sequence(None, 0)?;
    parser.skip_blanks();
    match parser.rest.chars().next() {
        None => Ok(clause),
        Some(letter) => refuse(format!("{letter} closes nothing")),
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(why.into()))
}

struct Parser<'q> {
    rest: &'q str,
    terms: usize,
}

/// How a clause takes part in a sequence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occur {
    May,
    Must,
    Never,
}

/// A word as it was read.
struct Word {
    /// What stands between the unescaped `*`.
    parts: Vec<String>,
}

impl Word {
    /// The text of a word without wildcards.
    fn plain(self) -> Result<String, Self> {
        match <[String; 1]>::try_from(self.parts) {
            Ok([text]) => Ok(text),
            Err(parts) => Err(Self { parts }),
        }
    }

    fn is_star(&self) -> bool {
        self.parts.len() > 1 && self.parts.iter().all(String::is_empty)
    }
}

impl Parser<'_> {
    fn sequence(&mut self, field: Option<&str>, depth: usize) -> Result<Clause, Refused> {
        if depth > DEEPEST {
            return refuse("the query is nested too deeply");
        }
        let (mut must, mut may, mut never) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.skip_blanks();
            if self.rest.is_empty() || self.rest.starts_with(')') {
                break;
            }
            let (clause, occur) = self.any(field, depth)?;
            match occur {
                Occur::Must => must.push(clause),
                Occur::May => may.push(clause),
                Occur::Never => never.push(clause),
            }
        }
        // As in Lucene: beside what must be, what may be only changes the order.
        let mut all = if must.is_empty() { any_of(may) } else { must };
        all.extend(never);
        match all.len() {
            0 => refuse("the query is empty"),
            1 => Ok(all.remove(0)),
            _ => Ok(Clause::And(all)),
        }
    }

    fn any(&mut self, field: Option<&str>, depth: usize) -> Result<(Clause, Occur), Refused> {
        let (first, occur) = self.both(field, depth)?;
        let mut all = vec![first];
        while self.takes("OR", "||") {
            all.push(self.both(field, depth)?.0);
        }
        if all.len() == 1 { Ok((all.remove(0), occur)) } else { Ok((Clause::Or(all), Occur::May)) }
    }

    fn both(&mut self, field: Option<&str>, depth: usize) -> Result<(Clause, Occur), Refused> {
        let (first, occur) = self.one(field, depth)?;
        let mut all = vec![first];
        while self.takes("AND", "&&") {
            all.push(self.one(field, depth)?.0);
        }
        if all.len() == 1 { Ok((all.remove(0), occur)) } else { Ok((Clause::And(all), Occur::May)) }
    }

    fn one(&mut self, field: Option<&str>, depth: usize) -> Result<(Clause, Occur), Refused> {
        if depth > DEEPEST {
            return refuse("the query is nested too deeply");
        }
        self.skip_blanks();
        if self.takes("NOT", "!") || self.takes_sign('-') {
            let (clause, _) = self.one(field, depth + 1)?;
            return Ok((Clause::Not(Box::new(clause)), Occur::Never));
        }
        if self.takes_sign('+') {
            let (clause, occur) = self.one(field, depth + 1)?;
            return Ok((clause, if occur == Occur::Never { occur } else { Occur::Must }));
        }
        for keyword in ["AND", "OR"] {
            if self.at_keyword(keyword) {
                return refuse(format!("{keyword} stands where a term is expected"));
            }
        }
        Ok((self.term(field, depth)?, Occur::May))
    }

    /// A value, or a field with its value.
    fn term(&mut self, field: Option<&str>, depth: usize) -> Result<Clause, Refused> {
        if self.rest.starts_with(['(', '"', '[', '{']) {
            return self.value(field, depth);
        }
        let word = self.word(true)?;
        if !self.takes_letter(':') {
            return self.matched(field, word);
        }
        if word.is_star() {
            self.skip_blanks();
            let value = self.word(false)?;
            return if value.is_star() {
                self.counted(Clause::Everything)
            } else {
                refuse("a field is named *")
            };
        }
        let Ok(name) = word.plain() else { return refuse("the name of a field holds no wildcard") };
        if name.is_empty() {
            return refuse(": stands where a field is expected");
        }
        self.skip_blanks();
        if name == "_exists_" {
            let named =
                if self.rest.starts_with('"') { Ok(self.phrase()?) } else { self.word(false)?.plain() };
            return match named {
                Ok(named) if !named.is_empty() => self.counted(Clause::Term(Some(named), Match::Exists)),
                Ok(_) => refuse("_exists_ names no field"),
                Err(_) => refuse("_exists_ takes the name of a field, without wildcards"),
            };
        }
        self.value(Some(&name), depth)
    }

    /// What stands behind `field:`, or is in brackets or quotes.
    fn value(&mut self, field: Option<&str>, depth: usize) -> Result<Clause, Refused> {
        if self.takes_letter('(') {
            let clause = self.sequence(field, depth + 1)?;
            return if self.takes_letter(')') { Ok(clause) } else { refuse("a ( is not closed") };
        }
        if self.rest.starts_with('"') {
            let text = self.phrase()?;
            return self.counted(Clause::Term(field.map(str::to_owned), Match::Text(text)));
        }
        if self.rest.starts_with(['[', '{']) {
            let range = self.range()?;
            let Some(field) = field else { return refuse("a range needs a field") };
            return self.counted(Clause::Term(Some(field.to_owned()), range));
        }
        let word = self.word(false)?;
        self.matched(field, word)
    }

    fn matched(&mut self, field: Option<&str>, word: Word) -> Result<Clause, Refused> {
        let named = field.map(str::to_owned);
        if word.is_star() {
            return self.counted(match named {
                Some(field) => Clause::Term(Some(field), Match::Exists),
                None => Clause::Everything,
            });
        }
        let value = match word.plain() {
            Ok(text) if text.is_empty() => {
                return refuse(match field {
                    Some(field) => format!("{field}: has no value"),
                    None => "a term is missing".to_owned(),
                });
            }
            Ok(text) => Match::Text(text),
            Err(word) => match Pattern::new(word.parts) {
                Some(pattern) => Match::Like(pattern),
                None => return refuse("a wildcard has no text"),
            },
        };
        self.counted(Clause::Term(named, value))
    }

    fn counted(&mut self, clause: Clause) -> Result<Clause, Refused> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return refuse(format!("the query has more than {MOST_TERMS} terms"));
        }
        Ok(clause)
    }

    /// Text without quotes, to the next blank or bracket, or (`to_colon`) to the colon behind a field.
    fn word(&mut self, to_colon: bool) -> Result<Word, Refused> {
        let mut parts = vec![String::new()];
        let mut letters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, letter)) = letters.next() {
            let part = parts.last_mut().expect("there is always one part");
            match letter {
                '\\' => match letters.next() {
                    Some((_, escaped)) => part.push(escaped),
                    None => return refuse("nothing follows the last \\"),
                },
                '*' => {
                    // Many are as good as one.
                    let after_text = !part.is_empty();
                    if parts.len() == 1 || after_text {
                        parts.push(String::new());
                    }
                }
                ':' if to_colon => {
                    end = at;
                    break;
                }
                '(' | ')' | '"' | '[' | ']' | '{' | '}' if at == 0 || letter == ')' || letter == '(' => {
                    end = at;
                    break;
                }
                '?' | '~' | '^' | '"' | '[' | ']' | '{' | '}' => {
                    return refuse(format!("{letter} is not supported here; write \\{letter} or use quotes"));
                }
                letter if letter.is_whitespace() => {
                    end = at;
                    break;
                }
                letter => part.push(letter),
            }
        }
        self.rest = &self.rest[end..];
        Ok(Word { parts })
    }

    /// Text in quotes.
    fn phrase(&mut self) -> Result<String, Refused> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                letter => text.push(letter),
            }
        }
        refuse("a quote is not closed")
    }

    fn range(&mut self) -> Result<Match, Refused> {
        let inclusive = self.takes_letter('[');
        if !inclusive {
            self.takes_letter('{');
        }
        let low = self.end_of_range()?.map(|value| Bound { value, inclusive });
        self.skip_blanks();
        if !self.takes("TO", "TO") {
            return refuse("a range is written [a TO b]");
        }
        let high = self.end_of_range()?;
        self.skip_blanks();
        let inclusive = self.takes_letter(']');
        if !inclusive && !self.takes_letter('}') {
            return refuse("a range is not closed");
        }
        Ok(Match::Range(low, high.map(|value| Bound { value, inclusive })))
    }

    /// A bound; `None` for `*`.
    fn end_of_range(&mut self) -> Result<Option<String>, Refused> {
        self.skip_blanks();
        if self.rest.starts_with('"') {
            return self.phrase().map(Some);
        }
        let closes = |letter: char| letter.is_whitespace() || matches!(letter, ']' | '}');
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        let mut end = self.rest.len();
        let mut escaped_any = false;
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => {
                    escaped_any = true;
                    text.extend(letters.next().map(|(_, escaped)| escaped));
                }
                letter if closes(letter) => {
                    end = at;
                    break;
                }
                letter => text.push(letter),
            }
        }
        self.rest = &self.rest[end..];
        match text.as_str() {
            "" => refuse("a range has two ends, * for an open one"),
            "*" if !escaped_any => Ok(None),
            _ => Ok(Some(text)),
        }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn takes_letter(&mut self, letter: char) -> bool {
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A sign directly before what it belongs to.
    fn takes_sign(&mut self, sign: char) -> bool {
        let applies = self
            .rest
            .strip_prefix(sign)
            .is_some_and(|rest| rest.chars().next().is_some_and(|next| !next.is_whitespace()));
        applies && self.takes_letter(sign)
    }

    fn at_keyword(&self, keyword: &str) -> bool {
        self.rest
            .strip_prefix(keyword)
            .is_some_and(|rest| rest.chars().next().is_none_or(|next| next.is_whitespace() || next == '('))
    }

    fn takes(&mut self, keyword: &str, symbol: &str) -> bool {
        self.skip_blanks();
        let taken = if self.at_keyword(keyword) {
            keyword
        } else if keyword != symbol && self.rest.starts_with(symbol) {
            symbol
        } else {
            return false;
        };
        self.rest = &self.rest[taken.len()..];
        true
    }
}

fn any_of(mut clauses: Vec<Clause>) -> Vec<Clause> {
    if clauses.len() > 1 { vec![Clause::Or(std::mem::take(&mut clauses))] } else { clauses }
}

impl fmt::Display for Clause {
    /// A text that [`parse`] reads as the same tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("*:*"),
            Self::Term(Some(field), Match::Exists) => write!(f, "_exists_:{}", escaped(field)),
            Self::Term(field, value) => {
                if let Some(field) = field {
                    write!(f, "{}:", escaped(field))?;
                }
                write!(f, "{value}")
            }
            Self::And(all) => joined(f, all, " AND "),
            Self::Or(all) => joined(f, all, " OR "),
            Self::Not(one) => write!(f, "NOT {one}"),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("*"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Like(pattern) => {
                let parts: Vec<String> = pattern.0.iter().map(|part| escaped(part)).collect();
                f.write_str(&parts.join("*"))
            }
            Self::Range(low, high) => {
                let bracket = |bound: &Option<Bound>, inclusive, exclusive| match bound {
                    Some(bound) if !bound.inclusive => exclusive,
                    _ => inclusive,
                };
                let shown = |bound: &Option<Bound>| match bound {
                    Some(bound) => quoted(&bound.value),
                    None => "*".to_owned(),
                };
                let (open, close) = (bracket(low, '[', '{'), bracket(high, ']', '}'));
                write!(f, "{open}{} TO {}{close}", shown(low), shown(high))
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, clauses: &[Clause], word: &str) -> fmt::Result {
    let shown: Vec<String> = clauses.iter().map(Clause::to_string).collect();
    write!(f, "({})", shown.join(word))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if !letter.is_alphanumeric() && !matches!(letter, '.' | '_' | '@') {
            shown.push('\\');
        }
        shown.push(letter);
    }
    shown
}

#[cfg(test)]
#[path = "syntax_tests.rs"]
mod tests;
