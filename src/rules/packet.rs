//! The pipeline of one new flow.

rules! { after 0;
    PKT_1 "PKT-1" E TROUBLESHOOT: "A flow to a host name begins with a name look-up; only the address that \
        comes back is then routed and filtered. When the look-up fails the trace stops there with issue type \
        DnsResolution and no packet is simulated.";
    PKT_2 "PKT-2" A KEY_VAULT_FIREWALL: "A data-plane call signed in with Entra needs at least three flows, \
        each with its own verdict: getting the token (IMDS at 169.254.169.254 for a managed identity, \
        otherwise the Entra endpoint on 443), looking up the name, and reaching the data. Key Vault splits \
        its own traffic likewise into authentication, management and data.";
    PKT_3 "PKT-3" A ADMIN_RULES: "What a VM sends meets, in turn, outbound security admin rules, the NSG of \
        its NIC, the NSG of its subnet, the effective routes of that subnet, and the next hop. Whether NSGs \
        or routes come first is neither documented nor visible from outside, so both are always evaluated \
        and reported, and the one earlier in this list counts as the primary blocker (this last part is \
        inferred).";
    PKT_4 "PKT-4" A NSG_OVERVIEW: "At the receiving end: translation by load balancer or public IP, then \
        inbound security admin rules, subnet NSG, NIC NSG, then the guest. For a private endpoint the NSGs \
        count only while its subnet has network policies on (PE-6).";
    PKT_5 "PKT-5" B UDR: "A VM or appliance in the middle of a path is a destination and then a source: the \
        packet passes its inbound checks (PKT-4), and when it is forwarded its outbound checks (PKT-3) by \
        the effective routes where the appliance stands. Both see the addresses of the packet in transit, \
        not those of the appliance, unless it translates or proxies.";
    PKT_6 "PKT-6" A NSG_OVERVIEW: "The verdict is about the flow: the packet must arrive and its reply must \
        return. The reply takes the routes of the subnet it leaves from, never the forward path reversed; it \
        is let through by NSGs and security admin rules where the flow has a record (NSG-12); and it must \
        cross the same stateful translators and firewalls as the packet did (ASYM-1).";
    PKT_7 "PKT-7" K TROUBLESHOOT: "What Azure drops it drops silently, so the client times out (general \
        knowledge). Documented exceptions: NAT gateway resets TCP flows it does not know (NAT-8), Azure \
        Firewall's proxy answers the handshake first (FW-24), platform service firewalls reply HTTP 403, and \
        DNS says NXDOMAIN.";
    PKT_8 "PKT-8" B VNET_FAQ: "A VNet never carries multicast, broadcast, GRE, IP-in-IP or unicast DHCP (UDP \
        68 to 67), whatever rules allow them, and the host keeps UDP source port 65330 for itself. The \
        default gateway ignores ping, and tracert shows nothing useful.";
    PKT_9 "PKT-9" B SNAT: "Source the destination sees. Client private IP: VM to VM, peering, gateways. \
        Client IP: LBs (destination becomes backend IP and port; with floating IP it stays the frontend), \
        firewall network rule to private. A firewall instance IP: application rule. Firewall private IP: \
        DNAT. Firewall or NAT gateway public IP: network rule to public. The public IP in use: NAT gateway, \
        LB, ILPIP, default outbound. Private IP plus subnet identity: SE. The PE connection, not an IP: PE. \
        Own subnet IP: AppGW, Bastion. AzureFrontDoor.Backend IP plus X-Azure-FDID: Front Door. An \
        Azure-internal private IP: same-region call to public Storage.";
}
