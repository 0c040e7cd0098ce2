//! Addresses of the platform itself.

rules! { after super::nsg::END;
    PLAT_1 "PLAT-1" A WIRE_SERVER: "168.63.129.16 is a virtual IP of the host, the same in every region and \
        cloud. It serves the agent's ready signal, DNS, load balancer probes and DHCP.";
    PLAT_2 "PLAT-2" A WIRE_SERVER: "User-defined routes do not apply to 168.63.129.16, so no firewall or \
        appliance ever sees that traffic.";
    PLAT_3 "PLAT-3" A WIRE_SERVER: "Only the platform can send from 168.63.129.16.";
    PLAT_4 "PLAT-4" B VNET_FAQ: "Not allowed as VNet address space: 224.0.0.0/4, 255.255.255.255/32, \
        127.0.0.0/8, 169.254.0.0/16 and 168.63.129.16/32.";
    PLAT_5 "PLAT-5" B VNET_FAQ: "Azure keeps five addresses of each subnet: the network address, .1 for the \
        gateway, .2 and .3 for mapping DNS, and the last one.";
    PLAT_6 "PLAT-6" B LB_PROBES: "An NSG that denies probes from 168.63.129.16 makes the instance count as \
        down, so the load balancer gives it no new flows. The symptom appears far from its cause.";
}
