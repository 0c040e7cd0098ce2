//! Compute of a workspace in a network of the customer's own: how the service reaches its nodes (AML-6).

use super::engine::Walk;
use super::model::StepKind;
use super::outbound::DEFAULT_OUTBOUND;
use super::question::{INTERNET_HOST, Origin};
use super::state::{Device, End, Next, Place, State, Terminal, of};
use super::{Cause, Disposition};
use crate::inventory::MlCompute;
use crate::net::{Header, IpAddr, Protocol};
use crate::network::{AttachmentId, AttachmentKind};
use crate::rules as azure;

/// What calls compute with public addresses from outside (AML-6), by port: the tag it calls from.
const MANAGEMENT: &[(u16, &str)] =
    &[(44224, "AzureMachineLearning"), (29876, "BatchNodeManagement"), (29877, "BatchNodeManagement")];

impl Walk<'_> {
    /// How a workspace reaches its own compute (AML-6): by a private link of Microsoft's where the nodes have no public
    /// addresses, else from outside at their public ones.
    pub(super) fn manage_compute(&self, s: &mut State, id: AttachmentId) -> Option<Next> {
        let Origin::Service(workspace) = s.origin else { return None };
        let compute = self.compute_of(id)?;
        let workspace = &self.net.inventory.services[workspace];
        if !compute.id.is_within(workspace.id.as_str()) {
            return None;
        }
        let evidence = of(self.net, Some(self.net.attachment(id).owner), &[azure::AML_6]);
        let public = match compute.enable_node_public_ip.or(true) {
            Ok(public) => public,
            Err(unknown) => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Forward, Cause::UnknownValue, &unknown, evidence);
                return Some(Next::End(End::Stopped));
            }
        };
        if !public {
            self.enter(s, id);
            if !self.has_endpoint(workspace) {
                let text = format!(
                    "`{}` has no public address, so it is managed through a private link of the service's own, for which its workspace needs a private endpoint: it has none",
                    compute.id.name()
                );
                s.block(StepKind::Forward, Cause::ServiceCannotInitiate, evidence, text);
                return Some(Next::End(End::Stopped));
            }
            s.pass(StepKind::Deliver, evidence, || {
                "compute without public addresses is managed through a private link of the service's own; no rule of the estate is asked".into()
            });
            return Some(Next::End(End::Arrived(Terminal::Attachment(id), Disposition::Accepted)));
        }
        let tag = MANAGEMENT.iter().find(|(port, _)| *port == s.header.port).map(|(_, tag)| *tag);
        let tag = tag.unwrap_or("AzureMachineLearning");
        let region = workspace.location.known().map(|l| crate::network::normal_region(l));
        let regional = region.and_then(|r| self.net.tags.regional(tag, &r));
        let found = regional.or_else(|| self.net.tags.find(tag));
        let source = found.and_then(|t| self.net.tags.representative(t)).unwrap_or(INTERNET_HOST);
        let name = found.map_or(tag, |t| self.net.tags.name(t));
        s.assume(
            None,
            format!("{source} ({name}) stands for the address that the service calls its compute from"),
        );
        // From here on it is a caller like any other on the internet: answers must find back to it.
        s.origin = Origin::Internet(source);
        let own = self.seen_from(&s.origin, s.header.destination, s.target.as_ref());
        let after = Header { source, destination: own, ..s.header };
        s.rewrite(StepKind::Forward, after, evidence, || {
            format!("the service calls compute with public addresses from outside, as {name}")
        });
        Some(Next::Go(Place::Public))
    }

    /// The compute an attachment stands for.
    fn compute_of(&self, id: AttachmentId) -> Option<&MlCompute> {
        match self.net.attachment(id).kind {
            AttachmentKind::Compute(compute) => Some(&self.net.inventory.ml_computes[compute]),
            _ => None,
        }
    }

    /// From public space at compute whose nodes Azure gives public addresses: the load balancer that Azure puts before
    /// them passes on the calls of the service and nothing else (AML-6). `None` for everything else.
    pub(super) fn at_node_address(&self, s: &mut State, id: AttachmentId) -> Option<Next> {
        let compute = self.compute_of(id)?;
        let row = self.net.attachment(id);
        let private = row.address?;
        if !compute.enable_node_public_ip.is(true) || s.header.destination != private {
            return None;
        }
        let name = compute.id.name().to_owned();
        let evidence = of(self.net, Some(row.owner), &[azure::AML_6]);
        s.assume(None, format!("{DEFAULT_OUTBOUND} stands for the public address that Azure gives `{name}` (enableNodePublicIp)"));
        let before = Header { destination: DEFAULT_OUTBOUND, ..s.header };
        s.header = before;
        self.enter(s, id);
        if !self.is_management(s.header.protocol, s.header.port, s.header.source) {
            let text = format!(
                "`{name}` has a public address for its nodes (enableNodePublicIp), at which Azure lets in AzureMachineLearning on 44224 and BatchNodeManagement on 29876 and 29877 alone"
            );
            s.block(StepKind::Filter, Cause::PublicAddressClosed, evidence.clone(), text);
        }
        let after = Header { destination: private, ..before };
        s.remember(Device::Inbound(id), before, after, &row.name);
        s.rewrite(StepKind::Translate, after, evidence, || {
            format!("the node's public address leads to {private}")
        });
        Some(Next::Go(Place::Arrive(id)))
    }

    /// Whether a packet is one of the calls that manage compute from outside.
    fn is_management(&self, protocol: Protocol, port: u16, source: IpAddr) -> bool {
        protocol == Protocol::Tcp
            && MANAGEMENT.iter().any(|(own, tag)| {
                let set = self.net.tags.find(tag).map(|t| self.net.tags.set(t));
                *own == port && set.is_some_and(|set| set.contains(source))
            })
    }
}
