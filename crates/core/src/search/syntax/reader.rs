//! Words, phrases and ranges: what stands between the signs of the grammar.

use super::parser::Parser;
use super::{Bound, Match, Refused, refuse};

/// A word as it was read.
pub(super) struct Word {
    /// What stands between the unescaped `*`.
    pub(super) parts: Vec<String>,
}

impl Word {
    /// The text of a word without wildcards.
    pub(super) fn plain(self) -> Result<String, Self> {
        match <[String; 1]>::try_from(self.parts) {
            Ok([text]) => Ok(text),
            Err(parts) => Err(Self { parts }),
        }
    }

    pub(super) fn is_star(&self) -> bool {
        self.parts.len() > 1 && self.parts.iter().all(String::is_empty)
    }
}
impl Parser<'_> {
    /// Text without quotes, to the next blank or bracket, or (`to_colon`) to the colon behind a field.
    pub(super) fn word(&mut self, to_colon: bool) -> Result<Word, Refused> {
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
    pub(super) fn phrase(&mut self) -> Result<String, Refused> {
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

    pub(super) fn range(&mut self) -> Result<Match, Refused> {
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
    pub(super) fn end_of_range(&mut self) -> Result<Option<String>, Refused> {
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

    pub(super) fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(super) fn takes_letter(&mut self, letter: char) -> bool {
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A sign directly before what it belongs to.
    pub(super) fn takes_sign(&mut self, sign: char) -> bool {
        let applies = self
            .rest
            .strip_prefix(sign)
            .is_some_and(|rest| rest.chars().next().is_some_and(|next| !next.is_whitespace()));
        applies && self.takes_letter(sign)
    }

    pub(super) fn at_keyword(&self, keyword: &str) -> bool {
        self.rest
            .strip_prefix(keyword)
            .is_some_and(|rest| rest.chars().next().is_none_or(|next| next.is_whitespace() || next == '('))
    }

    pub(super) fn takes(&mut self, keyword: &str, symbol: &str) -> bool {
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
