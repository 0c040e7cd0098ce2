//! NAT gateway, load balancer, public IP.

rules! { after super::firewall::END;
    NAT_1 "NAT-1" A NAT_OVERVIEW: "A NAT gateway is attached to subnets: at most one each, and one gateway \
        may serve several subnets of a VNet. The Standard SKU does not reach beyond a VNet.";
    NAT_2 "NAT-2" A NAT_OVERVIEW: "Only flows begun inside use it; unsolicited traffic cannot come in.";
    NAT_3 "NAT-3" A NAT_OVERVIEW: "It carries TCP and UDP; ICMP fails.";
    NAT_4 "NAT-4" A NAT_OVERVIEW: "GatewaySubnet and subnets of SQL Managed Instance cannot have one; \
        StandardV2 is also excluded from many delegated subnets.";
    NAT_5 "NAT-5" A NAT_OVERVIEW: "It cannot share a subnet with a Basic load balancer or a Basic public IP.";
    NAT_6 "NAT-6" A NAT_OVERVIEW: "Peered spokes leave by a hub's NAT gateway only through an appliance or \
        firewall in its subnet; the peering alone does not lead there.";
    NAT_7 "NAT-7" B NAT_RESOURCE: "Each public IP brings 64,512 SNAT ports, up to 16 IPs. All its subnets \
        draw on the same stock.";
    NAT_8 "NAT-8" B NAT_RESOURCE: "TCP traffic of a flow it does not know is answered by RST. Idle time is 4 \
        to 120 min for TCP and 4 min for UDP.";

    LB_1 "LB-1" A LB_OVERVIEW: "A load balancer passes layer 4 traffic on, by default to the backend that \
        the 5-tuple hashes to. Health probes decide which backends may get new flows.";
    LB_2 "LB-2" A LB_OVERVIEW: "Frontends of a Standard load balancer let nothing in until an NSG on the \
        backend's subnet or NIC allows it, so having no NSG means closed, unlike NSG-5. Basic ones are open \
        by default.";
    LB_3 "LB-3" B LB_PROBES: "When every probe fails no new flows are accepted. Standard keeps TCP flows \
        that exist; Basic ends them.";
    LB_4 "LB-4" B LB_PROBES: "Probes come from 168.63.129.16 and pass by default rule 65001. A Deny * of \
        one's own, being ahead of it, takes the whole pool down (PLAT-6).";
    LB_5 "LB-5" A LB_BACKEND: "A backend that calls the frontend of its own internal load balancer fails \
        whenever the hash picks itself and succeeds otherwise: intermittent and unsupported. In a pool of \
        one it always fails (inferred).";
    LB_6 "LB-6" B LB_HA_PORTS: "An HA ports rule (protocol All, port 0) exists on internal Standard load \
        balancers only. It takes all TCP and UDP, not ICMP (inferred).";
    LB_7 "LB-7" A LB_FLOATING: "With floating IP the packet arrives with the frontend as its destination. \
        The guest must have that address on a loopback or drops the packet.";
    LB_8 "LB-8" A NSG_OVERVIEW: "The backend port need not equal the frontend port, and the backend port is \
        the one the NSG must allow.";
    LB_9 "LB-9" B LB_COMPONENTS: "Outbound rules are a feature of Standard public load balancers; Basic \
        lacks them.";
    LB_10 "LB-10" B LB_OUTBOUND: "SNAT ports given in advance to each backend, by size of pool: 1-50 1024, \
        51-100 512, 101-200 256, 201-400 128, 401-800 64, 801-1000 32.";
    LB_11 "LB-11" A PEERING: "A Basic internal load balancer cannot be used over global peering (PEER-9).";
    LB_12 "LB-12" A LB_BACKEND: "Flows already open to a backend outlive its removal from the pool.";

    PIP_1 "PIP-1" B PUBLIC_IP: "A Standard public IP is static and closed inbound until an NSG allows; a \
        Basic one is open by default. Its SKU must equal that of the load balancer.";
    PIP_2 "PIP-2" B LB_OUTBOUND: "A public IP on a NIC (ILPIP) is one-to-one NAT without state, for all \
        ports and for TCP, UDP, ICMP and ESP.";
    PIP_3 "PIP-3" K PUBLIC_IP: "Basic SKUs are retired in today's Azure and modelled only to explain older \
        estates.";
}
