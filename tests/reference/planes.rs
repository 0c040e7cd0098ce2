//! The planes that come up less often: each estate has a few of them, beside what every estate has.

use super::estate::{Maker, front_id, part};
use super::random::Random;
use serde_json::{Value, json};

/// In one estate of how many, and what it adds.
type Rare = (usize, fn(&mut Maker));

impl Maker {
    /// Adds some of the rarer planes. They have a stream of chance of their own.
    pub(crate) fn rarer_planes(&mut self, seed: u64) {
        let usual = std::mem::replace(&mut self.r, Random::new(seed ^ 0x5EED_0F00));
        let planes: [Rare; 16] = [
            (6, Maker::subnet_peering),
            (9, Maker::route_server),
            (7, Maker::mesh),
            (9, Maker::fqdn_tags),
            (9, Maker::application_gateway),
            (7, Maker::bastion),
            (7, Maker::perimeter),
            (8, Maker::ruleset),
            (10, Maker::local_network_gateway),
            (12, Maker::inbound_nat),
            (10, Maker::virtual_wan),
            (7, Maker::front_door),
            (6, Maker::managed_network),
            (7, Maker::callers),
            (9, Maker::wrong_zone),
            // Changes what those before it made.
            (9, Maker::own_names),
        ];
        for (chance, plane) in planes {
            if self.r.chance(chance) {
                plane(self);
            }
        }
        self.r = usual;
    }

    fn some_machine(&mut self) -> String {
        let machines = self.machines.clone();
        self.r.one(&machines).name
    }

    /// A question worth asking because of what was just added.
    fn ask(&mut self, from: &str, to: &str, service: &str) {
        self.asked.push(format!("{from} > {to} {service}"));
    }

    /// PEER-10: one peering of the hub joins some subnets only.
    fn subnet_peering(&mut self) {
        let hub = [vec!["apps"], vec!["apps", "data"], vec!["nva"]];
        let spoke = [vec!["apps"], vec!["apps", "data"]];
        let (hub, spoke) = (self.r.one(&hub), self.r.one(&spoke));
        for (name, own, other) in [("v0/to-v1", &hub, &spoke), ("v1/to-v0", &spoke, &hub)] {
            let list = self.e.sections.get_mut("virtualNetworkPeerings").and_then(Value::as_array_mut);
            for side in list.into_iter().flatten().filter(|p| p["name"] == name) {
                side["peerCompleteVnets"] = json!(false);
                side["localSubnetNames"] = json!(own);
                side["remoteSubnetNames"] = json!(other);
            }
        }
    }

    /// RS-1 to RS-3: routes that appliances announce, some by several.
    fn route_server(&mut self) {
        self.add_subnet("v0", json!({ "name": "RouteServerSubnet", "addressPrefix": "10.0.252.0/27" }));
        self.e.add(
            "virtualHubs",
            json!({ "name": "rs", "ipConfigurations": [{ "name": "ip", "subnet": "v0/RouteServerSubnet" }] }),
        );
        let mut hops = self.hops.clone();
        hops.push("10.0.3.98".into());
        for number in 0..1 + self.r.below(4) {
            let prefix = self.r.one(&["10.77.0.0/16", "0.0.0.0/0", "10.1.0.0/17", "172.31.0.0/16"]);
            let mut route = json!({
                "name": format!("told{number}"), "addressPrefix": prefix, "learnedBy": "rs",
                "nextHopIpAddress": self.r.one(&hops)
            });
            if self.r.chance(50) {
                route["asPath"] = json!(self.r.one(&["65001", "65001-65002"]));
            }
            self.e.add("bgpRoutes", route);
        }
        let from = self.some_machine();
        for to in ["172.31.0.5", "10.77.0.9", "www.example.org"] {
            self.ask(&from, to, "tcp/443");
        }
    }

    /// SAR-12: two spokes joined by a network manager.
    fn mesh(&mut self) {
        if self.vnets.len() < 3 {
            return;
        }
        if !self.e.sections.contains_key("networkManagers") {
            self.e.add("networkManagers", json!({ "name": "avnm" }));
        }
        self.e.add("networkGroups", json!({ "name": "joined", "parent": "avnm", "members": ["v1", "v2"] }));
        let global = if self.r.chance(50) { "True" } else { "False" };
        self.e.add(
            "connectivityConfigurations",
            json!({
                "name": "mesh", "parent": "avnm", "connectivityTopology": "Mesh", "isGlobal": global,
                "appliesToGroups": [{ "networkGroupId": "avnm/joined", "groupConnectivity": "DirectlyConnected" }]
            }),
        );
        let inside = |m: &&super::estate::Machine, vnet: &str| m.vnet == vnet && !m.ip.is_empty();
        let machines = self.machines.clone();
        let one = machines.iter().find(|m| inside(m, "v1"));
        let other = machines.iter().find(|m| inside(m, "v2"));
        if let (Some(one), Some(other)) = (one, other) {
            self.ask(&one.name, &other.ip, "tcp/443");
            self.ask(&other.name, &one.ip, "tcp/22");
        }
    }

    /// FW-17: application rules by tag, one whose members are known and one whose are not.
    fn fqdn_tags(&mut self) {
        let tag = self.r.one(&["AzureKubernetesService", "AzureKubernetesService", "WindowsUpdate"]);
        let groups = self.e.sections.get_mut("ruleCollectionGroups").and_then(Value::as_array_mut);
        let rules = groups
            .into_iter()
            .flatten()
            .flat_map(|g| g["ruleCollections"].as_array_mut().into_iter().flatten())
            .flat_map(|c| c["rules"].as_array_mut().into_iter().flatten());
        for rule in rules.filter(|r| r["ruleType"] == "ApplicationRule").take(1) {
            rule["targetFqdns"] = json!([]);
            rule["fqdnTags"] = json!([tag]);
        }
        let from = self.some_machine();
        self.ask(&from, "mcr.microsoft.com", "tcp/443");
        self.ask(&from, "www.example.org", "tcp/443");
    }

    fn add_subnet(&mut self, vnet: &str, subnet: Value) {
        let list = self.e.sections.get_mut("virtualNetworks").and_then(Value::as_array_mut);
        for row in list.into_iter().flatten().filter(|v| v["name"] == vnet) {
            if let Some(subnets) = row["subnets"].as_array_mut() {
                subnets.push(subnet.clone());
            }
        }
    }

    /// What the estate has of a kind, by name.
    fn known(&self, section: &str) -> Vec<String> {
        let items = self.e.sections.get(section).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|i| i["name"].as_str().map(str::to_owned)).collect()
    }

    /// AGW-1: a listener, public or private, and a pool by address.
    fn application_gateway(&mut self) {
        let mut subnet = json!({ "name": "agw", "addressPrefix": "10.0.4.0/24" });
        let groups = self.known("networkSecurityGroups");
        if !groups.is_empty() && self.r.chance(40) {
            subnet["networkSecurityGroup"] = json!(self.r.one(&groups));
        }
        let tables = self.known("routeTables");
        if !tables.is_empty() && self.r.chance(25) {
            subnet["routeTable"] = json!(self.r.one(&tables));
        }
        self.add_subnet("v0", subnet);
        let id = |list: &str, name: &str| part("applicationGateways", "agw", list, name);
        let public = self.public_ip("agwip");
        let address = self.publics.last().cloned();
        let backend = self.some_address();
        let mut listener = json!({
            "name": "listener", "frontendIPConfiguration": id("frontendIPConfigurations", "public"),
            "frontendPort": id("frontendPorts", "port")
        });
        if self.r.chance(30) {
            listener["hostName"] = json!("shop.example.net");
        }
        let addresses = if self.r.chance(90) { json!([{ "ipAddress": backend }]) } else { json!([]) };
        let mut gateway = json!({
            "name": "agw",
            "gatewayIPConfigurations": [{ "name": "ip", "subnet": "v0/agw" }],
            "frontendIPConfigurations": [
                { "name": "public", "publicIPAddress": public },
                { "name": "private", "subnet": "v0/agw", "privateIPAddress": "10.0.4.10" },
            ],
            "frontendPorts": [{ "name": "port", "port": 443 }],
            "backendAddressPools": [{ "name": "pool", "backendAddresses": addresses }],
            "backendHttpSettingsCollection": [{ "name": "settings", "port": self.r.one(&[443, 8080]) }],
            "httpListeners": [listener],
            "requestRoutingRules": [{
                "name": "rule", "priority": 100, "httpListener": id("httpListeners", "listener"),
                "backendAddressPool": id("backendAddressPools", "pool"),
                "backendHttpSettings": id("backendHttpSettingsCollection", "settings")
            }]
        });
        if self.r.chance(30) {
            gateway["enableNetworkIsolation"] = json!(true);
        }
        self.e.add("applicationGateways", gateway);
        let from = self.some_machine();
        self.ask(&from, "10.0.4.10", "tcp/443");
        self.ask(&from, "10.0.4.10", "tcp/80");
        if let Some(address) = address {
            self.ask("internet", &address, "tcp/443");
            self.ask("internet", &address, "tcp/22");
            self.ask(&from, &address, "tcp/443");
        }
    }

    /// Names of one's own that lead to services, in a private and a public zone; gateways and doors that ask for them.
    fn own_names(&mut self) {
        let services = self.services.clone();
        let (one, two) = (self.r.one(&services).host, self.r.one(&services).host);
        let alias = |name: &str, to: &str| json!({ "name": name, "recordType": "CNAME", "cname": to });
        let end = self.r.one(&[one.as_str(), "www.example.org", "gone.shop.internal"]).to_owned();
        let records =
            json!([alias("files", &one), alias("chain", "files.shop.internal"), alias("end", &end)]);
        self.e.add("privateDnsZones", json!({ "name": "shop.internal", "recordSets": records }));
        let linked = self.r.one(&["v0", "v1"]);
        let link = json!({ "name": "own", "privateDnsZone": "shop.internal", "virtualNetwork": linked });
        self.e.add("virtualNetworkLinks", link);
        let public = json!({ "name": "shop.example", "recordSets": [alias("files", &two)] });
        self.e.add("dnsZones", public);
        let names = ["files.shop.internal", "chain.shop.internal", "end.shop.internal", "files.shop.example"];
        for name in names {
            let from = self.some_machine();
            self.ask(&from, name, "tcp/443");
        }
        self.ask("internet", "files.shop.example", "tcp/443");
        let own = self
            .r
            .one(&[one.as_str(), names[0], names[1], names[2], names[3], "missing.shop.internal"])
            .to_owned();
        let gateway = self.e.sections.get_mut("applicationGateways").and_then(Value::as_array_mut);
        if let Some(gateway) = gateway.and_then(|l| l.first_mut()) {
            gateway["backendAddressPools"][0]["backendAddresses"] = json!([{ "fqdn": own }]);
            gateway["backendHttpSettingsCollection"][0]["pickHostNameFromBackendAddress"] = json!(true);
        }
        let origin = self.e.sections.get_mut("origins").and_then(Value::as_array_mut);
        if let Some(origin) =
            origin.and_then(|l| l.first_mut()).filter(|o| o["sharedPrivateLinkResource"].is_null())
        {
            origin["hostName"] = json!("files.shop.example");
        }
    }

    /// BAS-1: it answers 443 and opens flows of its own to machines.
    fn bastion(&mut self) {
        self.add_subnet("v0", json!({ "name": "AzureBastionSubnet", "addressPrefix": "10.0.253.0/26" }));
        let public = self.public_ip("basip");
        let address = self.publics.last().cloned();
        self.e.add(
            "bastionHosts",
            json!({ "name": "bastion", "ipConfigurations": [{ "name": "ip", "subnet": "v0/AzureBastionSubnet", "publicIPAddress": public }] }),
        );
        let sku = self.r.one(&[None, Some("Basic"), Some("Standard")]);
        if let Some(sku) = sku {
            self.e.set("bastionHosts", "bastion", "sku", json!(sku));
        }
        for service in ["tcp/22", "tcp/2222"] {
            let to = self.some_machine();
            self.ask("bastion", &to, service);
        }
        if let Some(address) = address {
            self.ask("internet", &address, "tcp/443");
            self.ask("internet", &address, "tcp/22");
        }
    }

    /// NSP-1, NSP-2: an enforced perimeter replaces what the resource itself says; a learning one only watches.
    fn perimeter(&mut self) {
        let services = self.services.clone();
        let service = self.r.one(&services);
        self.e.add("networkSecurityPerimeters", json!({ "name": "nsp" }));
        self.e.add("perimeterProfiles", json!({ "name": "profile", "parent": "nsp" }));
        let prefix = self.r.one(&["203.0.113.0/24", "20.50.0.0/16", "10.0.0.0/8"]);
        self.e.add(
            "perimeterAccessRules",
            json!({ "name": "nsp/profile/in", "direction": "Inbound", "addressPrefixes": [prefix] }),
        );
        let mode = self.r.one(&["Enforced", "Enforced", "Learning", "Audit"]);
        self.e.add(
            "perimeterAssociations",
            json!({ "name": "assoc", "parent": "nsp", "privateLinkResource": service.name, "profile": "nsp/profile", "accessMode": mode }),
        );
        let from = self.some_machine();
        self.ask(&from, &service.host, "tcp/443");
        self.ask("internet", &service.host, "tcp/443");
    }

    /// AML-5: compute in a managed network, of every mode and with rules of every kind.
    fn managed_network(&mut self) {
        let services = self.services.clone();
        let of = |kind: &str| services.iter().find(|s| s.kind == kind).map(|s| s.name.clone());
        let mode = self.r.one(&[
            "AllowOnlyApprovedOutbound",
            "AllowOnlyApprovedOutbound",
            "AllowInternetOutbound",
            "Disabled",
        ]);
        let lake = self.r.one(&services);
        let group = self.r.one(&lake.groups);
        let port = self.r.one(&["443", "1433, 11000-11999", "*"]);
        let tag = self.r.one(&["Storage", "AzureKeyVault", "Sql", "AzureContainerRegistry"]);
        let name =
            self.r.one(&["www.example.org", "*.example.org", "*.blob.core.windows.net", "*.vault.azure.net"]);
        let mut rules = json!({
            "lake": { "type": "PrivateEndpoint", "destination": { "serviceResourceId": lake.name, "subresourceTarget": group } },
            "tag": { "type": "ServiceTag", "destination": { "serviceTag": tag, "protocol": "TCP", "portRanges": port } },
            "name": { "type": "FQDN", "destination": name },
        });
        for rule in ["lake", "tag", "name"] {
            if let (true, Some(rules)) = (self.r.chance(50), rules.as_object_mut()) {
                rules.remove(rule);
            }
        }
        let mut workspace = json!({
            "name": "ws", "workspaceId": "8d1f6a3e-5b27-4c90-b1d4-6e7f80a91c22",
            "managedNetwork": { "isolationMode": mode, "outboundRules": rules }
        });
        for (field, kind) in
            [("storageAccount", "storage"), ("keyVault", "vault"), ("containerRegistry", "registry")]
        {
            if let Some(own) = of(kind).filter(|_| self.r.chance(60)) {
                workspace[field] = json!(own);
            }
        }
        self.e.add("workspaces", workspace);
        self.e.add("computes", json!({ "name": "managed", "parent": "ws", "computeType": "AmlCompute" }));
        for service in &services {
            self.ask("managed", &service.host, "tcp/443");
            self.ask("ws", &service.host, "tcp/443");
        }
        let accounts: Vec<_> = services.iter().filter(|s| s.kind == "storage").collect();
        if !accounts.is_empty() {
            let account = self.r.one(&accounts).name.clone();
            self.ask("managed", &format!("{account}.file.core.windows.net"), "tcp/445");
        }
        self.ask("managed", "www.example.org", "tcp/443");
        self.ask("managed", "www.example.org", "tcp/22");
        self.ask("managed", "login.microsoftonline.com", "tcp/443");
    }

    /// ST-2 (c), KV-3, NSP-2: services that call services, within one perimeter or by rule or trust.
    fn callers(&mut self) {
        let services = self.services.clone();
        let (one, other) = (self.r.one(&services), self.r.one(&services));
        let bypass = self.r.one(&["AzureServices", "None", "Logging, Metrics"]);
        for section in ["storageAccounts", "keyVaults"] {
            if self.r.chance(60) && self.known(section).contains(&other.name) {
                let list = self.e.sections.get_mut(section).and_then(Value::as_array_mut);
                for item in list.into_iter().flatten().filter(|i| i["name"] == other.name) {
                    item["networkAcls"] = json!({ "defaultAction": "Deny", "bypass": bypass });
                }
            }
        }
        self.e.add("searchServices", json!({ "name": "search" }));
        self.e.add("webApps", json!({ "name": "webapp" }));
        if !self.e.sections.contains_key("networkSecurityPerimeters") && self.r.chance(60) {
            let subscription = self.r.one(&[
                "/subscriptions/00000000-0000-0000-0000-000000000000",
                "/subscriptions/11111111-0000-0000-0000-000000000000",
            ]);
            self.e.add("networkSecurityPerimeters", json!({ "name": "nsp" }));
            self.e.add("perimeterProfiles", json!({ "name": "profile", "parent": "nsp" }));
            self.e.add(
                "perimeterAccessRules",
                json!({ "name": "nsp/profile/in", "direction": "Inbound", "subscriptions": [{ "id": subscription }] }),
            );
            self.e.add(
                "perimeterAccessRules",
                json!({ "name": "nsp/profile/out", "direction": "Outbound", "fullyQualifiedDomainNames": ["*.example.org", one.host.clone()] }),
            );
            let members = [other.name.as_str(), "search", "webapp"];
            for (number, name) in members.iter().enumerate().filter(|(n, _)| *n == 0 || n % 2 == 1) {
                let mode = if self.r.chance(75) { "Enforced" } else { "Learning" };
                self.e.add(
                    "perimeterAssociations",
                    json!({ "name": format!("a{number}"), "parent": "nsp", "privateLinkResource": name, "profile": "nsp/profile", "accessMode": mode }),
                );
            }
        }
        let machine = self.some_machine();
        for from in ["search", "webapp", machine.as_str()] {
            self.ask(from, &other.host, "tcp/443");
            self.ask(from, &one.host, "tcp/443");
        }
        self.ask("search", "www.example.org", "tcp/443");
    }

    /// DNS-5: a zone group that writes into a zone of the wrong name.
    fn wrong_zone(&mut self) {
        let zone = self.r.one(&["privatelink.vault.azure.net", "privatelink.blob.azure.com"]);
        self.e.add("privateDnsZones", json!({ "name": zone }));
        let groups = self.e.sections.get_mut("privateDnsZoneGroups").and_then(Value::as_array_mut);
        for group in groups.into_iter().flatten().take(1) {
            group["privateDnsZones"] = json!([zone]);
        }
    }

    /// DNS-13, DNS-14: a ruleset sends names to a server of the estate.
    fn ruleset(&mut self) {
        self.add_subnet("v0", json!({ "name": "dnsout", "addressPrefix": "10.0.5.0/28" }));
        if !self.e.sections.contains_key("dnsResolvers") {
            self.e.add("dnsResolvers", json!({ "name": "resolver", "virtualNetwork": "v0" }));
        }
        self.e
            .add("outboundEndpoints", json!({ "name": "out", "parent": "resolver", "subnet": "v0/dnsout" }));
        let mut servers = self.names.clone();
        servers.push("10.0.1.98".into());
        servers.push("172.30.100.53".into());
        let server = self.r.one(&servers);
        let domain = self.r.one(&["corp.example.", "example.org.", ".", "blob.core.windows.net."]);
        let state = if self.r.chance(85) { "Enabled" } else { "Disabled" };
        self.e.add(
            "dnsForwardingRulesets",
            json!({
                "name": "rules", "dnsResolverOutboundEndpoints": ["resolver/out"],
                "forwardingRules": [{
                    "name": "forward", "domainName": domain, "forwardingRuleState": state,
                    "targetDnsServers": [{ "ipAddress": server, "port": 53 }]
                }]
            }),
        );
        let vnets = self.vnets.clone();
        let vnet = self.r.one(&vnets).0;
        self.e.add("rulesetLinks", json!({ "name": "link", "parent": "rules", "virtualNetwork": vnet }));
        let inside: Vec<String> =
            self.machines.iter().filter(|m| m.vnet == vnet).map(|m| m.name.clone()).collect();
        for name in inside.iter().take(2) {
            self.ask(name, "www.example.org", "tcp/443");
            self.ask(name, "db.corp.example", "tcp/443");
        }
    }

    /// GW-3: a branch of static prefixes, without a site that describes it.
    fn local_network_gateway(&mut self) {
        let vpn = self.e.sections.get("virtualNetworkGateways").and_then(Value::as_array);
        let vpn = vpn.into_iter().flatten().find(|g| g["gatewayType"] == "Vpn");
        let Some(gateway) = vpn.and_then(|g| g["name"].as_str().map(str::to_owned)) else { return };
        self.e.add(
            "localNetworkGateways",
            json!({ "name": "far", "localNetworkAddressSpace": { "addressPrefixes": ["172.29.0.0/16"] } }),
        );
        self.e.add(
            "connections",
            json!({ "name": "to-far", "virtualNetworkGateway1": gateway, "localNetworkGateway2": "far", "connectionType": "IPsec" }),
        );
        for _ in 0..2 {
            let from = self.some_machine();
            self.ask(&from, "172.29.0.9", "tcp/443");
        }
        let sites = self.sites.clone();
        if !sites.is_empty() {
            let site = self.r.one(&sites);
            self.ask(&site, "172.29.0.9", "tcp/443");
        }
    }

    /// An inbound NAT rule to one backend of the public balancer.
    fn inbound_nat(&mut self) {
        let list = self.e.sections.get_mut("loadBalancers").and_then(Value::as_array_mut);
        let Some(balancer) = list.into_iter().flatten().find(|b| b["name"] == "plb") else { return };
        balancer["inboundNatRules"] = json!([{
            "name": "ssh", "frontendIPConfiguration": front_id("plb", "front"), "protocol": "Tcp",
            "frontendPort": 2222, "backendPort": 22
        }]);
        let public = balancer["frontendIPConfigurations"][0]["publicIPAddress"].as_str().unwrap_or_default();
        let public = public.to_owned();
        let rule = part("loadBalancers", "plb", "inboundNatRules", "ssh");
        let nics = self.e.sections.get_mut("networkInterfaces").and_then(Value::as_array_mut);
        for nic in nics.into_iter().flatten().filter(|n| n["name"] == "plb0-nic") {
            nic["ipConfigurations"][0]["loadBalancerInboundNatRules"] = json!([rule]);
        }
        let ips = self.e.sections.get("publicIPAddresses").and_then(Value::as_array);
        let ip = ips.into_iter().flatten().find(|p| p["name"] == *public);
        if let Some(ip) = ip.and_then(|p| p["ipAddress"].as_str()).map(str::to_owned) {
            self.ask("internet", &ip, "tcp/2222");
            let from = self.some_machine();
            self.ask(&from, &ip, "tcp/2222");
        }
    }

    /// VWAN-1 to VWAN-12: two hubs with spokes, perhaps with routing intent, and a branch.
    fn virtual_wan(&mut self) {
        self.e.add("virtualWans", json!({ "name": "wan" }));
        let two = self.r.chance(60);
        for number in 0..1 + usize::from(two) {
            let hub = format!("hub{number}");
            self.e.add(
                "virtualHubs",
                json!({ "name": hub, "virtualWan": "wan", "addressPrefix": format!("10.{}.0.0/23", 100 + number) }),
            );
            if self.r.chance(60) {
                self.hub_firewall(number);
            }
            for spoke in 0..1 + self.r.below(2) {
                self.hub_spoke(number, spoke);
            }
        }
        if self.r.chance(60) {
            self.e.add(
                "onPremisesSites",
                json!({ "name": "shop", "addressPrefixes": ["172.28.0.0/24"], "connectedTo": ["hub0"] }),
            );
        }
        let spokes: Vec<(String, String)> = self.wan.clone();
        let shop = self.known("onPremisesSites").contains(&"shop".to_owned());
        for (name, _) in &spokes {
            let (_, ip) = self.r.one(&spokes);
            if !ip.is_empty() {
                self.ask(name, &ip, "tcp/443");
            }
            self.ask(name, "www.example.org", "tcp/443");
            if shop {
                self.ask(name, "172.28.0.9", "tcp/22");
                self.ask("shop", name, "tcp/443");
            }
        }
    }

    fn hub_firewall(&mut self, number: usize) {
        let (name, hub) = (format!("hubfw{number}"), format!("hub{number}"));
        let policy = format!("hubpolicy{number}");
        self.e.add("firewallPolicies", json!({ "name": policy }));
        self.e.add(
            "azureFirewalls",
            json!({
                "name": name, "sku": "AZFW_Hub", "virtualHub": hub,
                "hubIPAddresses": { "privateIPAddress": format!("10.{}.0.132", 100 + number) }, "firewallPolicy": policy
            }),
        );
        let ports = self.r.one(&["*", "443"]);
        let group = format!("hubgroup{number}");
        self.e.add(
            "ruleCollectionGroups",
            json!({
                "name": group, "parent": policy, "priority": 200, "ruleCollections": [{
                    "name": "all", "priority": 100, "action": { "type": "Allow" }, "rules": [{
                        "name": "any", "ruleType": "NetworkRule", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
                        "destinationAddresses": ["*"], "destinationPorts": [ports]
                    }]
                }]
            }),
        );
        let mut policies = Vec::new();
        if self.r.chance(70) {
            policies.push(json!({ "name": "internet", "destinations": ["Internet"], "nextHop": name }));
        }
        if self.r.chance(70) {
            policies.push(json!({ "name": "private", "destinations": ["PrivateTraffic"], "nextHop": name }));
        }
        self.e.add(
            "routingIntents",
            json!({ "name": format!("intent{number}"), "parent": hub, "routingPolicies": policies }),
        );
    }

    fn hub_spoke(&mut self, hub: usize, number: usize) {
        let name = format!("w{hub}{number}");
        // A range that no private policy lists, now and then (VWAN-9).
        let base = match self.r.chance(15) {
            true => format!("21.{}", 30 + 10 * hub + number),
            false => format!("10.{}", 30 + 10 * hub + number),
        };
        let mut subnet = json!({ "name": "work", "addressPrefix": format!("{base}.1.0/24") });
        let groups = self.known("networkSecurityGroups");
        if !groups.is_empty() && self.r.chance(30) {
            subnet["networkSecurityGroup"] = json!(self.r.one(&groups));
        }
        let tables = self.known("routeTables");
        if !tables.is_empty() && self.r.chance(15) {
            subnet["routeTable"] = json!(self.r.one(&tables));
        }
        self.e.add(
            "virtualNetworks",
            json!({ "name": name, "addressPrefixes": [format!("{base}.0.0/16")], "subnets": [subnet] }),
        );
        let mut connection = json!({ "name": format!("hub{hub}/to-{name}"), "remoteVirtualNetwork": name });
        if self.r.chance(20) {
            connection["enableInternetSecurity"] = json!(false);
        }
        if self.r.chance(15) {
            connection["routingConfiguration"] =
                json!({ "propagatedRouteTables": { "ids": [format!("hub{hub}/noneRouteTable")] } });
        }
        self.e.add("hubVirtualNetworkConnections", connection);
        let (host, ip) = (format!("{name}-host"), format!("{base}.1.10"));
        self.e
            .add("hosts", json!({ "name": host, "subnet": format!("{name}/work"), "privateIPAddress": ip }));
        self.wan.push((host, ip));
    }

    /// AFD-1 to AFD-3: an endpoint with one origin, by public name or over a private link.
    fn front_door(&mut self) {
        self.e.add("frontDoorProfiles", json!({ "name": "door", "sku": "Premium_AzureFrontDoor" }));
        self.e.add(
            "frontDoorEndpoints",
            json!({ "name": "front", "parent": "door", "hostName": "shop.azurefd.net" }),
        );
        self.e.add("originGroups", json!({ "name": "web", "parent": "door" }));
        let services = self.services.clone();
        let host = match self.r.chance(60) {
            true => self.r.one(&services).host,
            false => "www.example.org".to_owned(),
        };
        let mut origin =
            json!({ "name": "origin", "parent": "door/web", "hostName": host, "httpsPort": 443 });
        if self.r.chance(15) {
            origin["enabledState"] = json!("Disabled");
        }
        if self.r.chance(30) {
            let service = self.r.one(&services);
            let status = self.r.one(&["Approved", "Pending"]);
            origin["sharedPrivateLinkResource"] =
                json!({ "privateLink": service.name, "groupId": service.groups[0], "status": status });
        }
        self.e.add("origins", origin);
        let mut route = json!({ "name": "all", "parent": "door/front", "originGroup": "door/web" });
        if self.r.chance(10) {
            route["enabledState"] = json!("Disabled");
        }
        route["forwardingProtocol"] = json!(self.r.one(&["MatchRequest", "HttpsOnly", "HttpOnly"]));
        if self.r.chance(30) {
            route["supportedProtocols"] = json!([self.r.one(&["Http", "Https"])]);
        }
        if self.r.chance(30) {
            let api = json!({ "name": "api", "parent": "door/front", "originGroup": "door/web", "patternsToMatch": ["/api/*"] });
            self.e.add("frontDoorRoutes", api);
            route["patternsToMatch"] = json!(["/*"]);
        }
        self.e.add("frontDoorRoutes", route);
        let from = self.some_machine();
        self.ask("internet", "shop.azurefd.net", "tcp/443");
        self.ask(&from, "shop.azurefd.net", "tcp/443");
        self.ask("internet", "shop.azurefd.net", "tcp/80");
        self.ask(&from, "shop.azurefd.net", "tcp/22");
    }
}
