//! Addresses, prefixes, ports and protocols, without any knowledge of Azure.
//!
//! Everything here is a value: parsed once, normalised, compared cheaply. Sets are sorted, disjoint,
//! inclusive intervals, IPv4 and IPv6 apart, so that union, difference and membership are exact.

mod header;
mod ports;
mod set;

pub use header::Header;
pub use ports::{PortRange, PortSet, Protocol, ProtocolMatch};
pub use set::{AddressSet, host_prefix, parse_addresses, parse_prefix};

pub use ipnet::{IpNet, Ipv4Net, Ipv6Net};
pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
