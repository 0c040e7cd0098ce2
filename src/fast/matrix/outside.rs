//! Machines that the way to the internet does not tell apart, and those that the way from it does not.

use super::Service;
use super::factors::{Address, Code, Factors, Lead, OTHER};
use super::filters::Filters;
use super::rows;
use crate::fast::classes::Classes;
use crate::fast::cpu::Cpu;
use crate::fast::forward::is_public;
use crate::fast::tables::Fast;
use crate::net::IpAddr;
use crate::network::{AttachmentKind, Network};
use hashbrown::HashMap;

/// For every machine in the order of addresses the number of those it is alike with, as sender and as receiver.
#[derive(Debug)]
pub(super) struct Outside(pub [Vec<u32>; 2]);

/// The address of the example of an internet host, and what is known of it.
pub(super) fn host<C: Cpu>(cpu: C, fast: &Fast) -> Address {
    let ip = match crate::trace::INTERNET_HOST {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(_) => 0,
    };
    let tags = fast.lines.word(fast.tag_rows, fast.tags.rank(cpu, &fast.lines, ip));
    Address { ip, public: is_public(cpu, fast, ip), tags }
}

/// What numbers machines by what is read of them.
#[derive(Default)]
struct Numbers {
    known: HashMap<Vec<u32>, u32, foldhash::fast::FixedState>,
    count: u32,
}

impl Numbers {
    /// The number of what was read; nobody is alike where that is not all.
    fn number(&mut self, read: Option<Vec<u32>>) -> u32 {
        let next = self.count;
        let number = read.map_or(next, |read| *self.known.entry(read).or_insert(next));
        self.count += u32::from(number == next);
        number
    }
}

impl Outside {
    /// Numbers machines; `ends` are what is read of them as senders beside their rules and routes.
    pub(super) fn new<C: Cpu>(
        cpu: C,
        (net, classes): (&Network, &Classes),
        fast: &Fast,
        factors: &Factors,
        services: &[Service],
        filters: &mut Filters,
        ends: &[u32],
    ) -> Self {
        let host = host(cpu, fast);
        let (mut to, mut from) = (Numbers::default(), Numbers::default());
        let mut out = [Vec::with_capacity(ends.len()), Vec::with_capacity(ends.len())];
        for ((_, class), end) in factors.order.iter().zip(ends) {
            let one = &factors.ones[*class as usize];
            let read = code(cpu, fast, factors, *class as usize, host).map(|code| {
                let layers = rows::leaving(cpu, fast, factors, services, filters, *class as usize, host);
                let fixed = [*end, layers, code.into(), one.here.method, one.method, one.home.region];
                let walls = factors.walls.iter().map(|wall| wall.outward(*class as usize));
                fixed.into_iter().chain(walls).collect()
            });
            out[0].push(to.number(read));
            // From outside a machine is its public address; a private one cannot be asked for, unless somebody holds it.
            let machine = &net.attachments[classes.list[*class as usize].members[0] as usize];
            let inner = machine.public_ip.is_none() && !matches!(machine.kind, AttachmentKind::Compute(_));
            let hidden = inner && !one.wide && !fast.occupants.contains_key(&one.ip);
            out[1].push(from.number(hidden.then(Vec::new)));
        }
        Self(out)
    }
}

/// Where a machine's routes lead for a host outside; `None` where they end at a place of which too little is known.
fn code<C: Cpu>(cpu: C, fast: &Fast, factors: &Factors, number: usize, host: Address) -> Option<Code> {
    let one = &factors.ones[number];
    let lost = factors.codes_of_gates(number).any(|code| code == OTHER);
    if one.wide || lost || !host.public {
        return None;
    }
    match factors.lead(cpu, fast, &factors.contexts[one.context as usize], host) {
        Lead::Code(OTHER) | Lead::Inside(_) => None,
        Lead::Code(code) | Lead::Out(code) => Some(code),
    }
}
