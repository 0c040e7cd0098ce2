//! Random small estates, written as estate files, and questions about them.
//!
//! Every plane of the rules comes up, and what tends to collide does: overlapping rules, nested prefixes,
//! default routes, one-sided peerings, unlinked zones, pending private endpoints, service endpoints, private
//! subnets, tags and references that lead nowhere. The table of planes, and what a run must have met of each, is in
//! `met.rs`; the rarer ones are made in `planes.rs`.

use super::random::Random;
use serde_json::{Map, Value, json};

/// An estate file as a tree, so that parts can be taken away and put in another order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Estate {
    pub(crate) sections: Map<String, Value>,
    /// Knobs of the profile that differ from the default.
    pub(crate) knobs: Vec<(String, String)>,
}

impl Estate {
    /// The file.
    pub(crate) fn text(&self) -> String {
        let mut out = String::from("netwhy: estate/1\ndefaults: { location: westeurope }\n");
        for (section, items) in &self.sections {
            let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
            if items.is_empty() {
                continue;
            }
            out += &format!("{section}:\n");
            for item in items {
                out += "- ";
                flow_style(item, &mut out);
                out.push('\n');
            }
        }
        out
    }

    pub(crate) fn add(&mut self, section: &str, item: Value) {
        let list = self.sections.entry(section).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(item);
        }
    }

    /// Sets a field of the item of this name.
    pub(crate) fn set(&mut self, section: &str, name: &str, field: &str, value: Value) {
        let list = self.sections.get_mut(section).and_then(Value::as_array_mut);
        for item in list.into_iter().flatten().filter(|i| i["name"] == name) {
            item[field] = value.clone();
        }
    }
}

fn flow_style(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => {
            out.push_str("{ ");
            let named = object.iter().filter(|(key, _)| *key == "name");
            let rest = object.iter().filter(|(key, _)| *key != "name");
            for (i, (key, value)) in named.chain(rest).enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                out.push_str(key);
                out.push_str(": ");
                flow_style(value, out);
            }
            out.push_str(" }");
        }
        Value::Array(items) => {
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                flow_style(value, out);
            }
            out.push(']');
        }
        Value::String(text) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
            let quoted = text.is_empty()
                || !text.chars().all(plain)
                || !text.starts_with(|c: char| c.is_ascii_alphanumeric());
            out.push_str(&if quoted { format!("'{text}'") } else { text.clone() });
        }
        other => out.push_str(&other.to_string()),
    }
}

/// An estate with questions.
pub(crate) struct Case {
    pub(crate) estate: Estate,
    pub(crate) flows: Vec<String>,
}

/// A subnet as the generator remembers it.
#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) vnet: String,
    pub(crate) name: String,
    pub(crate) prefix: String,
}

impl Net {
    fn full(&self) -> String {
        format!("{}/{}", self.vnet, self.name)
    }
}

/// A machine as the generator remembers it.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) name: String,
    /// Empty where Azure assigns it.
    pub(crate) ip: String,
    pub(crate) vnet: String,
}

/// A platform service as the generator remembers it.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) host: String,
    pub(crate) groups: Vec<&'static str>,
    pub(crate) port: u16,
}

/// An estate under way.
pub(crate) struct Maker {
    pub(crate) r: Random,
    pub(crate) e: Estate,
    pub(crate) vnets: Vec<(String, String)>,
    pub(crate) nets: Vec<Net>,
    pub(crate) machines: Vec<Machine>,
    /// Addresses a route may name as next hop.
    pub(crate) hops: Vec<String>,
    pub(crate) services: Vec<Service>,
    pub(crate) sites: Vec<String>,
    /// Prefixes and words worth naming in rules and routes.
    pub(crate) prefixes: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) publics: Vec<String>,
    pub(crate) targets: Vec<(String, u16)>,
    pub(crate) identities: Vec<String>,
    /// How often rules deny, out of a hundred.
    pub(crate) harsh: usize,
    pub(crate) asgs: Vec<(String, String)>,
    pub(crate) gateway: bool,
    pub(crate) count: usize,
    /// Hosts of networks behind Virtual WAN hubs, with their addresses.
    pub(crate) wan: Vec<(String, String)>,
    /// Questions that a plane wants asked.
    pub(crate) asked: Vec<String>,
}

/// The estate of a seed, and so many questions.
pub(crate) fn case(seed: u64, flows: usize) -> Case {
    let mut r = Random::new(seed);
    let harsh = r.one(&[0, 10, 30, 60]);
    let mut m = Maker {
        r,
        e: Estate { sections: Map::new(), knobs: Vec::new() },
        vnets: Vec::new(),
        nets: Vec::new(),
        machines: Vec::new(),
        hops: Vec::new(),
        services: Vec::new(),
        sites: Vec::new(),
        prefixes: ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/15", "10.1.0.0/17", "172.16.0.0/12"]
            .map(str::to_owned)
            .to_vec(),
        names: Vec::new(),
        publics: Vec::new(),
        targets: Vec::new(),
        identities: Vec::new(),
        harsh,
        asgs: Vec::new(),
        gateway: false,
        count: 0,
        wan: Vec::new(),
        asked: Vec::new(),
    };
    m.networks();
    m.groups_of_interfaces();
    m.gateways();
    m.firewall();
    m.public_hosts();
    m.machines();
    m.appliances();
    m.balancers();
    m.platform_services();
    m.endpoint_policies();
    m.endpoints();
    m.zones();
    m.dns_servers();
    m.peerings();
    m.route_tables();
    m.security_groups();
    m.nat_gateways();
    m.admin_rules();
    m.people();
    m.knobs();
    m.rarer_planes(seed);
    let flows = (0..flows).map(|_| m.flow()).collect();
    Case { estate: m.e, flows }
}

impl Maker {
    fn fresh(&mut self, stem: &str) -> String {
        self.count += 1;
        format!("{stem}{}", self.count)
    }

    /// Sets a field of a subnet inside its network.
    fn set_subnet(&mut self, net: &Net, field: &str, value: Value) {
        let list = self.e.sections.get_mut("virtualNetworks").and_then(Value::as_array_mut);
        for vnet in list.into_iter().flatten().filter(|v| v["name"] == net.vnet) {
            for subnet in vnet["subnets"].as_array_mut().into_iter().flatten() {
                if subnet["name"] == net.name {
                    subnet[field] = value.clone();
                }
            }
        }
    }

    fn net(&mut self, vnet: &str, name: &str, prefix: String) -> Net {
        Net { vnet: vnet.into(), name: name.into(), prefix }
    }

    fn networks(&mut self) {
        let count = self.r.one(&[1, 2, 2, 3, 3, 4]);
        let bases = ["10.0", "10.1", "172.16", "192.168"];
        for (number, base) in bases.iter().enumerate().take(count) {
            let base = if number == 2 && self.r.chance(60) { "10.2" } else { base };
            let name = format!("v{number}");
            // RT-3: a lone network may hold a whole private range.
            let whole = count == 1 && self.r.chance(15);
            let space = if whole { "10.0.0.0/8".to_owned() } else { format!("{base}.0.0/16") };
            let mut nets = vec![
                self.net(&name, "apps", format!("{base}.0.0/24")),
                self.net(&name, "data", format!("{base}.1.0/24")),
            ];
            if number == 0 {
                nets.push(self.net(&name, "nva", format!("{base}.3.0/24")));
                nets.push(self.net(&name, "AzureFirewallSubnet", format!("{base}.250.0/26")));
                nets.push(self.net(&name, "GatewaySubnet", format!("{base}.251.0/27")));
            }
            // RT-24: the entry of the address space that holds the private endpoint counts, not the whole.
            let second = !whole && self.r.chance(15);
            let apart = format!("10.2{number}.2.0/24");
            if self.r.chance(60) {
                nets.push(self.net(
                    &name,
                    "pe",
                    if second { apart.clone() } else { format!("{base}.2.0/24") },
                ));
            }
            let subnets: Vec<Value> =
                nets.iter().map(|n| json!({ "name": n.name, "addressPrefix": n.prefix })).collect();
            let spaces = if second { vec![space.clone(), apart] } else { vec![space.clone()] };
            let mut vnet = json!({ "name": name, "addressPrefixes": spaces, "subnets": subnets });
            if number > 0 && self.r.chance(15) {
                vnet["location"] = json!("southeastasia");
            }
            self.e.add("virtualNetworks", vnet);
            self.prefixes.push(space.clone());
            self.prefixes.extend(nets.iter().map(|n| n.prefix.clone()));
            self.vnets.push((name, space));
            self.nets.extend(nets);
        }
        for net in self.ordinary() {
            if self.r.chance(12) {
                self.set_subnet(&net, "defaultOutboundAccess", json!(false));
            }
            if self.r.chance(15) {
                let services = [
                    "Microsoft.Storage",
                    "Microsoft.Storage.Global",
                    "Microsoft.KeyVault",
                    "Microsoft.AzureCosmosDB",
                ];
                let service = self.r.pick(&services);
                self.set_subnet(&net, "serviceEndpoints", json!([service]));
            }
        }
    }

    /// Subnets that hold workloads.
    fn ordinary(&self) -> Vec<Net> {
        self.nets.iter().filter(|n| !n.name.ends_with("Subnet")).cloned().collect()
    }

    pub(crate) fn hub(&self, name: &str) -> Net {
        self.nets.iter().find(|n| n.vnet == "v0" && n.name == name).expect("the hub has all subnets").clone()
    }

    fn groups_of_interfaces(&mut self) {
        for number in 0..self.r.below(3) {
            let name = format!("asg{number}");
            let vnet = {
                let list = self.vnets.clone();
                self.r.one(&list).0
            };
            self.e.add("applicationSecurityGroups", json!({ "name": name }));
            self.asgs.push((name, vnet));
        }
    }

    pub(crate) fn public_ip(&mut self, stem: &str) -> String {
        let name = self.fresh(stem);
        let mut item = json!({ "name": name, "sku": if self.r.chance(80) { "Standard" } else { "Basic" } });
        if self.r.chance(70) {
            let ip = format!("20.50.{}.{}", self.r.below(4), 1 + self.publics.len());
            item["ipAddress"] = json!(ip);
            self.publics.push(ip);
        }
        self.e.add("publicIPAddresses", item);
        name
    }

    fn gateways(&mut self) {
        if !self.r.chance(45) {
            return;
        }
        self.gateway = true;
        let kind = if self.r.chance(50) { "Vpn" } else { "ExpressRoute" };
        self.e.add(
            "virtualNetworkGateways",
            json!({ "name": "gw", "gatewayType": kind, "subnet": "v0/GatewaySubnet" }),
        );
        let mut site =
            json!({ "name": "site", "addressPrefixes": ["172.30.100.0/24"], "connectedTo": ["gw"] });
        if self.r.chance(20) {
            site["advertises"] = json!(["172.30.0.0/17", "0.0.0.0/0"]);
        } else if self.r.chance(20) {
            site["advertises"] = json!(["172.30.96.0/20"]);
        } else if self.r.chance(15) {
            site["addressPrefixes"] = json!(["172.30.100.0/24", "0.0.0.0/0"]);
        } else if self.r.chance(10) {
            site["addressPrefixes"] = json!(["172.16.0.0/12", "10.0.0.0/8"]);
        }
        if self.r.chance(50) {
            site["publicIPAddress"] = json!("198.51.100.7");
        }
        if self.r.chance(20) {
            site["internetAccess"] = json!(false);
        }
        if self.r.chance(40) {
            site["hosts"] = json!([{ "name": "files", "ipAddress": "172.30.100.20", "listens": [443, 445] }]);
        }
        self.e.add("onPremisesSites", site);
        self.sites.push("site".into());
        self.prefixes.push("172.30.100.0/24".into());
        self.targets.push(("172.30.100.20".into(), 443));
        if self.r.chance(30) {
            // RT-22: more specific than the network's own space, yet it loses.
            let inside = if self.r.chance(50) { "10.0.1.0/24" } else { "10.77.0.0/16" };
            self.e.add(
                "bgpRoutes",
                json!({ "name": "learnt", "addressPrefix": inside, "learnedBy": "gw", "site": "site" }),
            );
        }
        if self.r.chance(20) {
            self.e.add("virtualNetworkGateways", json!({ "name": "gw2", "gatewayType": if kind == "Vpn" { "ExpressRoute" } else { "Vpn" }, "subnet": "v0/GatewaySubnet" }));
            self.e.add(
                "onPremisesSites",
                json!({ "name": "branch", "addressPrefixes": ["172.30.200.0/24"], "connectedTo": ["gw2"] }),
            );
            self.sites.push("branch".into());
            self.targets.push(("172.30.200.9".into(), 22));
        }
    }

    fn firewall(&mut self) {
        if !self.r.chance(60) {
            return;
        }
        let public = self.public_ip("fwip");
        let net = self.hub("AzureFirewallSubnet");
        let ip = net.prefix.replace("0/26", "4");
        let policy = if self.r.chance(4) { "nowhere" } else { "policy" };
        self.e.add("azureFirewalls", json!({
            "name": "fw", "subnet": net.full(), "privateIPAddress": ip, "publicIPAddress": public, "firewallPolicy": policy
        }));
        self.hops.push(ip.clone());
        self.hops.push(ip.clone());
        let parent = self.r.chance(35);
        let mut child = json!({ "name": "policy" });
        if parent {
            child["basePolicy"] = json!("base");
            self.e.add("firewallPolicies", json!({ "name": "base" }));
        }
        if self.r.chance(30) {
            child["dnsSettings"] = json!({ "enableProxy": true });
            self.names.push(ip.clone());
        }
        if self.r.chance(10) {
            let ranges = if self.r.chance(50) { "0.0.0.0/0" } else { "255.255.255.255/32" };
            child["snat"] = json!({ "privateRanges": [ranges] });
        }
        self.e.add("firewallPolicies", child);
    }

    /// Rules of the firewall: written last, when there is something to name.
    fn firewall_rules(&mut self) {
        if !self.e.sections.contains_key("azureFirewalls") {
            return;
        }
        let parent = self.e.sections["firewallPolicies"].as_array().is_some_and(|p| p.len() > 1);
        let mut owners = vec!["policy"];
        if parent {
            owners.push("base");
        }
        for owner in owners {
            let mut priority = 100;
            for _ in 0..1 + self.r.below(2) {
                priority += 100;
                let name = self.fresh("rcg");
                let mut collections = Vec::new();
                let mut inner = 100;
                for _ in 0..1 + self.r.below(3) {
                    inner += 10;
                    collections.push(self.collection(inner));
                }
                self.r.shuffle(&mut collections);
                self.e.add(
                    "ruleCollectionGroups",
                    json!({
                        "name": name, "parent": owner, "priority": priority, "ruleCollections": collections
                    }),
                );
            }
        }
    }

    fn collection(&mut self, priority: usize) -> Value {
        let name = self.fresh("rc");
        let kind = self.r.below(10);
        let count = 1 + self.r.below(2);
        let deny = self.r.chance(self.harsh);
        if kind < 2 {
            let rules: Vec<Value> = (0..count).map(|_| self.nat_rule()).collect();
            return json!({ "name": name, "priority": priority, "action": { "type": "DNAT" }, "rules": rules });
        }
        let action = if deny { "Deny" } else { "Allow" };
        let rules: Vec<Value> = (0..count)
            .map(|_| if kind < 7 { self.network_rule() } else { self.application_rule() })
            .collect();
        json!({ "name": name, "priority": priority, "action": { "type": action }, "rules": rules })
    }

    fn network_rule(&mut self) -> Value {
        let name = self.fresh("net");
        let protocol = self.r.one(&["TCP", "Any", "Any", "UDP"]);
        let ports = self.r.one(&["*", "*", "443", "22", "53", "1-1024"]);
        let source = self.address_word(50, false);
        let target = self.address_word(40, true);
        let mut rule = json!({
            "name": name, "ruleType": "NetworkRule", "ipProtocols": [protocol], "sourceAddresses": [source],
            "destinationAddresses": [target], "destinationPorts": [ports]
        });
        if self.r.chance(8) {
            rule["destinationFqdns"] = json!(["www.example.org"]);
            rule["destinationAddresses"] = json!([]);
        } else if self.r.chance(10) {
            // A group once, named by several rules.
            if !self.e.sections.contains_key("ipGroups") {
                self.e.add("ipGroups", json!({ "name": "group-of-addresses", "ipAddresses": [target] }));
            }
            let group = if self.r.chance(90) { "group-of-addresses" } else { "group-nowhere" };
            rule["destinationIpGroups"] = json!([group]);
            rule["destinationAddresses"] = json!([]);
        }
        rule
    }

    fn application_rule(&mut self) -> Value {
        let name = self.fresh("app");
        let source = self.address_word(20, false);
        let mut targets = vec![
            "*.blob.core.windows.net".to_owned(),
            "*.example.org".to_owned(),
            "www.example.org".to_owned(),
        ];
        targets.extend(self.services.iter().map(|s| s.host.clone()));
        let target = self.r.one(&targets);
        json!({
            "name": name, "ruleType": "ApplicationRule", "protocols": [self.r.one(&[
                json!({ "protocolType": "Https", "port": 443 }),
                json!({ "protocolType": "Https", "port": 443 }),
                json!({ "protocolType": "Http", "port": 80 }),
                json!({ "protocolType": "Http", "port": 8080 }),
            ])],
            "sourceAddresses": [source], "targetFqdns": [target]
        })
    }

    fn nat_rule(&mut self) -> Value {
        let name = self.fresh("nat");
        let own =
            self.e.sections["azureFirewalls"][0]["privateIPAddress"].as_str().unwrap_or_default().to_owned();
        let public = self.e.sections["publicIPAddresses"][0]["ipAddress"].as_str().map(str::to_owned);
        let at = public.filter(|_| self.r.chance(85)).unwrap_or(own);
        let to = self.some_address();
        let port = self.r.one(&["443", "22", "8080"]);
        let inner: i64 = self.r.one(&[443, 22, 8080]);
        json!({
            "name": name, "ruleType": "NatRule", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
            "destinationAddresses": [at], "destinationPorts": [port], "translatedAddress": to, "translatedPort": inner
        })
    }

    fn public_hosts(&mut self) {
        self.e.add(
            "internetHosts",
            json!({ "names": ["www.example.org", "*.example.org"], "addresses": ["93.184.216.34"] }),
        );
        self.targets.push(("www.example.org".into(), 443));
        if self.r.chance(30) {
            self.e.add(
                "internetHosts",
                json!({
                    "names": ["third.blob.core.windows.net"], "serviceTag": "Storage.WestEurope",
                    "hasPrivateEndpoint": self.r.chance(70)
                }),
            );
            self.targets.push(("third.blob.core.windows.net".into(), 443));
        }
        if self.r.chance(20) {
            self.e.add(
                "internetHosts",
                json!({ "names": ["shop.example.net"], "addresses": ["198.51.100.80"], "listens": [443] }),
            );
            self.targets.push(("shop.example.net".into(), 443));
            self.targets.push(("shop.example.net".into(), 80));
        }
    }

    fn machines(&mut self) {
        for net in self.ordinary() {
            let count = if net.name == "apps" { 2 } else { usize::from(self.r.chance(60)) };
            for _ in 0..count {
                if self.machines.len() < 9 && net.name != "nva" && net.name != "pe" {
                    self.machine(&net);
                }
            }
        }
    }

    fn machine(&mut self, net: &Net) {
        let name = self.fresh("m");
        let last = 10 + self.machines.len();
        let ip =
            if self.r.chance(75) { net.prefix.replace("0/24", &last.to_string()) } else { String::new() };
        let public = if self.r.chance(18) { Some(self.public_ip("pip")) } else { None };
        let asg: Vec<String> =
            self.asgs.iter().filter(|(_, v)| *v == net.vnet).map(|(a, _)| a.clone()).collect();
        let asg = if !asg.is_empty() && self.r.chance(50) { vec![self.r.one(&asg)] } else { Vec::new() };
        if self.r.chance(70) {
            let mut host = json!({ "name": name, "subnet": net.full() });
            if !ip.is_empty() {
                host["privateIPAddress"] = json!(ip);
            }
            if let Some(public) = public {
                host["publicIPAddress"] = json!(public);
            }
            if !asg.is_empty() {
                host["applicationSecurityGroups"] = json!(asg);
            }
            if self.r.chance(15) {
                host["listens"] = json!([443, 22]);
            }
            if self.r.chance(20) {
                host["identity"] = json!({ "type": "SystemAssigned" });
                self.identities.push(name.clone());
            }
            self.e.add("hosts", host);
        } else {
            let mut config = json!({ "name": "ip", "subnet": net.full() });
            if !ip.is_empty() {
                config["privateIPAddress"] = json!(ip);
            }
            if let Some(public) = public {
                config["publicIPAddress"] = json!(public);
            }
            if !asg.is_empty() {
                config["applicationSecurityGroups"] = json!(asg);
            }
            let nic = format!("{name}-nic");
            self.e.add("networkInterfaces", json!({ "name": nic, "ipConfigurations": [config] }));
            let mut vm = json!({ "name": name, "networkInterfaces": [nic] });
            if self.r.chance(15) {
                vm["listens"] = json!([443, 80]);
            }
            if self.r.chance(4) {
                vm["uncertain"] = json!("a parameter without a value");
            }
            self.e.add("virtualMachines", vm);
        }
        if !ip.is_empty() {
            self.prefixes.push(format!("{ip}/32"));
        }
        self.machines.push(Machine { name, ip, vnet: net.vnet.clone() });
    }

    fn appliances(&mut self) {
        if !self.r.chance(45) {
            return;
        }
        let net = self.hub("nva");
        let ip = net.prefix.replace("0/24", "4");
        let forwards = self.r.chance(85);
        if self.r.chance(50) {
            self.e.add("hosts", json!({
                "name": "router", "subnet": net.full(), "privateIPAddress": ip, "forwards": forwards, "translates": self.r.chance(30)
            }));
        } else {
            self.e.add(
                "networkInterfaces",
                json!({
                    "name": "router-nic", "enableIPForwarding": forwards,
                    "ipConfigurations": [{ "name": "ip", "subnet": net.full(), "privateIPAddress": ip }]
                }),
            );
            self.e.add("virtualMachines", json!({
                "name": "router", "networkInterfaces": ["router-nic"], "forwards": true, "translates": self.r.chance(30)
            }));
        }
        if self.r.chance(6) {
            for section in ["hosts", "virtualMachines"] {
                self.e.set(section, "router", "uncertain", json!("a parameter without a value"));
            }
        }
        self.hops.push(ip.clone());
        self.machines.push(Machine { name: "router".into(), ip, vnet: net.vnet });
        if self.r.chance(25) {
            // Two appliances behind a balancer with HA ports.
            for number in 0..2 {
                let nic = format!("ha{number}-nic");
                self.e.add("networkInterfaces", json!({
                    "name": nic, "enableIPForwarding": number == 0 || self.r.chance(80),
                    "ipConfigurations": [{ "name": "ip", "subnet": "v0/nva", "privateIPAddress": self.hub("nva").prefix.replace("0/24", &format!("{}", 20 + number)),
                        "loadBalancerBackendAddressPools": [pool_id("ha", "pool")] }]
                }));
            }
            let front = self.hub("nva").prefix.replace("0/24", "30");
            self.e.add("loadBalancers", json!({
                "name": "ha", "sku": "Standard",
                "frontendIPConfigurations": [{ "name": "front", "subnet": "v0/nva", "privateIPAddress": front }],
                "backendAddressPools": [{ "name": "pool" }],
                "probes": [{ "name": "probe", "protocol": "Tcp", "port": 22 }],
                "loadBalancingRules": [{ "name": "all", "frontendIPConfiguration": front_id("ha", "front"), "backendAddressPool": pool_id("ha", "pool"),
                    "probe": probe_id("ha", "probe"), "protocol": "All", "frontendPort": 0, "backendPort": 0 }]
            }));
            self.hops.push(front);
        }
    }

    fn balancers(&mut self) {
        if self.r.chance(30) {
            let number = self.r.below(self.vnets.len());
            let vnet = self.vnets[number].0.clone();
            let net = self
                .nets
                .iter()
                .find(|n| n.vnet == vnet && n.name == "data")
                .expect("every network has it")
                .clone();
            let ip = net.prefix.replace("0/24", "100");
            self.balancer("ilb", &net, Some(ip.clone()), None);
            self.targets.push((ip, 80));
        }
        if self.r.chance(20) {
            let public = self.public_ip("lbip");
            let net = self.hub("data");
            self.balancer("plb", &net, None, Some(public));
            if let Some(ip) = self.publics.last().cloned() {
                self.targets.push((ip, 80));
            }
        }
    }

    fn balancer(&mut self, name: &str, net: &Net, private: Option<String>, public: Option<String>) {
        let count = self.r.one(&[0, 1, 1, 2, 2]);
        let standard = self.r.chance(75);
        for number in 0..count {
            let nic = format!("{name}{number}-nic");
            let ip = net
                .prefix
                .replace("0/24", &format!("{}", if private.is_some() { 110 + number } else { 120 + number }));
            self.e.add("networkInterfaces", json!({
                "name": nic, "ipConfigurations": [{ "name": "ip", "subnet": net.full(), "privateIPAddress": ip,
                    "loadBalancerBackendAddressPools": [pool_id(name, "pool")] }]
            }));
            self.machines.push(Machine { name: nic, ip, vnet: net.vnet.clone() });
        }
        let mut front = json!({ "name": "front" });
        if let Some(ip) = &private {
            front["subnet"] = json!(net.full());
            front["privateIPAddress"] = json!(ip);
        }
        if let Some(public) = &public {
            front["publicIPAddress"] = json!(public);
            let sku = if standard { "Standard" } else { "Basic" };
            self.e.set("publicIPAddresses", public, "sku", json!(sku));
        }
        let mut rule = json!({
            "name": "web", "frontendIPConfiguration": front_id(name, "front"), "backendAddressPool": pool_id(name, "pool"),
            "protocol": "Tcp", "frontendPort": 80, "backendPort": self.r.one(&[80, 8080]), "disableOutboundSnat": true
        });
        let mut balancer = json!({
            "name": name, "sku": if standard { "Standard" } else { "Basic" }, "frontendIPConfigurations": [front],
            "backendAddressPools": [{ "name": "pool" }]
        });
        if self.r.chance(60) {
            balancer["probes"] = json!([{ "name": "probe", "protocol": "Tcp", "port": 8080 }]);
            rule["probe"] = json!(probe_id(name, "probe"));
        }
        balancer["loadBalancingRules"] = json!([rule]);
        if public.is_some() && standard && self.r.chance(50) {
            balancer["outboundRules"] = json!([{ "name": "out", "frontendIPConfigurations": [front_id(name, "front")],
                "backendAddressPool": pool_id(name, "pool"), "protocol": self.r.pick(&["All", "All", "Tcp", "Udp"]) }]);
        }
        self.e.add("loadBalancers", balancer);
    }

    /// SEP-1: a policy on a subnet with the service endpoint, that lists one account or another group.
    fn endpoint_policies(&mut self) {
        let accounts: Vec<String> =
            self.services.iter().filter(|s| s.kind == "storage").map(|s| s.name.clone()).collect();
        if accounts.is_empty() || !self.r.chance(40) {
            return;
        }
        let group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups";
        let listed = match self.r.below(3) {
            0 => format!("{group}/elsewhere"),
            1 => format!("{group}/estate"),
            _ => format!(
                "{group}/estate/providers/Microsoft.Storage/storageAccounts/{}",
                self.r.one(&accounts)
            ),
        };
        self.e.add(
            "serviceEndpointPolicies",
            json!({ "name": "sep", "serviceEndpointPolicyDefinitions": [
            { "name": "d", "service": "Microsoft.Storage", "serviceResources": [listed] }
        ] }),
        );
        for net in self.ordinary() {
            if self.r.chance(40) {
                self.set_subnet(&net, "serviceEndpoints", json!(["Microsoft.Storage"]));
                self.set_subnet(&net, "serviceEndpointPolicies", json!(["sep"]));
            }
        }
    }

    fn platform_services(&mut self) {
        for _ in 0..1 + self.r.below(2) {
            let (section, kind, suffix, groups): (_, &'static str, _, Vec<&'static str>) =
                match self.r.below(6) {
                    0..3 => ("storageAccounts", "storage", "blob.core.windows.net", vec!["blob", "file"]),
                    3 => ("keyVaults", "vault", "vault.azure.net", vec!["vault"]),
                    4 => ("containerRegistries", "registry", "azurecr.io", vec!["registry"]),
                    _ => ("cosmosAccounts", "cosmos", "documents.azure.com", vec!["Sql"]),
                };
            let name = self.fresh("svc");
            let mut item = json!({ "name": name });
            if self.r.chance(25) {
                item["location"] = json!("southeastasia");
            }
            if kind == "vault" && self.r.chance(70) {
                item["enableRbacAuthorization"] = json!(true);
            }
            self.acls(kind, &mut item);
            self.e.add(section, item);
            let host = format!("{name}.{suffix}");
            self.targets.push((host.clone(), 443));
            if kind == "storage" && self.r.chance(40) {
                self.targets.push((format!("{name}.file.core.windows.net"), 445));
            }
            self.services.push(Service { name, kind, host, groups, port: 443 });
        }
    }

    fn acls(&mut self, kind: &str, item: &mut Value) {
        if self.r.chance(30) {
            item["publicNetworkAccess"] = json!("Disabled");
            return;
        }
        if self.r.chance(40) {
            return;
        }
        let nets = self.ordinary();
        let subnet = self.r.one(&nets).full();
        let mut ips = vec!["203.0.113.0/24".to_owned(), "198.51.100.7".to_owned()];
        ips.extend(self.publics.iter().cloned());
        let address = self.r.one(&ips);
        let both = self.r.below(3);
        let subnets: Vec<Value> = if both > 0 { vec![json!({ "id": subnet })] } else { Vec::new() };
        match kind {
            "cosmos" => {
                item["ipRules"] = json!([{ "ipAddressOrRange": address }]);
                if !subnets.is_empty() {
                    item["isVirtualNetworkFilterEnabled"] = json!(true);
                    item["virtualNetworkRules"] = json!(subnets);
                }
            }
            "registry" => {
                item["networkRuleSet"] =
                    json!({ "defaultAction": "Deny", "ipRules": [{ "value": address }] });
            }
            _ => {
                let action = if self.r.chance(85) { "Deny" } else { "Allow" };
                let ip_rules: Vec<Value> =
                    if both < 2 { vec![json!({ "value": address })] } else { Vec::new() };
                item["networkAcls"] =
                    json!({ "defaultAction": action, "ipRules": ip_rules, "virtualNetworkRules": subnets });
            }
        }
    }

    fn endpoints(&mut self) {
        let nets: Vec<Net> = self.nets.iter().filter(|n| n.name == "pe").cloned().collect();
        for net in &nets {
            if self.r.chance(50) {
                let policy =
                    self.r.one(&["Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"]);
                self.set_subnet(net, "privateEndpointNetworkPolicies", json!(policy));
            }
        }
        if nets.is_empty() {
            return;
        }
        for service in self.services.clone() {
            if !self.r.chance(70) {
                continue;
            }
            let net = self.r.one(&nets);
            let name = self.fresh("pe");
            let group =
                if self.r.chance(85) { service.groups[0] } else { service.groups[service.groups.len() - 1] };
            let status = self.r.one(&["Approved", "Approved", "Approved", "Approved", "Pending", "Rejected"]);
            let mut item = json!({
                "name": name, "subnet": net.full(), "target": service.name, "groupIds": [group], "status": status
            });
            if service.kind != "registry" && service.kind != "cosmos" && self.r.chance(80) {
                let ip = net.prefix.replace("0/24", &format!("{}", 50 + self.count));
                item["privateIPAddress"] = json!(ip);
                self.prefixes.push(format!("{ip}/32"));
                self.targets.push((ip, service.port));
            }
            let asg: Vec<String> =
                self.asgs.iter().filter(|(_, v)| *v == net.vnet).map(|(a, _)| a.clone()).collect();
            if !asg.is_empty() && self.r.chance(30) {
                item["applicationSecurityGroups"] = json!([self.r.one(&asg)]);
            }
            self.e.add("privateEndpoints", item);
            let zones = match group {
                "blob" => "privatelink.blob.core.windows.net",
                "file" => "privatelink.file.core.windows.net",
                "vault" => "privatelink.vaultcore.azure.net",
                "registry" => "privatelink.azurecr.io",
                _ => "privatelink.documents.azure.com",
            };
            self.zone(zones);
            if self.r.chance(85) {
                self.e.add(
                    "privateDnsZoneGroups",
                    json!({ "name": format!("{name}/default"), "privateDnsZones": [zones] }),
                );
            } else if self.r.chance(50) {
                let others: Vec<String> =
                    self.targets.iter().map(|(t, _)| t.clone()).filter(|t| t.starts_with("10.")).collect();
                let other = if others.is_empty() { self.some_address() } else { self.r.one(&others) };
                let wrong = if self.r.chance(60) { other } else { self.some_address() };
                let record = json!([{ "name": service.name, "recordType": "A", "addresses": [wrong] }]);
                self.e.set("privateDnsZones", zones, "recordSets", record);
            }
        }
    }

    /// Adds a private zone once, with its links.
    fn zone(&mut self, name: &str) {
        let there = self.e.sections.get("privateDnsZones").and_then(Value::as_array);
        if there.is_some_and(|list| list.iter().any(|z| z["name"] == name)) {
            return;
        }
        self.e.add("privateDnsZones", json!({ "name": name }));
        for (vnet, _) in self.vnets.clone() {
            if !self.r.chance(75) {
                continue;
            }
            let link = self.fresh("link");
            let mut item = json!({ "name": link, "privateDnsZone": name, "virtualNetwork": vnet });
            if self.r.chance(12) {
                item["resolutionPolicy"] = json!("NxDomainRedirect");
            }
            self.e.add("virtualNetworkLinks", item);
        }
    }

    fn zones(&mut self) {
        if self.r.chance(25) {
            self.zone("privatelink.blob.core.windows.net");
        }
        if self.r.chance(35) {
            self.zone("corp.example");
            let to = self.some_address();
            let alias = self.r.one(&["www.example.org", "db.corp.example", "gone.corp.example"]);
            let records = json!([
                { "name": "db", "recordType": "A", "addresses": [to] },
                { "name": "alias", "recordType": "CNAME", "cname": alias },
            ]);
            self.e.set("privateDnsZones", "corp.example", "recordSets", records);
            let registers = self.r.chance(50);
            let links = self.e.sections.get_mut("virtualNetworkLinks").and_then(Value::as_array_mut);
            if let (Some(link), true) =
                (links.and_then(|l| l.iter_mut().find(|l| l["privateDnsZone"] == "corp.example")), registers)
            {
                link["registrationEnabled"] = json!(true);
            }
            for name in ["db.corp.example", "alias.corp.example", "missing.corp.example"] {
                self.targets.push((name.into(), 443));
            }
            let machines: Vec<String> =
                self.machines.iter().map(|m| m.name.clone()).filter(|n| !n.ends_with("-nic")).collect();
            if !machines.is_empty() {
                let name = self.r.one(&machines);
                self.targets.push((format!("{name}.corp.example"), 443));
            }
        }
    }

    fn dns_servers(&mut self) {
        let own = self.r.chance(30);
        if own {
            let net = self.hub("data");
            let ip = net.prefix.replace("0/24", "53");
            let mut forwards = vec![json!({ "domain": ".", "servers": ["168.63.129.16"] })];
            if self.r.chance(20) {
                // A circle.
                forwards = vec![json!({ "domain": ".", "servers": [ip.clone()] })];
            }
            if self.gateway && self.r.chance(30) {
                forwards.push(json!({ "domain": "corp.example", "servers": ["172.30.100.53"] }));
            }
            self.e.add(
                "hosts",
                json!({
                    "name": "dns", "subnet": net.full(), "privateIPAddress": ip, "dnsForwarding": forwards
                }),
            );
            self.names.push(ip.clone());
            if self.gateway && self.r.chance(60) {
                let list = self.e.sections.get_mut("onPremisesSites").and_then(Value::as_array_mut);
                if let Some(site) = list.and_then(|l| l.first_mut()) {
                    site["dnsServers"] = json!(["172.30.100.53"]);
                    site["dnsForwarding"] = json!([
                        { "domain": "blob.core.windows.net", "servers": [ip.clone()] },
                        { "domain": "corp.example", "servers": [ip] },
                    ]);
                }
            }
        }
        if self.r.chance(15) {
            let ip = self.hub("data").prefix.replace("0/24", "54");
            self.e.add("dnsResolvers", json!({ "name": "resolver", "virtualNetwork": "v0" }));
            self.e.add(
                "inboundEndpoints",
                json!({
                    "name": "in", "parent": "resolver",
                    "ipConfigurations": [{ "name": "ip", "subnet": "v0/data", "privateIPAddress": ip }]
                }),
            );
            self.names.push(ip);
        }
        if self.names.is_empty() {
            return;
        }
        for (vnet, _) in self.vnets.clone() {
            if self.r.chance(35) {
                let mut servers = vec![{
                    let l = self.names.clone();
                    self.r.one(&l)
                }];
                if self.r.chance(25) {
                    servers.insert(0, "10.0.1.99".into());
                }
                self.e.set("virtualNetworks", &vnet, "dnsServers", json!(servers));
            }
        }
        let hosts: Vec<String> = self.machines.iter().map(|m| m.name.clone()).collect();
        if self.r.chance(20) {
            let host = self.r.one(&hosts);
            let server = {
                let l = self.names.clone();
                self.r.one(&l)
            };
            self.e.set("hosts", &host, "dnsServers", json!([server]));
        }
    }

    fn peerings(&mut self) {
        let names: Vec<String> = self.vnets.iter().map(|(n, _)| n.clone()).collect();
        for spoke in names.iter().skip(1) {
            let flags = self.gateway && self.r.chance(70);
            self.peering("v0", spoke, flags);
        }
        if self.r.chance(2) {
            self.e.add(
                "virtualNetworkPeerings",
                json!({ "name": "v0/to-nowhere", "remoteVirtualNetwork": "nowhere" }),
            );
        }
        if names.len() > 2 && self.r.chance(25) {
            self.peering("v1", "v2", false);
        }
    }

    fn peering(&mut self, hub: &str, spoke: &str, gateway: bool) {
        let kind = self.r.below(100);
        let mut sides = Vec::new();
        if kind < 94 {
            sides.push((hub, spoke, "allowGatewayTransit"));
        }
        if !(4..8).contains(&kind) {
            sides.push((spoke, hub, "useRemoteGateways"));
        }
        for (from, to, flag) in sides {
            let mut item = json!({ "name": format!("{from}/to-{to}"), "remoteVirtualNetwork": to });
            if self.r.chance(15) {
                item["allowVirtualNetworkAccess"] = json!(false);
            }
            if self.r.chance(60) {
                item["allowForwardedTraffic"] = json!(self.r.chance(80));
            }
            if gateway && self.r.chance(95) {
                item[flag] = json!(true);
            }
            if self.r.chance(5) {
                item["peeringState"] = json!(self.r.one(&["Disconnected", "Initiated", "Connected"]));
            }
            self.e.add("virtualNetworkPeerings", item);
        }
    }

    /// An address somewhere in the estate, or just outside.
    pub(crate) fn some_address(&mut self) -> String {
        let mut all: Vec<String> =
            self.machines.iter().map(|m| m.ip.clone()).filter(|ip| !ip.is_empty()).collect();
        all.extend(self.hops.iter().cloned());
        if all.is_empty() || self.r.chance(8) {
            return self.r.one(&["10.0.1.77".to_owned(), "10.9.9.9".to_owned()]);
        }
        self.r.one(&all)
    }

    /// What stands in an address field of a rule: everything (so many of a hundred), a tag, or a prefix.
    fn address_word(&mut self, wide: usize, tags: bool) -> String {
        if self.r.chance(wide) {
            return "*".into();
        }
        if tags && self.r.chance(40) {
            let known = [
                "Storage",
                "Storage.WestEurope",
                "AzureKeyVault",
                "AzureCloud",
                "AzureCosmosDB",
                "AzureContainerRegistry.WestEurope",
                "Sql",
            ];
            return if self.r.chance(8) { "ContosoCloud".into() } else { self.r.pick(&known).into() };
        }
        let list = self.prefixes.clone();
        self.r.one(&list)
    }

    fn route_tables(&mut self) {
        let count = self.r.one(&[0, 1, 1, 2, 3]);
        for number in 0..count {
            let name = format!("rt{number}");
            let mut routes: Vec<Value> = Vec::new();
            for _ in 0..1 + self.r.below(4) {
                let prefix = match self.r.below(10) {
                    0..3 => "0.0.0.0/0".to_owned(),
                    3 => self
                        .r
                        .one(&[
                            "Storage",
                            "Storage.WestEurope",
                            "AzureCloud",
                            "AzureKeyVault.WestEurope",
                            "ContosoCloud",
                        ])
                        .to_owned(),
                    _ => self.address_word(0, false),
                };
                if routes.iter().any(|r| r["addressPrefix"] == prefix) {
                    continue;
                }
                routes.push(self.route(&prefix));
            }
            let mut table = json!({ "name": name, "routes": routes });
            if self.r.chance(20) {
                table["disableBgpRoutePropagation"] = json!(true);
            }
            if self.r.chance(4) {
                table["disablePeeringRoute"] = json!("All");
            }
            self.e.add("routeTables", table);
        }
        for net in self.nets.clone() {
            let at = match net.name.as_str() {
                "AzureFirewallSubnet" => 4,
                "GatewaySubnet" => 15,
                "nva" => 12,
                "pe" => 10,
                _ => 50,
            };
            if self.r.chance(2) {
                self.set_subnet(&net, "routeTable", json!("rt-nowhere"));
            } else if count > 0 && self.r.chance(at) {
                let table = format!("rt{}", self.r.below(count));
                self.set_subnet(&net, "routeTable", json!(table));
            }
        }
        self.firewall_rules();
    }

    fn route(&mut self, prefix: &str) -> Value {
        let name = self.fresh("r");
        let mut item = json!({ "name": name, "addressPrefix": prefix });
        let appliance = !self.hops.is_empty() && self.r.chance(75);
        if appliance {
            let hops = self.hops.clone();
            if hops.len() > 2 && self.r.chance(8) {
                item["nextHopType"] = json!("VirtualApplianceEcmp");
                item["nextHop"] = json!({ "nextHopIpAddresses": [hops[0], hops[hops.len() - 1]] });
                return item;
            }
            item["nextHopType"] = json!("VirtualAppliance");
            item["nextHopIpAddress"] =
                json!(if self.r.chance(94) { self.r.one(&hops) } else { "10.0.3.99".into() });
            return item;
        }
        let wide = prefix == "0.0.0.0/0";
        let public = wide || prefix.starts_with(|c: char| c.is_ascii_alphabetic());
        let kind = match self.r.below(10) {
            0..3 => "None",
            3..5 if self.gateway => "VirtualNetworkGateway",
            5..7 if !public => "VnetLocal",
            _ if public => "Internet",
            _ => "None",
        };
        item["nextHopType"] = json!(kind);
        item
    }

    fn security_groups(&mut self) {
        let count = self.r.one(&[0, 1, 2, 3]);
        for number in 0..count {
            let rules = self.rules();
            self.e.add(
                "networkSecurityGroups",
                json!({ "name": format!("nsg{number}"), "securityRules": rules }),
            );
        }
        if count == 0 {
            return;
        }
        for net in self.nets.clone() {
            if self.r.chance(2) && !net.name.ends_with("Subnet") {
                self.set_subnet(&net, "networkSecurityGroup", json!("nsg-nowhere"));
            } else if self.r.chance(45) && net.name != "GatewaySubnet" {
                let group = format!("nsg{}", self.r.below(count));
                self.set_subnet(&net, "networkSecurityGroup", json!(group));
            }
        }
        for section in ["hosts", "networkInterfaces"] {
            let names: Vec<String> = self
                .e
                .sections
                .get(section)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|i| i["name"].as_str().map(str::to_owned))
                .collect();
            for name in names {
                if self.r.chance(25) {
                    let group = format!("nsg{}", self.r.below(count));
                    self.e.set(section, &name, "networkSecurityGroup", json!(group));
                }
            }
        }
    }

    fn rules(&mut self) -> Vec<Value> {
        let mut rules = Vec::new();
        let mut priorities = (0..8).map(|n| 110 + 10 * n).collect::<Vec<_>>();
        self.r.shuffle(&mut priorities);
        for priority in priorities.into_iter().take(self.r.below(6)) {
            let deny = self.r.chance(self.harsh);
            let name = self.fresh("rule");
            let mut rule = json!({
                "name": name, "priority": priority,
                "direction": if self.r.chance(50) { "Inbound" } else { "Outbound" },
                "access": if deny { "Deny" } else { "Allow" },
                "protocol": self.r.one(&["*", "*", "Tcp", "Udp", "Icmp"]),
                "sourcePortRange": self.r.one(&["*", "*", "*", "*", "1024-65535", "40000"]),
                "destinationPortRange": self.r.one(&["*", "*", "443", "22", "80", "8080", "1-1024"]),
            });
            for side in ["source", "destination"] {
                let asgs = self.asgs.clone();
                if !asgs.is_empty() && self.r.chance(20) {
                    // ASG-3: both sides in one network.
                    rule[format!("{side}ApplicationSecurityGroups")] = json!([asgs[0].0]);
                } else {
                    let tag =
                        ["VirtualNetwork", "Internet", "AzureLoadBalancer", "VirtualNetwork", "Internet"];
                    let platform = ["AzurePlatformDNS", "AzurePlatformIMDS"];
                    let word = match self.r.below(10) {
                        0..2 => self.r.pick(&tag).to_owned(),
                        2 if side == "destination" && self.r.chance(30) => self.r.pick(&platform).to_owned(),
                        _ => self.address_word(50, true),
                    };
                    if self.r.chance(85) {
                        rule[format!("{side}AddressPrefix")] = json!(word);
                    } else {
                        let second = self.address_word(0, false);
                        let first = if word.contains('/') { word } else { "10.0.0.0/24".into() };
                        rule[format!("{side}AddressPrefixes")] = json!([first, second]);
                    }
                }
            }
            rules.push(rule);
        }
        rules
    }

    fn nat_gateways(&mut self) {
        if !self.r.chance(30) {
            return;
        }
        let public = self.public_ip("natip");
        self.e.set("publicIPAddresses", &public, "sku", json!("Standard"));
        self.e.add("natGateways", json!({ "name": "nat", "publicIpAddresses": [public] }));
        let vnet = {
            let list = self.vnets.clone();
            self.r.one(&list).0
        };
        for net in self.nets.clone() {
            if net.vnet == vnet && net.name != "GatewaySubnet" && self.r.chance(50) {
                self.set_subnet(&net, "natGateway", json!("nat"));
            }
        }
    }

    fn admin_rules(&mut self) {
        if !self.r.chance(25) {
            return;
        }
        self.e.add("networkManagers", json!({ "name": "avnm" }));
        let vnet = {
            let list = self.vnets.clone();
            self.r.one(&list).0
        };
        self.e.add("networkGroups", json!({ "name": "group", "parent": "avnm", "members": [vnet] }));
        self.e.add("securityAdminConfigurations", json!({ "name": "config", "parent": "avnm" }));
        self.e.add(
            "adminRuleCollections",
            json!({
                "name": "avnm/config/rules", "appliesToGroups": [{ "networkGroupId": "avnm/group" }]
            }),
        );
        for number in 0..1 + self.r.below(3) {
            let access = if self.r.chance(30 + self.harsh / 2) {
                "Deny"
            } else {
                self.r.one(&["Allow", "AlwaysAllow"])
            };
            let source = self.address_word(40, false);
            let target = self.address_word(40, true);
            self.e.add("adminRules", json!({
                "name": format!("avnm/config/rules/admin{number}"), "priority": 10 + number,
                "direction": if self.r.chance(50) { "Inbound" } else { "Outbound" }, "access": access,
                "protocol": self.r.one(&["Any", "Tcp"]),
                "sources": [{ "addressPrefix": source, "addressPrefixType": "IPPrefix" }],
                "destinations": [{ "addressPrefix": target, "addressPrefixType": "IPPrefix" }],
                "destinationPortRanges": [self.r.one(&["0-65535", "443", "22"])], "sourcePortRanges": ["0-65535"]
            }));
        }
    }

    fn people(&mut self) {
        if !self.r.chance(60) {
            return;
        }
        self.e.add("principals", json!({ "name": "team", "principalType": "Group" }));
        self.e.add("principals", json!({ "name": "ann", "principalType": "User", "memberOf": ["team"] }));
        self.e.add("principals", json!({ "name": "bob", "principalType": "User" }));
        self.identities.extend(["ann".to_owned(), "bob".to_owned()]);
        let who = ["team", "ann", "bob"];
        if self.r.chance(40) {
            self.e.add(
                "roleDefinitions",
                json!({ "name": "blobs-but-not-read", "roleName": "Blobs but not read", "permissions": [{
                "actions": ["*"], "notActions": ["Microsoft.ContainerRegistry/*"],
                "dataActions": ["Microsoft.Storage/storageAccounts/*", "Microsoft.KeyVault/vaults/*"],
                "notDataActions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"]
            }] }),
            );
        }
        for number in 0..1 + self.r.below(3) {
            let role = self.r.one(&[
                "Reader",
                "Contributor",
                "Owner",
                "Storage Blob Data Reader",
                "Storage Blob Data Contributor",
                "Key Vault Secrets User",
                "AcrPull",
            ]);
            let mut scopes: Vec<String> = self.services.iter().map(|s| s.name.clone()).collect();
            scopes.push("/subscriptions/00000000-0000-0000-0000-000000000000".into());
            scopes.push("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/estate".into());
            let mut people: Vec<String> = who.iter().map(|w| (*w).to_owned()).collect();
            people.extend(self.identities.iter().cloned());
            let (scope, person) = (self.r.one(&scopes), self.r.one(&people));
            self.e.add(
                "roleAssignments",
                json!({ "name": format!("ra{number}"), "role": role, "principal": person, "scope": scope }),
            );
        }
        if self.r.chance(15) {
            let scopes: Vec<String> = self.services.iter().map(|s| s.name.clone()).collect();
            let scope = self.r.one(&scopes);
            self.e.add(
                "denyAssignments",
                json!({
                    "name": "da", "scope": scope, "principals": [self.r.pick(&who)],
                    "permissions": [{ "dataActions": ["Microsoft.Storage/*"] }]
                }),
            );
        }
    }

    fn knobs(&mut self) {
        let all = [
            ("udrPrefixesInVirtualNetworkTag", "false"),
            ("privatelinkAliasPerSubResource", "false"),
            ("forwardedTrafficMode", "platformDrop"),
            ("forwardedTrafficMode", "platformDrop"),
            ("adminRulesStateful", "false"),
            ("peeringAccessMode", "platformDrop"),
            ("peeringAccessMode", "platformDrop"),
            ("peeringAccessMode", "platformDrop"),
            ("serviceEndpointRouteOverridable", "true"),
            ("dnatThenNetworkDeny", "true"),
            ("bgpDefaultRemovesNoneRoutes", "false"),
            ("defaultOutboundForNewVnets", "false"),
            ("smtpBlocked", "true"),
            ("smtpBlocked", "false"),
        ];
        if self.r.chance(20) {
            let (knob, value) = self.r.one(&all);
            self.e.knobs.push((knob.into(), value.into()));
        }
    }

    /// One question.
    fn flow(&mut self) -> String {
        if !self.asked.is_empty() && self.r.chance(35) {
            let asked = self.asked.clone();
            return self.r.one(&asked);
        }
        let machines = self.machines.clone();
        let from = match self.r.below(20) {
            0..2 => "internet".to_owned(),
            2..4 if !self.sites.is_empty() => {
                let l = self.sites.clone();
                self.r.one(&l)
            }
            _ => self.r.one(&machines).name,
        };
        let mut targets: Vec<(String, u16)> = self.targets.clone();
        let (mut to, port) = match self.r.below(20) {
            0..9 => {
                let machine = self.r.one(&machines);
                let named = machine.ip.is_empty() || self.r.chance(50);
                (if named { machine.name } else { machine.ip }, 0)
            }
            9 => (
                self.r
                    .one(&[
                        "internet",
                        "internet",
                        "8.8.8.8",
                        "20.60.1.1",
                        "10.9.9.9",
                        "10.0.1.200",
                        "172.31.0.5",
                        "169.254.169.254",
                        "168.63.129.16",
                    ])
                    .to_owned(),
                0,
            ),
            10 if !self.publics.is_empty() => {
                let l = self.publics.clone();
                (self.r.one(&l), 0)
            }
            11 if !self.services.is_empty() => {
                let l = self.services.clone();
                let s = self.r.one(&l);
                (s.name, s.port)
            }
            _ => {
                targets.push(("nobody.example".into(), 443));
                self.r.one(&targets)
            }
        };
        if from == "internet" && !self.publics.is_empty() && self.r.chance(70) {
            let l = self.publics.clone();
            to = self.r.one(&l);
        }
        let own = machines.iter().find(|m| m.name == from).map(|m| m.ip.clone());
        if to == from || own == Some(to.clone()) {
            to = "www.example.org".into();
        }
        if from == "internet" && to == "internet" {
            to = "93.184.216.34".into();
        }
        let port = if port > 0 && self.r.chance(85) {
            port
        } else {
            self.r.one(&[443, 443, 443, 22, 80, 8080, 53, 25])
        };
        let protocol = match self.r.below(20) {
            0 => "icmp/0".to_owned(),
            3 if self.r.chance(10) => return format!("{from} > 224.0.0.5 udp/{port}"),
            3 if self.r.chance(10) => return format!("{from} > {to} udp/{port} from-port 65330"),
            1 => format!("udp/{port}"),
            2 if self.r.chance(20) => "esp/0".to_owned(),
            _ => format!("tcp/{port}"),
        };
        let mut text = format!("{from} > {to} {protocol}");
        if self.r.chance(15) {
            text += &format!(" from-port {}", self.r.one(&[40000, 1023, 50001]));
        }
        if !self.identities.is_empty() && self.r.chance(30) {
            let mut l = self.identities.clone();
            l.push("stranger".into());
            text += &format!(" as {}", self.r.one(&l));
        }
        text
    }
}

/// The id of a part of a network resource of the estate.
pub(crate) fn part(table: &str, owner: &str, list: &str, name: &str) -> String {
    format!(
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/estate/providers/Microsoft.Network/{table}/{owner}/{list}/{name}"
    )
}

fn pool_id(balancer: &str, name: &str) -> String {
    part("loadBalancers", balancer, "backendAddressPools", name)
}

pub(crate) fn front_id(balancer: &str, name: &str) -> String {
    part("loadBalancers", balancer, "frontendIPConfigurations", name)
}

fn probe_id(balancer: &str, name: &str) -> String {
    part("loadBalancers", balancer, "probes", name)
}
