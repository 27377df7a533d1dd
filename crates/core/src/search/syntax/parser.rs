//! The grammar: how clauses stand together.

use super::reader::Word;
use super::{Clause, MOST_TERMS, Match, Pattern, Refused, refuse};

/// Deeper nesting is refused.
const DEEPEST: usize = 32;

/// A query that is being read.
pub(super) struct Parser<'q> {
    /// What is left of it.
    pub(super) rest: &'q str,
    terms: usize,
}

/// How a clause takes part in a sequence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occur {
    May,
    Must,
    Never,
}
impl<'q> Parser<'q> {
    pub(super) fn new(query: &'q str) -> Self {
        Self { rest: query, terms: 0 }
    }
}

impl Parser<'_> {
    /// All of it.
    pub(super) fn whole(&mut self) -> Result<Clause, Refused> {
        let clause = self.sequence(None, 0)?;
        self.skip_blanks();
        match self.rest.chars().next() {
            None => Ok(clause),
            Some(letter) => refuse(format!("{letter} closes nothing")),
        }
    }

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
}

fn any_of(mut clauses: Vec<Clause>) -> Vec<Clause> {
    if clauses.len() > 1 { vec![Clause::Or(std::mem::take(&mut clauses))] } else { clauses }
}
