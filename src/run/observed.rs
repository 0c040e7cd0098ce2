//! What Azure has said about an estate, beside its resources.
//!
//! Input: the facts of exports (effective routes and rules of interfaces, routes that gateways have learnt, a topology's
//! associations) and the resources of all files. Output: more resources (learnt routes, security groups that no other file tells), and a
//! diagnostic for everything in which Azure's answer differs from ours. An answer that cannot be told to be
//! about one interface or subnet is left out, and that is said.

mod associate;
mod compare;
mod learn;

use crate::analysis::Subject;
use crate::diag::{At, Code, Diagnostic, Diagnostics, Severity, Sources};
use crate::formats::export::{EffectiveNextHop, EffectiveRoutes, Facts};
use crate::inventory::{Id, RawResource, VirtualNetwork, build};
use crate::net::IpNet;
use crate::network::{Network, compile};
use crate::profile::Profile;
use crate::tags::ServiceTags;
use crate::trace::Spot;
use std::collections::BTreeSet;
use std::path::Path;

/// Adds to the resources what Azure's answers tell beside them, and says where those differ from ours.
pub fn take_in(
    facts: &Facts,
    raws: &mut Vec<RawResource>,
    tags: &ServiceTags,
    sources: &Sources,
    notes: &mut Diagnostics,
) {
    if !facts.associations.is_empty() {
        let inventory = build(raws.clone(), &mut Diagnostics::new());
        raws.extend(associate::resources(facts, &inventory, notes));
    }
    let asked = !facts.effective_routes.is_empty() || !facts.effective_rules.is_empty();
    if !asked && facts.learned_routes.is_empty() {
        return;
    }
    let before = network(raws, tags);
    let learnt = learn::resources(facts, &before, sources, notes);
    raws.extend(learnt);
    if asked {
        compare::all(facts, &network(raws, tags), sources, notes);
    }
}

/// The estate as it stands; what is wrong with it is said where it is used.
fn network(raws: &[RawResource], tags: &ServiceTags) -> Network {
    let mut quiet = Diagnostics::new();
    let inventory = build(raws.to_vec(), &mut quiet);
    compile(inventory, tags.clone(), Profile::default(), &mut quiet)
}

/// Whom an answer about routes is about: the interface that the file is named after, else a subnet of the only
/// network with the same address space and the same user-defined routes.
fn subject_of(answer: &EffectiveRoutes, network: &Network, sources: &Sources) -> Option<Subject> {
    named_in(&file_stem(answer.at, sources), network).or_else(|| {
        let vnet = network_of(answer, network)?;
        let wanted = user_prefixes(answer);
        let has_them = |subnet: &&Id<_>| {
            let routes = network.effective_routes(**subnet);
            let own: BTreeSet<String> = routes
                .iter()
                .filter(|(route, _)| route.source == crate::network::RouteSource::User)
                .filter_map(|(route, _)| route.name.as_deref().map(str::to_ascii_lowercase))
                .collect();
            own == wanted
        };
        let subnet = network.vnet(vnet).subnets.iter().find(has_them)?;
        let id = &network.inventory.subnets[*subnet].id;
        Some(Subject { text: id.full_name(), spots: vec![Spot::Subnet(*subnet)] })
    })
}

/// The interface whose name stands in a file's name; the longest, if one name holds another.
fn named_in(stem: &str, network: &Network) -> Option<Subject> {
    let interfaces = network.inventory.network_interfaces.as_slice().iter();
    let fitting = interfaces.map(|row| &row.id).filter(|id| stem.contains(&id.name().to_ascii_lowercase()));
    let mut fitting: Vec<_> = fitting.collect();
    fitting.sort_by_key(|id| std::cmp::Reverse(id.name().len()));
    match fitting[..] {
        [] => None,
        [first, second, ..] if first.name().len() == second.name().len() => None,
        [first, ..] => {
            let subject = Subject::find(network, first.as_str()).ok()?;
            Some(Subject { text: first.full_name(), ..subject })
        }
    }
}

fn file_stem(at: At, sources: &Sources) -> String {
    let name = sources.get(at.doc).map(|source| source.name.to_string()).unwrap_or_default();
    Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// The only network whose address space is what the answer shows as local.
fn network_of(answer: &EffectiveRoutes, network: &Network) -> Option<Id<VirtualNetwork>> {
    let is_local = |hop: &EffectiveNextHop| *hop == EffectiveNextHop::VirtualNetwork;
    let local =
        answer.routes.iter().filter(|r| is_local(&r.next_hop) && r.source.eq_ignore_ascii_case("Default"));
    let local: BTreeSet<IpNet> = local.flat_map(|r| r.prefixes.iter().copied()).collect();
    let rows = network.inventory.virtual_networks.rows();
    let same = rows.filter(|(_, row)| row.address_prefixes.iter().copied().collect::<BTreeSet<_>>() == local);
    let mut same = same.map(|(id, _)| id).filter(|_| !local.is_empty());
    same.next().filter(|_| same.next().is_none())
}

fn user_prefixes(answer: &EffectiveRoutes) -> BTreeSet<String> {
    let user = answer.routes.iter().filter(|r| r.source.eq_ignore_ascii_case("User"));
    user.filter_map(|r| r.name.as_deref().map(str::to_ascii_lowercase)).collect()
}

/// What is said of an answer that cannot be used.
fn unplaced(at: At, what: &str) -> Diagnostic {
    let message = format!("it is not known which interface these {what} are of, so they are left out");
    Diagnostic::new(Code::NotUnderstood, at, message)
        .help("name the file after the interface, and give an export of the interface and its network too")
        .severity(Severity::Warning)
}

#[cfg(test)]
mod tests;
