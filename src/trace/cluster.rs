//! How nodes of an AKS cluster leave: by what the cluster itself sets up, its `outboundType`.
//!
//! Input: the node's attachment. Output: the outbound method that AKS brings (OUT-1, LB-9), a refusal, or doubt where
//! the cluster is told to set nothing up and something else would have to.

use super::Cause;
use super::engine::Walk;
use super::model::{Evidence, StepKind};
use super::outbound::{DEFAULT_OUTBOUND, Method};
use super::state::{State, of};
use crate::inventory::{Field, PlatformService, Unknown};
use crate::network::{AttachmentId, AttachmentKind};
use crate::rules as azure;

/// What a cluster does about its nodes' way out.
enum Way {
    /// A Standard load balancer with an outbound rule.
    Balancer,
    /// A Basic load balancer, which leaves default outbound access as it is.
    Basic,
    /// A NAT gateway of AKS's own.
    Gateway,
    /// Nothing: routes, a NAT gateway of the subnet or the like have to.
    Others,
    /// It denies all of it.
    Blocked,
}

impl Walk<'_> {
    /// The cluster whose node an attachment is.
    fn cluster_of(&self, id: AttachmentId) -> Option<&PlatformService> {
        let AttachmentKind::ServiceNode(service) = self.net.attachment(id).kind else { return None };
        let row = &self.net.inventory.services[service];
        row.id.is_kind("Microsoft.ContainerService/managedClusters").then_some(row)
    }

    fn cluster_evidence(&self, id: AttachmentId, rules: &[azure::RuleId]) -> Evidence {
        of(self.net, Some(self.net.attachment(id).owner), rules)
    }

    /// What AKS gives its nodes beside the ways of the subnet.
    pub(super) fn cluster_method(&self, s: &mut State, id: AttachmentId) -> Option<Method> {
        let cluster = self.cluster_of(id)?;
        let name = cluster.id.name();
        let way = match way_of(cluster) {
            Ok(way) => way,
            Err(unknown) => {
                let evidence = self.cluster_evidence(id, &[azure::OUT_1]);
                s.unknown(StepKind::Translate, Cause::UnknownValue, &unknown, evidence);
                return None;
            }
        };
        let by = match way {
            Way::Balancer => "Standard load balancer",
            Way::Gateway => "NAT gateway",
            Way::Basic | Way::Others | Way::Blocked => return None,
        };
        if s.header.source.is_ipv6() {
            return None;
        }
        let mut evidence = self.cluster_evidence(id, &[azure::OUT_1, azure::LB_9]);
        if let Way::Gateway = way {
            evidence.rules = vec![azure::OUT_1, azure::NAT_1];
            self.nat_protocol(s, &evidence);
        }
        if cluster.outbound_type.is_absent() {
            let text = format!("`{name}` names no outboundType, so its API's default holds: loadBalancer");
            s.assume(None, text);
        }
        s.assume(
            None,
            format!(
                "{DEFAULT_OUTBOUND} stands for the public address of the {by} that AKS makes for `{name}`"
            ),
        );
        let text = format!("the {by} that AKS makes for `{name}` gives an address, {DEFAULT_OUTBOUND} here");
        Some((DEFAULT_OUTBOUND, evidence, text))
    }

    /// Where AKS is told to set no way out up, Azure's default outbound access is no promise.
    pub(super) fn cluster_without_way(&self, id: AttachmentId) -> Option<Unknown> {
        let cluster = self.cluster_of(id)?;
        let (Ok(Way::Others), Field::Known(kind)) = (way_of(cluster), &cluster.outbound_type) else {
            return None;
        };
        let why = format!(
            "whether default outbound access serves the nodes of `{}`: its outboundType is `{kind}`, with which AKS sets \
             up no way out itself. A NAT gateway on the subnet or a route to a firewall would say",
            cluster.id.name()
        );
        Some(Unknown::new(cluster.at, why))
    }

    /// `block`: rules of AKS's own deny its nodes the internet, by whichever way; virtual networks are not affected.
    pub(super) fn cluster_denies(&self, s: &mut State, id: AttachmentId) {
        let denies = |cluster: &PlatformService| matches!(way_of(cluster), Ok(Way::Blocked));
        let Some(cluster) = self.cluster_of(id).filter(|c| denies(c)) else { return };
        if s.returning || s.open.is_some() || !self.net.is_public(s.header.destination) {
            return;
        }
        let text = format!(
            "the outboundType of `{}` is `block`: AKS denies what its nodes send to the internet",
            cluster.id.name()
        );
        s.block(StepKind::Filter, Cause::NoOutboundMethod, self.cluster_evidence(id, &[azure::OUT_1]), text);
    }
}

fn way_of(cluster: &PlatformService) -> Result<Way, Unknown> {
    let kind = cluster.outbound_type.or("loadBalancer".into()).map_err(Clone::clone)?;
    Ok(match &*kind.to_ascii_lowercase() {
        "loadbalancer" => match cluster.load_balancer_sku.or("standard".into()).map_err(Clone::clone)? {
            sku if sku.eq_ignore_ascii_case("basic") => Way::Basic,
            _ => Way::Balancer,
        },
        "managednatgateway" | "managednatgatewayv2" => Way::Gateway,
        "userassignednatgateway" | "userdefinedrouting" | "none" => Way::Others,
        "block" => Way::Blocked,
        _ => {
            let why = format!("what the outboundType `{kind}` of `{}` stands for", cluster.id.name());
            return Err(Unknown::new(cluster.at, why));
        }
    })
}
