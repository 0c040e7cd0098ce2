//! Ports and protocols.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// An inclusive range of ports.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    /// First port.
    pub low: u16,
    /// Last port.
    pub high: u16,
}

impl PortRange {
    /// All ports, which Azure writes `*` or `0-65535`.
    pub const ALL: PortRange = PortRange { low: 0, high: u16::MAX };

    /// Reads `443`, `1000-2000` or `*`.
    pub fn parse(text: &str) -> Option<PortRange> {
        let text = text.trim();
        if text == "*" || text.eq_ignore_ascii_case("any") {
            return Some(PortRange::ALL);
        }
        if let Ok(port) = text.parse() {
            return Some(PortRange { low: port, high: port });
        }
        let (low, high) = text.split_once('-')?;
        let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        (low <= high).then_some(PortRange { low, high })
    }

    /// Whether the port lies in the range.
    pub fn contains(self, port: u16) -> bool {
        self.low <= port && port <= self.high
    }

    /// Whether this is every port.
    pub fn is_all(self) -> bool {
        self.low == 0 && self.high == u16::MAX
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            f.write_str("*")
        } else if self.low == self.high {
            write!(f, "{}", self.low)
        } else {
            write!(f, "{}-{}", self.low, self.high)
        }
    }
}

/// A set of ports. A copy shares its ranges.
///
/// INVARIANT: ranges are sorted, disjoint and not adjacent.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortSet(Arc<[PortRange]>);

/// Every port: most sets are this one.
static ALL_PORTS: LazyLock<PortSet> = LazyLock::new(|| PortSet([PortRange::ALL].into()));

impl PortSet {
    /// The union of ranges.
    pub fn new(ranges: impl IntoIterator<Item = PortRange>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().collect();
        ranges.sort_unstable();
        let mut out: Vec<PortRange> = Vec::new();
        for range in ranges {
            match out.last_mut() {
                Some(last) if u32::from(range.low) <= u32::from(last.high) + 1 => {
                    last.high = last.high.max(range.high);
                }
                _ => out.push(range),
            }
        }
        match out[..] {
            [PortRange::ALL] => Self::all(),
            _ => Self(out.into()),
        }
    }

    /// Every port.
    pub fn all() -> Self {
        ALL_PORTS.clone()
    }

    /// Whether the port is in the set.
    pub fn contains(&self, port: u16) -> bool {
        self.0.iter().any(|r| r.contains(port))
    }

    /// Whether every port is in the set.
    pub fn is_all(&self) -> bool {
        *self.0 == [PortRange::ALL]
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> &[PortRange] {
        &self.0
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{range}")?;
        }
        Ok(())
    }
}

/// The protocol of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// Transmission control protocol.
    Tcp,
    /// User datagram protocol.
    Udp,
    /// Internet control message protocol; has no ports.
    Icmp,
    /// IPsec encapsulating security payload; has no ports.
    Esp,
    /// IPsec authentication header; has no ports.
    Ah,
}

impl Protocol {
    /// Every protocol a flow can have.
    pub const ALL: [Protocol; 5] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Esp, Self::Ah];

    /// Reads the protocol's name in any case.
    pub fn parse(text: &str) -> Option<Protocol> {
        Self::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(text.trim()))
    }

    /// Azure's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "Tcp",
            Self::Udp => "Udp",
            Self::Icmp => "Icmp",
            Self::Esp => "Esp",
            Self::Ah => "Ah",
        }
    }

    /// Whether the protocol has ports.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The protocols a rule names, as a small set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ProtocolMatch(u8);

impl ProtocolMatch {
    /// Every protocol (`*`).
    pub const ANY: ProtocolMatch = ProtocolMatch(0b1_1111);
    /// No protocol.
    pub const NONE: ProtocolMatch = ProtocolMatch(0);

    /// Exactly one protocol.
    pub fn only(protocol: Protocol) -> Self {
        Self(1 << protocol as u8)
    }

    /// Both sets together.
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the protocol is in the set.
    pub fn contains(self, protocol: Protocol) -> bool {
        self.0 & (1 << protocol as u8) != 0
    }

    /// Reads `Tcp`, `*`, `Any` in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" || text.eq_ignore_ascii_case("any") {
            return Some(Self::ANY);
        }
        Protocol::parse(text).map(Self::only)
    }
}

impl fmt::Display for ProtocolMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ANY {
            return f.write_str("*");
        }
        let names: Vec<_> =
            Protocol::ALL.into_iter().filter(|p| self.contains(*p)).map(Protocol::name).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_parse_merge_and_print() {
        let set = PortSet::new(["443", "80", "81-90", "444"].map(|t| PortRange::parse(t).expect(t)));
        assert_eq!(set.to_string(), "80-90,443-444");
        assert!(set.contains(85) && !set.contains(91));
        assert!(
            PortSet::new([PortRange { low: 0, high: 100 }, PortRange { low: 101, high: 65535 }]).is_all()
        );
        for bad in ["", "90-80", "65536", "x", "-1", "1-"] {
            assert_eq!(PortRange::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn protocols_parse_and_match() {
        assert_eq!(ProtocolMatch::parse("*"), Some(ProtocolMatch::ANY));
        assert_eq!(ProtocolMatch::parse("TCP").map(|p| p.to_string()).as_deref(), Some("Tcp"));
        assert!(ProtocolMatch::ANY.contains(Protocol::Ah));
        assert!(!ProtocolMatch::only(Protocol::Tcp).contains(Protocol::Udp));
        assert_eq!(ProtocolMatch::parse("quic"), None);
    }
}
