//! Filters that pay for the bytes they handle.

use std::fmt;

use liquid_core::error::Result;
use liquid_core::parser::{FilterArguments, ParameterReflection};
use liquid_core::{Error, Expression, Filter, FilterReflection, ParseFilter, Runtime, Value, ValueView};

use super::budget::{charge, size};

/// One of the engine's filters, charged for its input and its output.
#[derive(Clone)]
pub(super) struct Charged<F>(F);

impl<F: ParseFilter + Clone + 'static> Charged<F> {
    pub(super) fn new(filter: F) -> Self {
        Self(filter)
    }

    pub(super) fn name(&self) -> &str {
        self.0.reflection().name()
    }
}

impl<F: ParseFilter + Clone + 'static> ParseFilter for Charged<F> {
    fn parse(&self, arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        Ok(Box::new(ChargedFilter(self.0.parse(arguments)?)))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self.0.reflection()
    }
}

#[derive(Debug)]
struct ChargedFilter(Box<dyn Filter>);

impl fmt::Display for ChargedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Filter for ChargedFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        charge(runtime, size(input))?;
        let output = self.0.evaluate(input, runtime)?;
        charge(runtime, size(&output))?;
        Ok(output)
    }
}

/// `replace: "from", "to"`. Its output can be the product of two inputs, so it is paid for beforehand.
#[derive(Clone)]
pub(super) struct Replace;

/// `join: "between"`. As with [`Replace`], the output is paid for beforehand.
#[derive(Clone)]
pub(super) struct Join;

impl ParseFilter for Replace {
    fn parse(&self, mut arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        let Some(from) = arguments.positional.next() else {
            return Err(Error::with_msg("replace: the text to look for is expected"));
        };
        let to = arguments.positional.next();
        nothing_more(arguments, "replace")?;
        Ok(Box::new(ReplaceFilter { from, to }))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self
    }
}

impl ParseFilter for Join {
    fn parse(&self, mut arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        let between = arguments.positional.next();
        nothing_more(arguments, "join")?;
        Ok(Box::new(JoinFilter { between }))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self
    }
}

fn nothing_more(mut arguments: FilterArguments<'_>, filter: &str) -> Result<()> {
    if arguments.positional.next().is_some() || arguments.keyword.next().is_some() {
        return Err(Error::with_msg(format!("{filter}: too many arguments")));
    }
    Ok(())
}

macro_rules! reflection {
    ($filter:ident, $name:literal, $description:literal) => {
        impl FilterReflection for $filter {
            fn name(&self) -> &str {
                $name
            }

            fn description(&self) -> &str {
                $description
            }

            fn positional_parameters(&self) -> &'static [ParameterReflection] {
                &[]
            }

            fn keyword_parameters(&self) -> &'static [ParameterReflection] {
                &[]
            }
        }
    };
}

reflection!(Replace, "replace", "Replaces every occurrence of a text.");
reflection!(Join, "join", "Joins the elements of an array.");

#[derive(Debug)]
struct ReplaceFilter {
    from: Expression,
    to: Option<Expression>,
}

impl fmt::Display for ReplaceFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("replace")
    }
}

impl Filter for ReplaceFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let input = input.to_kstr();
        let from = text(Some(&self.from), "", runtime)?;
        let to = text(self.to.as_ref(), "", runtime)?;
        charge(runtime, input.len())?;
        let times = input.matches(from.as_str()).count();
        charge(runtime, input.len().saturating_add(times.saturating_mul(to.len())))?;
        Ok(Value::scalar(input.replace(from.as_str(), &to)))
    }
}

#[derive(Debug)]
struct JoinFilter {
    between: Option<Expression>,
}

impl fmt::Display for JoinFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("join")
    }
}

impl Filter for JoinFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let between = text(self.between.as_ref(), " ", runtime)?;
        let Some(array) = input.as_array() else {
            return Err(Error::with_msg("join: an array is expected"));
        };
        let members = usize::try_from(array.size()).unwrap_or(usize::MAX);
        charge(runtime, size(input).saturating_add(members.saturating_mul(between.len())))?;
        let members: Vec<String> = array.values().map(|member| member.to_kstr().into_string()).collect();
        Ok(Value::scalar(members.join(&between)))
    }
}

/// A parameter as text.
fn text(parameter: Option<&Expression>, default: &str, runtime: &dyn Runtime) -> Result<String> {
    match parameter {
        Some(parameter) => Ok(parameter.evaluate(runtime)?.to_kstr().into_string()),
        None => Ok(default.to_owned()),
    }
}
