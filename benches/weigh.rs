//! Where the bytes of an estate in memory go: `cargo bench --bench weigh`, `NETWHY_BENCH=giga` for the profile `giga`.
//!
//! No time is measured: the parts of a network are let go one after the other, and what each gives back is counted,
//! with what the system's allocator adds to every block. What several parts share counts for the last of them.

#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

mod support;

use netwhy::diag::Diagnostics;
use netwhy::fast;
use netwhy::generate::{Profile as Size, Sizes};
use netwhy::network::{self, Network};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use std::time::Instant;
use support::weighing::{Weighing, live};
use support::{Scale, giga, peak, settings};

#[global_allocator]
static ALLOCATOR: Weighing = Weighing;

/// A tenth of `giga`: as many rules, routes and interfaces for each spoke, in a tenth of the time.
fn tenth() -> Scale {
    let all = Size::Giga.sizes();
    let sizes = Sizes {
        hubs: 4,
        spokes: all.spokes / 10,
        endpoints: all.endpoints / 10,
        groups: all.groups / 10,
        tables: all.tables / 10,
        private_endpoints: all.private_endpoints / 10,
        firewall_rules: all.firewall_rules / 10,
        ..all
    };
    Scale { name: "tenth", sizes }
}

/// Prints a line of the table.
fn line(what: &str, bytes: usize, blocks: usize, endpoints: usize) {
    let each = bytes as f64 / endpoints as f64;
    println!("{:>9.1} MiB {each:>8.0} B an endpoint {blocks:>9} blocks  {what}", bytes as f64 / 1048576.0);
}

/// Lets a part go and tells what it weighed.
fn weigh<T>(what: &str, part: T, endpoints: usize) {
    let before = live();
    drop(part);
    let after = live();
    line(what, before.0 - after.0, before.1 - after.1, endpoints);
}

macro_rules! sizes_of {
    ($($kind:ty),* $(,)?) => { $(println!("{:>5} B  {}", std::mem::size_of::<$kind>(), stringify!($kind));)* };
}

fn rows() {
    use netwhy::inventory::{
        IpConfiguration, NetworkInterface, Nsg, PrivateEndpoint, Route, RouteTable, SecurityRule, Subnet,
        Unknown, VirtualNetwork, VirtualNetworkPeering,
    };
    use netwhy::network::{AddressMatch, Attachment, CompiledRule, EffectiveRoute, SubnetRow, Vnet};
    sizes_of!(
        CompiledRule,
        AddressMatch,
        EffectiveRoute,
        SubnetRow,
        Vnet,
        Attachment,
        NetworkInterface,
        IpConfiguration,
        Nsg,
        SecurityRule,
        RouteTable,
        Route,
        Subnet,
        VirtualNetwork,
        VirtualNetworkPeering,
        PrivateEndpoint,
        Unknown,
    );
}

#[expect(clippy::disallowed_methods, reason = "a bench takes its size from its caller, and has a clock")]
fn main() {
    let wanted = std::env::var("NETWHY_BENCH").unwrap_or_default();
    let scale = if wanted == "giga" { giga() } else { tenth() };
    rows();
    let mut notes = Diagnostics::new();
    let begun = Instant::now();
    let inventory = netwhy::generate::inventory(&settings(&scale), &mut notes);
    let made = begun.elapsed().as_secs_f64();
    println!("{}: resources in {made:.2} s, {:.0} MiB at most", scale.name, peak());
    let (bytes, blocks) = live();
    let endpoints = inventory.network_interfaces.len();
    line("all resources", bytes, blocks, endpoints);
    let begun = Instant::now();
    let network = network::compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes);
    let made = begun.elapsed().as_secs_f64();
    println!("{}: network in {made:.2} s, {:.0} MiB at most", scale.name, peak());
    let before = live();
    line("resources and network", before.0, before.1, endpoints);
    let begun = Instant::now();
    let (tables, parts) = fast::compile_measured(&network);
    let made = begun.elapsed().as_secs_f64();
    println!("{}: tables in {made:.2} s, {:.0} MiB at most", scale.name, peak());
    for (what, bytes) in parts {
        println!("{:>9.1} B an endpoint  tables: {what}", bytes as f64 / endpoints as f64);
    }
    weigh("tables of batches", tables, endpoints);
    part_by_part(network, endpoints);
}

/// Lets go of the network, part by part.
fn part_by_part(mut network: Network, endpoints: usize) {
    macro_rules! parts {
        ($($what:literal: $($field:ident).+;)*) => {
            $(weigh($what, std::mem::take(&mut network.$($field).+), endpoints);)*
        };
    }
    parts! {
        "rules, compiled": security.inbound;
        "rules, compiled, outbound": security.outbound;
        "subnets, compiled, with their routes": subnets;
        "networks, compiled": vnets;
        "attachments": attachments;
        "attachments by network and address": by_address;
        "attachments by address": by_ip;
        "attachments by owner": by_owner;
        "machines": machines;
        "names": names;
        "pools": pools;
        "hubs": hubs;
        "interfaces": inventory.network_interfaces;
        "security groups": inventory.nsgs;
        "route tables": inventory.route_tables;
        "virtual networks": inventory.virtual_networks;
        "subnets": inventory.subnets;
        "peerings": inventory.peerings;
        "firewall rules": inventory.rule_collection_groups;
        "private endpoints": inventory.private_endpoints;
        "zone groups": inventory.zone_groups;
        "services": inventory.services;
    }
    weigh("the rest: what finds resources by id and name, small tables", network, endpoints);
}
