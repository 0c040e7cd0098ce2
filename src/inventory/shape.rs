//! What the typed readers look at, as data: which fields a kind has, where each may stand, what lies inside.
//!
//! Derived from the same declarations that read a resource, so it cannot drift from them. Changes use it to
//! refuse a property that would have no effect; writing an estate file uses it to keep what has meaning.

/// The fields of a resource or of a part of one.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Its fields in the order declared.
    pub fields: Vec<FieldShape>,
}

/// One field.
#[derive(Clone, Debug)]
pub struct FieldShape {
    /// Where it may stand, dotted; `*` stands for the items of a list.
    pub paths: &'static [&'static str],
    /// Whether it is a list; a single value counts as a list of one.
    pub list: bool,
    /// What lies there.
    pub inside: Inside,
}

/// What lies at a path.
#[derive(Clone, Debug)]
pub enum Inside {
    /// A plain value.
    Value,
    /// An object read by hand: whatever stands in it is kept.
    Open,
    /// The name or id of a resource of this type; of any type where empty.
    Reference(&'static str),
    /// A part with fields of its own.
    Block(Shape),
}

impl FieldShape {
    /// The paths without what follows a `*`: where the value or list as a whole stands.
    pub fn heads(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.paths.iter().map(|path| head(path))
    }
}

/// The path up to a `*`.
pub(crate) fn head(path: &'static str) -> &'static str {
    path.split_once(".*.").map_or(path, |(head, _)| head)
}

impl Shape {
    /// The field that has this path, compared without case.
    pub fn field(&self, path: &str) -> Option<&FieldShape> {
        self.fields.iter().find(|f| f.heads().any(|h| h.eq_ignore_ascii_case(path)))
    }

    /// Every path a person may write, in the order declared.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.fields.iter().flat_map(FieldShape::heads)
    }
}
