//! The header of a packet, as far as forwarding and filters care.

use super::{IpAddr, Protocol};
use std::fmt;

/// The fields that forwarding and filters read and rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Header {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Protocol.
    pub protocol: Protocol,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub port: u16,
}

impl Header {
    /// The header of the answer.
    pub fn reversed(self) -> Header {
        Header {
            source: self.destination,
            destination: self.source,
            source_port: self.port,
            port: self.source_port,
            ..self
        }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.protocol.has_ports() {
            write!(f, "{} {} -> {}:{}", self.protocol, self.source, self.destination, self.port)
        } else {
            write!(f, "{} {} -> {}", self.protocol, self.source, self.destination)
        }
    }
}
