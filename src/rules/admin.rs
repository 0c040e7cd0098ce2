//! Security admin rules of Azure Virtual Network Manager.

rules! { after super::platform::END;
    SAR_1 "SAR-1" A ADMIN_RULES: "Security admin rules come ahead of every NSG, ordered by priority 1 to \
        4096 with the lowest first. They have the fields of an NSG rule; each side is prefixes, tags or \
        network groups, never an application security group.";
    SAR_2 "SAR-2" A ADMIN_RULES: "Allow hands the flow on to the NSGs, which may still deny it. AlwaysAllow \
        delivers it and skips them, Deny drops it and skips them. When nothing matches the NSGs decide.";
    SAR_3 "SAR-3" A ADMIN_RULES: "The rules reach VNets through network groups and guard subnets and NICs \
        that have no NSG too.";
    SAR_4 "SAR-4" E ADMIN_RULES: "AlwaysAllow skips NSGs only at the end and in the direction where it \
        matched: outbound at the source it leaves the destination's inbound NSG in force. It adds no routes \
        and overrides no Azure Firewall, platform service firewall or guest firewall.";
    SAR_5 "SAR-5" A ADMIN_RULES: "A network manager has one security admin configuration active per region, \
        which may contain several rule collections.";
    SAR_6 "SAR-6" A ADMIN_RULES: "A VNet that holds SQL Managed Instance or Azure Databricks is left out \
        altogether, unless applyOnNetworkIntentPolicyBasedServices (None, All, AllowRulesOnly) is \
        AllowRulesOnly, in which case its Allow rules alone apply.";
    SAR_7 "SAR-7" A ADMIN_RULES: "Left out are subnets with Application Gateway (without network isolation), \
        Bastion, Azure Firewall, Route Server, VPN gateway, Virtual WAN or ExpressRoute gateway. The other \
        subnets of the same VNet are covered.";
    SAR_8 "SAR-8" A ADMIN_RULES: "Security admin rules pass over private endpoints in a managed VNet.";
    SAR_9 "SAR-9" A ADMIN_RULES: "When several network managers cover a VNet, the one of highest scope sets \
        applyOnNetworkIntentPolicyBasedServices. The rules of the higher scope are applied first (inferred).";
    SAR_10 "SAR-10" A ADMIN_RULES: "Deployment takes effect with a delay, for a new configuration and for \
        resources created later alike.";
    SAR_11 "SAR-11" E ADMIN_RULES: "Security admin rules are taken to be stateful as NSGs are: the reply of \
        an allowed flow passes. Knob adminRulesStateful.";
    SAR_12 "SAR-12" B CONNECTIVITY: "A connected group (mesh, or direct connectivity) adds routes of next \
        hop ConnectedGroup and no peering object. Subnets that overlap between members cannot reach each \
        other. With direct connectivity the hub's prefixes join the group, so spoke and hub stay connected \
        even if their peering breaks.";
}
