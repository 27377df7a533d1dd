//! What the members of a body, a query or a stored document may hold.

use serde_json::Value;

use super::Map;
use super::format::Format;

/// One named member. Built with [`field`] and the methods below, in `const` tables.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The wire's name.
    pub name: &'static str,
    /// What it may hold.
    pub shape: Shape,
    /// A sentence for people, shown in validation messages.
    pub hint: &'static str,
    /// Must be there (on create; updates require nothing).
    pub required: bool,
    /// `null` is allowed; on an update it removes the member.
    pub nullable: bool,
    /// Which operations accept it.
    pub accepted: Accepted,
}

/// Which operations accept a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Create and update.
    Always,
    /// Only when the object is made; immutable afterwards.
    OnCreate,
    /// Only when it is changed.
    OnUpdate,
}

/// What a member may hold.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Text of `min` to `max` characters in a format.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// What the text must look like.
        format: Format,
    },
    /// A whole number.
    Int {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// Any number.
    Number,
    /// `true` or `false`.
    Bool,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list whose items all have one shape.
    List {
        /// The shape of each item.
        of: &'static Shape,
        /// Fewest items.
        min: usize,
    },
    /// An object with these members.
    Object {
        /// The members.
        fields: &'static [Field],
        /// Whether other members are allowed too.
        open: bool,
    },
    /// An object of any members, at most `max_members`, each text of at most `max_length`.
    TextMap {
        /// Most members.
        max_members: usize,
        /// Most characters in a value.
        max_length: usize,
    },
    /// A file of a `multipart/form-data` body. In the body it stands as `{"bytes": SIZE}`; what it holds is
    /// in [`Input::files`](super::Input::files).
    File,
    /// Anything.
    Any,
}

/// Text without limits.
pub const TEXT: Shape = Shape::Text { min: 0, max: usize::MAX, format: Format::Any };
/// Text of at least one character.
pub const SOME_TEXT: Shape = Shape::Text { min: 1, max: usize::MAX, format: Format::Any };
/// A whole number without limits.
pub const INT: Shape = Shape::Int { min: i64::MIN, max: i64::MAX };
/// `true` or `false`.
pub const BOOL: Shape = Shape::Bool;
/// An object of any members.
pub const OBJECT: Shape = Shape::Object { fields: &[], open: true };

impl Shape {
    /// Text of `min` to `max` characters.
    pub const fn text(min: usize, max: usize) -> Self {
        Self::Text { min, max, format: Format::Any }
    }

    /// Text in a format.
    pub const fn format(format: Format) -> Self {
        Self::Text { min: 0, max: usize::MAX, format }
    }

    /// A list of any length.
    pub const fn list(of: &'static Self) -> Self {
        Self::List { of, min: 0 }
    }

    /// An object with exactly these members.
    pub const fn object(fields: &'static [Field]) -> Self {
        Self::Object { fields, open: false }
    }

    /// An object with these members, whose others are kept as they are.
    pub const fn open_object(fields: &'static [Field]) -> Self {
        Self::Object { fields, open: true }
    }

    /// A value that fits: with the members that must be there, and no others.
    pub fn example(&self) -> Value {
        match self {
            Self::Text { min, format, .. } => {
                let example = format.example();
                let missing = min.saturating_sub(example.chars().count());
                Value::from(format!("{example}{}", "a".repeat(missing)))
            }
            Self::Int { min, max } => Value::from((*min).max(1.min(*max))),
            Self::Number => Value::from(1),
            Self::Bool => Value::from(true),
            Self::OneOf(names) => Value::from(names.first().copied().unwrap_or_default()),
            Self::List { of, min } => vec![of.example(); *min].into(),
            Self::Object { fields, .. } => {
                let required = fields.iter().filter(|field| field.required);
                required.map(|field| (field.name.to_owned(), field.shape.example())).collect::<Map>().into()
            }
            Self::File => serde_json::json!({"bytes": 0}),
            Self::TextMap { .. } | Self::Any => Value::Object(Map::new()),
        }
    }

    /// The JSON type that this shape expects, in the words of validation messages.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Text { .. } | Self::OneOf(_) => "string",
            Self::Int { .. } => "integer",
            Self::Number => "number",
            Self::Bool => "boolean",
            Self::List { .. } => "array",
            Self::Object { .. } | Self::TextMap { .. } => "object",
            Self::File => "file",
            Self::Any => "any",
        }
    }
}

/// A member that may be left out, and that create and update both accept.
pub const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, hint: "", required: false, nullable: false, accepted: Accepted::Always }
}

impl Field {
    /// It must be there when the object is made.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// `null` is allowed; on an update it removes the member.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// It cannot be changed once the object is made.
    #[must_use]
    pub const fn immutable(self) -> Self {
        Self { accepted: Accepted::OnCreate, ..self }
    }

    /// It cannot be given when the object is made.
    #[must_use]
    pub const fn only_on_update(self) -> Self {
        Self { accepted: Accepted::OnUpdate, ..self }
    }

    /// A sentence for people.
    #[must_use]
    pub const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }
}
