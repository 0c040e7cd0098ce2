//! Whom a question is about: a machine, an interface, a subnet.

use crate::inventory::{Id, NetworkInterface, ResourceId, Slot, Subnet, TableTag};
use crate::net::{IpAddr, Protocol};
use crate::network::{AttachmentId, AttachmentKind, Network, machine_of};
use crate::trace::{Endpoint, Flow, Misunderstood, Origin, Spot, understand};
use std::fmt;

/// Whom a question is about, with the places it has in virtual networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// As asked for.
    pub text: String,
    /// Its places, the primary one first.
    pub spots: Vec<Spot>,
}

/// Why a question cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskError {
    /// The name does not fit.
    Misunderstood(Misunderstood),
    /// What it names is in no virtual network.
    NoPlace(String),
    /// It has several interfaces, and the question is about one.
    Several {
        /// As asked for.
        text: String,
        /// The interfaces.
        candidates: Vec<String>,
    },
    /// None of its interfaces has the address.
    NotItsAddress {
        /// As asked for.
        text: String,
        /// The address.
        ip: IpAddr,
        /// The addresses it has.
        has: Vec<IpAddr>,
    },
    /// It is a virtual network, and the question is about one subnet.
    Network(String),
    /// It is a private endpoint, of whose interface Azure shows nothing.
    PrivateEndpoint(String),
    /// The question does not exist for the protocol.
    Protocol(Protocol),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misunderstood(error) => write!(f, "{error}"),
            Self::NoPlace(text) => write!(f, "`{text}` has no interface in a virtual network"),
            Self::Several { text, candidates } => {
                write!(f, "`{text}` has several interfaces; name one: {}", candidates.join(", "))
            }
            Self::NotItsAddress { text, ip, has } if has.is_empty() => {
                write!(f, "`{text}` has no address {ip}")
            }
            Self::NotItsAddress { text, ip, has } => {
                let has: Vec<String> = has.iter().map(ToString::to_string).collect();
                write!(f, "`{text}` has no address {ip}; it has {}", has.join(", "))
            }
            Self::Network(text) => {
                write!(f, "`{text}` is a virtual network; name a machine, an interface or a subnet")
            }
            Self::PrivateEndpoint(text) => write!(
                f,
                "`{text}` is a private endpoint: Azure shows neither effective routes nor effective rules of its \
                 interface (PE-7). Ask of a machine that sends to it, or of its subnet"
            ),
            Self::Protocol(protocol) => {
                write!(f, "IP flow verify knows TCP and UDP, not {protocol}; ask NSG diagnostics (NW-1)")
            }
        }
    }
}

impl std::error::Error for AskError {}

fn is_network(slot: Slot) -> bool {
    slot.table == TableTag::VirtualNetwork
}

impl Subject {
    /// What a name or resource id means: a machine with all its interfaces, one interface, a subnet.
    pub fn find(network: &Network, text: &str) -> Result<Subject, AskError> {
        if let Some(spots) = machine_in_no_file(network, text) {
            return Ok(Subject { text: text.into(), spots });
        }
        let flow = Flow::tcp(Endpoint::Named(text.into()), Endpoint::Internet, 443);
        let question = understand(network, &flow).map_err(AskError::Misunderstood)?;
        let spots = match question.origin {
            Origin::Attachment(id) => siblings(network, text, id),
            Origin::Subnet(..) if network.inventory.follow_any(text).is_some_and(is_network) => {
                return Err(AskError::Network(text.into()));
            }
            Origin::Subnet(subnet, _) => vec![Spot::Subnet(subnet)],
            _ => return Err(AskError::NoPlace(text.into())),
        };
        Ok(Subject { text: text.into(), spots })
    }

    /// The subnet of its first place.
    pub fn subnet(&self, network: &Network) -> Option<Id<Subnet>> {
        self.spots.first().map(|spot| subnet_of(network, *spot))
    }

    /// The only interface or subnet.
    pub fn only(&self, network: &Network) -> Result<Spot, AskError> {
        let mut owners: Vec<Slot> = self.spots.iter().filter_map(|s| owner(network, *s)).collect();
        owners.dedup();
        match self.spots.first() {
            None => Err(AskError::NoPlace(self.text.clone())),
            Some(first) if owners.len() < 2 => Ok(*first),
            Some(_) => {
                let names = owners.iter().filter_map(|s| network.inventory.id_of(*s));
                let candidates = names.map(ResourceId::full_name).collect();
                Err(AskError::Several { text: self.text.clone(), candidates })
            }
        }
    }

    /// The same as [`at`](Self::at), for what Azure shows of an interface: nothing of a private endpoint's (PE-7).
    pub(super) fn shown(&self, network: &Network, ip: Option<IpAddr>) -> Result<Spot, AskError> {
        let spot = self.at(network, ip)?;
        match spot {
            Spot::Attachment(id)
                if matches!(network.attachment(id).kind, AttachmentKind::PrivateEndpoint(..)) =>
            {
                Err(AskError::PrivateEndpoint(self.text.clone()))
            }
            _ => Ok(spot),
        }
    }

    /// The place with an address; else the only interface, of which Azure answers whatever address it is asked with.
    /// Whether the address is its own.
    pub(super) fn nearest(&self, network: &Network, ip: Option<IpAddr>) -> Result<(Spot, bool), AskError> {
        match self.at(network, ip) {
            Ok(spot) => Ok((spot, true)),
            Err(error @ AskError::NotItsAddress { .. }) => {
                let same_family = |spot: &Spot| match (address(network, *spot), ip) {
                    (Some(own), Some(ip)) => own.is_ipv4() == ip.is_ipv4(),
                    _ => false,
                };
                let only = self.only(network).ok().and(self.spots.iter().copied().find(same_family));
                only.map(|spot| (spot, false)).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// The place with an address, or the only one where none is asked for.
    pub fn at(&self, network: &Network, ip: Option<IpAddr>) -> Result<Spot, AskError> {
        let Some(ip) = ip else { return self.only(network) };
        let holds = |spot: &&Spot| match spot {
            Spot::Attachment(id) => network.attachment(*id).address == Some(ip),
            Spot::Subnet(subnet) => network.subnet(*subnet).space.contains(ip),
        };
        let unsettled = |spot: &&Spot| {
            matches!(spot, Spot::Attachment(id) if {
                let row = network.attachment(*id);
                row.address.is_none() || row.assumed
            })
        };
        // An address that Azure assigned and no file tells may be any of its subnet.
        let found = self.spots.iter().find(holds).or_else(|| self.spots.iter().find(unsettled));
        found.copied().ok_or_else(|| {
            let has = self.spots.iter().filter_map(|s| address(network, *s)).collect();
            AskError::NotItsAddress { text: self.text.clone(), ip, has }
        })
    }
}

/// The address of a place.
pub(super) fn address(network: &Network, spot: Spot) -> Option<IpAddr> {
    match spot {
        Spot::Attachment(id) => network.attachment(id).address,
        Spot::Subnet(_) => None,
    }
}

/// The subnet of a place.
pub(super) fn subnet_of(network: &Network, spot: Spot) -> Id<Subnet> {
    match spot {
        Spot::Attachment(id) => network.attachment(id).subnet,
        Spot::Subnet(subnet) => subnet,
    }
}

/// The resource that stands at a place.
pub(super) fn resource(network: &Network, spot: Spot) -> Option<&ResourceId> {
    network.inventory.id_of(owner(network, spot)?)
}

fn owner(network: &Network, spot: Spot) -> Option<Slot> {
    Some(match spot {
        Spot::Attachment(id) => network.attachment(id).owner,
        Spot::Subnet(subnet) => Slot { table: TableTag::Subnet, row: subnet.raw() },
    })
}

/// Every place of what a text names, which holds one of them.
fn siblings(network: &Network, text: &str, first: AttachmentId) -> Vec<Spot> {
    let inventory = &network.inventory;
    let named = match ResourceId::looks_like_one(text) {
        true => inventory.slot(&ResourceId::new(text)).into_iter().collect(),
        false => inventory.named(text).to_vec(),
    };
    let row = network.attachment(first);
    let itself = named.contains(&row.owner);
    let machine = match row.kind {
        AttachmentKind::Interface(nic) if !itself => machine_of(inventory, nic),
        _ => None,
    };
    let mine = |id: &AttachmentId| {
        let other = network.attachment(*id);
        match (machine, other.kind) {
            (Some(machine), AttachmentKind::Interface(nic)) => machine_of(inventory, nic) == Some(machine),
            _ => other.owner == row.owner,
        }
    };
    let all = (0..network.attachments.len()).map(|n| AttachmentId(n as u32)).filter(mine);
    let mut spots: Vec<Spot> = all.map(Spot::Attachment).collect();
    spots.sort_by_key(|spot| !is_primary(network, *spot));
    spots
}

/// Whether a place is the primary address of its interface.
fn is_primary(network: &Network, spot: Spot) -> bool {
    let Spot::Attachment(id) = spot else { return true };
    let row = network.attachment(id);
    let AttachmentKind::Interface(nic) = row.kind else { return true };
    let configs = &network.inventory.network_interfaces[nic].ip_configurations;
    let own = configs.iter().find(|c| c.at == row.at || c.private_ip_address.known().copied() == row.address);
    own.is_none_or(|c| c.primary.or(true) == Ok(true))
}

/// The interfaces of a machine that is in none of the files, but that interfaces name as theirs.
fn machine_in_no_file(network: &Network, text: &str) -> Option<Vec<Spot>> {
    if !ResourceId::looks_like_one(text) {
        return None;
    }
    let id = ResourceId::new(text);
    if network.inventory.slot(&id).is_some() {
        return None;
    }
    let mine = |nic: Id<NetworkInterface>| {
        let machine = network.inventory.network_interfaces[nic].virtual_machine.known();
        machine.is_some_and(|r| r.id().is_some_and(|own| own == id))
    };
    let spots: Vec<Spot> = (0..network.attachments.len())
        .map(|n| AttachmentId(n as u32))
        .filter(|a| matches!(network.attachment(*a).kind, AttachmentKind::Interface(nic) if mine(nic)))
        .map(Spot::Attachment)
        .collect();
    (!spots.is_empty()).then_some(spots)
}
