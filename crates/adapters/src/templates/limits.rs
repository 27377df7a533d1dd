//! What is counted before the parser sees a template.
//!
//! The parser and the engine recurse for nested tags, indexes and conditions, and the grammar looks ahead
//! over white space at each of its characters. A stack that overflows ends the process, so these are
//! bounded here. The counts look at the text alone and err on the strict side.

use super::TemplateError;

/// A template may have this many bytes.
pub const MAX_TEMPLATE_BYTES: usize = 64 * 1024;

/// `{%` in a template; nesting, and a chain of `elsif`, cannot be deeper.
const MAX_TAGS: usize = 400;

/// `[` in a template; indexes within indexes cannot be deeper.
const MAX_BRACKETS: usize = 200;

/// The words `and` and `or` between two opening marks; a condition cannot be longer.
const MAX_CONJUNCTIONS: usize = 300;

/// White space in one piece.
const MAX_WHITESPACE_RUN: usize = 100;

pub(super) fn check_length(template: &str) -> Result<(), TemplateError> {
    if template.len() > MAX_TEMPLATE_BYTES {
        return Err(TemplateError::TooLarge(format!("it has more than {MAX_TEMPLATE_BYTES} bytes")));
    }
    Ok(())
}

pub(super) fn check(template: &str) -> Result<(), TemplateError> {
    check_length(template)?;
    let too_many =
        |limit: usize, what: &str| TemplateError::TooLarge(format!("it has more than {limit} {what}"));
    if template.matches("{%").count() > MAX_TAGS {
        return Err(too_many(MAX_TAGS, "tags"));
    }
    if template.matches('[').count() > MAX_BRACKETS {
        return Err(too_many(MAX_BRACKETS, "opening brackets"));
    }
    if longest_whitespace(template) > MAX_WHITESPACE_RUN {
        return Err(too_many(MAX_WHITESPACE_RUN, "characters of white space in a row"));
    }
    for tag in template.split("{%") {
        let words = tag.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
        if words.filter(|word| matches!(*word, "and" | "or")).count() > MAX_CONJUNCTIONS {
            return Err(too_many(MAX_CONJUNCTIONS, "conditions in one tag"));
        }
    }
    Ok(())
}

fn longest_whitespace(template: &str) -> usize {
    template.split(|c: char| !c.is_whitespace()).map(str::len).max().unwrap_or(0)
}
