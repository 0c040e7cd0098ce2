//! Network interfaces, public addresses, virtual machines.

use super::read::{AnyKind, Field, Many, Ref, block, resource, words};
use super::values::ManagedIdentity;
use super::{Asg, Nsg, PrivateEndpoint, Subnet};
use crate::net::{IpAddr, IpNet, PortRange};
use std::sync::Arc;

resource! {
    /// A network interface.
    pub struct NetworkInterface {
        /// Its addresses.
        pub ip_configurations: Many<IpConfiguration> = "ipConfigurations",
        /// The network security group of the interface.
        pub network_security_group: Field<Ref<Nsg>> = "networkSecurityGroup",
        /// Whether it may pass on packets that are not addressed to it (RT-12).
        pub enable_ip_forwarding: Field<bool> = "enableIPForwarding",
        /// DNS servers that override the network's (DNS-1).
        pub dns_servers: Many<IpAddr> = "dnsSettings.dnsServers" | "dnsServers",
        /// The virtual machine, as deployed.
        pub virtual_machine: Field<Ref<VirtualMachine>> = "virtualMachine",
        /// The private endpoint that owns it, as deployed.
        pub private_endpoint: Field<Ref<PrivateEndpoint>> = "privateEndpoint",
    }
}

block! {
    /// One address of an interface.
    pub struct IpConfiguration in "ipConfigurations" {
        /// The private address; absent where Azure assigns it at deployment.
        pub private_ip_address: Field<IpAddr> = "privateIPAddress",
        /// Static or dynamic.
        pub private_ip_allocation_method: Field<Arc<str>> = "privateIPAllocationMethod",
        /// `IPv4` or `IPv6`.
        pub private_ip_address_version: Field<Arc<str>> = "privateIPAddressVersion",
        /// The subnet.
        pub subnet: Field<Ref<Subnet>> = "subnet",
        /// The instance-level public address.
        pub public_ip_address: Field<Ref<PublicIpAddress>> = "publicIPAddress",
        /// Application security groups it belongs to.
        pub application_security_groups: Many<Ref<Asg>> = "applicationSecurityGroups",
        /// Load balancer pools it belongs to.
        pub load_balancer_backend_address_pools: Many<Ref<AnyKind>> = "loadBalancerBackendAddressPools",
        /// Inbound NAT rules that point to it.
        pub load_balancer_inbound_nat_rules: Many<Ref<AnyKind>> = "loadBalancerInboundNatRules",
        /// Ranges of ports, one for each instance of a scale set.
        pub load_balancer_inbound_nat_pools: Many<Ref<AnyKind>> = "loadBalancerInboundNatPools",
        /// Application gateway pools it belongs to.
        pub application_gateway_backend_address_pools: Many<Ref<AnyKind>> = "applicationGatewayBackendAddressPools",
        /// Whether it is the primary one.
        pub primary: Field<bool> = "primary",
    }
}

resource! {
    /// A public IP address.
    pub struct PublicIpAddress {
        /// The address, as deployed or as said.
        pub ip_address: Field<IpAddr> = "ipAddress",
        /// Basic or Standard.
        pub sku: Field<Sku> = "sku.name" | "sku",
        /// Static or dynamic.
        pub public_ip_allocation_method: Field<Arc<str>> = "publicIPAllocationMethod",
        /// `IPv4` or `IPv6`.
        pub public_ip_address_version: Field<Arc<str>> = "publicIPAddressVersion",
        /// What bears it, as deployed.
        pub ip_configuration: Field<Arc<str>> = "ipConfiguration.id",
        /// Its name in `REGION.cloudapp.azure.com`.
        pub domain_name_label: Field<Arc<str>> = "dnsSettings.domainNameLabel" | "domainNameLabel",
        /// Its full name.
        pub fqdn: Field<Arc<str>> = "dnsSettings.fqdn",
    }
}

words! {
    /// Class of a public address or load balancer.
    pub enum Sku { Basic = "Basic", Standard = "Standard" | "StandardV2", Gateway = "Gateway" }
}

resource! {
    /// A block of public addresses.
    pub struct PublicIpPrefix {
        /// The block, as deployed.
        pub ip_prefix: Field<IpNet> = "ipPrefix",
        /// Its length.
        pub prefix_length: Field<i64> = "prefixLength",
    }
}

resource! {
    /// A virtual machine.
    pub struct VirtualMachine {
        /// Its interfaces.
        pub network_interfaces: Many<Ref<NetworkInterface>> = "networkProfile.networkInterfaces" | "networkInterfaces",
        /// Disks that lie in storage accounts, by their addresses.
        pub vhds: Many<Arc<str>> = "storageProfile.osDisk.vhd.uri" | "storageProfile.dataDisks.*.vhd.uri" | "vhds",
        /// Its managed identity.
        pub identity: Field<ManagedIdentity> = "identity",
        /// Ports that answer, where somebody says so; otherwise any port asked is taken to answer.
        pub listens: Many<PortRange> = "listens",
        /// Whether the guest passes packets on (an appliance); interfaces need `enableIPForwarding` too.
        pub forwards: Field<bool> = "forwards",
        /// Whether the guest translates the source of what it passes on.
        pub translates: Field<bool> = "translates",
    }
}

resource! {
    /// A scale set; its instances are taken as one interface of its first configuration.
    pub struct ScaleSet {
        /// `Flexible` or `Uniform`.
        pub orchestration_mode: Field<Arc<str>> = "orchestrationMode",
        /// Interface configurations of the instances.
        pub network_interface_configurations: Many<ScaleSetInterface> =
            "virtualMachineProfile.networkProfile.networkInterfaceConfigurations",
        /// Its managed identity.
        pub identity: Field<ManagedIdentity> = "identity",
    }
}

block! {
    /// An interface configuration of a scale set.
    pub struct ScaleSetInterface in "networkInterfaceConfigurations" {
        /// Addresses.
        pub ip_configurations: Many<IpConfiguration> = "ipConfigurations",
        /// The network security group of the interfaces.
        pub network_security_group: Field<Ref<Nsg>> = "networkSecurityGroup",
        /// Whether they may pass packets on.
        pub enable_ip_forwarding: Field<bool> = "enableIPForwarding",
    }
}

resource! {
    /// Something in a subnet that sends or answers and is no modelled Azure resource of its own: a
    /// workload of our own estate file.
    pub struct Host {
        /// The subnet.
        pub subnet: Field<Ref<Subnet>> = "subnet",
        /// Its address; absent means the next free one.
        pub private_ip_address: Field<IpAddr> = "privateIPAddress",
        /// The network security group of its interface.
        pub network_security_group: Field<Ref<Nsg>> = "networkSecurityGroup",
        /// Application security groups it belongs to.
        pub application_security_groups: Many<Ref<Asg>> = "applicationSecurityGroups",
        /// An instance-level public address.
        pub public_ip_address: Field<Ref<PublicIpAddress>> = "publicIPAddress",
        /// Ports that answer; absent means any port asked.
        pub listens: Many<PortRange> = "listens",
        /// Whether it passes packets on.
        pub forwards: Field<bool> = "forwards",
        /// Whether it translates the source of what it passes on.
        pub translates: Field<bool> = "translates",
        /// DNS servers that override the network's.
        pub dns_servers: Many<IpAddr> = "dnsServers",
        /// As a DNS server: where it sends questions it does not answer itself.
        pub dns_forwarding: Many<DnsForwarding> = "dnsForwarding",
        /// How many questions it asks its DNS servers in a second (DNS-19).
        pub dns_queries_per_second: Field<i64> = "dnsQueriesPerSecond",
        /// Its managed identity.
        pub identity: Field<ManagedIdentity> = "identity",
    }
}

block! {
    /// A conditional forwarder of a DNS server: names under `domain` are asked at `servers`.
    pub struct DnsForwarding {
        /// The suffix; `.` means everything else.
        pub domain: Field<Arc<str>> = "domain",
        /// The servers asked, in order.
        pub servers: Many<IpAddr> = "servers",
    }
}
