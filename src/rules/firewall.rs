//! Azure Firewall.

rules! { after super::gateway::END;
    FW_1 "FW-1" A RULE_PROCESSING: "Without a rule that matches, Azure Firewall denies. Every rule ends the \
        search when it matches.";
    FW_2 "FW-2" A RULE_PROCESSING: "The order is threat intelligence (if it denies), DNAT rules, network \
        rules, application rules, infrastructure FQDNs, deny.";
    FW_3 "FW-3" A RULE_PROCESSING: "Three passes over all rule collection groups: DNAT, network, \
        application. In each, groups of the parent policy come first whatever their numbers, then the \
        child's; within, by group priority, then by collection priority (100 first, 65000 last). Check: \
        parent 200 (DNAT 600, DNAT 610, Net 800), parent 300 (App 1200, Net 1300), child 300 (Net 700, App \
        900), child 650 (Net 1100, App 2000, DNAT 3000) run as DNAT 600, 610, 3000; Net 800, 1300, 700, \
        1100; App 1200, 900, 2000.";
    FW_4 "FW-4" A RULE_PROCESSING: "All rules of a collection share one type and one action: Allow or Deny \
        in a filter collection, DNAT in a NAT collection.";
    FW_5 "FW-5" A RULE_PROCESSING: "Application rules are tried only for HTTP, HTTPS and MSSQL, and only \
        after every network rule failed to match. A network allow on 443 therefore hides all application \
        denies, a network deny all application allows.";
    FW_6 "FW-6" A RULE_PROCESSING: "HTTP is matched by its Host header, HTTPS by SNI, and with TLS \
        inspection by URL too. With HTTP and inspected HTTPS the packet's destination IP is disregarded: the \
        firewall resolves the name and connects there; a port that differs from the Host header's is \
        dropped.";
    FW_7 "FW-7" A RULE_PROCESSING: "Application rules are never applied to flows that came in by DNAT; a web \
        application firewall does that.";
    FW_8 "FW-8" A RULE_PROCESSING: "A DNAT rule matches source, port, and as destination one of the \
        firewall's IPs: public, or private for DNAT inside. In the text of 2026 translated traffic is \
        allowed and not put to network rules; older texts let an explicit network deny override that. Knob \
        dnatThenNetworkDeny, default false (D-1).";
    FW_9 "FW-9" A RULE_PROCESSING: "The firewall is stateful: replies pass even against an explicit deny the \
        other way. Turning a rule to deny cuts sessions already open, which NSGs do not (NSG-13).";
    FW_10 "FW-10" A RULE_PROCESSING: "That A may open flows to B does not let B open flows to A.";
    FW_11 "FW-11" A RULE_PROCESSING: "Protocol Any with a given destination port means TCP and UDP; with \
        port * it means every IP protocol.";
    FW_12 "FW-12" A RULE_PROCESSING: "Intrusion detection in alert mode runs beside the rules; in \
        alert-and-deny mode it stands in the path after them and drops without a sign.";
    FW_13 "FW-13" A RULE_PROCESSING: "Just before the final deny a built-in collection allows platform \
        images, managed disk status and diagnostics. A last application collection that denies all overrides \
        it.";
    FW_14 "FW-14" B FQDN_NETWORK: "FQDNs in network rules serve any TCP or UDP port but need DNS proxy and \
        take no wildcards. They match by resolved IP, so two names on one IP look the same; addresses are \
        refreshed about every 15 s and kept about 15 min.";
    FW_15 "FW-15" B FIREWALL_DNS: "With DNS proxy, clients must use the firewall's private IP as their DNS \
        server. Otherwise client and firewall may resolve differently, and FQDN network rules miss.";
    FW_16 "FW-16" B FIREWALL_FAQ: "An application rule for *.contoso.com does not match contoso.com itself.";
    FW_17 "FW-17" B FQDN_TAGS: "FQDN tags belong in application rules only, protocol https: WindowsUpdate, \
        WindowsDiagnostics, MicrosoftActiveProtectionService, AppServiceEnvironment, AzureBackup, \
        AzureHDInsight, WindowsVirtualDesktop, AzureKubernetesService, Windows365, MicrosoftIntune, \
        Office365 and its variants, CitrixHDXPlusForWindows365. Azure Machine Learning has none and takes \
        service tags in network rules plus FQDNs in application rules (AML-6).";
    FW_18 "FW-18" B SERVICE_TAGS: "Network rules accept service tags as destination.";
    FW_19 "FW-19" B SNAT: "Network rules keep the source for RFC 1918 and 100.64.0.0/10 destinations and \
        SNAT to all others. privateRanges = 0.0.0.0/0 means never, 255.255.255.255/32 always. Application \
        rules always SNAT. Under forced tunnelling internet traffic gets a private IP of the firewall.";
    FW_20 "FW-20" E SNAT: "In consequence the destination's NSG has to allow the client when a network rule \
        passed the flow, and AzureFirewallSubnet when an application rule did (FW-19).";
    FW_21 "FW-21" B FIREWALL_FAQ: "Spoke to spoke by the hub's firewall takes a route to its IP on both \
        spokes, a rule that matches, and the peering flags (PEER-6). With no rules of one's own the flow \
        ends at the firewall, not at the peering.";
    FW_22 "FW-22" B FIREWALL_FAQ: "Traffic inside one VNet is inspected by the routes of RT-18.";
    FW_23 "FW-23" A RULE_PROCESSING: "Towards limits an IP Group is one address. A child policy takes over \
        all rules of its parent and cannot weaken a match there.";
    FW_24 "FW-24" B FIREWALL_FAQ: "A TCP connect to port 80 or 443 through the firewall can succeed with no \
        rule that allows it: the transparent proxy completes the handshake and resets or denies once it has \
        read the name. The verdict is blocked at application layer, not reachable.";
    FW_25 "FW-25" A PE_INSPECT: "MSSQL rules by FQDN work in proxy mode on 1433 only. Redirect mode, the \
        default inside Azure, needs network rules with ports 11000-11999 added (range from general \
        knowledge).";
    FW_26 "FW-26" B FIREWALL_FAQ: "AzureFirewallSubnet is a /26, without NSG (NSG-21), with a direct path to \
        the internet (RT-35). Idle TCP sessions end after 4 min.";
    FW_27 "FW-27" B LIMITS_2019: "Reaching a firewall over global peering is noted among the limits, which \
        advise one firewall per region. It is not taken to block routing.";
    FW_28 "FW-28" B FIREWALL_FAQ: "With the service endpoint on AzureFirewallSubnet and not on the spokes, \
        the service sees the identity of the firewall's subnet.";
    FW_29 "FW-29" E RULE_PROCESSING: "The firewall of a secured Virtual WAN hub keeps to the same order of \
        rules; its routes come from VWAN-8, VWAN-9 and VWAN-10.";
}
