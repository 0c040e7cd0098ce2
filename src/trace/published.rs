//! Ports that a load balancer's frontend publishes to single machines: inbound NAT rules and pools.
//!
//! A rule for one machine says which. A rule for a range of ports gives one to each member of its pool, and a pool
//! of older scale sets one to each instance. Azure chooses who gets which: where more than one could answer, nobody
//! can say from the files who does.

use super::Cause;
use super::engine::Walk;
use super::forward::MAX_GUESSES;
use super::model::{Evidence, StepKind};
use super::outbound::names_part;
use super::state::{End, Next, Place, State, by, of};
use super::worlds::{Asked, Guess};
use crate::diag::At;
use crate::inventory::{
    AnyKind, Field, FrontendIpConfiguration, Id, InboundNatPool, InboundNatRule, IpConfiguration,
    LoadBalancer, Ref, Slot, Unknown,
};
use crate::net::{Header, ProtocolMatch};
use crate::network::{AttachmentId, AttachmentKind};
use crate::rules as azure;

/// Of this many members each is tried; of more, Azure's choice stays unknown.
const MOST_TRIED: usize = 8;

/// A published port, or a range of them.
struct Published<'a> {
    name: &'a str,
    at: At,
    first: u16,
    backend_port: &'a Field<i64>,
    floating: &'a Field<bool>,
    behind: Behind<'a>,
}

/// Who is behind a published port.
enum Behind<'a> {
    /// One machine.
    Machine(&'a InboundNatRule),
    /// One of a pool's members for each port.
    Pool(&'a Ref<AnyKind>),
    /// One of a scale set's instances for each port.
    Instances(&'a InboundNatPool),
}

impl Walk<'_> {
    /// An inbound NAT rule, where no load-balancing rule takes the flow.
    pub(super) fn inbound_nat(
        &self,
        s: &mut State,
        balancer: Id<LoadBalancer>,
        front: &FrontendIpConfiguration,
        slot: Slot,
    ) -> Next {
        let row = &self.net.inventory.load_balancers[balancer];
        let Some(door) = published(row, front, &s.header) else {
            let text = format!("no rule of `{}` takes {}", row.id.name(), s.header);
            let evidence = of(self.net, Some(slot), &[azure::LB_1]);
            s.block(StepKind::Balance, Cause::FrontendPortClosed, evidence, text);
            return Next::End(End::Stopped);
        };
        let evidence = Evidence {
            name: Some(door.name.into()),
            at: door.at,
            ..of(self.net, Some(slot), &[azure::LB_1])
        };
        match self.behind(s, balancer, &door) {
            Ok(members) => match members[..] {
                [] => {
                    let text = format!("the NAT rule `{}` has no target", door.name);
                    s.block(StepKind::Balance, Cause::NoBackend, evidence, text);
                    Next::End(End::Stopped)
                }
                [only] if self.is_settled(only, &door, s.header.port) => {
                    self.through_published(s, balancer, front, &door, only)
                }
                _ => self.to_one_of(s, balancer, front, &door, members, evidence),
            },
            Err(unknown) => {
                s.unknown(StepKind::Balance, Cause::UnknownValue, &unknown, evidence);
                Next::End(End::Stopped)
            }
        }
    }

    /// To one of several members, or to none: Azure has chosen, and no file tells whom. Where it comes to the same
    /// whoever it is, that is the answer.
    fn to_one_of(
        &self,
        s: &mut State,
        balancer: Id<LoadBalancer>,
        front: &FrontendIpConfiguration,
        door: &Published<'_>,
        members: Vec<AttachmentId>,
        evidence: Evidence,
    ) -> Next {
        let why = format!(
            "which of {} members `{}` gives the port {} to is Azure's choice, and in none of the files",
            members.len(),
            door.name,
            s.header.port
        );
        let unknown = Unknown::new(door.at, why);
        if s.guesses.len() >= MAX_GUESSES || members.len() > MOST_TRIED {
            s.unknown(StepKind::Balance, Cause::UnknownValue, &unknown, evidence);
            return Next::End(End::Stopped);
        }
        let id = self.net.inventory.load_balancers[balancer].id.clone();
        let (at, of) = (Asked::Published(id, s.header.port), members.len() + 1);
        let guess = |way| {
            let mut branch = s.clone();
            branch.guesses.push(Guess { at: at.clone(), way, of });
            branch
        };
        let mut ways = Vec::new();
        for (way, member) in members.into_iter().enumerate() {
            let mut branch = guess(way);
            let next = self.through_published(&mut branch, balancer, front, door, member);
            ways.push((branch, next));
        }
        let mut nobody = guess(of - 1);
        let text = format!("`{}` gives the port {} to nobody", door.name, s.header.port);
        nobody.block(StepKind::Balance, Cause::NoBackend, evidence.clone(), text);
        ways.push((nobody, Next::End(End::Stopped)));
        let mut doubt = s.clone();
        doubt.stands_for_unknown = true;
        doubt.unknown(StepKind::Balance, Cause::UnknownValue, &unknown, evidence);
        ways.push((doubt, Next::End(End::Stopped)));
        Next::Forked(ways)
    }

    fn through_published(
        &self,
        s: &mut State,
        balancer: Id<LoadBalancer>,
        front: &FrontendIpConfiguration,
        door: &Published<'_>,
        id: AttachmentId,
    ) -> Next {
        let Some(address) = self.net.attachment(id).address else { return Next::End(End::Stopped) };
        let header = s.header;
        let floats = match door.floating.or(false) {
            Ok(floats) => floats,
            Err(unknown) => {
                s.unknown(StepKind::Balance, Cause::UnknownValue, &unknown.clone(), by(&[azure::LB_7]));
                return Next::End(End::Stopped);
            }
        };
        let port = door.backend_port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(header.port);
        let after = if floats { header } else { Header { destination: address, port, ..header } };
        let public = !front.public_ip_address.is_absent();
        let sku = self.net.inventory.load_balancers[balancer].sku.known().copied();
        self.one_backend(s, id, header, after, public, sku);
        Next::Go(Place::Arrive(id))
    }

    /// Who may answer at a published port; nobody, or why it cannot be said.
    fn behind(
        &self,
        s: &mut State,
        balancer: Id<LoadBalancer>,
        door: &Published<'_>,
    ) -> Result<Vec<AttachmentId>, Unknown> {
        let members = match door.behind {
            Behind::Machine(rule) => return Ok(self.machine_of(rule).into_iter().collect()),
            Behind::Pool(pool) => {
                let members = self.pool_members(balancer, std::iter::once(pool));
                if let (true, Some(lost)) =
                    (members.is_empty(), self.lost_members(balancer, std::iter::once(pool)))
                {
                    return Err(lost);
                }
                members
            }
            Behind::Instances(pool) => self.instances_of(pool),
        };
        if let [only] = members[..]
            && self.is_settled(only, door, s.header.port)
        {
            let name = &self.net.attachment(only).name;
            let text = format!("`{}` gives {} to `{name}`", door.name, s.header.port);
            s.assume(None, format!("{text}: Azure hands out a range from its first port"));
        }
        Ok(members)
    }

    /// Whether a rule for one machine, or for a pool it is in, leaves the frontend's address on packets (LB-7).
    pub(super) fn nat_floats_to(&self, balancer: Id<LoadBalancer>, id: AttachmentId) -> bool {
        let floating = |r: &&InboundNatRule| r.enable_floating_ip.is(true);
        let mut rules = self.net.inventory.load_balancers[balancer].inbound_nat_rules.iter().filter(floating);
        rules.any(|r| match r.backend_address_pool.known() {
            Some(pool) => self.pool_members(balancer, std::iter::once(pool)).contains(&id),
            None => self.machine_of(r) == Some(id),
        })
    }

    /// Whether the only member must be the one: instances of a scale set are alike, a machine gets the first port.
    fn is_settled(&self, only: AttachmentId, door: &Published<'_>, port: u16) -> bool {
        matches!(door.behind, Behind::Machine(_))
            || port == door.first
            || matches!(self.net.attachment(only).kind, AttachmentKind::ScaleSet(_))
    }

    /// The interface that a rule for one machine leads to.
    fn machine_of(&self, rule: &InboundNatRule) -> Option<AttachmentId> {
        let mine = |config: &IpConfiguration| {
            let named = |n: &Ref<AnyKind>| names_part(&n.text, &rule.id(), &rule.name);
            let target = rule.backend_ip_configuration.known();
            config.load_balancer_inbound_nat_rules.iter().any(named)
                || target.is_some_and(|b| names_part(&b.text, &config.id(), &config.name))
        };
        let nics = self.net.inventory.network_interfaces.rows();
        let nic = nics.into_iter().find(|(_, n)| n.ip_configurations.iter().any(mine)).map(|(id, _)| id)?;
        let found = self.net.attachments.iter().position(|a| a.kind == AttachmentKind::Interface(nic));
        found.map(|n| AttachmentId(n as u32))
    }

    /// The scale sets whose instances a pool of ports leads to.
    fn instances_of(&self, pool: &InboundNatPool) -> Vec<AttachmentId> {
        let named = |config: &IpConfiguration| {
            config.load_balancer_inbound_nat_pools.iter().any(|n| names_part(&n.text, &pool.id(), &pool.name))
        };
        let numbered = self.net.attachments.iter().enumerate();
        let behind = numbered.filter(|(_, attachment)| match attachment.kind {
            AttachmentKind::ScaleSet(set) => {
                let interfaces = &self.net.inventory.scale_sets[set].network_interface_configurations;
                interfaces
                    .iter()
                    .any(|i| i.ip_configurations.iter().any(|c| c.at == attachment.at && named(c)))
            }
            _ => false,
        });
        behind.map(|(n, _)| AttachmentId(n as u32)).collect()
    }
}

/// What a frontend publishes at the port of a header: rules for one machine first.
fn published<'a>(
    row: &'a LoadBalancer,
    front: &FrontendIpConfiguration,
    header: &Header,
) -> Option<Published<'a>> {
    let mine = |frontend: &Field<Ref<AnyKind>>, protocol: &Field<ProtocolMatch>| {
        frontend.known().is_some_and(|f| names_part(&f.text, &front.id(), &front.name))
            && protocol.or(ProtocolMatch::ANY).is_ok_and(|p| p.contains(header.protocol))
    };
    let rules = || row.inbound_nat_rules.iter().filter(|r| mine(&r.frontend_ip_configuration, &r.protocol));
    let one = rules().find(|r| r.frontend_port.is(i64::from(header.port))).map(|r| {
        let (first, behind) = (header.port, Behind::Machine(r));
        Published {
            name: &r.name,
            at: r.at,
            first,
            backend_port: &r.backend_port,
            floating: &r.enable_floating_ip,
            behind,
        }
    });
    let many = || {
        rules().find_map(|r| {
            let first = within(&r.frontend_port_range_start, &r.frontend_port_range_end, header.port)?;
            let behind = Behind::Pool(r.backend_address_pool.known()?);
            Some(Published {
                name: &r.name,
                at: r.at,
                first,
                backend_port: &r.backend_port,
                floating: &r.enable_floating_ip,
                behind,
            })
        })
    };
    let pools = || {
        let mine = |p: &&InboundNatPool| mine(&p.frontend_ip_configuration, &p.protocol);
        row.inbound_nat_pools.iter().filter(mine).find_map(|p| {
            let first = within(&p.frontend_port_range_start, &p.frontend_port_range_end, header.port)?;
            let behind = Behind::Instances(p);
            Some(Published {
                name: &p.name,
                at: p.at,
                first,
                backend_port: &p.backend_port,
                floating: &p.enable_floating_ip,
                behind,
            })
        })
    };
    one.or_else(many).or_else(pools)
}

/// The first port of a range that holds a port.
fn within(first: &Field<i64>, last: &Field<i64>, port: u16) -> Option<u16> {
    let (first, last) = (*first.known()?, *last.known()?);
    (first..=last).contains(&i64::from(port)).then(|| u16::try_from(first).ok()).flatten()
}
