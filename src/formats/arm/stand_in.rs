//! Values made from a hash: Azure's own (`uniqueString`, `guid`) and those that only stand in for it.
//!
//! Input: texts. Output: texts of the right shape, the same for the same input. Nothing here is random.

use crate::inventory::ResourceId;
use uuid::{Builder, Uuid};

/// The namespace Azure derives `guid()` from, as Microsoft's Bicep reference states it.
const GUID_NAMESPACE: Uuid = Uuid::from_u128(0x11fb06fb_712d_4ddd_98c7_e71bbd588830);
/// Our own, for GUIDs that Azure would make up.
const STAND_IN_NAMESPACE: Uuid = Uuid::from_u128(0x6e657477_6879_4000_8000_000000000001);

/// The object id that stands in for the one Azure gives a resource's identity: the `principalId` of a system
/// assigned identity, or of a user assigned identity itself. Its version is 8, which Azure never uses.
pub fn stand_in_principal(id: &ResourceId) -> String {
    made_up("principal", &id.as_str().to_lowercase())
}

/// Whether a GUID was made up by this module.
pub fn is_stand_in(guid: &str) -> bool {
    Uuid::try_parse(guid).is_ok_and(|uuid| uuid.get_version_num() == 8)
}

/// A GUID that only a deployment knows, for a purpose and the thing it belongs to.
pub(super) fn made_up(purpose: &str, of: &str) -> String {
    let hash = Uuid::new_v5(&STAND_IN_NAMESPACE, format!("{purpose}:{of}").as_bytes());
    Builder::from_custom_bytes(hash.into_bytes()).into_uuid().to_string()
}

/// `guid()`: a name-based GUID of version 5 over the arguments.
pub(super) fn guid(parts: &[&str]) -> String {
    Uuid::new_v5(&GUID_NAMESPACE, parts.join("-").as_bytes()).to_string()
}

/// `uniqueString()`: thirteen letters and digits, five bits each, of a 64-bit hash over the arguments.
///
/// ASSUMPTION: Microsoft does not publish the hash. This one is what the tools are seen to use, and agrees with
/// a recorded value; see the test.
pub(super) fn unique_string(parts: &[&str]) -> String {
    let mut hash = murmur(parts.join("-").as_bytes());
    let mut out = String::with_capacity(13);
    for _ in 0..13 {
        out.push(char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(hash >> 59) as usize]));
        hash <<= 5;
    }
    out
}

/// The text that stands for `GEN-UNIQUE-n`: `n` characters, different for each parameter.
pub(super) fn generated(parameter: &str, length: usize) -> String {
    let filler = unique_string(&["GEN-UNIQUE", &parameter.to_lowercase()]);
    let head = &"genunique"[..length.saturating_sub(3).clamp(1, 9)];
    let text: String = head.chars().chain(filler.chars().cycle()).take(length).collect();
    text
}

/// A readable stand-in for a name that is not known. `identity` tells apart evaluations of the same text.
pub(super) fn name(expression: &str, identity: &str) -> String {
    let mut words = String::new();
    for c in expression.chars().take(200) {
        match c {
            c if c.is_alphanumeric() || c == '_' => words.push(c),
            _ if words.ends_with('-') || words.is_empty() => {}
            _ => words.push('-'),
        }
    }
    let words: String = words.trim_end_matches('-').chars().take(48).collect();
    let tail = unique_string(&[expression, identity]);
    format!("{{{words}-{}}}", &tail[..5])
}

/// The stand-in for a parameter without a value.
pub(super) fn parameter(name: &str) -> String {
    // A slash would make two segments of it.
    format!("{{{}}}", name.replace('/', "-"))
}

/// MurmurHash3 in the variant that keeps two 32-bit lanes and yields 64 bits; public domain algorithm.
fn murmur(data: &[u8]) -> u64 {
    const C1: u32 = 0x239b_961b;
    const C2: u32 = 0xab0e_9789;
    let mix1 = |k: u32| k.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let mix2 = |k: u32| k.wrapping_mul(C2).rotate_left(17).wrapping_mul(C1);
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |word, b| (word << 8) | u32::from(*b));
    let (mut h1, mut h2) = (0u32, 0u32);
    let blocks = data.chunks_exact(8);
    let tail = blocks.remainder();
    for block in blocks {
        h1 = (h1 ^ mix1(word(&block[..4]))).rotate_left(19).wrapping_add(h2);
        h1 = h1.wrapping_mul(5).wrapping_add(0x561c_cd1b);
        h2 = (h2 ^ mix2(word(&block[4..]))).rotate_left(13).wrapping_add(h1);
        h2 = h2.wrapping_mul(5).wrapping_add(0x0bca_a747);
    }
    let (low, high) = tail.split_at(tail.len().min(4));
    h2 ^= mix2(word(high));
    h1 ^= mix1(word(low));
    let length = data.len() as u32;
    (h1, h2) = (h1 ^ length, h2 ^ length);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (finish(h1), finish(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    u64::from(h2) << 32 | u64::from(h1)
}

fn finish(mut h: u32) -> u32 {
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_string_is_azures() {
        // What the Bicep tools give for uniqueString(id, 'p84fixture').
        let id = "/subscriptions/00000000-0000-4000-8000-000000000084/resourceGroups/rg-p84";
        assert_eq!(unique_string(&[id, "p84fixture"]), "52p2c4jfs43ig");
        assert_eq!(unique_string(&[]).len(), 13);
    }

    #[test]
    fn made_up_guids_are_recognised() {
        let id = ResourceId::new(
            "/subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/a",
        );
        let principal = stand_in_principal(&id);
        assert_eq!(principal, stand_in_principal(&ResourceId::new(&id.as_str().to_uppercase())));
        assert!(is_stand_in(&principal), "{principal}");
        assert!(!is_stand_in(&guid(&["a"])));
        assert_eq!(guid(&["a", "b"]), guid(&["a-b"]));
    }

    #[test]
    fn generated_names_have_the_stated_length() {
        for length in 1..=32 {
            assert_eq!(generated("prefix", length).len(), length);
        }
        assert!(generated("prefix", 6).starts_with("gen"));
        assert_ne!(generated("a", 6), generated("b", 6));
    }

    #[test]
    fn names_are_readable_and_told_apart() {
        assert_eq!(name("parameters('a').b", "0"), name("parameters('a').b", "0"));
        assert_ne!(name("parameters('a').b", "0"), name("parameters('a').b", "1"));
        assert!(name("parameters('a').b", "0").starts_with("{parameters-a-b-"));
        assert!(!name("f('/a/b')", "0").contains('/'));
    }
}
