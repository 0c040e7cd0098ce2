//! What the workloads of an estate need: the catalogue, filled in for one network.
//!
//! Input: a [`Catalogue`] and a compiled [`Network`]. Output: for each workload that the estate holds, or that
//! somebody names, the flows it needs, ready to be traced, each with its phase, what it is needed for, and what
//! a person sees without it. A need whose condition the files do not tell is kept and says so; one that cannot
//! be traced says why.
//!
//! Names of Microsoft's own accounts (the storage behind Batch, say) are in no estate. [`stand_ins`] gives hosts
//! for them; add these to the estate before compiling it, or flows to them are `unknown`.

use crate::catalogue::{Actor, Catalogue, Condition, Direction, Name, Need, OwnEndpoint, Ports, tag_of};
use crate::diag::At;
use crate::doc::{Node, Value};
use crate::formats::native;
use crate::inventory::change::Change;
use crate::inventory::{
    Field, Id, IsolationMode, MlCompute, PlatformService, Ref, ResourceId, Slot, TableTag, Unknown,
};
use crate::network::{AttachmentKind, Network, Tri, normal_region, target_of};
use crate::services::{name_matches, service_of_host, well_known};
use crate::trace::{self, Endpoint, Flow, Origin};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something that has needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// What flows call it: a name or id.
    pub name: Arc<str>,
    /// What it is.
    pub actor: Actor,
    /// The resource, where it is one of the estate.
    pub slot: Option<Slot>,
    /// The workspace it works for.
    pub workspace: Option<Id<PlatformService>>,
    /// Its region.
    pub region: Option<String>,
}

/// A flow that a workload needs.
#[derive(Clone, Debug, PartialEq)]
pub struct NeededFlow<'c> {
    /// The need.
    pub need: &'c Need,
    /// The workload.
    pub workload: Arc<str>,
    /// What the workload is.
    pub actor: Actor,
    /// The name as the catalogue has it; absent for flows to the workload.
    pub target: Option<Name>,
    /// The service tag a rule would name, where there is one.
    pub tag: Option<Arc<str>>,
    /// Protocol and ports as the catalogue has them.
    pub ports: Ports,
    /// The flow; absent where it cannot be traced.
    pub flow: Option<Flow>,
    /// Whether a name stands for all that a pattern means.
    pub example: bool,
    /// Why it cannot be traced, or why it may not be needed at all.
    pub note: Option<String>,
}

impl NeededFlow<'_> {
    /// `ci1/compute.out.auth/login.microsoftonline.com:443/tcp`.
    pub fn label(&self) -> String {
        let host = self.target.as_ref().map_or("", |name| &name.host);
        let slash = if host.is_empty() { "" } else { "/" };
        format!("{}/{}{slash}{host} {}", self.workload, self.need.id, self.ports)
    }
}

/// Every workload that the estate holds, in the order of its tables. People and their browsers are in no files:
/// name them with [`named`].
pub fn workloads(network: &Network) -> Vec<Workload> {
    let inventory = &network.inventory;
    let mut found = Vec::new();
    for (id, compute) in inventory.ml_computes.rows() {
        let slot = Slot { table: TableTag::MlCompute, row: id.raw() };
        let workspace = workspace_of(network, &compute.id);
        if let Some(actor) = actor_of(network, compute, workspace) {
            found.push(workload(network, slot, actor, workspace));
        }
    }
    for (id, deployment) in inventory.ml_deployments.rows() {
        let slot = Slot { table: TableTag::MlDeployment, row: id.raw() };
        let workspace = workspace_of(network, &deployment.id);
        found.push(workload(network, slot, Actor::OnlineDeployment, workspace));
    }
    for (id, service) in inventory.services.rows() {
        let slot = Slot { table: TableTag::PlatformService, row: id.raw() };
        if service.id.is_kind("Microsoft.ContainerService/managedClusters") {
            found.push(workload(network, slot, Actor::AksNode, attached_to(network, &service.id)));
        } else if service.id.is_kind("Microsoft.MachineLearningServices/workspaces") {
            found.push(workload(network, slot, Actor::AmlManagedService, Some(id)));
        }
    }
    found
}

/// Whether anything of Azure Machine Learning is in the estate. The catalogue says what that needs, and nothing of what
/// other machines do.
pub fn has_learning(network: &Network) -> bool {
    let inventory = &network.inventory;
    let is = |service: &PlatformService| service.id.is_kind("Microsoft.MachineLearningServices/workspaces");
    !inventory.ml_computes.is_empty() || inventory.services.iter().any(is)
}

/// Something that somebody says is a workload: a jump box with a browser, a subnet that computes will stand in.
pub fn named(network: &Network, name: &str, actor: Actor) -> Workload {
    let slot = network.inventory.follow_any(name);
    let workspace = slot.and_then(|slot| workspace_of(network, network.inventory.id_of(slot)?));
    let workspace = workspace.or_else(|| only_workspace(network));
    let region = workspace.and_then(|w| region_of(network, w)).or_else(|| region_of_sender(network, name));
    Workload { name: name.into(), actor, slot, workspace, region }
}

/// The flows that a workload needs, in the order of the catalogue.
pub fn needs<'c>(catalogue: &'c Catalogue, network: &Network, workload: &Workload) -> Vec<NeededFlow<'c>> {
    let era = network.profile.ml_era;
    let mut found = Vec::new();
    for need in catalogue.needs.iter().filter(|need| need.holds_in(era) && concerns(need, workload)) {
        let asked = match holds(need, network, workload) {
            Tri::No => continue,
            Tri::Yes => None,
            Tri::Unknown(why) => Some(format!("whether it is needed is not known: {}", why.why)),
        };
        let mut filled = Filled { network, workload, need, note: asked, found: &mut found };
        match need.direction {
            Direction::Inbound => filled.inbound(),
            _ => filled.outbound(),
        }
    }
    found
}

/// Whether a need is one of this workload's: it opens the connection, or receives it.
fn concerns(need: &Need, workload: &Workload) -> bool {
    use crate::catalogue::Workload as Kind;
    if need.direction != Direction::Inbound {
        return need.from.contains(&workload.actor) && !need.platform;
    }
    match workload.actor {
        Actor::ComputeInstance => need.workloads.contains(&Kind::ComputeInstance),
        Actor::ComputeCluster => need.workloads.contains(&Kind::ComputeCluster),
        _ => false,
    }
}

struct Filled<'a, 'c> {
    network: &'a Network,
    workload: &'a Workload,
    need: &'c Need,
    note: Option<String>,
    found: &'a mut Vec<NeededFlow<'c>>,
}

impl Filled<'_, '_> {
    fn outbound(&mut self) {
        let known = self.workload.region.clone();
        let region = known.clone().unwrap_or_else(|| NO_REGION.to_owned());
        let mut names = self.need.names(&region);
        for name in &mut names {
            // A tag of no region is none.
            name.tag = name.tag.take().filter(|tag| !tag.contains(NO_REGION));
        }
        for pattern in &self.need.hosts {
            let name = names.iter().find(|n| n.host == pattern.replace("{region}", &region)).cloned();
            // Accounts of the platform's are asked for in the workload's own region.
            if known.is_none() && (pattern.contains("{region}") || is_platforms(pattern)) {
                let why = "the region of the workload is not known, and the name or its tag holds it";
                self.push(None, name, false, Some(why.to_owned()));
                continue;
            }
            let host = concrete(self.network, self.need, pattern, &region);
            self.to(Some(host), name, pattern.starts_with("*."));
        }
        let public = self.need.hosts.len();
        for (own, name) in self.need.own.iter().zip(names.into_iter().skip(public)) {
            match own_host(self.network, self.workload, *own) {
                Ok(host) => self.to(Some(host), Some(name), false),
                Err(why) => self.push(None, Some(name), false, Some(why)),
            }
        }
        if self.need.hosts.is_empty() && self.need.own.is_empty() && self.need.outside {
            self.untraced("it happens outside every network of yours");
        }
    }

    /// From an example address of the tag to the workload's public address.
    fn inbound(&mut self) {
        let region = self.workload.region.clone().unwrap_or_else(|| NO_REGION.to_owned());
        let to = public_address_of(self.network, self.workload);
        for tag in &self.need.tags {
            let tag: Arc<str> = tag.replace("{region}", &region).into();
            let from = match self.network.tags.find(&tag) {
                Some(id) => self.network.tags.representative(id).map(Endpoint::Address),
                None => (&*tag == "Internet").then_some(Endpoint::Internet),
            };
            for (ports, port) in self.ports() {
                let (protocol, _) = ports.example();
                let ends = from.clone().zip(to.clone());
                let why = match (&from, &to) {
                    (None, _) => Some(format!("the addresses of `{tag}` are not known")),
                    (_, None) => {
                        Some("Azure makes its public address with it; it is in none of the files".to_owned())
                    }
                    _ => None,
                };
                let flow = ends.map(|(from, to)| self.flow(from, to, protocol, port));
                self.found.push(NeededFlow {
                    need: self.need,
                    workload: self.workload.name.clone(),
                    actor: self.workload.actor,
                    target: None,
                    tag: Some(tag.clone()),
                    ports,
                    flow,
                    example: true,
                    note: why.or_else(|| self.note.clone()),
                });
            }
        }
    }

    /// What the need names, with each port to ask about.
    fn ports(&self) -> Vec<(Ports, u16)> {
        let each = |ports: &Ports| ports.asked().into_iter().map(|port| (*ports, port)).collect::<Vec<_>>();
        self.need.ports.iter().flat_map(each).collect()
    }

    fn target(&self) -> Endpoint {
        match &*self.workload.name {
            "internet" => Endpoint::Internet,
            name => Endpoint::Named(name.into()),
        }
    }

    fn untraced(&mut self, why: &str) {
        self.push(None, None, false, Some(why.to_owned()));
    }

    fn to(&mut self, host: Option<String>, name: Option<Name>, example: bool) {
        self.push(host, name, example, None);
    }

    fn push(&mut self, host: Option<String>, name: Option<Name>, example: bool, why: Option<String>) {
        for (ports, port) in self.ports() {
            // Any protocol means both that have ports.
            let protocols = match ports.protocol {
                Some(protocol) => vec![protocol],
                None => vec![crate::net::Protocol::Tcp, crate::net::Protocol::Udp],
            };
            for protocol in protocols {
                let to = host.as_ref().map(|host| Endpoint::Fqdn(host.as_str().into()));
                let flow = to.map(|to| self.flow(self.target(), to, protocol, port));
                let tag = name.as_ref().and_then(|n| n.tag.as_deref()).map(Arc::from);
                self.found.push(NeededFlow {
                    need: self.need,
                    workload: self.workload.name.clone(),
                    actor: self.workload.actor,
                    target: name.clone(),
                    tag,
                    ports: Ports { protocol: Some(protocol), range: ports.range },
                    flow,
                    example,
                    note: why.clone().or_else(|| self.note.clone()),
                });
            }
        }
    }

    fn flow(&self, from: Endpoint, to: Endpoint, protocol: crate::net::Protocol, port: u16) -> Flow {
        let name = format!("{}/{}", self.workload.name, self.need.id);
        Flow { name: Some(name.into()), ..Flow::new(from, to, protocol, port) }
    }
}

/// What stands in names for a region that nobody knows.
const NO_REGION: &str = "<region>";

/// A name for a pattern: one that somebody says there is, else an example.
fn concrete(network: &Network, need: &Need, pattern: &str, region: &str) -> String {
    let pattern = pattern.replace("{region}", region);
    let Some(suffix) = pattern.strip_prefix("*") else { return pattern };
    let label = if is_platforms(&pattern) { need.service.replace('-', "") } else { "example".to_owned() };
    let wanted = format!("{label}{suffix}");
    if network.names.public(&wanted).is_some() {
        return wanted;
    }
    // A name below another pattern of Azure's is another thing: an instance is no part of the shared API.
    let kind = well_known(&wanted);
    let fits =
        |name: &&Arc<str>| !name.starts_with('*') && name_matches(&pattern, name) && well_known(name) == kind;
    let hosts = network.inventory.internet_hosts.iter().flat_map(|host| host.names.iter());
    let own = network.inventory.services.iter().flat_map(|service| service.host_names.iter());
    let said = hosts.chain(own).filter(fits).min_by_key(|name| (name.len(), (*name).clone()));
    said.map_or(wanted, |name| name.to_string())
}

/// Whether a public name is an account of the platform's, such as a storage account: then a private zone could
/// hide it.
fn is_platforms(pattern: &str) -> bool {
    let example = pattern.replace("*.", "example.");
    well_known(&example).is_none() && service_of_host(&example).is_some()
}

/// The name of one of the workspace's own resources.
fn own_host(network: &Network, workload: &Workload, own: OwnEndpoint) -> Result<String, String> {
    let workspace = workload.workspace.ok_or("which workspace it belongs to is not known")?;
    let service = own_service(network, workspace, own)?;
    let host = network.names.service_hosts[service.index()].get(own.endpoint).cloned().flatten();
    let host = host.ok_or_else(|| {
        format!("the host name of `{}` is not known", network.inventory.services[service].id.name())
    })?;
    Ok(match host.strip_prefix("*.") {
        Some(rest) => format!("example.{rest}"),
        None => host.to_string(),
    })
}

/// One of a workspace's own resources.
fn own_service(
    network: &Network,
    workspace: Id<PlatformService>,
    own: OwnEndpoint,
) -> Result<Id<PlatformService>, String> {
    let row = &network.inventory.services[workspace];
    let field: &Field<Ref<PlatformService>> = match own.resource() {
        "workspace" => return Ok(workspace),
        "storage" => &row.storage_account,
        "key-vault" => &row.key_vault,
        _ => &row.container_registry,
    };
    match field {
        Field::Known(reference) => network
            .inventory
            .follow(reference)
            .row()
            .ok_or_else(|| format!("`{}` is in none of the files", reference.text)),
        Field::Absent => Err(format!("`{}` names no {}", row.id.name(), own.resource())),
        Field::Unknown(why) => Err(why.why.to_string()),
    }
}

/// Hosts for the accounts of Microsoft's own that the needs lead to. They have no private endpoint in front of
/// anybody's zones, which is what their documents say of them and what no file can.
pub fn stand_ins(catalogue: &Catalogue, network: &Network) -> Vec<Change> {
    let mut done = BTreeSet::new();
    let mut changes = Vec::new();
    let regions: BTreeSet<String> = all_regions(network);
    for region in &regions {
        for need in catalogue.needs.iter().filter(|n| n.holds_in(network.profile.ml_era)) {
            for pattern in need.hosts.iter().filter(|p| is_platforms(p)) {
                let host = concrete(network, need, pattern, region);
                if network.names.public(&host).is_none() && done.insert(host.clone()) {
                    changes.extend(host_of(&host, tag_of(pattern, region), done.len()));
                }
            }
        }
    }
    changes
}

fn all_regions(network: &Network) -> BTreeSet<String> {
    let services = network.inventory.services.iter();
    let workspaces = services.filter(|s| s.id.is_kind("Microsoft.MachineLearningServices/workspaces"));
    let found: BTreeSet<String> =
        workspaces.filter_map(|s| s.location.known()).map(|l| normal_region(l)).collect();
    if !found.is_empty() {
        return found;
    }
    // A workload that somebody names works where its network is.
    let vnets = network.inventory.virtual_networks.iter();
    vnets.filter_map(|vnet| vnet.location.known()).map(|l| normal_region(l)).collect()
}

/// A host of Microsoft's or of somebody else's, as an addition to the estate.
pub(super) fn host_of(host: &str, tag: Option<String>, number: usize) -> Option<Change> {
    let text = |text: String| Node::string(At::NOWHERE, text);
    let mut fields = vec![
        ("name", text(format!("stand-in-{number}"))),
        ("names", Node::array(At::NOWHERE, vec![text(host.to_owned())])),
        ("hasPrivateEndpoint", Node::built(Value::Bool(false))),
    ];
    fields.extend(tag.map(|tag| ("serviceTag", text(tag))));
    let list = Node::array(At::NOWHERE, vec![native::item(At::NOWHERE, fields)]);
    let sections = native::item(At::NOWHERE, [("internetHosts", list)]);
    let mut notes = crate::diag::Diagnostics::new();
    let resource = native::load_sections(sections.as_object()?, &mut notes).pop()?;
    Some(Change::Add { resource, placed: false })
}

fn workload(network: &Network, slot: Slot, actor: Actor, workspace: Option<Id<PlatformService>>) -> Workload {
    let id = network.inventory.id_of(slot);
    let own = id.map(|id| id.name().to_owned()).unwrap_or_default();
    // A name that several resources have means nobody; the id does.
    let name = match network.inventory.named(&own) {
        [_] => own,
        _ => id.map(ToString::to_string).unwrap_or_default(),
    };
    let region = here(network, slot).or_else(|| region_of(network, workspace?));
    Workload { name: name.into(), actor, slot: Some(slot), workspace, region }
}

/// The region of the network a resource stands in.
fn here(network: &Network, slot: Slot) -> Option<String> {
    let attachment = network.attachments.iter().find(|a| a.owner == slot)?;
    network.region(attachment.vnet)
}

/// The region of the network that a sender stands in, whatever it is: a machine is there by its interface.
fn region_of_sender(network: &Network, name: &str) -> Option<String> {
    let from = Endpoint::Named(name.into());
    let (to, protocol) = (Endpoint::Internet, crate::net::Protocol::Tcp);
    let flow = Flow::new(from, to, protocol, 443);
    match trace::understand(network, &flow).ok()?.origin {
        Origin::Attachment(id) => network.region(network.attachment(id).vnet),
        Origin::Subnet(id, _) => network.region(network.subnet(id).vnet),
        Origin::Managed(_, workspace) => region_of(network, workspace),
        Origin::Site(..) | Origin::Branch(..) | Origin::Internet(_) | Origin::Service(_) => None,
    }
}

fn region_of(network: &Network, service: Id<PlatformService>) -> Option<String> {
    network.inventory.services[service].location.known().map(|l| normal_region(l))
}

fn workspace_of(network: &Network, id: &ResourceId) -> Option<Id<PlatformService>> {
    let workspace = id.ancestor("Microsoft.MachineLearningServices/workspaces")?;
    network.inventory.row::<PlatformService>(&workspace)
}

/// The workspace that a cluster is attached to.
fn attached_to(network: &Network, cluster: &ResourceId) -> Option<Id<PlatformService>> {
    let attached = network.inventory.ml_computes.iter().find(|compute| {
        let target = compute.resource_id.known().and_then(|r| network.inventory.follow_any(&r.text));
        target.and_then(|slot| network.inventory.id_of(slot)) == Some(cluster)
    });
    attached.and_then(|compute| workspace_of(network, &compute.id)).or_else(|| only_workspace(network))
}

fn only_workspace(network: &Network) -> Option<Id<PlatformService>> {
    let is = |(_, s): &(_, &PlatformService)| s.id.is_kind("Microsoft.MachineLearningServices/workspaces");
    let mut all = network.inventory.services.rows().filter(is);
    match (all.next(), all.next()) {
        (Some((id, _)), None) => Some(id),
        _ => None,
    }
}

/// What a compute is; attached clusters are looked at on their own.
fn actor_of(network: &Network, compute: &MlCompute, workspace: Option<Id<PlatformService>>) -> Option<Actor> {
    let kind = compute.compute_type.known().map(|kind| kind.to_ascii_lowercase());
    let own = matches!(kind.as_deref(), Some("computeinstance" | "amlcompute"));
    if own
        && compute.subnet == Field::Absent
        && workspace.is_some_and(|w| has_managed_network(network, w) == Tri::Yes)
    {
        return Some(Actor::ManagedCompute);
    }
    match kind.as_deref() {
        Some("computeinstance") => Some(Actor::ComputeInstance),
        Some("amlcompute") => Some(Actor::ComputeCluster),
        _ => None,
    }
}

fn has_managed_network(network: &Network, workspace: Id<PlatformService>) -> Tri {
    match &network.inventory.services[workspace].managed_network_isolation {
        Field::Absent => Tri::No,
        Field::Known(mode) => Tri::of(*mode != IsolationMode::Disabled),
        Field::Unknown(why) => Tri::Unknown(why.clone()),
    }
}

/// Whether every condition of a need holds.
fn holds(need: &Need, network: &Network, workload: &Workload) -> Tri {
    need.only
        .iter()
        .fold(Tri::Yes, |so_far, condition| so_far.and(|| condition_holds(*condition, network, workload)))
}

fn condition_holds(condition: Condition, network: &Network, workload: &Workload) -> Tri {
    type Asked = fn(&Network, &Workload, Id<PlatformService>) -> Tri;
    let of_workspace: Asked = match condition {
        // What the workload itself tells needs no workspace.
        Condition::PublicIp => return public_address(network, workload),
        Condition::PublicCluster => return not(private_cluster(network, workload)),
        Condition::MachineLearning => return serves_workspace(network, workload),
        Condition::InternalBalancer | Condition::PublicBalancer => {
            let why = "which load balancer stands in front of the inference router is not told";
            return Tri::Unknown(Unknown::new(At::NOWHERE, why));
        }
        Condition::HbiWorkspace => {
            |network, _, own| field(&network.inventory.services[own].hbi_workspace, false)
        }
        Condition::PublicRegistry => |network, _, own| public_registry(network, own),
        Condition::ImageBuildCompute => builds_images,
        Condition::NoImageBuildCompute => {
            |network, _, own| match &network.inventory.services[own].image_build_compute {
                Field::Absent => Tri::Yes,
                Field::Known(_) => Tri::No,
                Field::Unknown(why) => Tri::Unknown(why.clone()),
            }
        }
        Condition::ManagedNetwork => |network, _, own| has_managed_network(network, own),
        Condition::NoManagedNetwork => |network, _, own| not(has_managed_network(network, own)),
    };
    match workload.workspace {
        Some(own) => of_workspace(network, workload, own),
        None => Tri::Unknown(Unknown::new(At::NOWHERE, "which workspace it belongs to is not known")),
    }
}

fn not(tri: Tri) -> Tri {
    match tri {
        Tri::Yes => Tri::No,
        Tri::No => Tri::Yes,
        unknown => unknown,
    }
}

/// Whether a workload is one of Azure Machine Learning's: a cluster is, where it has or may have a workspace.
fn serves_workspace(network: &Network, workload: &Workload) -> Tri {
    if workload.workspace.is_some() || workload.actor != Actor::AksNode {
        return Tri::Yes;
    }
    let is_cluster = workload.slot.is_some_and(|slot| slot.table == TableTag::PlatformService);
    match is_cluster && !has_learning(network) {
        true => Tri::No,
        false => {
            Tri::Unknown(Unknown::new(At::NOWHERE, "whether the cluster serves a workspace is not told"))
        }
    }
}

/// A truth value; what the property is where nobody writes it is Azure's documented default.
fn field(field: &Field<bool>, absent: bool) -> Tri {
    match field {
        Field::Absent => Tri::of(absent),
        Field::Known(value) => Tri::of(*value),
        Field::Unknown(why) => Tri::Unknown(why.clone()),
    }
}

fn public_address(network: &Network, workload: &Workload) -> Tri {
    match workload.slot {
        Some(Slot { table: TableTag::MlCompute, row }) => {
            // AZURE: `enableNodePublicIp` is true where nobody writes it.
            field(&network.inventory.ml_computes.as_slice()[row as usize].enable_node_public_ip, true)
        }
        _ => Tri::Unknown(Unknown::new(At::NOWHERE, "whether the compute has a public address is not told")),
    }
}

/// The public address of a workload, where the files have it.
fn public_address_of(network: &Network, workload: &Workload) -> Option<Endpoint> {
    let own = |a: &&crate::network::Attachment| Some(a.owner) == workload.slot;
    let address = network.attachments.iter().find(own)?.public_ip.row()?;
    network.public_addresses.get(address.index())?.0.map(Endpoint::Address)
}

fn private_cluster(network: &Network, workload: &Workload) -> Tri {
    match workload.slot {
        Some(Slot { table: TableTag::PlatformService, row }) => {
            field(&network.inventory.services.as_slice()[row as usize].enable_private_cluster, false)
        }
        _ => Tri::Unknown(Unknown::new(At::NOWHERE, "whether the cluster is private is not told")),
    }
}

fn builds_images(network: &Network, workload: &Workload, workspace: Id<PlatformService>) -> Tri {
    let own = workload.slot.and_then(|slot| network.inventory.id_of(slot)).map(ResourceId::name);
    match &network.inventory.services[workspace].image_build_compute {
        Field::Absent => Tri::No,
        Field::Known(name) => Tri::of(own.is_none_or(|own| own.eq_ignore_ascii_case(name))),
        Field::Unknown(why) => Tri::Unknown(why.clone()),
    }
}

/// Whether the registry is reached over its public endpoint: no private endpoint of the estate leads to it.
fn public_registry(network: &Network, workspace: Id<PlatformService>) -> Tri {
    let own = OwnEndpoint::ALL.iter().copied().find(|own| own.resource() == "registry");
    let Some(Ok(registry)) = own.map(|own| own_service(network, workspace, own)) else { return Tri::No };
    let leads = |a: &crate::network::Attachment| match a.kind {
        AttachmentKind::PrivateEndpoint(endpoint, _) => {
            let endpoint = &network.inventory.private_endpoints[endpoint];
            let (target, _) = target_of(&network.inventory, endpoint);
            target == Some(Slot { table: TableTag::PlatformService, row: registry.raw() })
        }
        _ => false,
    };
    Tri::of(!network.attachments.iter().any(leads))
}
