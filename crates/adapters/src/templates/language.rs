//! The tags and filters that templates may use.

use std::sync::LazyLock;

use liquid_core::parser::{ParseBlock, ParseTag};
use liquid_core::{BlockReflection, Language, TagReflection, Template};
use liquid_lib::stdlib;

use super::filters::{Charged, Join, Replace};
use super::loops::ForBlock;
use super::{TemplateError, limits};

/// An error's text is passed on up to this many characters.
const MAX_ERROR_CHARS: usize = 300;

/// Parses a template after counting what could hurt the parser.
pub(super) fn parse(template: &str) -> Result<Template, TemplateError> {
    limits::check(template)?;
    match liquid_core::parser::parse(template, &LANGUAGE) {
        Ok(elements) => Ok(Template::new(elements)),
        // No variable has a value yet, so the text can quote the template only.
        Err(error) => {
            let text = error.to_string();
            let text = text.trim_start_matches("liquid:").trim();
            Err(TemplateError::Invalid(text.chars().take(MAX_ERROR_CHARS).collect()))
        }
    }
}

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| {
    let mut language = Language::empty();
    tag(&mut language, stdlib::AssignTag);
    tag(&mut language, stdlib::BreakTag);
    tag(&mut language, stdlib::ContinueTag);
    tag(&mut language, stdlib::CycleTag);
    tag(&mut language, stdlib::IncrementTag);
    tag(&mut language, stdlib::DecrementTag);
    block(&mut language, stdlib::RawBlock);
    block(&mut language, stdlib::CommentBlock);
    block(&mut language, stdlib::CaptureBlock);
    block(&mut language, stdlib::IfBlock);
    block(&mut language, stdlib::UnlessBlock);
    block(&mut language, stdlib::IfChangedBlock);
    block(&mut language, stdlib::CaseBlock);
    block(&mut language, ForBlock);
    filters(&mut language);
    language
});

fn tag(language: &mut Language, tag: impl ParseTag + TagReflection + 'static) {
    language.tags.register(TagReflection::tag(&tag).to_owned(), Box::new(tag));
}

fn block(language: &mut Language, block: impl ParseBlock + BlockReflection + 'static) {
    language.blocks.register(BlockReflection::start_tag(&block).to_owned(), Box::new(block));
}

/// Those of the engine's filters whose output is at most a few times their input, and our own for the
/// two that multiply.
fn filters(language: &mut Language) {
    macro_rules! charged {
        ($($filter:ident),* $(,)?) => {
            $(
                let filter = Charged::new(stdlib::$filter);
                language.filters.register(filter.name().to_owned(), Box::new(filter));
            )*
        };
    }
    charged!(
        Abs,
        Append,
        AtLeast,
        AtMost,
        Capitalize,
        Ceil,
        Compact,
        Concat,
        Default,
        DividedBy,
        Downcase,
        Escape,
        EscapeOnce,
        First,
        Floor,
        Last,
        Lstrip,
        Map,
        Minus,
        Modulo,
        NewlineToBr,
        Plus,
        Prepend,
        Remove,
        RemoveFirst,
        ReplaceFirst,
        Reverse,
        Round,
        Rstrip,
        Size,
        Slice,
        Sort,
        SortNatural,
        Split,
        Strip,
        StripHtml,
        StripNewlines,
        Times,
        Truncate,
        TruncateWords,
        Upcase,
        UrlDecode,
        UrlEncode,
        Where,
    );
    language.filters.register("replace".into(), Box::new(Replace));
    language.filters.register("join".into(), Box::new(Join));
}
