//! Network security groups, service tags, application security groups.

rules! { after super::packet::END;
    NSG_1 "NSG-1" A NSG_OVERVIEW: "An NSG rule has a name, priority, direction, access (Allow or Deny), \
        protocol (Tcp, Udp, Icmp, Esp, Ah or *), and addresses and ports for source and destination.";
    NSG_2 "NSG-2" A NSG_OVERVIEW: "Rules of one's own take priorities 100 to 4096, each used once per \
        direction. They are tried from the lowest number up, and the first that matches decides for that \
        NSG.";
    NSG_3 "NSG-3" A NSG_OVERVIEW: "Every NSG ends with six default rules for any port and protocol, which \
        cannot be removed but lose to any rule of one's own. In: 65000 AllowVNetInBound VirtualNetwork to \
        VirtualNetwork; 65001 AllowAzureLoadBalancerInBound AzureLoadBalancer to 0.0.0.0/0; 65500 \
        DenyAllInBound. Out: 65000 AllowVnetOutBound VirtualNetwork to VirtualNetwork; 65001 \
        AllowInternetOutBound 0.0.0.0/0 to Internet; 65500 DenyAllOutBound.";
    NSG_4 "NSG-4" B NSG_HOW: "Traffic coming in meets the subnet's NSG and then the NIC's; traffic going out \
        meets the NIC's first. Both, where present, must allow it; after a deny the second is not asked.";
    NSG_5 "NSG-5" B NSG_HOW: "Where a subnet or NIC has no NSG, that level allows; with none at either level \
        all traffic passes. Standard public frontends are the exception: they stay closed (LB-2, PIP-1).";
    NSG_6 "NSG-6" B NSG_HOW: "A subnet's NSG also filters traffic between two NICs inside that subnet: once \
        outbound for the sender and once inbound for the receiver.";
    NSG_7 "NSG-7" B NSG_HOW: "A subnet or a NIC carries one NSG or none; the same NSG may be attached to \
        many subnets and NICs.";
    NSG_8 "NSG-8" A NSG_OVERVIEW: "Rules see the 5-tuple with private addresses: inbound once the public \
        address has been translated, outbound while it has not. An inbound rule whose destination is the \
        public IP of the VM therefore never matches.";
    NSG_9 "NSG-9" A NSG_OVERVIEW: "Behind a load balancer a rule is matched against the original client and \
        against the address and port of the backend that was picked; those of the frontend never appear.";
    NSG_10 "NSG-10" A NSG_OVERVIEW: "Protocol * stands for TCP, UDP and ICMP, and for ESP and AH where used. \
        As ICMP has no ports, a rule that names a port does not match it (inferred).";
    NSG_11 "NSG-11" A NSG_OVERVIEW: "One rule may list many addresses, ranges and ports. Each address field \
        holds either a single service tag, or application security groups (the API takes up to 10 per rule), \
        or a list of addresses, never a mixture.";
    NSG_12 "NSG-12" A NSG_OVERVIEW: "NSGs are stateful. A new flow that is let through leaves a flow record, \
        and its replies pass on that record without any rule for the other direction.";
    NSG_13 "NSG-13" A NSG_OVERVIEW: "A change of rules touches new flows only: a session already open goes \
        on after the rule that let it in is gone. Azure Firewall does the opposite (FW-9).";
    NSG_14 "NSG-14" A NSG_OVERVIEW: "When the other end opens a connection of its own, that is another new \
        flow and must be allowed in every NSG it crosses, whatever flows exist the other way.";
    NSG_15 "NSG-15" A NSG_OVERVIEW: "0.0.0.0/0, * and Any as an address mean the same: every address.";
    NSG_16 "NSG-16" A NSG_OVERVIEW: "An Azure resource is named in a rule by its private IP.";
    NSG_17 "NSG-17" A NSG_OVERVIEW: "DHCP, DNS, IMDS and health traffic of the platform at 168.63.129.16 and \
        169.254.169.254 passes NSGs by default, even an outbound Deny *. Only an outbound deny whose \
        destination is the tag AzurePlatformDNS, AzurePlatformIMDS or AzurePlatformLKM stops it.";
    NSG_18 "NSG-18" A WIRE_SERVER: "Traffic to the wire server (168.63.129.16 on TCP 80 and 32526) never \
        meets an NSG. DNS to the same address, port 53, meets one only through the tag AzurePlatformDNS.";
    NSG_19 "NSG-19" A NSG_OVERVIEW: "Windows licensing to KMS leaves on TCP 1688 and is exempt from NSGs, \
        unless the subnet overrides 0.0.0.0/0: then the exemption is lost.";
    NSG_20 "NSG-20" A NSG_OVERVIEW: "The platform may stop mail to the internet on TCP 25 by type of \
        subscription, whatever the NSGs say; enterprise agreements are not blocked, other types may be. \
        Relays on 587 are always free. It is a property of the subscription.";
    NSG_21 "NSG-21" B FIREWALL_FAQ: "AzureFirewallSubnet needs no NSG, and one attached to it is switched \
        off: leave it out of the evaluation.";
    NSG_22 "NSG-22" A ER_GATEWAYS: "GatewaySubnet supports no NSG. One found there is reported as a \
        configuration error and filters nothing.";
    NSG_23 "NSG-23" B ROUTE_SERVER: "RouteServerSubnet accepts neither an NSG nor a route table.";
    NSG_24 "NSG-24" B BASTION_NSG: "An NSG can be attached to AzureBastionSubnet only if it has at least: \
        inbound 443 from the clients and from GatewayManager, outbound 22 and 3389 to VirtualNetwork, and \
        outbound 443 to AzureCloud.";
    NSG_25 "NSG-25" B AGW_SUBNET: "The subnet of an Application Gateway v2 without network isolation must \
        let in GatewayManager on 65200-65535 (v1: 65503-65534) and AzureLoadBalancer, and leave outbound \
        Internet open. With network isolation AzureLoadBalancer inbound is enough, and outbound may be \
        denied.";
    NSG_26 "NSG-26" B PE_POLICY: "NSGs do not apply to private endpoints unless \
        privateEndpointNetworkPolicies of their subnet is Enabled or NetworkSecurityGroupEnabled. Other NICs \
        of that subnet are filtered in any case.";
    NSG_27 "NSG-27" B PE_OVERVIEW: "With policies on, an NSG treats a private endpoint so: conditions on the \
        source port count as *, outbound rules of its subnet do nothing (an endpoint opens no flows), and \
        security admin rules stay out (SAR-8).";
    NSG_28 "NSG-28" B NSG_DIAGNOSE: "Effective rules are listed per NSG, with association NetworkInterface \
        or Subnet; default ones are named defaultSecurityRules/NAME, others securityRules/NAME, and tags \
        appear as prefixes. A stopped VM, or a NIC without any NSG, has no output.";

    TAG_1 "TAG-1" B SERVICE_TAGS: "For a NIC the tag VirtualNetwork holds the prefixes of its own VNet, of \
        VNets peered directly (PEER-5), of on-premises sites and VNets known through its own gateway or the \
        remote one it uses, 168.63.129.16, and the prefixes of user-defined routes, a default route \
        included.";
    TAG_2 "TAG-2" B SERVICE_TAGS: "It follows that a user-defined 0.0.0.0/0 to an appliance makes \
        VirtualNetwork cover every address: AllowVNetInBound and AllowVnetOutBound then match internet peers \
        ahead of DenyAll. The tag is computed per subnet, not per VNet (that scope is inferred, D-3).";
    TAG_3 "TAG-3" E SERVICE_TAGS: "VirtualNetwork does not pass on through peerings: the prefixes of a \
        peer's peer are outside it unless a gateway or a user-defined route brings them in (TAG-1).";
    TAG_4 "TAG-4" B SERVICE_TAGS: "AzureLoadBalancer is 168.63.129.16/32, the source of health probes. \
        Clients that come through a load balancer are not in it.";
    TAG_5 "TAG-5" B SERVICE_TAGS: "Internet is what lies outside the virtual network and is reached over the \
        public internet, public addresses of Azure included. An RFC 1918 address missing from VirtualNetwork \
        is in neither tag and falls to DenyAll (inferred).";
    TAG_6 "TAG-6" B SERVICE_TAGS: "AzureCloud, or AzureCloud.REGION, is every public address of Azure's \
        datacenters, those of all other customers among them.";
    TAG_7 "TAG-7" B SERVICE_TAGS: "A service tag means the whole service, not one's own resource: Storage \
        opens all storage accounts of all customers, Storage.WestEurope all of that region.";
    TAG_8 "TAG-8" B SERVICE_TAGS: "Sql leaves out SQL Managed Instance. GatewayManager manages VPN gateways \
        and Application Gateway, and Bastion. AzureFrontDoor.Backend is Front Door towards the origin, \
        AzureFrontDoor.Frontend is what clients connect to.";
    TAG_9 "TAG-9" B SERVICE_TAGS: "The routes that a service endpoint adds carry the prefixes of that \
        service's tag, no more and no fewer.";
    TAG_10 "TAG-10" B SERVICE_TAGS: "The inbound and outbound columns of the published tag table are advice: \
        any tag works in either direction.";
    TAG_11 "TAG-11" E SERVICE_TAGS: "The private IP of a private endpoint belongs to no service tag: \
        allowing Storage does not allow a private endpoint of a storage account.";

    ASG_1 "ASG-1" B ASG: "On the side where a rule names an application security group it concerns member \
        NICs alone. For any other NIC the rule is passed over, even when the NSG is on its subnet.";
    ASG_2 "ASG-2" B ASG: "The first member fixes the VNet of an application security group; all others must \
        be in that VNet.";
    ASG_3 "ASG-3" B ASG: "Groups on both sides of a rule must belong to one VNet: a pair across a peering is \
        invalid configuration.";
    ASG_4 "ASG-4" B ASG: "Membership is held by IP configurations, and a NIC may belong to several groups.";
    ASG_5 "ASG-5" B PE_OVERVIEW: "A group of private endpoints can be the destination of a rule, with at \
        most 50 members.";
}
