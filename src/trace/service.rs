//! Before a platform service: private endpoints, service endpoint policies, and the service's own firewall
//! (PE, SE, SEP, ST, KV, ACR, COS, AML, NSP).

use super::engine::{Walk, is_public};
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::question::{Origin, Target};
use super::state::{Arrival, Device, End, Next, Place, State, Terminal, by, of};
use super::{Cause, Disposition};
use crate::diag::At;
use crate::inventory::{
    AddressMeaning, ConnectionStatus, DefaultAction, Field, Id, PlatformService, PrivateEndpoint,
    PrivateLinkService, PublicNetworkAccess, ResourceId, Slot, Subnet, TableTag, Unknown,
};
use crate::net::{AddressSet, IpAddr};
use crate::network::{ANY_SOURCE_PORT, AttachmentId, AttachmentKind, Tri};
use crate::rules as azure;
use crate::services::service_kind;
use std::sync::Arc;

impl Walk<'_> {
    /// At a private endpoint: filters if the subnet's policies say so, the connection, then the service.
    pub(super) fn at_private_endpoint(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        let row = self.net.attachment(id);
        let AttachmentKind::PrivateEndpoint(endpoint, _) = row.kind else { return Next::End(End::Stopped) };
        self.filter_private_endpoint(s, id);
        let endpoint_row = &self.net.inventory.private_endpoints[endpoint];
        self.approved(s, endpoint, endpoint_row);
        s.service_from.get_or_insert(s.blockers.len());
        let (target, groups) = crate::network::target_of(&self.net.inventory, endpoint_row);
        let evidence = of(self.net, Some(row.owner), &[azure::PE_2, azure::PE_3]);
        match target {
            Some(Slot { table: TableTag::PlatformService, row: service }) => {
                let service = Id::new(service as usize);
                self.right_resource(s, service, &groups, &evidence);
                if !matches!(s.target, Some(Target::Service(..))) {
                    s.target = Some(Target::Service(service, self.endpoint_of_group(service, &groups)));
                }
                Next::Go(Place::AtService(Arrival::PrivateEndpoint(id)))
            }
            Some(Slot { table: TableTag::PrivateLinkService, row: service }) => {
                self.at_private_link_service(s, Id::new(service as usize), Arrival::PrivateEndpoint(id))
            }
            Some(slot) => {
                let name = self.net.inventory.id_of(slot).map(ResourceId::full_name).unwrap_or_default();
                let unknown = Unknown::new(
                    endpoint_row.at,
                    format!(
                        "`{name}`, the target of the private endpoint, is of a type that is not modelled"
                    ),
                );
                s.unknown(StepKind::Deliver, Cause::UnsupportedResource, &unknown, evidence);
                Next::End(End::Stopped)
            }
            None => self.target_outside(s, endpoint_row, evidence),
        }
    }

    /// A private link service: what it leads to is not followed.
    pub(super) fn at_private_link_service(
        &self,
        s: &mut State,
        service: Id<PrivateLinkService>,
        arrival: Arrival,
    ) -> Next {
        let id = &self.net.inventory.private_link_services[service].id;
        s.hop(HopKind::Service, id.name().to_owned(), Some(id.clone()), Zone::Yours);
        s.assume(None, format!("what stands behind the private link service `{}` answers", id.name()));
        Next::End(End::Arrived(Terminal::Service(arrival), Disposition::Accepted))
    }

    /// The target is in none of the files: the network part is known, the service's rules do not apply (PE-10).
    fn target_outside(&self, s: &mut State, endpoint: &PrivateEndpoint, evidence: Evidence) -> Next {
        let text = endpoint
            .target
            .known()
            .or_else(|| endpoint.connections.items.first()?.private_link_service_id.known());
        match text {
            Some(reference) => {
                let name = reference.id().map_or_else(|| reference.text.to_string(), |id| id.full_name());
                s.hop(HopKind::Service, name.clone(), reference.id(), Zone::Azure);
                s.assume(None, format!("`{name}` is in none of the files; its firewall does not act on private endpoints (PE-10)"));
                Next::End(End::Arrived(Terminal::Internet, Disposition::Accepted))
            }
            None => {
                let unknown = Unknown::new(endpoint.at, "the target of the private endpoint is not known");
                s.unknown(StepKind::Deliver, Cause::UnknownValue, &unknown, evidence);
                Next::End(End::Stopped)
            }
        }
    }

    pub(super) fn endpoint_of_group(&self, service: Id<PlatformService>, groups: &[Arc<str>]) -> usize {
        let kind = service_kind(&self.net.inventory.services[service].id.kind());
        let endpoints = kind.map_or(&[][..], |k| k.endpoints);
        endpoints.iter().position(|e| groups.iter().any(|g| g.eq_ignore_ascii_case(e.group))).unwrap_or(0)
    }

    /// NSG-26: groups act on private endpoints only where the subnet's policies say so.
    fn filter_private_endpoint(&self, s: &mut State, id: AttachmentId) {
        let row = self.net.attachment(id);
        let subnet = &self.net.inventory.subnets[row.subnet];
        let has_group = !self.net.ground(row.subnet).nsg.is_none();
        use crate::inventory::PrivateEndpointNetworkPolicies as Policies;
        match subnet.private_endpoint_network_policies.or(Policies::Disabled) {
            Ok(policies) if policies.filters() => {
                if has_group {
                    s.note(StepKind::Filter, by(&[azure::NSG_26, azure::NSG_27]), || {
                        format!("privateEndpointNetworkPolicies is {policies}: the subnet's group acts, whatever the source port")
                    });
                }
                let port = std::mem::replace(&mut s.header.source_port, ANY_SOURCE_PORT);
                self.filter(s, id, true);
                s.header.source_port = port;
            }
            Ok(policies) if has_group => {
                let evidence = of(
                    self.net,
                    Some(Slot { table: TableTag::Subnet, row: row.subnet.raw() }),
                    &[azure::NSG_26, azure::PE_6],
                );
                s.note(StepKind::Filter, evidence, || {
                    format!("privateEndpointNetworkPolicies is {policies}: the subnet's group does not act")
                });
            }
            Ok(_) => {}
            Err(unknown) if has_group => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, by(&[azure::NSG_26]));
            }
            Err(_) => {}
        }
    }

    /// PE-1: only an Approved connection carries traffic.
    fn approved(&self, s: &mut State, id: Id<PrivateEndpoint>, endpoint: &PrivateEndpoint) {
        let evidence =
            of(self.net, Some(Slot { table: TableTag::PrivateEndpoint, row: id.raw() }), &[azure::PE_1]);
        let at_target = self.status_at_target(endpoint);
        let own = endpoint.connections.items.first().map(|c| &c.status);
        // The target decides, whatever the endpoint's side remembers.
        let fields = [at_target, Some(&endpoint.status), own];
        let written = fields.into_iter().flatten().find(|f| !f.is_absent());
        let told = [Some(&endpoint.status), own].into_iter().flatten().find_map(|f| f.known());
        if let (Some(Field::Known(there)), Some(told)) = (at_target, told)
            && there != told
        {
            s.warn(format!(
                "the connection of `{}` is {there} at its target, which decides, and {told} on its own side",
                endpoint.id.name()
            ));
        }
        match written {
            Some(Field::Known(ConnectionStatus::Approved)) => {
                s.pass(StepKind::Admit, evidence, || "the connection is Approved".into());
            }
            Some(Field::Known(status)) => {
                let text = format!("the connection is {status}, so it carries nothing");
                s.block(StepKind::Admit, Cause::PeNotApproved, evidence, text);
            }
            Some(Field::Unknown(unknown)) if endpoint.uncertain.is_some() => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Admit, Cause::UncertainResource, &unknown, evidence);
            }
            Some(Field::Unknown(unknown)) if !unknown.why.contains("deploy") => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
            }
            _ if endpoint.manual_connections.items.is_empty() => {
                s.assume(
                    None,
                    format!(
                        "the connection of `{}` is approved on creation: who made it may approve at the target (RBAC-6)",
                        endpoint.id.name()
                    ),
                );
                let mut evidence = evidence;
                evidence.rules.push(azure::RBAC_6);
                s.pass(StepKind::Admit, evidence, || "the connection is approved on creation".into());
            }
            _ => {
                let text = "the connection waits for manual approval";
                s.block(StepKind::Admit, Cause::PeNotApproved, evidence, text);
            }
        }
    }

    /// The state of the connection as the target's export tells it.
    fn status_at_target(&self, endpoint: &PrivateEndpoint) -> Option<&Field<ConnectionStatus>> {
        let (target, _) = crate::network::target_of(&self.net.inventory, endpoint);
        let told = crate::network::connections_at(&self.net.inventory, target?)?;
        crate::network::connection_of(&self.net.inventory, told, endpoint).map(|c| &c.status)
    }

    /// PE-2, PE-3: a private endpoint serves its own resource and sub-resource only.
    pub(super) fn right_resource(
        &self,
        s: &mut State,
        service: Id<PlatformService>,
        groups: &[Arc<str>],
        evidence: &Evidence,
    ) {
        let mut assumed = None;
        let wrong = match &s.target {
            Some(Target::Service(wanted, position)) => {
                let group = service_kind(&self.net.inventory.services[*wanted].id.kind())
                    .and_then(|k| k.endpoints.get(*position))
                    .map(|e| e.group);
                let shared = crate::network::hub_of(&self.net.inventory, *wanted) == Some(service);
                if shared {
                    let name = self.net.inventory.services[*wanted].id.name();
                    assumed =
                        Some(format!("the private endpoint of the hub serves its project `{name}` too"));
                }
                *wanted != service && !shared
                    || group.is_some_and(|g| {
                        !groups.is_empty() && !groups.iter().any(|x| x.eq_ignore_ascii_case(g))
                    })
            }
            Some(Target::Foreign(..) | Target::WellKnown(_)) => true,
            _ => false,
        };
        if let Some(text) = assumed {
            s.assume(None, text);
        }
        if wrong {
            let name = s.host.clone().unwrap_or_default();
            let text = format!("this private endpoint does not serve `{name}`");
            s.block(StepKind::Admit, Cause::PeWrongResource, evidence.clone(), text);
        }
    }

    /// At a platform service, however the flow came.
    pub(super) fn at_service(&self, s: &mut State, arrival: Arrival) -> Next {
        match s.target.clone() {
            Some(Target::Service(service, _)) => self.at_own_service(s, service, arrival),
            Some(Target::Foreign(kind, name)) => {
                s.hop(HopKind::Service, format!("{} {name}", kind.label), None, Zone::Azure);
                if let Some(unknown) = self.net.label_otherwise(kind, &name) {
                    s.unknown(StepKind::Admit, Cause::UnsupportedResource, &unknown, by(&[]));
                    return Next::End(End::Stopped);
                }
                s.assume(
                    None,
                    format!(
                        "the {} `{name}` is somebody else's: its own rules are not known and taken as open",
                        kind.label
                    ),
                );
                Next::End(End::Arrived(Terminal::Service(arrival), Disposition::ExitsNetwork))
            }
            _ => Next::End(End::Arrived(Terminal::Service(arrival), Disposition::ExitsNetwork)),
        }
    }

    fn at_own_service(&self, s: &mut State, service: Id<PlatformService>, arrival: Arrival) -> Next {
        let row = &self.net.inventory.services[service];
        let name =
            s.host.as_ref().map_or_else(|| row.id.name().to_owned(), |h| format!("{} ({h})", row.id.name()));
        s.hop(HopKind::Service, name, Some(row.id.clone()), Zone::Yours);
        if let Some(why) = &row.uncertain {
            let unknown = Unknown::new(row.at, why.clone());
            s.unknown(
                StepKind::Deliver,
                Cause::UncertainResource,
                &unknown,
                self.service_evidence(service, &[]),
            );
        }
        self.own_disks(s, service);
        if s.host.is_some() {
            self.known_by(s);
        }
        s.service_from.get_or_insert(s.blockers.len());
        self.answers(s, service);
        self.admit(s, service, &arrival);
        Next::End(End::Arrived(Terminal::Service(arrival), Disposition::Accepted))
    }

    /// Whether it answers on the port at all, whoever asks and by whichever way.
    fn answers(&self, s: &mut State, service: Id<PlatformService>) {
        let row = &self.net.inventory.services[service];
        let evidence = self.service_evidence(service, &[]);
        if let Some(unknown) = &row.listens.unknown {
            let unknown = unknown.clone();
            return s.unknown(StepKind::Deliver, Cause::UnknownValue, &unknown, evidence);
        }
        let open = row.listens.iter().any(|range| range.contains(s.header.port));
        if !row.listens.given {
            self.answers_as_its_kind(s, row);
        }
        if !row.listens.given || open || !s.header.protocol.has_ports() && !row.listens.is_empty() {
            return;
        }
        let name = row.id.name();
        let text = match row.listens.is_empty() {
            true => format!("`{name}` is switched off: it listens on no port and answers nobody"),
            false => format!("`{name}` does not listen on port {}", s.header.port),
        };
        s.block(StepKind::Deliver, Cause::NothingListens, evidence, text);
    }

    /// What is taken for granted of a port that is none of its kind's, and of a registry's data endpoint (ACR-2).
    fn answers_as_its_kind(&self, s: &mut State, row: &PlatformService) {
        let Some(kind) = service_kind(&row.id.kind()) else { return };
        let (name, port) = (row.id.name(), s.header.port);
        if s.header.protocol.has_ports() && !kind.answers_on(port) {
            let text = format!(
                "`{name}` answers on port {port}, which is none that is documented for a {}: `listens` would say so",
                kind.label
            );
            s.assume(None, text);
        }
        let position = match s.target {
            Some(Target::Service(_, position)) => position,
            _ => return,
        };
        let dedicated = kind.endpoints.get(position).is_some_and(|e| e.host.contains(".data.azurecr.io"));
        if dedicated && !row.data_endpoint_enabled.is(true) && !self.has_endpoint(row) {
            let evidence =
                Evidence { rules: vec![azure::ACR_2], resource: Some(row.id.clone()), at: row.at, ..by(&[]) };
            match row.data_endpoint_enabled.known() {
                Some(_) => {
                    let text = format!("`{name}` has no dedicated data endpoint: dataEndpointEnabled is false, and it has no private endpoint");
                    s.block(StepKind::Deliver, Cause::NothingListens, evidence, text);
                }
                None => s.assume(None, format!("`{name}` has a dedicated data endpoint, though neither dataEndpointEnabled nor a private endpoint says so (ACR-2)")),
            }
        }
    }

    /// SE-7, ST-1: where a machine's own disks lie in the account, Azure reads and writes them past all of this.
    fn own_disks(&self, s: &mut State, service: Id<PlatformService>) {
        let Origin::Attachment(id) = s.origin else { return };
        let AttachmentKind::Interface(nic) = self.net.attachment(id).kind else { return };
        let row = &self.net.inventory.services[service];
        if !is_storage(row) || !s.full {
            return;
        }
        let Some(machine) = crate::network::machine_of(&self.net.inventory, nic) else { return };
        let machine = &self.net.inventory.virtual_machines[machine];
        let host = format!("://{}.blob.", row.id.name().to_ascii_lowercase());
        if machine.vhds.iter().any(|disk| disk.to_ascii_lowercase().contains(&host)) {
            s.note(StepKind::Admit, self.service_evidence(service, &[azure::SE_7, azure::ST_1]), || {
                format!(
                    "disks of `{}` lie in this account: reading and writing them is no flow of the network, and goes on whatever becomes of this one",
                    machine.id.name()
                )
            });
        }
    }

    pub(super) fn service_evidence(&self, service: Id<PlatformService>, rules: &[azure::RuleId]) -> Evidence {
        of(self.net, Some(Slot { table: TableTag::PlatformService, row: service.raw() }), rules)
    }

    /// The service's own network rules, in the order of ST-2.
    fn admit(&self, s: &mut State, service: Id<PlatformService>, arrival: &Arrival) {
        let row = &self.net.inventory.services[service];
        let kind = row.id.kind();
        if matches!(arrival, Arrival::PrivateEndpoint(_) | Arrival::ManagedEndpoint) {
            s.pass(StepKind::Admit, self.service_evidence(service, &[azure::PE_10, rule_of(&kind)]), || {
                "came through a private endpoint: the service's firewall is not asked".into()
            });
            return;
        }
        if self.perimeter(s, service) {
            return;
        }
        if self.trusted(s, service) {
            return;
        }
        let evidence = self.service_evidence(service, &[rule_of(&kind)]);
        if self.is_scored(s) {
            return self.admit_scoring(s, service, arrival, evidence);
        }
        if row.enable_private_cluster.is(true) {
            let text = "the API server of a private cluster has no public endpoint";
            return self.refuse_public(s, service, evidence, Cause::PublicAccessDisabled, text.into());
        }
        match self.public_access(s, service) {
            Err(unknown) => {
                s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
                return;
            }
            Ok(PublicNetworkAccess::Enabled) if !self.first_generation_private(row) => {
                self.first_generation_leans(s, row);
            }
            Ok(_) => {
                let mut evidence = evidence;
                if rule_of(&kind) == azure::KV_1 {
                    evidence.rules.push(azure::KV_2);
                }
                self.refuse_public(s, service, evidence, Cause::PublicAccessDisabled, row.closed_text());
                return;
            }
        }
        self.service_rules(s, service, arrival, evidence);
    }

    /// Whether the public endpoint answers: a project that does not say does as its hub.
    pub(super) fn public_access(
        &self,
        s: &mut State,
        service: Id<PlatformService>,
    ) -> Result<PublicNetworkAccess, Unknown> {
        let row = &self.net.inventory.services[service];
        let hub = crate::network::hub_of(&self.net.inventory, service);
        if let Some(hub) = hub.filter(|_| row.public_network_access.is_absent()) {
            let hub = &self.net.inventory.services[hub];
            s.assume(
                None,
                format!(
                    "the project `{}` is as open to public networks as its hub `{}`",
                    row.id.name(),
                    hub.id.name()
                ),
            );
            return hub.public_access(self.has_endpoint(hub));
        }
        row.public_access(self.has_endpoint(row))
    }

    /// AML-3: a workspace with a private endpoint whose first-generation switch keeps the public out. Only where
    /// the newer property is not written.
    fn first_generation_private(&self, row: &PlatformService) -> bool {
        row.public_network_access.is_absent()
            && row.allow_public_access_when_behind_vnet.is(false)
            && self.has_endpoint(row)
    }

    /// What is taken for granted of a workspace with a private endpoint that writes neither switch (AML-3).
    fn first_generation_leans(&self, s: &mut State, row: &PlatformService) {
        let silent =
            row.public_network_access.is_absent() && row.allow_public_access_when_behind_vnet.is_absent();
        if silent && row.id.is_kind("Microsoft.MachineLearningServices/workspaces") && self.has_endpoint(row)
        {
            let text = format!(
                "`{}` has a private endpoint and writes neither publicNetworkAccess nor allowPublicAccessWhenBehindVnet: it is taken as open to public networks (AML-3)",
                row.id.name()
            );
            s.assume(None, text);
        }
    }

    pub(super) fn has_endpoint(&self, row: &PlatformService) -> bool {
        let hub = row.hub.known().and_then(|r| self.net.inventory.follow(r).row());
        let hub = hub.map(|hub| &self.net.inventory.services[hub].id);
        self.net.inventory.private_endpoints.iter().any(|e| {
            let (target, _) = crate::network::target_of(&self.net.inventory, e);
            target
                .and_then(|t| self.net.inventory.id_of(t))
                .is_some_and(|id| *id == row.id || Some(id) == hub)
        })
    }

    /// Writes down a refusal. Where the name resolved publicly although a private endpoint exists, the missing
    /// zone link is the cause a person has to mend (DNS-9).
    pub(super) fn refuse_public(
        &self,
        s: &mut State,
        service: Id<PlatformService>,
        evidence: Evidence,
        cause: Cause,
        text: String,
    ) {
        if let Some(link) = s.public_despite_endpoint.clone() {
            let name = self.net.inventory.services[service].id.name();
            let why = format!(
                "`{name}` resolved to its public address although it has a private endpoint: {}; and {text}",
                link.why
            );
            let mut rules = vec![azure::DNS_9, azure::DNS_10];
            rules.extend(&evidence.rules);
            s.block(StepKind::Admit, Cause::DnsZoneNotLinked, Evidence { rules, ..link.evidence }, why);
        }
        s.block(StepKind::Admit, cause, evidence, text);
    }

    /// Default action, subnets, addresses.
    pub(super) fn service_rules(
        &self,
        s: &mut State,
        service: Id<PlatformService>,
        arrival: &Arrival,
        evidence: Evidence,
    ) {
        let row = &self.net.inventory.services[service];
        if row.restricts() {
            return self.access_restrictions(s, service, arrival, evidence);
        }
        let default = row.rest();
        match default {
            Err(unknown) => {
                s.unknown(StepKind::Admit, Cause::UnknownValue, &unknown, evidence);
                return;
            }
            Ok(DefaultAction::Allow) => {
                if row.is_database() && row.default_action.is_absent() {
                    let name = row.id.name();
                    s.assume(None, format!("`{name}` lists nobody in its firewall and is taken as open, though Azure shuts a database server that lists nobody"));
                }
                if row.id.is_kind("Microsoft.Databricks/workspaces") {
                    let text = format!(
                        "`{}` keeps no IP access list: Databricks holds those, and Azure does not tell of them",
                        row.id.name()
                    );
                    s.assume(None, text);
                }
                let text = if row.lists_nobody_yet() == Ok(true) && row.default_action.is(DefaultAction::Deny)
                {
                    "defaultAction is Deny, but a namespace whose rules name neither addresses nor subnets is open to all networks"
                } else if row.ip_rules.is_empty() && row.virtual_network_rules.is_empty() {
                    "the service is open to all networks"
                } else {
                    "defaultAction is Allow: the rules have no effect"
                };
                s.pass(StepKind::Admit, evidence, || text.into());
                return;
            }
            Ok(DefaultAction::Deny) => {}
        }
        let mut evidence = self.in_force(s, row, evidence);
        evidence.at = row.rule_set_at.known().map_or(evidence.at, |place| place.at);
        let allowed = self.subnet_rule(s, row, arrival).or(|| self.address_rule(s, service, arrival));
        match allowed {
            Tri::Yes => {
                s.pass(StepKind::Admit, evidence, || "a rule of the service's firewall lets it in".into())
            }
            Tri::Unknown(unknown) => {
                s.unknown(StepKind::Admit, super::filter::cause_of(&unknown), &unknown, evidence);
            }
            Tri::No => {
                let (rules, text) = self.refusal(s, row, arrival);
                let mut evidence = evidence;
                evidence.rules.extend(rules);
                self.refuse_public(s, service, evidence, Cause::ServiceFirewallDeny, text);
            }
        }
    }

    /// COS-4: what is written counts as settled, though a change takes its time.
    fn in_force(&self, s: &mut State, row: &PlatformService, mut evidence: Evidence) -> Evidence {
        if row.id.is_kind("Microsoft.DocumentDB/databaseAccounts") {
            evidence.rules.push(azure::COS_4);
            s.assume(
                None,
                format!(
                    "the rules of `{}` are in force: a change of them takes up to 15 minutes (COS-4)",
                    row.id.name()
                ),
            );
        }
        evidence
    }

    /// Why no rule of a service's firewall lets a caller in, and by which rules beside the service's own.
    fn refusal(
        &self,
        s: &State,
        row: &PlatformService,
        arrival: &Arrival,
    ) -> (&'static [azure::RuleId], String) {
        let source = s.header.source;
        if let Arrival::ServiceEndpoint(subnet, _) = arrival {
            let id = &self.net.inventory.subnets[*subnet].id;
            let text = format!(
                "no virtual network rule names `{}`; over a service endpoint no public address counts",
                id.full_name()
            );
            return (&[azure::SE_1, azure::SE_4], text);
        }
        if *arrival == Arrival::Backbone {
            let text = "the caller reaches it over Microsoft's own network: no address or subnet of the firewall's \
                rules can stand for it";
            return (&[], text.into());
        }
        if is_storage(row) && matches!(self.same_region(s, row), Tri::Yes) {
            let name = row.id.name();
            let region = row.location.known().map(|l| crate::network::normal_region(l)).unwrap_or_default();
            let listed = if lists(row, source) { "is listed, but " } else { "has no way in, and " };
            let text = format!(
                "{source} {listed}an address rule has no effect for callers in `{name}`'s own region `{region}`, \
                 which Azure shows it with an internal address: a private endpoint, or a service endpoint with a virtual \
                 network rule, lets them in"
            );
            return (&[azure::ST_4], text);
        }
        let own = self.subnet_of_origin(s).filter(|subnet| self.names_subnet(row, *subnet));
        if let Some(subnet) = own {
            let text = format!(
                "a virtual network rule names `{}`, but this flow does not come over a service endpoint of that subnet, \
                 and {source} is not listed",
                self.net.inventory.subnets[subnet].id.full_name()
            );
            return (&[azure::SE_4], text);
        }
        (&[], format!("neither {source} nor its subnet is let in"))
    }

    fn subnet_of_origin(&self, s: &State) -> Option<Id<Subnet>> {
        match s.origin {
            Origin::Attachment(id) => Some(self.net.attachment(id).subnet),
            Origin::Subnet(subnet, _) => Some(subnet),
            _ => None,
        }
    }

    /// A virtual network rule needs the identity a service endpoint gives (SE-4).
    fn subnet_rule(&self, s: &mut State, row: &PlatformService, arrival: &Arrival) -> Tri {
        let Arrival::ServiceEndpoint(subnet, _) = arrival else {
            let named = !row.virtual_network_rules.is_empty();
            if named && is_public(arrival) {
                s.note(StepKind::Admit, by(&[azure::SE_4]), || {
                    "virtual network rules need a service endpoint on the sender's subnet".into()
                });
            }
            return Tri::No;
        };
        if self.names_subnet(row, *subnet) {
            return Tri::Yes;
        }
        row.virtual_network_rules.unknown.clone().map_or(Tri::No, Tri::Unknown)
    }

    fn names_subnet(&self, row: &PlatformService, subnet: Id<Subnet>) -> bool {
        let here = &self.net.inventory.subnets[subnet].id;
        row.virtual_network_rules.iter().any(|r| match r.id() {
            Some(id) => id == *here,
            None => self.net.inventory.follow(r).row() == Some(subnet),
        })
    }

    /// Address rules: public sources only, and for storage never those of the same region (ST-3, ST-4).
    fn address_rule(&self, s: &mut State, service: Id<PlatformService>, arrival: &Arrival) -> Tri {
        let row = &self.net.inventory.services[service];
        if !is_public(arrival) {
            return Tri::No;
        }
        let source = s.header.source;
        if let Origin::Attachment(id) = s.origin
            && self.net.attachment(id).kind == AttachmentKind::ServiceNode(service)
        {
            s.assume(None, format!("`{}` lets in the address that its own nodes leave by", row.id.name()));
            return Tri::Yes;
        }
        let by_zero = row.lets_in_azure();
        let matches = lists(row, source) || by_zero && self.is_azure(s, source);
        let region = if is_storage(row) { self.same_region(s, row) } else { Tri::No };
        match region {
            Tri::Yes => return Tri::No,
            Tri::Unknown(unknown) if matches || s.source_unknown.is_some() && !row.ip_rules.is_empty() => {
                return Tri::Unknown(unknown);
            }
            _ => {}
        }
        if !by_zero && !s.other_sources.is_empty() {
            let listed = listed(row);
            let some = matches || listed.meets(&s.other_sources);
            if some && !(matches && listed.covers(&s.other_sources)) {
                let text = format!(
                    "`{}` lets in some of the public addresses that this may come from, and not all",
                    row.id.name()
                );
                s.intermittent = Some((Cause::ServiceFirewallDeny, text));
                return Tri::Yes;
            }
        }
        if matches {
            if by_zero {
                s.note(StepKind::Admit, self.service_evidence(service, &[azure::COS_2]), || {
                    "0.0.0.0 lets in every address of Azure, whoever's it is".into()
                });
            }
            return Tri::Yes;
        }
        if let Some(unknown) = s.source_unknown.clone().filter(|_| !row.listed_addresses().is_empty()) {
            return Tri::Unknown(unknown);
        }
        row.listed_addresses().unknown.clone().map_or(Tri::No, Tri::Unknown)
    }

    /// Whether a request comes from a public address of Azure's.
    fn is_azure(&self, s: &State, ip: IpAddr) -> bool {
        let last = s.sessions.iter().rev().map(|x| x.device).find(|d| !matches!(d, Device::Inbound(_)));
        if matches!(last, Some(Device::Outbound(_) | Device::Transit(_) | Device::Hub(_))) {
            return true;
        }
        self.net.tags.find("AzureCloud").is_some_and(|t| self.net.tags.set(t).contains(ip))
    }

    /// Whether the sender (or what sent it on last) is in the service's region.
    fn same_region(&self, s: &State, row: &PlatformService) -> Tri {
        let last = s.sessions.iter().rev().map(|x| x.device).find(|d| !matches!(d, Device::Inbound(_)));
        let of_vnet = |vnet| (self.net.region(vnet), self.net.inventory.virtual_networks[vnet].at);
        let (sender, at) = match (last, &s.origin) {
            (Some(Device::Transit(id) | Device::Outbound(id)), _) => of_vnet(self.net.attachment(id).vnet),
            (None, Origin::Attachment(id)) => of_vnet(self.net.attachment(*id).vnet),
            (Some(Device::Hub(hub)), _) => {
                let hub = &self.net.inventory.virtual_hubs[hub];
                (hub.location.known().map(|l| crate::network::normal_region(l)), hub.at)
            }
            (None, Origin::Subnet(subnet, _)) => of_vnet(self.net.ground(*subnet).vnet),
            // Nobody outside Azure is in one of its regions.
            _ => return Tri::No,
        };
        let account = row.location.known().map(|l| crate::network::normal_region(l));
        match (account, sender) {
            (Some(account), Some(sender)) => Tri::of(account == sender),
            (None, _) => Tri::Unknown(Unknown::new(
                row.at,
                format!(
                    "whether `{}` is in the caller's own region, where its address rules have no effect (ST-4): its location is not known",
                    row.id.name()
                ),
            )),
            (_, None) => Tri::Unknown(Unknown::new(
                at,
                "whether the caller is in the account's own region, where its address rules have no effect (ST-4): the location of its network is not known",
            )),
        }
    }

    /// SEP-1: a policy on the subnet limits which accounts its service endpoint reaches.
    pub(super) fn check_endpoint_policy(&self, s: &mut State, subnet: Id<Subnet>, service: &Arc<str>) {
        let policies = &self.net.inventory.subnets[subnet].service_endpoint_policies;
        if policies.is_empty() || !service.to_ascii_lowercase().starts_with("microsoft.storage") {
            return;
        }
        let mut first = None;
        let mut doubt = None;
        for reference in policies {
            let Some(row) = self.net.inventory.follow(reference).row() else {
                let unknown = Unknown::new(
                    reference.at,
                    format!("the service endpoint policy `{}` is in none of the files", reference.text),
                );
                s.unknown(StepKind::Filter, Cause::DanglingReference, &unknown, by(&[azure::SEP_1]));
                return;
            };
            let policy = &self.net.inventory.service_endpoint_policies[row];
            first.get_or_insert(Slot { table: TableTag::ServiceEndpointPolicy, row: row.raw() });
            let resources = policy.definitions.iter().flat_map(|d| d.service_resources.iter());
            for text in resources {
                match self.policy_lists(s, text) {
                    Tri::Yes => {
                        let evidence = of(self.net, first, &[azure::SEP_1]);
                        s.pass(StepKind::Filter, evidence, || {
                            format!("the service endpoint policy `{}` lists the account", policy.id.name())
                        });
                        return;
                    }
                    Tri::Unknown(unknown) => doubt = doubt.or(Some(unknown)),
                    Tri::No => {}
                }
            }
        }
        if let Some(unknown) = doubt {
            let evidence = of(self.net, first, &[azure::SEP_1]);
            s.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, evidence);
            return;
        }
        let text = "no service endpoint policy of the subnet lists the account";
        s.block(
            StepKind::Filter,
            Cause::ServiceEndpointPolicyDeny,
            of(self.net, first, &[azure::SEP_1]),
            text,
        );
    }

    /// Whether an entry of a policy - an account, a group, a subscription, or the alias of a service of Microsoft's
    /// that keeps accounts of its own - stands for the target.
    fn policy_lists(&self, s: &State, text: &Arc<str>) -> Tri {
        let alias = text.to_ascii_lowercase().starts_with("/services/");
        match &s.target {
            Some(Target::Service(service, _)) if !alias => {
                let id = &self.net.inventory.services[*service].id;
                Tri::of(id.is_within(text) || id.name().eq_ignore_ascii_case(text))
            }
            Some(Target::Host(host)) if alias => {
                let row = &self.net.inventory.internet_hosts[*host];
                if row.service_aliases.iter().any(|a| a.eq_ignore_ascii_case(text)) {
                    return Tri::Yes;
                }
                if row.service_aliases.given {
                    return row.service_aliases.unknown.clone().map_or(Tri::No, Tri::Unknown);
                }
                Tri::Unknown(not_told(row.at, row.id.name(), text))
            }
            Some(Target::Foreign(_, name)) if alias => Tri::Unknown(not_told(At::NOWHERE, name, text)),
            _ => Tri::No,
        }
    }
}

fn is_storage(row: &PlatformService) -> bool {
    row.id.is_kind("Microsoft.Storage/storageAccounts")
}

/// Whether an address rule of a service lists an address.
fn lists(row: &PlatformService, ip: IpAddr) -> bool {
    row.listed_addresses().iter().any(|w| match &w.means {
        AddressMeaning::Any => true,
        AddressMeaning::Addresses(set) => set.contains(ip),
        AddressMeaning::Tag(_) => false,
    })
}

/// The addresses that the rules of a service list.
fn listed(row: &PlatformService) -> AddressSet {
    let mut all = AddressSet::empty();
    for word in row.listed_addresses() {
        match &word.means {
            AddressMeaning::Any => all.extend(&AddressSet::all()),
            AddressMeaning::Addresses(set) => all.extend(set),
            AddressMeaning::Tag(_) => {}
        }
    }
    all
}

/// Only Microsoft knows which accounts an alias stands for.
fn not_told(at: At, name: &str, alias: &str) -> Unknown {
    let why = format!(
        "whether the alias `{alias}` stands for `{name}`: say it with internetHosts and serviceAliases"
    );
    Unknown::new(at, why)
}

/// The rule of the semantics that a kind of service follows.
pub(super) fn rule_of(kind: &str) -> azure::RuleId {
    match kind.to_ascii_lowercase().as_str() {
        "microsoft.keyvault/vaults" => azure::KV_1,
        "microsoft.containerregistry/registries" => azure::ACR_1,
        "microsoft.documentdb/databaseaccounts" => azure::COS_1,
        "microsoft.machinelearningservices/workspaces" => azure::AML_3,
        _ => azure::ST_2,
    }
}
