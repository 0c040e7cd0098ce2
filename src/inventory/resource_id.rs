//! Azure resource ids: compared without case, shown as written.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A resource id such as
/// `/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V/subnets/N`.
///
/// Equality, order and hash ignore ASCII case, as Azure does; the spelling is kept for display.
#[derive(Clone)]
pub struct ResourceId(Arc<str>);

impl ResourceId {
    /// Takes an id as written; a trailing slash is dropped.
    pub fn new(text: &str) -> Self {
        Self(text.trim().trim_end_matches('/').into())
    }

    /// An id of a resource in a resource group, from its full type and its name with slashes
    /// (`Microsoft.Network/virtualNetworks/subnets`, `vnet/subnet`).
    pub fn in_group(subscription: &str, group: &str, kind: &str, name: &str) -> Self {
        Self::under(&format!("/subscriptions/{subscription}/resourceGroups/{group}"), kind, name)
    }

    /// An id of a resource under any scope, from its full type and its name with slashes.
    pub fn under(scope: &str, kind: &str, name: &str) -> Self {
        let mut types = kind.split('/');
        let provider = types.next().unwrap_or_default();
        let mut id = format!("{}/providers/{provider}", scope.trim_end_matches('/'));
        for (kind, name) in types.zip(name.split('/')) {
            id.push_str(&format!("/{kind}/{name}"));
        }
        Self(id.into())
    }

    /// The id of a child: `vnet.child("subnets", "default")`.
    pub fn child(&self, kind: &str, name: &str) -> Self {
        Self(format!("{}/{kind}/{name}", self.0).into())
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment: the resource's own name.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|s| !s.is_empty())
    }

    /// The full type, `Microsoft.Network/virtualNetworks/subnets`, from the last provider segment.
    pub fn kind(&self) -> String {
        let Some(at) = rfind_ignore_case(&self.0, "/providers/") else {
            return self.scope_kind().to_owned();
        };
        let mut rest = self.0[at + "/providers/".len()..].split('/');
        let mut kind = rest.next().unwrap_or_default().to_owned();
        for segment in rest.step_by(2) {
            kind.push('/');
            kind.push_str(segment);
        }
        kind
    }

    fn scope_kind(&self) -> &'static str {
        match self.segments().count() {
            0 => "Microsoft.Resources/tenants",
            2 => "Microsoft.Resources/subscriptions",
            _ => "Microsoft.Resources/resourceGroups",
        }
    }

    /// Whether the id names a resource of this type.
    pub fn is_kind(&self, kind: &str) -> bool {
        self.kind().eq_ignore_ascii_case(kind)
    }

    /// The names along the type: `vnet/subnet`.
    pub fn full_name(&self) -> String {
        let Some(at) = rfind_ignore_case(&self.0, "/providers/") else { return self.name().to_owned() };
        let names: Vec<&str> = self.0[at + "/providers/".len()..].split('/').skip(2).step_by(2).collect();
        names.join("/")
    }

    /// Whether `name` is its full name, without regard to case.
    pub fn is_called(&self, name: &str) -> bool {
        let Some(at) = rfind_ignore_case(&self.0, "/providers/") else {
            return self.name().eq_ignore_ascii_case(name);
        };
        let own = self.0[at + "/providers/".len()..].split('/').skip(2).step_by(2);
        let mut asked = name.split('/');
        own.into_iter().all(|part| asked.next().is_some_and(|word| word.eq_ignore_ascii_case(part)))
            && asked.next().is_none()
    }

    /// The parent resource: the virtual network of a subnet. `None` for a top-level resource.
    pub fn parent(&self) -> Option<ResourceId> {
        let at = rfind_ignore_case(&self.0, "/providers/")?;
        let depth = self.0[at + "/providers/".len()..].split('/').count();
        if depth < 5 {
            return None;
        }
        let (rest, _) = self.0.rsplit_once('/')?;
        let (rest, _) = rest.rsplit_once('/')?;
        Some(Self(rest.into()))
    }

    /// The ancestor of the given full type, this resource included.
    pub fn ancestor(&self, kind: &str) -> Option<ResourceId> {
        let mut here = Some(self.clone());
        while let Some(id) = here {
            if id.is_kind(kind) {
                return Some(id);
            }
            here = id.parent();
        }
        None
    }

    /// The scope the resource lives in: what stands before the last `/providers/`.
    pub fn scope(&self) -> &str {
        rfind_ignore_case(&self.0, "/providers/").map_or(&*self.0, |at| &self.0[..at])
    }

    /// The value after a segment name, such as `subscriptions` or `resourceGroups`.
    fn after(&self, word: &str) -> Option<&str> {
        let mut segments = self.segments();
        while let Some(segment) = segments.next() {
            if segment.eq_ignore_ascii_case(word) {
                return segments.next();
            }
        }
        None
    }

    /// The subscription.
    pub fn subscription(&self) -> Option<&str> {
        self.after("subscriptions")
    }

    /// The resource group.
    pub fn resource_group(&self) -> Option<&str> {
        self.after("resourceGroups")
    }

    /// Whether `scope` is this id or one of the scopes above it.
    pub fn is_within(&self, scope: &str) -> bool {
        let scope = scope.trim_end_matches('/');
        let head = self.0.get(..scope.len());
        head.is_some_and(|h| h.eq_ignore_ascii_case(scope))
            && (self.0.len() == scope.len() || self.0.as_bytes()[scope.len()] == b'/')
    }

    /// Whether the text looks like a resource id at all.
    pub fn looks_like_one(text: &str) -> bool {
        text.starts_with('/') && text.len() > 1
    }
}

/// Position of the last occurrence of an ASCII pattern that begins with a slash, without regard to case.
fn rfind_ignore_case(text: &str, pattern: &str) -> Option<usize> {
    let mut end = text.len();
    loop {
        // PERF: an id has few slashes behind what is looked for, and a slash is found many bytes at once.
        let at = text[..end].rfind('/')?;
        let here = text.as_bytes()[at..].get(..pattern.len());
        if here.is_some_and(|here| here.eq_ignore_ascii_case(pattern.as_bytes())) {
            return Some(at);
        }
        end = at;
    }
}

/// The bit of every byte that tells upper from lower case.
const CASE: u64 = 0x2020_2020_2020_2020;

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for ResourceId {}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_without_case(&self.0, state);
    }
}

/// Hashes a text so that those that differ in case alone have one hash.
pub(super) fn hash_without_case<H: Hasher>(text: &str, state: &mut H) {
    // PERF: eight bytes at once. The bit that tells the cases of a letter apart is set in every byte, which
    // equal texts have in common; that it joins a few other characters costs nothing.
    let mut words = text.as_bytes().chunks_exact(8);
    for word in &mut words {
        let word: [u8; 8] = word.try_into().expect("INVARIANT: chunks of eight have eight bytes");
        state.write_u64(u64::from_le_bytes(word) | CASE);
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    state.write_u64(u64::from_le_bytes(last) | CASE);
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        // PERF: ids have long beginnings in common.
        let same = a.chunks_exact(8).zip(b.chunks_exact(8)).take_while(|(a, b)| a == b).count() * 8;
        let rest = |bytes| <[u8]>::iter(bytes).map(u8::to_ascii_lowercase);
        rest(&a[same..]).cmp(rest(&b[same..]))
    }
}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBNET: &str =
        "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V/subnets/N";

    #[test]
    fn parts_of_an_id() {
        let id = ResourceId::new(SUBNET);
        assert_eq!(id.kind(), "Microsoft.Network/virtualNetworks/subnets");
        assert_eq!(id.full_name(), "V/N");
        assert!(["V/N", "v/n"].iter().all(|name| id.is_called(name)));
        assert!(!["V", "N", "V/N/", "V/N/N", "", "/V/N"].iter().any(|name| id.is_called(name)));
        assert_eq!((id.name(), id.subscription(), id.resource_group()), ("N", Some("S"), Some("G")));
        let vnet = id.parent().expect("a subnet has a parent");
        assert_eq!(vnet.full_name(), "V");
        assert_eq!(vnet.parent(), None);
        assert_eq!(id.ancestor("microsoft.network/virtualnetworks"), Some(vnet));
        assert_eq!(ResourceId::in_group("S", "G", "Microsoft.Network/virtualNetworks/subnets", "V/N"), id);
    }

    #[test]
    fn case_does_not_matter() {
        let (a, b) = (ResourceId::new(SUBNET), ResourceId::new(&SUBNET.to_uppercase()));
        assert_eq!(a, b);
        assert_eq!(a.cmp(&b), Ordering::Equal);
        assert!(a.is_within("/SUBSCRIPTIONS/s/resourcegroups/g"));
        assert!(!a.is_within("/subscriptions/S/resourceGroups/G2"));
    }

    #[test]
    fn scopes_and_extensions() {
        let id = ResourceId::new(&format!("{SUBNET}/providers/Microsoft.Authorization/roleAssignments/r"));
        assert_eq!(id.kind(), "Microsoft.Authorization/roleAssignments");
        assert_eq!(id.scope(), SUBNET);
        assert_eq!(id.parent(), None);
        assert_eq!(ResourceId::new("/subscriptions/S").kind(), "Microsoft.Resources/subscriptions");
        assert_eq!(
            ResourceId::new("/subscriptions/S/resourceGroups/G/").kind(),
            "Microsoft.Resources/resourceGroups"
        );
    }
}
