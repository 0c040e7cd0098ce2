//! What the topology of networks does not hold: managed networks of workspaces, and the hubs of virtual WANs.

use super::build::Builder;
use super::{End, Frame, Line};
use crate::inventory::{
    Field, Id, IsolationMode, ManagedRuleTarget, PlatformService, ResourceId, VirtualHub,
};
use crate::network::{EdgeKind, NodeKind};

impl Builder<'_> {
    /// A box for the managed network of each workspace, with what stands in it.
    pub(super) fn managed_networks(&mut self) {
        let network = self.network;
        for (id, workspace) in network.inventory.services.rows() {
            let mode = match &workspace.managed_network_isolation {
                Field::Known(IsolationMode::Disabled) | Field::Absent => continue,
                Field::Known(mode) => mode.word(),
                Field::Unknown(_) => "mode not known",
            };
            let mut lines = self.inhabitants(&workspace.id);
            if lines.is_empty() {
                lines.push("no compute yet".into());
            }
            let card = self.card_of(lines, NodeKind::Service);
            let title = format!("managed network of {}: {mode}", workspace.id.name());
            self.map.frames.push(Frame { title, cards: vec![card], network: false });
            self.doors(id, End::Card(card));
        }
    }

    /// Computes and deployments of a workspace that stand in no network of the estate.
    fn inhabitants(&self, workspace: &ResourceId) -> Vec<String> {
        let inventory = &self.network.inventory;
        let computes = inventory.ml_computes.iter().filter(|compute| compute.subnet.is_absent());
        let computes = computes.map(|compute| ("compute", &compute.id));
        let deployments = inventory.ml_deployments.iter().map(|deployment| ("deployment", &deployment.id));
        let mine = computes.chain(deployments).filter(|(_, id)| id.is_within(workspace.as_str()));
        let lines: Vec<String> = mine.map(|(word, id)| format!("{word} {}", id.name())).collect();
        self.counted(lines)
    }

    /// Lines from a managed network to what its rules name by private endpoint.
    fn doors(&mut self, workspace: Id<PlatformService>, from: End) {
        let row = &self.network.inventory.services[workspace];
        let mut targets: Vec<(End, usize)> = Vec::new();
        for rule in row.managed_network_rules.known().into_iter().flat_map(|rules| &rules.0) {
            let ManagedRuleTarget::PrivateEndpoint { resource, .. } = &rule.opens else { continue };
            let slot = self.network.inventory.follow_any(resource);
            let id = slot.and_then(|slot| self.network.inventory.id_of(slot));
            let Some(end) = id.and_then(|id| self.end_of(id)) else { continue };
            match targets.iter_mut().find(|(known, _)| *known == end) {
                Some((_, many)) => *many += 1,
                None => targets.push((end, 1)),
            }
        }
        for (to, many) in targets {
            let many = if many > 1 { format!(" ×{many}") } else { String::new() };
            let label = format!("private endpoint{many}");
            self.map.lines.push(Line { from, to, kind: EdgeKind::Fronts, label, works: true });
        }
    }

    /// A card for each hub of a virtual WAN, joined to the networks connected to it.
    pub(super) fn hubs(&mut self) {
        let network = self.network;
        let hubs: Vec<(Id<VirtualHub>, ResourceId)> = network
            .inventory
            .virtual_hubs
            .rows()
            .filter(|(_, hub)| hub.ip_configurations.is_empty() && !hub.address_prefix.is_absent())
            .map(|(id, hub)| (id, hub.id.clone()))
            .collect();
        for (row, id) in hubs {
            let hub = &network.inventory.virtual_hubs[row];
            let prefix = hub.address_prefix.known().map(|p| format!("  {p}")).unwrap_or_default();
            let mut lines = vec![format!("hub {}{prefix}", id.name())];
            if let Some(firewall) = hub.azure_firewall.known() {
                let name = firewall.text.rsplit('/').next().unwrap_or_default();
                lines.push(format!("firewall {name}"));
            }
            let card = self.card_of(lines, NodeKind::Gateway);
            self.map.loose.push(card);
            for connection in network.inventory.hub_connections.iter().filter(|c| c.id.is_within(id.as_str()))
            {
                let remote = connection.remote_virtual_network.known();
                let remote = remote.and_then(|r| network.inventory.follow(r).row());
                let vnet = remote.map(|vnet| network.inventory.virtual_networks[vnet].id.clone());
                let Some(from) = vnet.and_then(|id| self.end_of(&id)) else { continue };
                let line = Line {
                    from,
                    to: End::Card(card),
                    kind: EdgeKind::Peered,
                    label: "connected".into(),
                    works: true,
                };
                if !self.map.lines.contains(&line) {
                    self.map.lines.push(line);
                }
            }
        }
    }
}
