//! `for`, with its turns paid before they are taken: the engine's own would first write out a range such
//! as `(1..100000000)` in memory.

use std::fmt;
use std::io::Write;

use liquid_core::error::Result;
use liquid_core::model::{KString, Scalar};
use liquid_core::parser::{BlockElement, TryMatchToken};
use liquid_core::runtime::{Interrupt, InterruptRegister, StackFrame};
use liquid_core::{
    BlockReflection, Error, Expression, Language, Object, ParseBlock, Renderable, Runtime, TagBlock,
    TagTokenIter, Template, Value, ValueView,
};

use super::budget::{Lenient, charge_turns};

#[derive(Clone, Copy, Debug)]
pub(super) struct ForBlock;

impl BlockReflection for ForBlock {
    fn start_tag(&self) -> &str {
        "for"
    }

    fn end_tag(&self) -> &str {
        "endfor"
    }

    fn description(&self) -> &str {
        "Renders its body once for each element."
    }
}

impl ParseBlock for ForBlock {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        mut tokens: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let variable = arguments.expect_next("a name is expected")?.expect_identifier().into_result()?;
        let variable = KString::from_ref(variable);
        arguments.expect_next("\"in\" is expected")?.expect_str("in").into_result()?;
        let elements = match arguments.expect_next("an array or a range is expected")?.expect_value() {
            TryMatchToken::Matches(array) => Elements::Array(array),
            TryMatchToken::Fails(token) => {
                let (first, last) = token.expect_range().into_result()?;
                Elements::Range(first, last)
            }
        };
        let mut block = For {
            variable,
            elements,
            limit: None,
            offset: None,
            reversed: false,
            body: None,
            otherwise: None,
        };
        while let Some(token) = arguments.next() {
            match token.as_str() {
                "limit" => block.limit = Some(attribute(&mut arguments)?),
                "offset" => block.offset = Some(attribute(&mut arguments)?),
                "reversed" => block.reversed = true,
                _ => {
                    return Err(token.raise_custom_error("\"limit\", \"offset\" or \"reversed\" is expected"));
                }
            }
        }

        let mut body = Vec::new();
        while let Some(element) = tokens.next()? {
            match element {
                BlockElement::Tag(mut tag) if tag.name() == "else" => {
                    tag.tokens().expect_nothing()?;
                    block.otherwise = Some(Template::new(tokens.parse_all(options)?));
                    break;
                }
                BlockElement::Tag(tag) => body.push(tag.parse(&mut tokens, options)?),
                element => body.push(element.parse(&mut tokens, options)?),
            }
        }
        block.body = Some(Template::new(body));
        tokens.assert_empty();
        Ok(Box::new(block))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

fn attribute(arguments: &mut TagTokenIter<'_>) -> Result<Expression> {
    arguments.expect_next("\":\" is expected")?.expect_str(":").into_result()?;
    arguments.expect_next("a value is expected")?.expect_value().into_result()
}

#[derive(Debug)]
enum Elements {
    Array(Expression),
    Range(Expression, Expression),
}

struct For {
    variable: KString,
    elements: Elements,
    limit: Option<Expression>,
    offset: Option<Expression>,
    reversed: bool,
    body: Option<Template>,
    otherwise: Option<Template>,
}

impl fmt::Debug for For {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("For").field("variable", &self.variable).finish_non_exhaustive()
    }
}

impl For {
    /// The elements after `offset` and `limit`, in order; those of a range are made only once they are
    /// paid for.
    fn elements(&self, runtime: &dyn Runtime) -> Result<Vec<Value>> {
        let offset = whole_number(self.offset.as_ref(), runtime)?.map_or(0, to_count);
        let limit = whole_number(self.limit.as_ref(), runtime)?.map_or(usize::MAX, to_count);
        let mut elements: Vec<Value> = match &self.elements {
            Elements::Range(first, last) => {
                let first = whole_number(Some(first), runtime)?.unwrap_or(0);
                let last = whole_number(Some(last), runtime)?.unwrap_or(0);
                let first = first.saturating_add(i64::try_from(offset).unwrap_or(i64::MAX));
                let length =
                    if last < first { 0 } else { to_count(last.saturating_sub(first)).saturating_add(1) };
                let length = length.min(limit);
                charge_turns(runtime, length)?;
                (first..).take(length).map(Value::scalar).collect()
            }
            Elements::Array(array) => {
                let array = array.evaluate(runtime)?;
                let elements: Vec<Value> = if let Some(array) = array.as_array() {
                    array.values().skip(offset).take(limit).map(ValueView::to_value).collect()
                } else if let Some(object) = array.as_object() {
                    let pair = |(key, value): (liquid_core::model::KStringCow<'_>, &dyn ValueView)| {
                        Value::Array(vec![Value::scalar(key.into_owned()), value.to_value()])
                    };
                    object.iter().skip(offset).take(limit).map(pair).collect()
                } else {
                    // Anything else, an unknown name included, has no elements.
                    Vec::new()
                };
                charge_turns(runtime, elements.len())?;
                elements
            }
        };
        if self.reversed {
            elements.reverse();
        }
        Ok(elements)
    }
}

impl Renderable for For {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let elements = self.elements(runtime)?;
        if elements.is_empty() {
            return self.otherwise.as_ref().map_or(Ok(()), |otherwise| otherwise.render_to(writer, runtime));
        }
        let Some(body) = &self.body else { return Ok(()) };
        let parent = runtime.try_get(&[Scalar::new("forloop")]).map(|forloop| forloop.to_value());
        let length = elements.len();
        for (index, element) in elements.into_iter().enumerate() {
            let mut variables = Object::new();
            variables.insert("forloop".into(), forloop(index, length, parent.as_ref()));
            variables.insert(self.variable.clone(), element);
            let frame = Lenient(StackFrame::new(runtime, &variables));
            body.render_to(writer, &frame)?;
            let interrupt = frame.registers().get_mut::<InterruptRegister>().reset();
            if matches!(interrupt, Some(Interrupt::Break)) {
                break;
            }
        }
        Ok(())
    }
}

fn forloop(index: usize, length: usize, parent: Option<&Value>) -> Value {
    let number = |n: usize| Value::scalar(i64::try_from(n).unwrap_or(i64::MAX));
    let members = [
        ("length", number(length)),
        ("index", number(index + 1)),
        ("index0", number(index)),
        ("rindex", number(length - index)),
        ("rindex0", number(length - index - 1)),
        ("first", Value::scalar(index == 0)),
        ("last", Value::scalar(index + 1 == length)),
        ("parentloop", parent.cloned().unwrap_or(Value::Nil)),
    ];
    Value::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn whole_number(expression: Option<&Expression>, runtime: &dyn Runtime) -> Result<Option<i64>> {
    let Some(expression) = expression else { return Ok(None) };
    let value = expression.evaluate(runtime)?;
    let number = value.as_scalar().and_then(|scalar| scalar.to_integer());
    number.map(Some).ok_or_else(|| Error::with_msg("a whole number is expected"))
}

/// Negative numbers count as none.
fn to_count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}
