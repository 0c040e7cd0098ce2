//! Writing a directory: everything in it is asked of the network, by the functions that would answer a flow.

use super::{END, MORE, OF_LIST, OF_NOBODY, aim_words};
use crate::fast::ask::Asker;
use crate::fast::compile::user_prefixes;
use crate::fast::flow::{Aim, Start};
use crate::fast::names::{Found, rows_of};
use crate::fast::tables::{Fast, NOBODY, slot};
use crate::inventory::{Id, Slot, TableTag};
use crate::net::{IpAddr, IpNet};
use crate::network::{AttachmentId, AttachmentKind, EffectiveRoute, Network, UserRoutes};
use crate::trace::{Endpoint, INTERNET_CLIENT, NameView, Origin, Wanted, name_view, zones_decide};
use hashbrown::{HashMap, HashSet, HashTable};
use std::sync::Arc;
use twox_hash::XxHash3_64;

/// So many pairs of view and name are looked up; of estates with more, none.
const MOST_LOOKED_UP: usize = 1 << 18;

/// So many names are put to so many application rules; of estates with more, none.
const MOST_FITTED: usize = 1 << 25;

/// Names by which each network is compared with the one whose answers it shares.
const COMPARED: usize = 2;

/// What ends a name that Azure gives a machine, which only its own network knows.
const AZURE_GIVEN: &str = ".internal.cloudapp.net";

/// The sections of a directory, in their order.
pub type Sections = [Vec<u8>; super::SECTIONS.len()];

/// The directory of a network; `None` for one that has none, since too much of it is not known or it is too large for
/// numbers of 32 bits.
pub fn directory(net: &Network, fast: &Fast) -> Option<Sections> {
    if net.inventory.is_withheld() || fast.all_doubtful {
        return None;
    }
    let mut texts = Texts::default();
    let mut asker = Asker::new(net, fast);
    let owners = owners(net, &mut texts)?;
    let ends = ends(&mut asker, &mut texts)?;
    let rules = rules(net, &mut texts)?;
    let routes = routes(net, &mut texts)?;
    let names = names(&mut asker, &mut texts)?;
    Some([texts.bytes, bytes(&ends), bytes(&owners), bytes(&rules), bytes(&routes), bytes(&names)])
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn number(count: usize) -> Option<u32> {
    u32::try_from(count).ok()
}

/// Texts, each once.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    known: HashTable<u32>,
}

impl Texts {
    /// Where a text stands.
    fn place(&mut self, text: &str) -> Option<u32> {
        let Self { bytes, known } = self;
        let at = |place: u32| {
            let text = bytes[place as usize..].split_first_chunk();
            let (length, rest) = text.expect("INVARIANT: a text was put there");
            &rest[..u32::from_le_bytes(*length) as usize]
        };
        let hash = XxHash3_64::oneshot(text.as_bytes());
        if let Some(place) = known.find(hash, |place| at(*place) == text.as_bytes()) {
            return Some(*place);
        }
        // Places plus two are numbers too.
        let place = number(bytes.len()).filter(|place| *place < u32::MAX - 2)?;
        bytes.extend_from_slice(&number(text.len())?.to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        let at = |place: u32| {
            let text = bytes[place as usize..].split_first_chunk();
            let (length, rest) = text.expect("INVARIANT: a text was put there");
            &rest[..u32::from_le_bytes(*length) as usize]
        };
        known.insert_unique(hash, place, |place| XxHash3_64::oneshot(at(*place)));
        Some(place)
    }
}

/// Names of resources by table and row, and of what attachments belong to.
fn owners(net: &Network, texts: &mut Texts) -> Option<Vec<u32>> {
    let tables = TableTag::ALL.len() + 1;
    let table =
        |slot: Slot| TableTag::ALL.iter().position(|(tag, ..)| *tag == slot.table).unwrap_or(tables - 1);
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); tables];
    let mut fits = true;
    net.inventory.each(&mut |id, slot, _, _| match texts.place(&id.full_name()) {
        Some(place) => rows[table(slot)].push(place + 1),
        None => fits = false,
    });
    let mut out = vec![0; 2 + tables];
    out[0] = number(tables)?;
    for (number_of, rows) in rows.iter().enumerate() {
        out[1 + number_of] = number(out.len())?;
        out.extend_from_slice(rows);
    }
    out[1 + tables] = number(out.len())?;
    for attachment in &net.attachments {
        let row = rows[table(attachment.owner)].get(attachment.owner.row as usize);
        out.push(row.copied().unwrap_or(0));
    }
    fits.then_some(out)
}

/// Whether resources of a table are written with what their names mean: most of what sends and receives, and nothing
/// whose meaning is a search through the whole network.
fn is_written(net: &Network, slot: Slot) -> bool {
    match slot.table {
        TableTag::NetworkInterface
        | TableTag::Host
        | TableTag::PrivateEndpoint
        | TableTag::PlatformService
        | TableTag::InternetHost
        | TableTag::Subnet => true,
        TableTag::VirtualMachine => {
            let machine = &net.inventory.virtual_machines.as_slice()[slot.row as usize];
            !machine.network_interfaces.items.is_empty()
        }
        _ => false,
    }
}

/// What names mean.
fn ends(asker: &mut Asker<'_>, texts: &mut Texts) -> Option<Vec<u32>> {
    let net = asker.network();
    let mut seen: HashSet<u32> = HashSet::new();
    let mut found: Vec<(u32, u32, u64)> = Vec::new();
    let mut more: Vec<u32> = Vec::new();
    let mut fits = true;
    net.inventory.each(&mut |id, slot, _, _| {
        if !is_written(net, slot) {
            return;
        }
        for name in [id.full_name(), id.name().to_owned()] {
            let Some(place) = texts.place(&name) else { return fits = false };
            if !seen.insert(place) {
                continue;
            }
            if let Some(what) = end(asker, &name, texts, &mut more) {
                found.push((place, what, XxHash3_64::oneshot(name.as_bytes())));
            }
        }
    });
    let size = (2 * found.len()).max(1);
    let mut out = vec![0; 1 + 2 * size];
    out[0] = number(size)?;
    for (place, what, hash) in found {
        let mut at = (hash % size as u64) as usize;
        while out[1 + 2 * at] != 0 {
            at = (at + 1) % size;
        }
        (out[1 + 2 * at], out[2 + 2 * at]) = (place + 1, what);
    }
    out.extend_from_slice(&more);
    (fits && more.len() / END < MORE as usize).then_some(out)
}

/// What one name means: a slot, or the number of more words.
fn end(asker: &mut Asker<'_>, name: &str, texts: &mut Texts, more: &mut Vec<u32>) -> Option<u32> {
    let endpoint = Endpoint::Named(name.into());
    let start = asker.start_of(&endpoint).unwrap_or(Start::Other);
    let meaning = asker.meaning_of(&endpoint);
    let (wanted, ip, aim) = meaning.unwrap_or((Wanted::Unaddressed(String::new()), 0, Aim::Other));
    if let (Start::Slot(own), Wanted::Address(..), Aim::Slot(same)) = (start, &wanted, aim)
        && own == same
        && own & MORE == 0
        && asker.tables().spot(own).ip == ip
    {
        return Some(own);
    }
    let start = match start {
        Start::Slot(own) => [1, own, 0],
        Start::Subnet(subnet, ip) => [2, subnet, ip],
        Start::Internet(ip) => [3, ip, 0],
        Start::Other => [0, 0, 0],
    };
    let meant = match (&wanted, aim_words(aim)) {
        (Wanted::Address(IpAddr::V4(_), _), Some([a, b, c])) => [1, ip, a, b, c],
        (Wanted::Name(name), _) => [2, texts.place(name)?, 0, 0, 0],
        _ => [0; 5],
    };
    if start[0] == 0 && meant[0] == 0 {
        return None;
    }
    let place = number(more.len() / END)?;
    more.extend(start.into_iter().chain(meant));
    Some(place | MORE)
}

/// Lists of words, those that are alike once.
#[derive(Default)]
struct Lists(HashMap<Vec<u32>, u32>);

impl Lists {
    /// Where a list stands behind what was written so far.
    fn place(&mut self, list: Vec<u32>, out: &mut Vec<u32>) -> Option<u32> {
        if let Some(place) = self.0.get(&list) {
            return Some(*place);
        }
        let place = number(out.len())?;
        out.extend_from_slice(&list);
        self.0.insert(list, place);
        Some(place)
    }

    /// The same for a list that begins with its length.
    fn counted(&mut self, list: Vec<u32>, out: &mut Vec<u32>) -> Option<u32> {
        let mut counted = vec![number(list.len())?];
        counted.extend(list);
        self.place(counted, out)
    }
}

/// Names of the rules of groups and of security admin rules.
fn rules(net: &Network, texts: &mut Texts) -> Option<Vec<u32>> {
    let (groups, vnets) = (net.inventory.nsgs.as_slice(), net.admin.inbound.len());
    let mut out = vec![0; 1 + 3 * groups.len() + 1 + 2 * vnets];
    let mut lists = Lists::default();
    out[0] = number(groups.len())?;
    for (nsg, row) in groups.iter().enumerate() {
        out[1 + 3 * nsg] = texts.place(&row.id.full_name())? + 1;
        for (direction, sets) in [&net.security.inbound, &net.security.outbound].into_iter().enumerate() {
            let list = sets[nsg].rules.iter().map(|rule| texts.place(&rule.name)).collect::<Option<_>>()?;
            out[2 + 3 * nsg + direction] = lists.counted(list, &mut out)?;
        }
    }
    let from = 1 + 3 * groups.len();
    out[from] = number(vnets)?;
    for vnet in 0..vnets {
        for (direction, sets) in [&net.admin.inbound, &net.admin.outbound].into_iter().enumerate() {
            let owners = &net.admin.owners[vnet][direction];
            let list = sets[vnet].rules.iter().enumerate().map(|(number, rule)| {
                let (owner, name) = (owners.get(number).and_then(|o| o.parent()), &rule.name);
                texts.place(&owner.map_or_else(|| name.to_string(), |o| format!("{}/{name}", o.full_name())))
            });
            out[from + 1 + 2 * vnet + direction] = lists.counted(list.collect::<Option<_>>()?, &mut out)?;
        }
    }
    Some(out)
}

/// Routes of the tables of subnets.
fn routes(net: &Network, texts: &mut Texts) -> Option<Vec<u32>> {
    let mut out = vec![0; 1 + net.subnets.len()];
    out[0] = number(net.subnets.len())?;
    let (mut lists, mut bodies) = (Lists::default(), Lists::default());
    let mut known: HashMap<*const UserRoutes, u32> = HashMap::new();
    for (subnet, row) in net.subnets.iter().enumerate() {
        let Some(user) = &row.routes.user else { continue };
        let place = match known.get(&Arc::as_ptr(user)) {
            Some(place) => *place,
            None => {
                let list = table(net, user, texts, &mut bodies, &mut out)?;
                lists.place(list, &mut out)?
            }
        };
        known.insert(Arc::as_ptr(user), place);
        out[1 + subnet] = place + 1;
    }
    Some(out)
}

/// A route table: its owner, how many routes, and where each of them stands.
fn table(
    net: &Network,
    user: &UserRoutes,
    texts: &mut Texts,
    bodies: &mut Lists,
    out: &mut Vec<u32>,
) -> Option<Vec<u32>> {
    let owner = |route: &EffectiveRoute, texts: &mut Texts| match route
        .owner
        .and_then(|owner| net.inventory.id_of(owner))
    {
        Some(id) => Some(texts.place(&id.full_name())? + 1),
        None => Some(OF_NOBODY),
    };
    let first = user.routes.first().map_or(Some(OF_NOBODY), |route| owner(route, texts))?;
    let mut list = vec![first, number(user.routes.len())?];
    for route in &user.routes {
        let name = match &route.name {
            Some(name) => texts.place(name)? + 1,
            None => 0,
        };
        let own = owner(route, texts)?;
        let (rank, prefixes) = user_prefixes(net, route);
        let prefixes: Vec<_> = prefixes.iter().filter_map(v4_of).collect();
        let own = if own == first { OF_LIST } else { own };
        let mut body = vec![name, own, u32::from(rank), number(prefixes.len())?];
        body.extend(prefixes.iter().flatten());
        list.push(bodies.place(body, out)?);
    }
    Some(list)
}

fn v4_of(net: &IpNet) -> Option<[u32; 2]> {
    match net {
        IpNet::V4(net) => Some([net.network().into(), u32::from(net.prefix_len())]),
        IpNet::V6(_) => None,
    }
}

/// What machines are to the internet, and what names are to everybody.
fn names(asker: &mut Asker<'_>, texts: &mut Texts) -> Option<Vec<u32>> {
    let net = asker.network();
    let mut out = vec![0; 6];
    out[5] = u32::from(net.is_public(INTERNET_CLIENT));
    out[0] = number(out.len())?;
    let outside = asker.outside();
    out.push(number(outside.len())?);
    for (own, ip) in outside {
        out.extend([own, u32::from(ip.is_some()), ip.unwrap_or(0)]);
    }
    let all = host_names(net);
    let mut views = Views::of(asker, &all);
    views.compare(asker, &all);
    out[1] = number(out.len())?;
    out.push(number(views.of_vnet.len() + 1)?);
    out.extend([1, 0]);
    for (view, server) in &views.of_vnet {
        out.extend([number(view.map_or(0, |view| view + 1))?, *server]);
    }
    out[2] = number(out.len())?;
    out.push(number(all.len())?);
    for name in &all {
        out.push(texts.place(name)?);
    }
    found(&views, all.len(), texts, &mut out)?;
    fitted(net, asker.tables(), &all, &mut out)?;
    Some(out)
}

/// What was found of names, by view.
fn found(views: &Views, count: usize, texts: &mut Texts, out: &mut Vec<u32>) -> Option<()> {
    let table = out.len();
    out[3] = number(table)?;
    out.resize(table + views.found.len() * count, 0);
    let mut lists = Lists::default();
    for (view, found) in views.found.iter().enumerate() {
        for (name, found) in found.iter().enumerate() {
            let Some((ip, aim, shadow)) = found else { continue };
            let [a, b, c] = aim_words(*aim)?;
            let shadow = match shadow {
                None => 0,
                Some(None) => 1,
                Some(Some(text)) => texts.place(text)? + 2,
            };
            out[table + view * count + name] = lists.place(vec![*ip, a, b, c, shadow], out)? + 1;
        }
    }
    Some(())
}

/// Which application rules of firewalls names fit.
fn fitted(net: &Network, fast: &Fast, all: &[Arc<str>], out: &mut Vec<u32>) -> Option<()> {
    let rules: usize = fast.firewalls.iter().map(|firewall| firewall.names[1].all().len()).sum();
    let all = if rules.saturating_mul(all.len()) > MOST_FITTED { &[] } else { all };
    let (at, count) = (out.len(), all.len() + 1);
    out[4] = number(at)?;
    out.extend([number(fast.firewalls.len())?, number(count)?]);
    out.resize(at + 2 + fast.firewalls.len() * count, 0);
    let hosts: Vec<Option<&str>> = [None].into_iter().chain(all.iter().map(|name| Some(&**name))).collect();
    let mut lists = Lists::default();
    for firewall in 0..fast.firewalls.len() {
        for (place, row) in rows_of(net, firewall as u32, &hosts).iter().enumerate() {
            let mut list = vec![number(row.len())?];
            list.extend(row.iter().flat_map(|word| [*word as u32, (*word >> 32) as u32]));
            out[at + 2 + firewall * count + place] = lists.place(list, out)? + 1;
        }
    }
    Some(())
}

/// Public names of the estate that are looked up for every view, in order.
fn host_names(net: &Network) -> Vec<Arc<str>> {
    let hosts = net.names.service_hosts.iter().flatten().flatten();
    let all: HashSet<Arc<str>> = net.names.public.keys().chain(hosts).cloned().collect();
    // A dotted word that names a resource means that resource.
    let is_name = |name: &Arc<str>| {
        name.contains('.') && !name.ends_with(AZURE_GIVEN) && net.inventory.named(name).is_empty()
    };
    let mut all: Vec<Arc<str>> = all.into_iter().filter(is_name).collect();
    all.sort_unstable();
    all
}

/// What was found of a name: address, aim, and what keeps a private zone from answering.
type Answer = Option<(u32, Aim, Option<Option<Arc<str>>>)>;

/// What names are, by what networks see of zones. The first view is that of the internet.
struct Views {
    /// The view of each network, and the server its senders ask first.
    of_vnet: Vec<(Option<usize>, u32)>,
    /// Somebody who asks, of each network.
    askers: Vec<Option<Origin>>,
    found: Vec<Vec<Answer>>,
}

impl Views {
    fn of(asker: &mut Asker<'_>, all: &[Arc<str>]) -> Self {
        let net = asker.network();
        let askers = senders(net, asker.tables());
        let mut numbers: HashMap<Vec<(u32, bool)>, usize> = HashMap::new();
        let mut first: Vec<usize> = Vec::new();
        let mut of_vnet = Vec::with_capacity(net.vnets.len());
        let shared = zones_decide(net);
        for (vnet, sender) in askers.iter().enumerate() {
            let view = sender.as_ref().filter(|_| shared).and_then(|_| name_view(net, Id::new(vnet)));
            let Some(NameView { server: IpAddr::V4(server), zones }) = view else {
                of_vnet.push((None, 0));
                continue;
            };
            let next = numbers.len() + 1;
            let view = *numbers.entry(zones).or_insert(next);
            if view == next {
                first.push(vnet);
            }
            of_vnet.push((Some(view), server.into()));
        }
        if (first.len() + 1).saturating_mul(all.len()) > MOST_LOOKED_UP {
            of_vnet.iter_mut().for_each(|(view, _)| *view = None);
            first.clear();
        }
        let named: HashSet<String> =
            net.inventory.virtual_networks.iter().map(|v| v.id.full_name()).collect();
        let public = Origin::Internet(INTERNET_CLIENT);
        let own = first.iter().filter_map(|vnet| askers[*vnet].as_ref());
        let origins = [&public].into_iter().chain(own);
        let found = origins
            .map(|origin| all.iter().map(|name| answer(asker, origin, name, &named)).collect())
            .collect();
        Self { of_vnet, askers, found }
    }

    /// Asks each network by some names itself; one that is answered otherwise than its view is left to itself.
    fn compare(&mut self, asker: &mut Asker<'_>, all: &[Arc<str>]) {
        if all.is_empty() {
            return;
        }
        for (vnet, (view, server)) in self.of_vnet.iter_mut().enumerate() {
            let (Some(number), Some(origin)) = (*view, &self.askers[vnet]) else { continue };
            let alike = (0..COMPARED).map(|n| (vnet * COMPARED + n) % all.len()).all(|name| {
                let Some((ip, aim, shadow)) = &self.found[number][name] else { return true };
                let Found::Address { ip: own, aim: own_aim, shadow: text, server: asked } =
                    asker.look_up(origin, &all[name])
                else {
                    return false;
                };
                let text = (text != NOBODY).then(|| asker.kept(text));
                (own, own_aim, asked) == (*ip, *aim, *server) && text == *shadow
            });
            if !alike {
                *view = None;
            }
        }
    }
}

fn answer(asker: &mut Asker<'_>, origin: &Origin, name: &Arc<str>, networks: &HashSet<String>) -> Answer {
    let Found::Address { ip, aim, shadow, .. } = asker.look_up(origin, name) else { return None };
    aim_words(aim)?;
    let shadow = (shadow != NOBODY).then(|| asker.kept(shadow));
    // What names the network that asks is no answer for another.
    let own = shadow.iter().flatten().any(|text| networks.contains(&**text));
    (!own).then_some((ip, aim, shadow))
}

/// For each network one sender that asks the network's own servers.
fn senders(net: &Network, fast: &Fast) -> Vec<Option<Origin>> {
    let mut out: Vec<Option<Origin>> = vec![None; net.vnets.len()];
    for (id, attachment) in net.attachments.iter().enumerate() {
        let own = fast.slot_of[id];
        let bastion = matches!(attachment.kind, AttachmentKind::Bastion(_));
        let row = &mut out[attachment.vnet.index()];
        if row.is_none() && own != NOBODY && !bastion && !fast.slot(own).has(slot::OWN_DNS) {
            *row = Some(Origin::Attachment(AttachmentId(id as u32)));
        }
    }
    out
}
