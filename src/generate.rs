//! Estates of any size out of a seed: for trying out, for tests, for benches.
//!
//! Input: a [`Profile`], a [`Shape`], a seed. Output: resources one after the other, to be built into an inventory or
//! written as a file, and flows through them. The same settings give the same bytes on every machine. Nothing is
//! held in memory: where a thing lies, what it is called and what it holds are functions of its number.
//!
//! The estates are what large companies have: hubs with firewalls, a parent policy and a child for each hub; spokes
//! of tiers, each subnet with a security group that is a template in one of several versions plus rules naming the
//! spoke's own prefixes and a partner's; a route table for each spoke that sends everything through the firewall,
//! with hundreds of offices by name and a few exceptions; private endpoints with their zones and links; NAT
//! gateways, load balancers and application security groups on some. They load without a diagnostic, and Azure's
//! limits are kept, except that a hub of `giga` has more than 500 peerings, as networks of a network manager may.

mod endpoints;
mod estate;
mod firewall;
mod flows;
mod network;
mod plan;
mod private_link;
mod rng;
mod routing;
mod security;
mod value;
mod write;

pub use estate::Stopped;
pub use flows::{Flows, Layout, Mix};
pub use plan::{Profile, Settings, Shape, Sizes};
pub use write::{Format, Writer};

use crate::diag::Diagnostics;
use crate::inventory::{self, Inventory, RawResource};
use std::io::{self, Write};

/// Hands out every resource of an estate, those of one kind together.
pub fn resources(
    settings: &Settings,
    sink: &mut dyn FnMut(RawResource) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    estate::estate(&plan::Plan::new(*settings), &mut estate::Out { sink })
}

/// The estate as an inventory, without a detour over text, and without any resource twice in memory.
pub fn inventory(settings: &Settings, notes: &mut Diagnostics) -> Inventory {
    let mut collector = inventory::Collector::new(notes);
    let all = resources(settings, &mut |raw| {
        collector.add(raw);
        Ok(())
    });
    debug_assert_eq!(all, Ok(()), "INVARIANT: this sink never stops");
    collector.finish()
}

/// Writes the estate and tells how many resources it has. `each` is called after every resource.
pub fn write<W: Write>(
    settings: &Settings,
    format: Format,
    title: &str,
    out: W,
    mut each: impl FnMut(u64) -> Result<(), Stopped>,
) -> io::Result<u64> {
    let mut writer = Writer::begin(out, format, title)?;
    let mut fault = None;
    let done = resources(settings, &mut |raw| {
        writer.resource(&raw).map_err(|error| {
            fault = Some(error);
            Stopped
        })?;
        each(writer.written())
    });
    match (fault, done) {
        (Some(error), _) => Err(error),
        (None, Err(Stopped)) => Err(io::ErrorKind::Interrupted.into()),
        (None, Ok(())) => {
            let written = writer.written();
            writer.end()?.flush()?;
            Ok(written)
        }
    }
}
