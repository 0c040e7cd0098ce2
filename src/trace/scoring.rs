//! Scoring managed online endpoints: two switches, the workspace's and the endpoint's (AML-3).

use super::Cause;
use super::engine::Walk;
use super::model::{Evidence, StepKind};
use super::question::Target;
use super::state::{Arrival, State, of};
use crate::diag::At;
use crate::inventory::{Id, MlEndpoint, PlatformService, PublicNetworkAccess, Slot, TableTag, Unknown};
use crate::rules as azure;
use crate::services::service_kind;

/// What the name of a managed online endpoint ends in.
pub(crate) const SCORING_HOST: &str = ".inference.ml.azure.com";

/// Batch endpoints are in the same table and have no switch of their own.
const ONLINE: &str = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints";

impl Walk<'_> {
    /// Whether the flow is for an online endpoint of a workspace.
    pub(super) fn is_scored(&self, s: &State) -> bool {
        let Some(Target::Service(service, position)) = s.target else { return false };
        let kind = service_kind(&self.net.inventory.services[service].id.kind());
        kind.and_then(|k| k.endpoints.get(position)).is_some_and(|e| e.host.ends_with(SCORING_HOST))
    }

    /// A call that did not come through the workspace's private endpoint.
    pub(super) fn admit_scoring(
        &self,
        s: &mut State,
        workspace: Id<PlatformService>,
        arrival: &Arrival,
        evidence: Evidence,
    ) {
        let open = match self.public_access(s, workspace) {
            Ok(access) => access == PublicNetworkAccess::Enabled,
            Err(unknown) => {
                return s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
            }
        };
        let endpoint = self.endpoint_scored(s, workspace);
        if let Some(id) = endpoint
            && let Some(refusal) = self.endpoint_switch(s, id)
        {
            let text = "the endpoint does not answer public networks".into();
            return self.refuse_public(s, workspace, refusal, Cause::PublicAccessDisabled, text);
        }
        if !open && !self.net.profile.endpoint_public_in_private_workspace {
            if endpoint.is_some() {
                s.assume(
                    Some("endpointPublicInPrivateWorkspace"),
                    "a private workspace keeps its endpoints private, whatever their own switch says",
                );
            }
            let text = "public network access of the workspace is disabled".into();
            return self.refuse_public(s, workspace, evidence, Cause::PublicAccessDisabled, text);
        }
        if endpoint.is_none() {
            let name = s.host.clone().unwrap_or_default();
            let why = format!(
                "whether the endpoint `{name}` answers public networks: it is in none of the files. Say it with onlineEndpoints and publicNetworkAccess"
            );
            let unknown = Unknown::new(At::NOWHERE, why);
            return s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
        }
        if !open {
            s.assume(
                Some("endpointPublicInPrivateWorkspace"),
                "an endpoint with public access answers although its workspace is private",
            );
        }
        self.service_rules(s, workspace, arrival, evidence);
    }

    /// The endpoint a name means: its first label, within the workspace.
    fn endpoint_scored(&self, s: &State, workspace: Id<PlatformService>) -> Option<Id<MlEndpoint>> {
        let name = s.called.as_ref().or(s.host.as_ref())?.split('.').next()?.to_owned();
        let within = &self.net.inventory.services[workspace].id;
        let mine = |e: &MlEndpoint| {
            e.id.name().eq_ignore_ascii_case(&name) && e.id.is_within(within.as_str()) && e.id.is_kind(ONLINE)
        };
        self.net.inventory.ml_endpoints.rows().find(|(_, e)| mine(e)).map(|(id, _)| id)
    }

    /// What the endpoint's own switch refuses; an unknown one is written down.
    fn endpoint_switch(&self, s: &mut State, id: Id<MlEndpoint>) -> Option<Evidence> {
        let slot = Slot { table: TableTag::MlEndpoint, row: id.raw() };
        let evidence = of(self.net, Some(slot), &[azure::AML_3]);
        let access = &self.net.inventory.ml_endpoints[id].public_network_access;
        match access.or(PublicNetworkAccess::Enabled) {
            Ok(PublicNetworkAccess::Enabled) => None,
            Ok(_) => Some(evidence),
            Err(unknown) => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
                None
            }
        }
    }
}
