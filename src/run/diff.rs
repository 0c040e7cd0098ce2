//! Two estates compared: the same flows asked of both, and their resources side by side.

use super::what_if::{Estate, with_stand_ins};
use crate::analysis::compare::{self, FlowComparison};
use crate::analysis::diff::{self, ResourceDiff};
use crate::analysis::equivalence::{GroupComparison, compare_groups};
use crate::catalogue::Catalogue;
use crate::diag::{Diagnostics, Sources};
use crate::inventory::ResourceId;
use crate::inventory::change::{self, Change};
use crate::network::Network;
use crate::trace::Flow;

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// How many flows were asked.
    pub asked: usize,
    /// Whether they were derived.
    pub derived: bool,
    /// Flows that are answered differently.
    pub behaviour: Vec<FlowComparison>,
    /// Resources that differ.
    pub configuration: Vec<ResourceDiff>,
    /// Network security groups that are written differently: whether they let through other packets.
    pub groups: Vec<GroupComparison>,
}

/// An estate of a comparison.
#[derive(Debug)]
pub struct Side<'a> {
    /// The estate with its changes.
    pub estate: Estate<'a>,
    /// Its documents.
    pub sources: &'a mut Sources,
    /// The estate compiled.
    pub network: Network,
}

impl Side<'_> {
    /// The network with what Azure makes by itself and Microsoft's own accounts, which needs lead to.
    fn completed(&mut self, catalogue: &Catalogue) -> Network {
        let mut base: Vec<Change> = self.estate.base.to_vec();
        let mut notes = Diagnostics::new();
        with_stand_ins(catalogue, &self.network, &mut base, self.sources, &mut notes);
        Estate { base: &base, ..self.estate }.network(&[], &mut notes).0
    }
}

/// Compares. Without flows, those the workloads of either estate need and some representative ones are asked.
pub fn compared(mut before: Side<'_>, mut after: Side<'_>, flows: Option<Vec<Flow>>) -> Compared {
    let configuration = diff::diff(&resources(before.estate), &resources(after.estate));
    let catalogue = Catalogue::builtin();
    let derived = flows.is_none();
    let (old, new, flows) = match flows {
        Some(flows) => (before.network, after.network, flows),
        None => {
            let (old, new) = (before.completed(catalogue), after.completed(catalogue));
            let mut flows = compare::representative(catalogue, &old);
            flows.extend(compare::representative(catalogue, &new));
            flows.sort();
            flows.dedup();
            (old, new, flows)
        }
    };
    let behaviour = compare::compare(&old, &new, &flows);
    let groups = compare_groups(&old, &new, &changed_groups(&configuration));
    Compared { asked: flows.len(), derived, behaviour, configuration, groups }
}

/// Groups that are there before and after, and say something else.
fn changed_groups(configuration: &[ResourceDiff]) -> Vec<ResourceId> {
    let is_group = |id: &ResourceId| {
        let kind = id.kind();
        kind.eq_ignore_ascii_case("Microsoft.Network/networkSecurityGroups")
            || kind.eq_ignore_ascii_case("Microsoft.Network/networkSecurityGroups/securityRules")
    };
    let group = |id: &ResourceId| match id.kind().matches('/').count() {
        1 => Some(id.clone()),
        _ => id.parent(),
    };
    let mut ids: Vec<ResourceId> =
        configuration.iter().map(|r| &r.id).filter(|id| is_group(id)).filter_map(group).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// The resources of an estate after its changes.
fn resources(estate: Estate<'_>) -> Vec<crate::inventory::RawResource> {
    change::apply(estate.raws, estate.base, &mut Diagnostics::new()).0
}
