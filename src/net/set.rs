//! Sets of addresses as sorted disjoint intervals.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A set of IPv4 and IPv6 addresses.
///
/// INVARIANT: both lists hold inclusive intervals, sorted, disjoint and not adjacent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressSet {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl AddressSet {
    /// The empty set.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every IPv4 and every IPv6 address.
    pub fn all() -> Self {
        Self { v4: vec![(0, u32::MAX)], v6: vec![(0, u128::MAX)] }
    }

    /// The union of prefixes.
    pub fn from_prefixes<'a>(prefixes: impl IntoIterator<Item = &'a IpNet>) -> Self {
        let mut set = Self::default();
        for prefix in prefixes {
            set.push_prefix(prefix);
        }
        set.normalise();
        // Hundreds of prefixes may come to one range.
        set.shrink();
        set
    }

    /// One inclusive range; both ends must be of one family, else `None`.
    pub fn from_range(low: IpAddr, high: IpAddr) -> Option<Self> {
        let mut set = Self::default();
        match (low, high) {
            (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => set.v4.push((a.into(), b.into())),
            (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => set.v6.push((a.into(), b.into())),
            _ => return None,
        }
        Some(set)
    }

    /// One prefix.
    pub fn from_prefix(prefix: &IpNet) -> Self {
        Self::from_prefixes([prefix])
    }

    fn push_prefix(&mut self, prefix: &IpNet) {
        match prefix {
            IpNet::V4(p) => self.v4.push((p.network().into(), p.broadcast().into())),
            IpNet::V6(p) => self.v6.push((p.network().into(), p.broadcast().into())),
        }
    }

    fn normalise(&mut self) {
        merge(&mut self.v4, |end| end.checked_add(1));
        merge(&mut self.v6, |end| end.checked_add(1));
    }

    /// Adds all addresses of `other`.
    pub fn extend(&mut self, other: &AddressSet) {
        if other.is_empty() {
            return;
        }
        self.v4.extend_from_slice(&other.v4);
        self.v6.extend_from_slice(&other.v6);
        self.normalise();
    }

    /// Gives back the memory that is not needed.
    pub fn shrink(&mut self) {
        self.v4.shrink_to_fit();
        self.v6.shrink_to_fit();
    }

    /// The union of two sets.
    pub fn union(&self, other: &AddressSet) -> AddressSet {
        let mut set = self.clone();
        set.extend(other);
        set
    }

    /// The addresses of `self` that are not in `other`.
    pub fn minus(&self, other: &AddressSet) -> AddressSet {
        AddressSet {
            v4: subtract(&self.v4, &other.v4, |x| x - 1, |x| x.checked_add(1)),
            v6: subtract(&self.v6, &other.v6, |x| x - 1, |x| x.checked_add(1)),
        }
    }

    /// The addresses that are in both sets.
    pub fn intersection(&self, other: &AddressSet) -> AddressSet {
        AddressSet { v4: intersect(&self.v4, &other.v4), v6: intersect(&self.v6, &other.v6) }
    }

    /// Whether the address is in the set.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => within(&self.v4, u32::from(ip)),
            IpAddr::V6(ip) => within(&self.v6, u128::from(ip)),
        }
    }

    /// Whether every address of `other` is in this set.
    pub fn covers(&self, other: &AddressSet) -> bool {
        other.minus(self).is_empty()
    }

    /// Whether the two sets share an address.
    pub fn meets(&self, other: &AddressSet) -> bool {
        !self.intersection(other).is_empty()
    }

    /// Whether no address is in the set.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether every IPv4 address is in the set.
    pub fn is_all_v4(&self) -> bool {
        self.v4 == [(0, u32::MAX)]
    }

    /// The IPv4 intervals, sorted and disjoint, both ends inclusive.
    pub fn v4(&self) -> &[(u32, u32)] {
        &self.v4
    }

    /// The IPv6 intervals, sorted and disjoint, both ends inclusive.
    pub fn v6(&self) -> &[(u128, u128)] {
        &self.v6
    }

    /// The lowest address, IPv4 before IPv6.
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.v4.first().map(|r| IpAddr::V4(Ipv4Addr::from(r.0)));
        v4.or_else(|| self.v6.first().map(|r| IpAddr::V6(Ipv6Addr::from(r.0))))
    }

    /// The fewest prefixes that make up the set, in address order.
    pub fn to_prefixes(&self) -> Vec<IpNet> {
        let mut out = Vec::new();
        for &(low, high) in &self.v4 {
            let subnets = ipnet::Ipv4Subnets::new(low.into(), high.into(), 0);
            out.extend(subnets.map(IpNet::V4));
        }
        for &(low, high) in &self.v6 {
            let subnets = ipnet::Ipv6Subnets::new(low.into(), high.into(), 0);
            out.extend(subnets.map(IpNet::V6));
        }
        out
    }
}

impl fmt::Display for AddressSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, prefix) in self.to_prefixes().iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{prefix}")?;
        }
        Ok(())
    }
}

fn merge<T: Copy + Ord>(ranges: &mut Vec<(T, T)>, next: impl Fn(T) -> Option<T>) {
    ranges.sort_unstable();
    let mut kept = 0;
    for i in 0..ranges.len() {
        let (low, high) = ranges[i];
        if kept > 0 && next(ranges[kept - 1].1).is_none_or(|end| low <= end) {
            ranges[kept - 1].1 = ranges[kept - 1].1.max(high);
        } else {
            ranges[kept] = (low, high);
            kept += 1;
        }
    }
    ranges.truncate(kept);
}

fn subtract<T: Copy + Ord>(
    from: &[(T, T)],
    holes: &[(T, T)],
    before: impl Fn(T) -> T,
    after: impl Fn(T) -> Option<T>,
) -> Vec<(T, T)> {
    let mut out = Vec::new();
    for &(low, high) in from {
        let mut start = Some(low);
        for &(hole_low, hole_high) in holes {
            let Some(low) = start else { break };
            if hole_high < low || hole_low > high {
                continue;
            }
            if hole_low > low {
                out.push((low, before(hole_low)));
            }
            start = after(hole_high).filter(|next| *next <= high);
        }
        if let Some(low) = start {
            out.push((low, high));
        }
    }
    out
}

fn intersect<T: Copy + Ord>(a: &[(T, T)], b: &[(T, T)]) -> Vec<(T, T)> {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < a.len() && j < b.len() {
        let (low, high) = (a[i].0.max(b[j].0), a[i].1.min(b[j].1));
        if low <= high {
            out.push((low, high));
        }
        if a[i].1 < b[j].1 { i += 1 } else { j += 1 }
    }
    out
}

fn within<T: Copy + Ord>(ranges: &[(T, T)], x: T) -> bool {
    let at = ranges.partition_point(|r| r.1 < x);
    ranges.get(at).is_some_and(|r| r.0 <= x)
}

/// The prefix that holds exactly one address.
pub fn host_prefix(ip: IpAddr) -> IpNet {
    IpNet::from(ip)
}

/// Reads `10.0.0.0/8` or a lone address as a prefix; host bits are cleared as Azure does.
pub fn parse_prefix(text: &str) -> Option<IpNet> {
    let text = text.trim();
    if let Ok(net) = text.parse::<IpNet>() {
        return Some(net.trunc());
    }
    text.parse::<IpAddr>().ok().map(host_prefix)
}

/// Reads a prefix, an address, or a range `10.0.0.1-10.0.0.9`.
pub fn parse_addresses(text: &str) -> Option<AddressSet> {
    if let Some(prefix) = parse_prefix(text) {
        return Some(AddressSet::from_prefix(&prefix));
    }
    let (low, high) = text.split_once('-')?;
    AddressSet::from_range(low.trim().parse().ok()?, high.trim().parse().ok()?)
}

impl From<Ipv4Net> for AddressSet {
    fn from(net: Ipv4Net) -> Self {
        Self::from_prefix(&IpNet::V4(net))
    }
}

impl From<Ipv6Net> for AddressSet {
    fn from(net: Ipv6Net) -> Self {
        Self::from_prefix(&IpNet::V6(net))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> AddressSet {
        let mut set = AddressSet::empty();
        for part in text.split_whitespace() {
            set.extend(&parse_addresses(part).expect(part));
        }
        set
    }

    fn check(set: &AddressSet, expected: &str) {
        assert_eq!(set.to_string(), expected);
    }

    #[test]
    fn prefixes_merge_and_split() {
        check(&set("10.0.0.0/9 10.128.0.0/9"), "10.0.0.0/8");
        check(&set("10.0.0.1-10.0.0.2"), "10.0.0.1/32, 10.0.0.2/32");
        check(&set("10.0.0.0/30").minus(&set("10.0.0.1")), "10.0.0.0/32, 10.0.0.2/31");
        check(
            &set("0.0.0.0/0").minus(&set("255.255.255.255")).intersection(&set("255.255.255.254/31")),
            "255.255.255.254/32",
        );
        check(&set("::/0").minus(&set("8000::/1")), "::/1");
        check(&AddressSet::all(), "0.0.0.0/0, ::/0");
    }

    #[test]
    fn membership_at_the_edges() {
        let s = set("0.0.0.0/32 10.0.0.0/8 255.255.255.255 2001:db8::/32");
        for (ip, inside) in [
            ("0.0.0.0", true),
            ("0.0.0.1", false),
            ("9.255.255.255", false),
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("255.255.255.255", true),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(s.contains(ip.parse().expect(ip)), inside, "{ip}");
        }
    }

    #[test]
    fn host_bits_are_cleared_and_nonsense_refused() {
        assert_eq!(parse_prefix("10.1.2.3/8").map(|p| p.to_string()).as_deref(), Some("10.0.0.0/8"));
        for bad in ["", "10.0.0.0/33", "10.0.0", "1-2", "10.0.0.9-10.0.0.1", "a/8"] {
            assert_eq!(parse_addresses(bad), None, "{bad}");
        }
    }
}
