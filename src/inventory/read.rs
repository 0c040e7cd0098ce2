//! Reading typed fields out of value trees.
//!
//! The same declarations serve four ends: reading resources of any format, refusing unknown fields in
//! our own files with the nearest spelling, following references, and printing the JSON Schema.

use super::ResourceId;
use super::shape::Inside;
use super::values::AddressWord;
use crate::diag::{At, Code, Diagnostic, Diagnostics, nearest};
use crate::doc::{Node, Number, Object, Packed, Value};
use hashbrown::{HashMap, HashSet};
use serde_json::{Value as Json, json};
use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::sync::Arc;

/// Why a value is not known, and where it should have been. One word: millions of values could be unknown, few are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown(Arc<Reason>);

/// What an [`Unknown`] tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    /// The reason, one line.
    pub why: Arc<str>,
    /// The place.
    pub at: At,
}

impl Unknown {
    /// A reason at a place.
    pub fn new(at: At, why: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Reason { why: why.into(), at }))
    }
}

impl std::ops::Deref for Unknown {
    type Target = Reason;
    fn deref(&self) -> &Reason {
        &self.0
    }
}

/// A property that may be absent, known, or present but unknowable.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Field<T> {
    /// Not written (or `null`): Azure's documented default applies.
    #[default]
    Absent,
    /// Written and known.
    Known(T),
    /// Written, but its value cannot be known from the files.
    Unknown(Unknown),
}

impl<T> Field<T> {
    /// The value if it is known.
    pub fn known(&self) -> Option<&T> {
        if let Field::Known(value) = self { Some(value) } else { None }
    }

    /// The reason if it is unknown.
    pub fn unknown(&self) -> Option<&Unknown> {
        if let Field::Unknown(unknown) = self { Some(unknown) } else { None }
    }

    /// Whether it is not written.
    pub fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }
}

impl<T: Clone> Field<T> {
    /// The value, or Azure's default where absent; an unknown stays an error.
    pub fn or(&self, default: T) -> Result<T, &Unknown> {
        match self {
            Field::Absent => Ok(default),
            Field::Known(value) => Ok(value.clone()),
            Field::Unknown(unknown) => Err(unknown),
        }
    }
}

impl<T: PartialEq> Field<T> {
    /// Whether the value is known and equal.
    pub fn is(&self, value: T) -> bool {
        self.known() == Some(&value)
    }
}

/// A list of which some items may be unknowable. One word where it is not written: most lists are not.
pub struct Many<T>(Option<Box<List<T>>>);

/// What a [`Many`] holds.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T> {
    /// The items that are known.
    pub items: Vec<T>,
    /// Set when there may be more, or one of them is unknown.
    pub unknown: Option<Unknown>,
    /// Whether the property was written at all.
    pub given: bool,
}

impl<T> List<T> {
    const EMPTY: Self = Self { items: Vec::new(), unknown: None, given: false };
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone> Clone for Many<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: PartialEq + 'static> PartialEq for Many<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: std::fmt::Debug + 'static> std::fmt::Debug for Many<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: 'static> std::ops::Deref for Many<T> {
    type Target = List<T>;
    fn deref(&self) -> &List<T> {
        match &self.0 {
            Some(list) => list,
            None => const { &List::<T>::EMPTY },
        }
    }
}

impl<T: 'static> std::ops::DerefMut for Many<T> {
    fn deref_mut(&mut self) -> &mut List<T> {
        self.0.get_or_insert_with(|| Box::new(List::EMPTY))
    }
}

impl<T: 'static> Many<T> {
    /// The known items.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Whether nothing is in it, and nothing unknown either.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.unknown.is_none()
    }
}

impl<'a, T: 'static> IntoIterator for &'a Many<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// A reference to a resource of one kind, by id or (in our own files) by name.
pub struct Ref<K> {
    /// The id or name as written.
    pub text: Arc<str>,
    /// Where it is written.
    pub at: At,
    kind: PhantomData<fn() -> K>,
}

impl<K> Ref<K> {
    /// A reference.
    pub fn new(text: impl Into<Arc<str>>, at: At) -> Self {
        Self { text: text.into(), at, kind: PhantomData }
    }

    /// The resource id, if an id is written and not a name.
    pub fn id(&self) -> Option<ResourceId> {
        ResourceId::looks_like_one(&self.text).then(|| ResourceId::new(&self.text))
    }
}

impl<K> Clone for Ref<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), at: self.at, kind: PhantomData }
    }
}

impl<K> std::fmt::Debug for Ref<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ref({})", self.text)
    }
}

impl<K> PartialEq for Ref<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

/// Any resource, whatever its kind.
#[derive(Clone, Debug)]
pub enum AnyKind {}

/// State of one reading: where faults go and how strict it is.
pub struct Reader<'n> {
    /// Where faults go.
    pub notes: &'n mut Diagnostics,
    /// Refuse unknown fields (our own files) instead of passing over them (Azure's, which hold
    /// thousands of properties without network meaning).
    pub strict: bool,
    /// The resource or child being read; children derive their ids from it.
    pub scope: ResourceId,
    /// Set for a resource of which only the name is known: what is not written is unknown, and not Azure's
    /// default. Parts that are written (a rule of a group that is in none of the files) are whole.
    pub untold: Option<Unknown>,
    /// What was read of packed lists so far.
    pub(crate) memo: &'n mut Memo,
}

impl Reader<'_> {
    /// Notes a value that does not fit and gives the unknown that stands in its place.
    pub fn bad(&mut self, code: Code, at: At, message: String, help: Option<String>) -> Unknown {
        let mut diagnostic = Diagnostic::new(code, at, message.clone());
        diagnostic.help = help;
        self.notes.push(diagnostic);
        Unknown::new(at, message)
    }

    fn wrong(&mut self, node: &Node, wanted: &str) -> Unknown {
        if let Some(why) = node.why_unknown() {
            return Unknown::new(node.at, why.clone());
        }
        let message = format!("{} where {wanted} belongs", node.value.kind());
        self.bad(Code::WrongType, node.at, message, None)
    }
}

/// A value that can be read from one node.
pub trait Read: Sized + 'static {
    /// Reads it, or says why it stays unknown.
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown>;
    /// Reads the items of a packed list.
    fn read_packed(packed: &Packed, reader: &mut Reader<'_>, many: &mut Many<Self>) {
        packed.full().iter().for_each(|item| many.push(Self::read(item, reader)));
    }
    /// Its JSON Schema in our own files.
    fn schema() -> Json;
    /// What lies inside, as data.
    fn inside() -> Inside {
        Inside::Value
    }
    /// Visits the references inside: id or name, wanted type, place.
    fn refs(&self, _visit: &mut dyn FnMut(&str, &'static str, At)) {}
    /// Visits the names of the parts inside: frontends, pools, rules.
    fn parts(&self, _visit: &mut dyn FnMut(&str)) {}
}

/// A value that can be read from the properties of an object.
pub(crate) trait FromPaths: Sized {
    /// Whether it is a list.
    const LIST: bool;
    /// Reads it from the first path that is present, or for lists from all of them.
    fn take(view: &View<'_>, paths: &[&str], reader: &mut Reader<'_>) -> Self;
    /// Its JSON Schema in our own files.
    fn schema() -> Json;
    /// What lies inside, as data.
    fn inside() -> Inside;
    /// Visits the references inside.
    fn refs(&self, visit: &mut dyn FnMut(&str, &'static str, At));
    /// Visits the names of the parts inside.
    fn parts(&self, visit: &mut dyn FnMut(&str));
}

/// An object seen flat: what stands in its `properties` and beside them.
pub(crate) struct View<'a> {
    /// The whole object.
    pub node: &'a Node,
}

/// What Azure writes beside `properties`. A list of resources tells it, and no properties.
pub(crate) const BESIDE: &[&str] = &["identity", "kind", "location", "sku", "tags", "zones"];

impl<'a> View<'a> {
    /// A view of an object; anything else is refused or unknown.
    pub(crate) fn new(node: &'a Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        match &node.value {
            Value::Object(_) => Ok(Self { node }),
            _ => Err(reader.wrong(node, "an object")),
        }
    }

    /// The value at a path; `*` is not followed here. `properties` is looked into first.
    pub(crate) fn get(&self, path: &str) -> Option<&'a Node> {
        let found = match self.node.get("properties") {
            Some(inner) if inner.why_unknown().is_some() => {
                let head = path.split('.').next().unwrap_or(path);
                let beside = BESIDE.iter().any(|key| key.eq_ignore_ascii_case(head));
                let told = reach(self.node, path).filter(|n| beside && !n.is_null() && !says_nothing(n));
                return Some(told.unwrap_or(inner));
            }
            Some(inner) => reach(inner, path),
            None => None,
        };
        found.or_else(|| reach(self.node, path)).filter(|n| !n.is_null())
    }

    /// Whether something is written at one of the paths, and be it `null`.
    pub(crate) fn writes(&self, paths: &[&str]) -> bool {
        let written = |path: &&str| {
            let path = path.split(".*").next().unwrap_or(path);
            let inner = self.node.get("properties").and_then(|p| reach(p, path));
            inner.or_else(|| reach(self.node, path)).is_some_and(|node| !says_nothing(node))
        };
        paths.iter().any(written)
    }

    /// All values at a path with `*` for each item of a list.
    fn each(&self, path: &str) -> Vec<&'a Node> {
        let Some((head, tail)) = path.split_once(".*.") else {
            return self.get(path).into_iter().collect();
        };
        let Some(list) = self.get(head) else { return Vec::new() };
        match list.as_array() {
            Some(items) => items.iter().filter_map(|n| pick(n, tail)).filter(|n| !n.is_null()).collect(),
            None => vec![list],
        }
    }

    /// The item's own name.
    pub(crate) fn name(&self) -> Option<&'a str> {
        self.node.get("name").and_then(Node::as_str)
    }
}

/// A member of a list item, in its `properties` or beside them, or the item where it is a plain value.
pub(crate) fn pick<'a>(item: &'a Node, path: &str) -> Option<&'a Node> {
    if item.as_object().is_none() {
        return Some(item);
    }
    item.get("properties").and_then(|p| reach(p, path)).or_else(|| reach(item, path))
}

/// Follows keys; an unknown on the way is the answer. A key may hold dots itself
/// (`additionalProperties` of a firewall has `Network.DNS.EnableProxy`).
fn reach<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    let (mut here, mut rest) = (node, path);
    loop {
        if here.why_unknown().is_some() {
            return Some(here);
        }
        if let Some(found) = here.get(rest) {
            return Some(found);
        }
        let (key, tail) = rest.split_once('.')?;
        (here, rest) = (here.get(key)?, tail);
    }
}

/// Azure answers with empty strings where nothing was set: `sourceAddressPrefix` of a rule that names
/// application security groups, `nextHopIpAddress` of a route without an appliance.
fn says_nothing(node: &Node) -> bool {
    node.as_str() == Some("")
}

/// Whether a value is only the object around another spelling of the same field: `customRules` is the list in
/// one type and holds it as `customRules.rules` in another. A `sku` that tells its name and not the tier that is
/// asked for tells nothing.
pub(crate) fn is_around(view: &View<'_>, paths: &[&str], path: &str, node: &Node) -> bool {
    let inside = |other: &&str| {
        other.strip_prefix(path).is_some_and(|r| r.starts_with('.'))
            && (view.get(other).is_some() || BESIDE.contains(&path))
    };
    node.as_object().is_some() && paths.iter().any(inside)
}

impl<T: Read> FromPaths for Field<T> {
    const LIST: bool = false;

    fn take(view: &View<'_>, paths: &[&str], reader: &mut Reader<'_>) -> Self {
        let strict = reader.strict;
        let value = |path: &&str| view.get(path).filter(|node| !is_around(view, paths, path, node));
        let mut given = paths.iter().filter_map(value);
        let Some(node) = given.find(|n| strict || !says_nothing(n)) else {
            let untold = reader.untold.clone().filter(|_| !view.writes(paths));
            return untold.map_or(Field::Absent, Field::Unknown);
        };
        match T::read(node, reader) {
            Ok(value) => Field::Known(value),
            Err(unknown) => Field::Unknown(unknown),
        }
    }

    fn schema() -> Json {
        T::schema()
    }

    fn inside() -> Inside {
        T::inside()
    }

    fn refs(&self, visit: &mut dyn FnMut(&str, &'static str, At)) {
        if let Field::Known(value) = self {
            value.refs(visit);
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(&str)) {
        if let Field::Known(value) = self {
            value.parts(visit);
        }
    }
}

impl<T: Read> FromPaths for Many<T> {
    const LIST: bool = true;

    fn take(view: &View<'_>, paths: &[&str], reader: &mut Reader<'_>) -> Self {
        let untold = reader.untold.clone().filter(|_| !view.writes(paths));
        let mut many = Many::default();
        if untold.is_some() {
            many.unknown = untold;
        }
        let strict = reader.strict;
        for path in paths {
            let nodes = view.each(path).into_iter().filter(|node| !is_around(view, paths, path, node));
            for node in nodes.filter(|n| strict || !says_nothing(n)) {
                many.given = true;
                many.read(node, reader);
            }
        }
        many
    }

    fn schema() -> Json {
        let item = T::schema();
        json!({ "anyOf": [{ "type": "array", "items": item }, item] })
    }

    fn inside() -> Inside {
        T::inside()
    }

    fn refs(&self, visit: &mut dyn FnMut(&str, &'static str, At)) {
        self.items.iter().for_each(|item| item.refs(visit));
    }

    fn parts(&self, visit: &mut dyn FnMut(&str)) {
        self.items.iter().for_each(|item| item.parts(visit));
    }
}

impl<T: Read> Many<T> {
    /// Reads a list; a single value counts as a list of one, as in `addressPrefix`.
    fn read(&mut self, node: &Node, reader: &mut Reader<'_>) {
        match &node.value {
            Value::Array(items) => {
                let strict = reader.strict;
                self.items.reserve_exact(items.len());
                for item in items.iter().filter(|i| !i.is_null() && (strict || !says_nothing(i))) {
                    self.push(T::read(item, reader));
                }
            }
            Value::Packed(packed) => T::read_packed(packed, reader, self),
            Value::Unknown(why) => self.unknown = Some(Unknown::new(node.at, why.clone())),
            _ => {
                self.items.reserve_exact(1);
                self.push(T::read(node, reader));
            }
        }
    }

    fn push(&mut self, item: Result<T, Unknown>) {
        match item {
            Ok(item) => self.items.push(item),
            Err(unknown) => self.unknown = Some(unknown),
        }
    }
}

/// The text of a value.
pub(super) fn text_of(node: &Node, reader: &mut Reader<'_>) -> Result<Arc<str>, Unknown> {
    match &node.value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Bool(b) => Ok(b.to_string().into()),
        _ => Err(reader.wrong(node, "a string")),
    }
}

impl Read for Arc<str> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        text_of(node, reader).map(|text| reader.memo.same(&text))
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

/// Where something is written, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Where.
    pub at: At,
}

impl Read for Place {
    fn read(node: &Node, _: &mut Reader<'_>) -> Result<Self, Unknown> {
        match node.why_unknown() {
            Some(why) => Err(Unknown::new(node.at, why.clone())),
            None => Ok(Self { at: node.at }),
        }
    }

    fn schema() -> Json {
        json!({})
    }
}

impl Read for bool {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        match &node.value {
            Value::Bool(b) => Ok(*b),
            Value::String(s) if s.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(s) if s.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(reader.wrong(node, "true or false")),
        }
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

impl Read for i64 {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        match &node.value {
            Value::Number(Number::Int(i)) => Ok(*i),
            Value::Number(Number::Float(f)) if f.fract() == 0.0 && f.abs() < 9e15 => Ok(*f as i64),
            Value::String(s) => s.trim().parse().map_err(|_| {
                reader.bad(Code::BadValue, node.at, format!("`{s}` is not a whole number"), None)
            }),
            _ => Err(reader.wrong(node, "a whole number")),
        }
    }

    fn schema() -> Json {
        json!({ "type": "integer" })
    }
}

impl<K: super::Kind> Read for Ref<K> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        reference(node, reader).map(|(text, at)| Ref::new(text, at))
    }

    fn schema() -> Json {
        json!({
            "description": format!("name or id of a {}", K::TYPE),
            "anyOf": [{ "type": "string" }, { "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] }]
        })
    }

    fn inside() -> Inside {
        Inside::Reference(K::TYPE)
    }

    fn refs(&self, visit: &mut dyn FnMut(&str, &'static str, At)) {
        visit(&self.text, K::TYPE, self.at);
    }
}

impl Read for Ref<AnyKind> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        reference(node, reader).map(|(text, at)| Ref::new(text, at))
    }

    fn schema() -> Json {
        json!({ "description": "name or id of a resource", "type": ["string", "object"] })
    }

    fn inside() -> Inside {
        Inside::Reference("")
    }

    fn refs(&self, visit: &mut dyn FnMut(&str, &'static str, At)) {
        visit(&self.text, "", self.at);
    }
}

fn reference(node: &Node, reader: &mut Reader<'_>) -> Result<(Arc<str>, At), Unknown> {
    let inner = node.get("id").unwrap_or(node);
    match &inner.value {
        Value::String(text) if !text.is_empty() => Ok((reader.memo.same(text), inner.at)),
        _ => Err(reader.wrong(inner, "a resource id or name")),
    }
}

/// Reads a packed list: each text once, unless something in it is wrong or refers to a resource, for then its place
/// matters.
pub(super) fn read_shared<T: Read, B: 'static>(
    packed: &Packed,
    reader: &mut Reader<'_>,
    many: &mut Many<T>,
    of: impl Fn(At, &Arc<B>) -> T,
    body: impl Fn(&T) -> Arc<B>,
) {
    let key = (TypeId::of::<B>(), packed.table(), reader.strict);
    let mut read = reader.memo.take::<B>(key);
    read.resize(packed.shapes().max(read.len()), None);
    many.items.reserve_exact(packed.len());
    for item in packed.iter() {
        if let Some(Some(known)) = read.get(item.shape) {
            many.items.push(of(item.at, known));
            continue;
        }
        let noted = reader.notes.len();
        let result = T::read(&Packed::one(&item), reader);
        if let Ok(part) = &result {
            let mut placed = reader.notes.len() > noted;
            part.refs(&mut |_, _, _| placed = true);
            read[item.shape] = (!placed).then(|| body(part));
        }
        many.push(result);
    }
    reader.memo.put(key, read);
}

/// What was read so far: of packed lists, by type, document and strictness; and of objects in several places.
#[derive(Default)]
pub(crate) struct Memo {
    lists: HashMap<(TypeId, usize, bool), Box<dyn Any>>,
    /// Objects by type, place in memory and strictness, held so that the place stays theirs. `None` where no object is
    /// expected twice.
    objects: Option<HashMap<(TypeId, usize, bool), Known>>,
    /// Texts that stand in many places: names of subnets, of regions, of parts.
    texts: HashSet<Arc<str>, foldhash::fast::FixedState>,
    /// Words of address fields, by their text.
    words: HashMap<Arc<str>, AddressWord, foldhash::fast::FixedState>,
}

/// An object, and what was read of it.
type Known = (Arc<Object>, Box<dyn Any>);

impl Memo {
    /// One that knows an object again which stands in several places.
    pub(crate) fn of_objects() -> Self {
        Self { objects: Some(HashMap::new()), ..Self::default() }
    }

    /// A text, once in memory however often it stands somewhere.
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        self.texts.get_or_insert_with(text, |text| Arc::from(text)).clone()
    }

    /// The same of a text that is in memory already.
    pub(super) fn same(&mut self, text: &Arc<str>) -> Arc<str> {
        self.texts.get_or_insert_with(text, Arc::clone).clone()
    }

    /// An address, prefix or tag, read once however often it stands somewhere; `None` where it is none.
    pub(super) fn word(&mut self, text: &str) -> Option<AddressWord> {
        if let Some(known) = self.words.get(text) {
            return Some(known.clone());
        }
        let word = AddressWord::parse(text)?;
        self.words.insert(word.text.clone(), word.clone());
        Some(word)
    }

    fn take<B: 'static>(&mut self, key: (TypeId, usize, bool)) -> Vec<Option<Arc<B>>> {
        let found = self.lists.remove(&key).and_then(|any| any.downcast().ok());
        found.map_or_else(Vec::new, |boxed| *boxed)
    }

    fn put<B: 'static>(&mut self, key: (TypeId, usize, bool), read: Vec<Option<Arc<B>>>) {
        self.lists.insert(key, Box::new(read));
    }
}

/// Reads an object, once however often it stands in the tree, unless something in it is wrong or refers to a
/// resource, for then its place matters.
pub(super) fn read_once<B: 'static>(
    node: &Node,
    reader: &mut Reader<'_>,
    read: impl FnOnce(&mut Reader<'_>) -> Result<B, Unknown>,
    refers: impl FnOnce(&B) -> bool,
) -> Result<Arc<B>, Unknown> {
    let object = match &node.value {
        Value::Object(object) if Arc::strong_count(object) > 1 => object,
        _ => return read(reader).map(Arc::new),
    };
    let key = (TypeId::of::<B>(), Arc::as_ptr(object) as usize, reader.strict);
    let known = reader.memo.objects.as_ref().and_then(|objects| objects.get(&key));
    if let Some(body) = known.and_then(|(_, body)| body.downcast_ref::<Arc<B>>()) {
        return Ok(body.clone());
    }
    let noted = reader.notes.len();
    let body = Arc::new(read(reader)?);
    if reader.notes.len() == noted
        && !refers(&body)
        && let Some(objects) = &mut reader.memo.objects
    {
        objects.insert(key, (object.clone(), Box::new(body.clone())));
    }
    Ok(body)
}

/// The fields of a kind of resource, each once; of many the first, and where to find the rest.
fn fields_of(what: &str, known: &[&str]) -> String {
    const MOST: usize = 24;
    let mut fields: Vec<&str> = Vec::new();
    for field in known {
        if !fields.contains(field) {
            fields.push(field);
        }
    }
    let rest = fields.len().saturating_sub(MOST);
    fields.truncate(MOST);
    let more = if rest > 0 {
        format!(" and {rest} more, which `netwhy schema estate` lists")
    } else {
        String::new()
    };
    format!("{what} has the fields {}{more}", fields.join(", "))
}

/// Notes fields that our own files do not have.
pub(super) fn refuse_unknown_fields(view: &View<'_>, known: &[&str], what: &str, reader: &mut Reader<'_>) {
    if !reader.strict {
        return;
    }
    let Some(object) = view.node.as_object() else { return };
    let beside = super::beside::fields(what);
    let named = |key: &str| {
        known.iter().chain(beside).chain(super::beside::EVERYWHERE).any(|k| k.eq_ignore_ascii_case(key))
    };
    for entry in object.iter().filter(|e| !named(&e.key)) {
        let help = nearest(&entry.key, known.iter().copied())
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_else(|| fields_of(what, known));
        // A list of resources was put out before; what is left of it is no list.
        let kind = reader.scope.kind();
        if super::inline_children(&kind).any(|(property, _)| property.eq_ignore_ascii_case(&entry.key)) {
            let found = entry.value.value.kind();
            let message = format!("{found} where the list `{}` of {what} belongs", entry.key);
            let help = "write each as an item, and what is not known of it as `{ $unknown: why }`".to_owned();
            reader.bad(Code::WrongType, entry.value.at, message, Some(help));
            continue;
        }
        let message = format!("{what} has no field `{}`", entry.key);
        reader.bad(Code::UnknownField, entry.key_at, message, Some(help));
    }
}

/// The first name of a path: what an object's own field is called.
pub(super) fn first_segment(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// Declares an enumeration of Azure's words. Read without regard to case; an unknown word is a
/// diagnostic and stays unknown.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal $(| $alias:literal)*),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* #[doc = concat!("`", $word, "`")] $variant),* }

        impl $name {
            /// Azure's spellings.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// Azure's spelling.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// The value of a word, without regard to case.
            pub fn parse(text: &str) -> Option<Self> {
                $(if text.eq_ignore_ascii_case($word) $(|| text.eq_ignore_ascii_case($alias))* { return Some($name::$variant); })*
                None
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl $crate::inventory::read::Read for $name {
            fn read(node: &$crate::doc::Node, reader: &mut $crate::inventory::read::Reader<'_>) -> Result<Self, $crate::inventory::read::Unknown> {
                $crate::inventory::read::read_word(node, reader, Self::parse, Self::WORDS)
            }
            fn schema() -> serde_json::Value {
                serde_json::json!({ "enum": Self::WORDS })
            }
        }
    };
}

/// Reads a word of a closed list.
pub(super) fn read_word<T>(
    node: &Node,
    reader: &mut Reader<'_>,
    parse: impl Fn(&str) -> Option<T>,
    words: &[&str],
) -> Result<T, Unknown> {
    let text = text_of(node, reader)?;
    parse(text.trim()).ok_or_else(|| {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let help = match nearest(&text, words.iter().copied()) {
            _ if is_number => {
                let words = words.join(", ");
                format!("one of {words}; PowerShell writes words with `ConvertTo-Json -EnumsAsStrings`")
            }
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", words.join(", ")),
        };
        reader.bad(
            Code::BadValue,
            node.at,
            format!("`{text}` is not a word that Azure knows here"),
            Some(help),
        )
    })
}

/// Declares a part of a resource: fields with the paths they are read from. With `in "segment"` the
/// part has an id of its own below its parent's.
macro_rules! block {
    ($(#[$meta:meta])* pub struct $name:ident $(in $segment:literal)? { $($(#[$fmeta:meta])* pub $field:ident : $ty:ty = $($path:literal)|+),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// The item's name; empty where it has none.
            pub name: std::sync::Arc<str>,
            /// What its id begins with. Its own is made when asked for: large estates hold millions of parts.
            scope: $crate::inventory::ResourceId,
            /// Where it is written.
            pub at: $crate::diag::At,
            $($(#[$fmeta])* pub $field: $ty),*
        }

        impl $name {
            /// Its id: that of the resource, or its own below it.
            pub fn id(&self) -> $crate::inventory::ResourceId {
                $(if !self.name.is_empty() { return self.scope.child($segment, &self.name); })?
                self.scope.clone()
            }
        }

        impl $crate::inventory::read::Read for $name {
            fn read(node: &$crate::doc::Node, reader: &mut $crate::inventory::read::Reader<'_>) -> Result<Self, $crate::inventory::read::Unknown> {
                let view = $crate::inventory::read::View::new(node, reader)?;
                let known = ["name", "id", "properties", "type", "etag", $($($crate::inventory::read::first_segment($path)),+),*];
                $crate::inventory::read::refuse_unknown_fields(&view, &known, stringify!($name), reader);
                let name = reader.memo.text(view.name().unwrap_or_default());
                let outer = reader.scope.clone();
                let scope = outer.clone();
                $(if !name.is_empty() { reader.scope = outer.child($segment, &name); })?
                let untold = reader.untold.take();
                let value = Self { name, scope, at: node.at, $($field: $crate::inventory::read::FromPaths::take(&view, &[$($path),+], reader)),* };
                reader.scope = outer;
                reader.untold = untold;
                Ok(value)
            }

            fn schema() -> serde_json::Value {
                let mut properties = serde_json::Map::new();
                properties.insert("name".into(), serde_json::json!({ "type": "string" }));
                for word in $crate::inventory::beside::fields(stringify!($name)) { properties.insert((*word).into(), serde_json::json!({})); }
                $($(properties.insert($crate::inventory::read::first_segment($path).into(), $crate::inventory::read::path_schema($path, <$ty as $crate::inventory::read::FromPaths>::schema()));)+)*
                serde_json::json!({ "type": "object", "properties": properties, "additionalProperties": false })
            }

            fn inside() -> $crate::inventory::shape::Inside {
                $crate::inventory::shape::Inside::Block($crate::inventory::shape::Shape { fields: vec![$($crate::inventory::shape::FieldShape {
                    paths: &[$($path),+],
                    list: <$ty as $crate::inventory::read::FromPaths>::LIST,
                    inside: <$ty as $crate::inventory::read::FromPaths>::inside(),
                }),*] })
            }

            fn refs(&self, visit: &mut dyn FnMut(&str, &'static str, $crate::diag::At)) {
                let _ = &visit;
                $($crate::inventory::read::FromPaths::refs(&self.$field, visit);)*
            }

            fn parts(&self, visit: &mut dyn FnMut(&str)) {
                visit(&self.name);
                $($crate::inventory::read::FromPaths::parts(&self.$field, visit);)*
            }
        }
    };
}

/// Declares a part of a resource of which large estates hold millions: the fields stand in a body of their own, kept
/// once for all parts of a document that have the same text. No field may keep a place but by a reference.
macro_rules! shared_block {
    ($(#[$meta:meta])* pub struct $name:ident with $body:ident { $($(#[$fmeta:meta])* pub $field:ident : $ty:ty = $($path:literal)|+),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// Where it is written.
            pub at: $crate::diag::At,
            body: std::sync::Arc<$body>,
        }

        /// What is written, wherever it stands.
        #[derive(Clone, Debug, PartialEq)]
        pub struct $body {
            /// The item's name; empty where it has none.
            pub name: std::sync::Arc<str>,
            $($(#[$fmeta])* pub $field: $ty),*
        }

        impl $name {
            /// What is written: one and the same for all parts of a document that have the same text.
            pub fn body(&self) -> &std::sync::Arc<$body> {
                &self.body
            }
        }

        impl std::ops::Deref for $name {
            type Target = $body;
            fn deref(&self) -> &$body {
                &self.body
            }
        }

        impl $crate::inventory::read::Read for $name {
            fn read(node: &$crate::doc::Node, reader: &mut $crate::inventory::read::Reader<'_>) -> Result<Self, $crate::inventory::read::Unknown> {
                let once = |reader: &mut $crate::inventory::read::Reader<'_>| {
                    let view = $crate::inventory::read::View::new(node, reader)?;
                    let known = ["name", "id", "properties", "type", "etag", $($($crate::inventory::read::first_segment($path)),+),*];
                    $crate::inventory::read::refuse_unknown_fields(&view, &known, stringify!($name), reader);
                    let name = reader.memo.text(view.name().unwrap_or_default());
                    let untold = reader.untold.take();
                    let body = $body { name, $($field: $crate::inventory::read::FromPaths::take(&view, &[$($path),+], reader)),* };
                    reader.untold = untold;
                    Ok::<$body, $crate::inventory::read::Unknown>(body)
                };
                let refers = |body: &$body| {
                    let mut found = false;
                    let visit: &mut dyn FnMut(&str, &'static str, $crate::diag::At) = &mut |_, _, _| found = true;
                    $($crate::inventory::read::FromPaths::refs(&body.$field, visit);)*
                    found
                };
                let body = $crate::inventory::read::read_once(node, reader, once, refers)?;
                Ok(Self { at: node.at, body })
            }

            fn read_packed(packed: &$crate::doc::Packed, reader: &mut $crate::inventory::read::Reader<'_>, many: &mut $crate::inventory::read::Many<Self>) {
                let of = |at, body: &std::sync::Arc<$body>| Self { at, body: body.clone() };
                $crate::inventory::read::read_shared(packed, reader, many, of, |part: &Self| part.body.clone());
            }

            fn schema() -> serde_json::Value {
                let mut properties = serde_json::Map::new();
                properties.insert("name".into(), serde_json::json!({ "type": "string" }));
                for word in $crate::inventory::beside::fields(stringify!($name)) { properties.insert((*word).into(), serde_json::json!({})); }
                $($(properties.insert($crate::inventory::read::first_segment($path).into(), $crate::inventory::read::path_schema($path, <$ty as $crate::inventory::read::FromPaths>::schema()));)+)*
                serde_json::json!({ "type": "object", "properties": properties, "additionalProperties": false })
            }

            fn inside() -> $crate::inventory::shape::Inside {
                $crate::inventory::shape::Inside::Block($crate::inventory::shape::Shape { fields: vec![$($crate::inventory::shape::FieldShape {
                    paths: &[$($path),+],
                    list: <$ty as $crate::inventory::read::FromPaths>::LIST,
                    inside: <$ty as $crate::inventory::read::FromPaths>::inside(),
                }),*] })
            }

            fn refs(&self, visit: &mut dyn FnMut(&str, &'static str, $crate::diag::At)) {
                $($crate::inventory::read::FromPaths::refs(&self.$field, visit);)*
            }

            fn parts(&self, visit: &mut dyn FnMut(&str)) {
                visit(&self.name);
                $($crate::inventory::read::FromPaths::parts(&self.$field, visit);)*
            }
        }
    };
}

/// The schema of a path: nested paths are open objects.
pub(super) fn path_schema(path: &str, leaf: Json) -> Json {
    if path.contains('.') { json!({ "type": ["object", "array", "string"] }) } else { leaf }
}

/// Declares a resource kind: common head plus fields with the paths they are read from.
macro_rules! resource {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident : $ty:ty = $($path:literal)|+),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            /// The resource id.
            pub id: $crate::inventory::ResourceId,
            /// Where it is declared.
            pub at: $crate::diag::At,
            /// Who says so.
            pub origin: $crate::inventory::Origin,
            /// Why it may not exist, where that is so.
            pub uncertain: Option<std::sync::Arc<str>>,
            /// The API version of its deployment, where the source says it.
            pub api_version: Option<std::sync::Arc<str>>,
            /// The Azure region.
            pub location: $crate::inventory::read::Field<std::sync::Arc<str>>,
            $($(#[$fmeta])* pub $field: $ty),*
        }

        impl $name {
            /// Reads a raw resource.
            pub(in $crate::inventory) fn from_raw(raw: &$crate::inventory::RawResource, reader: &mut $crate::inventory::read::Reader<'_>) -> Self {
                use $crate::inventory::read::{FromPaths, View, refuse_unknown_fields};
                reader.scope = raw.id.clone();
                let view = View { node: &raw.body };
                let own: &[&str] = &[$($($crate::inventory::read::first_segment($path)),+),*];
                refuse_unknown_fields(&view, &[$crate::inventory::HEAD, own].concat(), stringify!($name), reader);
                let location = FromPaths::take(&view, &["location"], reader);
                Self {
                    id: raw.id.clone(), at: raw.at, origin: raw.origin, uncertain: raw.uncertain.clone(),
                    api_version: raw.api_version.clone(), location,
                    $($field: FromPaths::take(&view, &[$($path),+], reader)),*
                }
            }

            /// The JSON Schema of one item in our own estate file.
            pub(in $crate::inventory) fn schema() -> serde_json::Value {
                let mut properties = serde_json::Map::new();
                for word in $crate::inventory::HEAD { properties.insert((*word).into(), serde_json::json!({})); }
                for word in $crate::inventory::beside::fields(stringify!($name)) { properties.insert((*word).into(), serde_json::json!({})); }
                $($(properties.insert($crate::inventory::read::first_segment($path).into(), $crate::inventory::read::path_schema($path, <$ty as $crate::inventory::read::FromPaths>::schema()));)+)*
                serde_json::json!({ "type": "object", "properties": properties, "additionalProperties": false })
            }

            /// What is read of it, as data.
            pub(in $crate::inventory) fn shape() -> $crate::inventory::shape::Shape {
                $crate::inventory::shape::Shape { fields: vec![$($crate::inventory::shape::FieldShape {
                    paths: &[$($path),+],
                    list: <$ty as $crate::inventory::read::FromPaths>::LIST,
                    inside: <$ty as $crate::inventory::read::FromPaths>::inside(),
                }),*] }
            }

            /// Visits the references inside.
            pub(in $crate::inventory) fn refs(&self, visit: &mut dyn FnMut(&str, &'static str, $crate::diag::At)) {
                let _ = &visit;
                $($crate::inventory::read::FromPaths::refs(&self.$field, visit);)*
            }

            /// Visits the names of the parts inside.
            pub(in $crate::inventory) fn parts(&self, visit: &mut dyn FnMut(&str)) {
                let _ = &visit;
                $($crate::inventory::read::FromPaths::parts(&self.$field, visit);)*
            }
        }
    };
}

pub(super) use {block, resource, shared_block, words};
