//! What a script threw, whatever it is, as a [`ScriptError`] of bounded size.
//!
//! Reading an exception runs the script's getters and proxies once more: under the same limits, and what they
//! throw is dropped.

use rquickjs::function::This;
use rquickjs::object::Filter;
use rquickjs::{Ctx, Error, Function, Object, Type, Value};
use serde_json::{Map, Value as Json};

use crate::flow::{ErrorKind, Limits, ScriptError};

/// Characters of a message and of a stack.
const TEXT: usize = 4096;
/// Characters of a name, and of a member that is text.
const SHORT: usize = 512;
/// Members of an exception.
const MEMBERS: usize = 32;

/// Functions of the language, kept before a script could change them.
pub(super) struct Saved<'js> {
    slice: Function<'js>,
    well_formed: Function<'js>,
}

impl<'js> Saved<'js> {
    pub(super) fn new(ctx: &Ctx<'js>) -> Result<Self, Error> {
        let prototype: Object<'js> = ctx.globals().get::<_, Object>("String")?.get("prototype")?;
        Ok(Self { slice: prototype.get("slice")?, well_formed: prototype.get("toWellFormed")? })
    }

    /// The functions that were kept: `slice` and `toWellFormed` of strings.
    pub(super) fn functions(self) -> [Function<'js>; 2] {
        [self.slice, self.well_formed]
    }

    /// The same in a later flow.
    pub(super) fn of(slice: Function<'js>, well_formed: Function<'js>) -> Self {
        Self { slice, well_formed }
    }

    /// The first characters of a string.
    fn text(&self, ctx: &Ctx<'js>, value: &Value<'js>, longest: usize) -> Option<String> {
        let text = self
            .slice
            .call::<_, Value>((This(value.clone()), 0, longest))
            .and_then(|text| self.well_formed.call::<_, rquickjs::String>((This(text),)))
            .and_then(|text| text.to_string());
        dropped(ctx, text)
    }

    /// A member of an object that is text.
    fn member(&self, ctx: &Ctx<'js>, object: &Object<'js>, name: &str, longest: usize) -> Option<String> {
        let value = dropped(ctx, object.get::<_, Value>(name))?;
        if !value.is_string() {
            return None;
        }
        self.text(ctx, &value, longest)
    }
}

/// Drops what went wrong while an exception was read.
fn dropped<T>(ctx: &Ctx<'_>, result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            if matches!(error, Error::Exception) {
                ctx.catch();
            }
            None
        }
    }
}

/// Where the lines of a stack come from.
pub(super) struct Source<'a> {
    /// The program's name.
    pub(super) file: &'a str,
    /// How far its first line was moved to the right.
    pub(super) shift: usize,
}

/// What was thrown.
pub(super) fn describe<'js>(
    ctx: &Ctx<'js>,
    saved: &Saved<'js>,
    value: &Value<'js>,
    source: &Source<'_>,
) -> ScriptError {
    let mut error = bare(ErrorKind::Thrown, "Error", String::new());
    let Some(object) = value.as_object() else {
        error.message = primitive(ctx, saved, value);
        return error;
    };
    if let Some(name) = saved.member(ctx, object, "name", SHORT).filter(|name| !name.is_empty()) {
        error.name = name;
    }
    if let Some(message) = saved.member(ctx, object, "message", TEXT) {
        error.message = message;
    } else if let Some(text) = dropped(ctx, super::json::text(ctx, value.clone())) {
        error.message = text.chars().take(SHORT).collect();
    } else {
        error.message = "an object that cannot be shown".to_owned();
    }
    error.stack =
        saved.member(ctx, object, "stack", TEXT).map(|stack| lines(&stack, source)).unwrap_or_default();
    error.members = members(ctx, saved, object);
    if value.is_error() && is_out_of_memory(&error) {
        error.kind = ErrorKind::Memory;
    }
    error
}

fn is_out_of_memory(error: &ScriptError) -> bool {
    matches!(
        (error.name.as_str(), error.message.as_str()),
        ("InternalError", "out of memory" | "out of memory in regexp execution" | "string too long")
            | ("RangeError", "Maximum call stack size exceeded")
    )
}

fn primitive<'js>(ctx: &Ctx<'js>, saved: &Saved<'js>, value: &Value<'js>) -> String {
    match value.type_of() {
        Type::Undefined | Type::Uninitialized => "undefined".to_owned(),
        Type::Null => "null".to_owned(),
        Type::Bool => value.as_bool().unwrap_or_default().to_string(),
        Type::Int | Type::Float => value.as_number().unwrap_or_default().to_string(),
        Type::String => saved.text(ctx, value, TEXT).unwrap_or_default(),
        Type::Symbol => "a symbol".to_owned(),
        Type::BigInt => "a big integer".to_owned(),
        _ => "something that cannot be shown".to_owned(),
    }
}

/// Members of an exception that are text, numbers or booleans, its own ones.
fn members<'js>(ctx: &Ctx<'js>, saved: &Saved<'js>, object: &Object<'js>) -> Map<String, Json> {
    let mut members = Map::new();
    for name in object.own_keys::<String>(Filter::new().string().enum_only()) {
        if members.len() >= MEMBERS {
            break;
        }
        let Some(name) = dropped(ctx, name) else { continue };
        if ["name", "message", "stack"].contains(&name.as_str()) || name.len() > SHORT {
            continue;
        }
        let Some(value) = dropped(ctx, object.get::<_, Value>(name.as_str())) else { continue };
        let value = match value.type_of() {
            Type::Bool => value.as_bool().map(Json::from),
            Type::Int => value.as_int().map(Json::from),
            Type::Float => value.as_number().map(Json::from),
            Type::String => saved.text(ctx, &value, SHORT).map(Json::from),
            _ => None,
        };
        members.extend(value.map(|value| (name, value)));
    }
    members
}

/// The lines of a stack that are of the author's files, counted as the author counts.
fn lines(stack: &str, source: &Source<'_>) -> String {
    let kept = stack.lines().filter(|line| {
        let line = line.trim_start();
        line.starts_with("at ") && !line.contains("gatewright:") && !line.contains("(native)")
    });
    kept.map(|line| unshifted(line, source)).collect::<Vec<_>>().join("\n")
}

/// The first line begins with the wrapper, of which the author knows nothing.
fn unshifted(line: &str, source: &Source<'_>) -> String {
    let mark = format!("{}:1:", source.file);
    if let Some((before, after)) = line.rsplit_once(&mark) {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if let Ok(column) = after[..digits].parse::<usize>() {
            let column = column.saturating_sub(source.shift).max(1);
            return format!("{before}{mark}{column}{}", &after[digits..]);
        }
    }
    line.to_owned()
}

/// The innermost line of the author's file on a stack.
pub(super) fn line_of(stack: &str, file: &str) -> Option<u32> {
    let mark = format!("{file}:");
    stack.lines().find_map(|line| {
        let (_, after) = line.trim_start().strip_prefix("at ")?.rsplit_once(&mark)?;
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        after[..digits].parse().ok()
    })
}

/// An error without stack and members.
pub(super) fn bare(kind: ErrorKind, name: &str, message: String) -> ScriptError {
    ScriptError { kind, name: name.to_owned(), message, stack: String::new(), members: Map::new() }
}

/// The error of a broken limit.
pub(super) fn broken(kind: ErrorKind, limits: &Limits) -> ScriptError {
    let (name, message) = match kind {
        ErrorKind::Cpu => (
            "CpuLimitError",
            format!("The script used more than {} ms of processor time", limits.cpu.as_millis()),
        ),
        ErrorKind::Time => {
            ("TimeoutError", format!("The scripts did not end within {} ms", limits.wall.as_millis()))
        }
        ErrorKind::Output => (
            "OutputLimitError",
            format!(
                "Commands, console and result of the script are longer than {} bytes",
                limits.output_bytes
            ),
        ),
        ErrorKind::Memory => (
            "MemoryLimitError",
            format!("The scripts used more than {} bytes of memory", limits.memory_bytes),
        ),
        _ => ("WorkerError", "The script could not be run to its end".to_owned()),
    };
    bare(kind, name, message)
}
