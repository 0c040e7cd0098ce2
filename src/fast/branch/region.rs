//! What a rule or a route takes in, as far as a packet can tell by itself.

use super::Standing;
use crate::fast::flow::FlowIds;
use crate::net::{Header, IpAddr, IpNet, PortSet};
use crate::network::{AddressMatch, CompiledRule, EffectiveRoute, Network, RoutePrefix};

/// Packets that rules may match: what holds in doubt is inside.
#[derive(Debug)]
pub(super) struct Region(Vec<Hull>);

#[derive(Debug)]
struct Hull {
    protocols: u8,
    ports: PortSet,
    source: Option<Vec<(u32, u32)>>,
    destination: Option<Vec<(u32, u32)>>,
}

/// The addresses of a side; `None` where the packet alone does not tell.
fn side(side: &AddressMatch) -> Option<Vec<(u32, u32)>> {
    let open = side.any
        || side.virtual_network
        || side.internet
        || side.load_balancer
        || side.platform.is_some()
        || side.unknown.is_some()
        || !side.tags.is_empty()
        || !side.asgs.is_empty();
    (!open).then(|| side.set.v4().to_vec())
}

fn holds(ranges: &Option<Vec<(u32, u32)>>, ip: u32) -> bool {
    let Some(ranges) = ranges else { return true };
    let at = ranges.partition_point(|(low, _)| *low <= ip);
    at > 0 && ranges[at - 1].1 >= ip
}

impl Region {
    /// What any of these rules matches.
    pub(super) fn of<'r>(rules: impl Iterator<Item = &'r CompiledRule>) -> Self {
        let one = |rule: &CompiledRule| {
            let protocols = crate::net::Protocol::ALL.into_iter().enumerate();
            let all = rule.unknown.is_some();
            Hull {
                protocols: protocols
                    .map(|(bit, p)| u8::from(all || rule.protocol.contains(p)) << bit)
                    .fold(0, |a, b| a | b),
                ports: if all { PortSet::all() } else { rule.destination_ports.clone() },
                source: if all { None } else { side(&rule.source) },
                destination: if all { None } else { side(&rule.destination) },
            }
        };
        Self(rules.map(one).collect())
    }

    /// Whether a flow may be inside.
    pub(super) fn holds(&self, ids: &FlowIds, standing: &Standing) -> bool {
        self.takes_in(ids.protocol, ids.port, (standing.source_of(ids), ids.destination))
    }

    /// Whether a header may be inside.
    pub(super) fn holds_header(&self, header: &Header) -> bool {
        match (header.source, header.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.takes_in(header.protocol as u8, header.port, (source.into(), destination.into()))
            }
            _ => true,
        }
    }

    fn takes_in(&self, protocol: u8, port: u16, (source, destination): (u32, u32)) -> bool {
        let ported = crate::fast::rules::has_ports(protocol);
        self.0.iter().any(|one| {
            one.protocols >> protocol & 1 != 0
                && (!ported || one.ports.contains(port))
                && holds(&one.source, source)
                && holds(&one.destination, destination)
        })
    }
}

/// Addresses that routes cover; all of them where that is not known.
#[derive(Clone, Debug)]
pub(super) struct Prefixes(Option<Vec<(u32, u32)>>);

impl Prefixes {
    /// What any of these routes covers.
    pub(super) fn of<'r>(net: &Network, routes: impl Iterator<Item = &'r EffectiveRoute>) -> Self {
        let mut out = Vec::new();
        for route in routes {
            match &route.prefix {
                None => return Self(None),
                Some(RoutePrefix::Net(IpNet::V4(net))) => {
                    out.push((net.network().into(), net.broadcast().into()))
                }
                Some(RoutePrefix::Net(IpNet::V6(_))) => {}
                Some(RoutePrefix::Tag(tag)) => out.extend_from_slice(net.tags.set(*tag).v4()),
            }
        }
        out.sort_unstable();
        Self(Some(out))
    }

    /// Whether an address is among them.
    pub(super) fn hold(&self, ip: u32) -> bool {
        // Prefixes may lie in each other, so the nearest beginning does not tell alone.
        match &self.0 {
            None => true,
            Some(ranges) => ranges.iter().take_while(|(low, _)| *low <= ip).any(|(_, high)| *high >= ip),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_that_lie_in_each_other_hold_their_addresses() {
        let prefixes = Prefixes(Some(vec![(0, 100), (10, 20), (200, 300)]));
        for (ip, inside) in [(0, true), (50, true), (100, true), (101, false), (199, false), (300, true)] {
            assert_eq!(prefixes.hold(ip), inside, "{ip}");
        }
        assert!(Prefixes(None).hold(7));
    }

    #[test]
    fn ranges_hold_their_ends() {
        let ranges = Some(vec![(5, 7), (9, 9)]);
        let held: Vec<u32> = (0..12).filter(|ip| holds(&ranges, *ip)).collect();
        assert_eq!(held, [5, 6, 7, 9]);
        assert!(holds(&None, 3));
    }
}
