//! One control of a form, for one member of a body.

/// How a member is typed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line of text.
    Text,
    /// A secret, which is never shown again.
    Secret,
    /// A whole number.
    Number,
    /// Texts, one on each line.
    Lines,
    /// A program.
    Code,
    /// On or off.
    Toggle,
    /// One of these values; the words for it beside.
    Choice(&'static [(&'static str, &'static str)]),
    /// Any of these values, as a list.
    Checks(&'static [(&'static str, &'static str)]),
    /// A JSON object.
    Json,
    /// A JSON object whose members the API merges with the stored ones: what was taken out is sent as `null`.
    Merged,
}

/// A control, declared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control {
    /// The member, with dots for members of members.
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// An emptied control removes the member instead of sending an empty text.
    pub(crate) nullable: bool,
    /// Written in monospace.
    pub(crate) mono: bool,
    pub(crate) autocomplete: &'static str,
}

/// A control without a hint, that may be left empty.
pub(crate) const fn control(name: &'static str, label: &'static str, kind: Kind) -> Control {
    Control {
        name,
        label,
        hint: "",
        kind,
        required: false,
        nullable: false,
        mono: false,
        autocomplete: "off",
    }
}

impl Control {
    /// A sentence below the label.
    pub(crate) const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// It is sent even if it is empty, so that the operation says what is missing.
    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// Emptied, it sends `null`.
    pub(crate) const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// Written in monospace.
    pub(crate) const fn mono(self) -> Self {
        Self { mono: true, ..self }
    }

    /// What the browser may fill in.
    pub(crate) const fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }
}
