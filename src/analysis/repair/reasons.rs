//! Why nothing is proposed: for each cause that no small change settles, what would.

use crate::trace::Cause;

/// Why no repair of a cause is proposed, or why those that were tried do not help. A sentence without its stop.
pub fn reason(cause: Cause) -> &'static str {
    match cause {
        Cause::NsgRuleDeny | Cause::NsgDefaultDeny => {
            "a security group knows no names, and no service tag holds the destination: it takes a firewall with application rules, or a rule for the whole internet"
        }
        Cause::FirewallNetworkRuleDeny
        | Cause::FirewallApplicationRuleDeny
        | Cause::FirewallApplicationRuleNoMatch
        | Cause::FirewallDefaultDeny => {
            "no rule of the firewall's policy would let it through: the destination has neither a name nor an address that a rule could hold, or what is behind the firewall stops it too"
        }
        Cause::ManagedNetworkDeny => {
            "a managed network approves private endpoints, service tags, and names on ports 80 and 443; this destination is none of them"
        }
        Cause::AdminRuleDeny => "no priority is free before the security admin rule that denies",
        Cause::DeploymentEgressDisabled => {
            "the deployment is isolated on purpose, and a deployment's own switch is all that opens it"
        }
        Cause::FirewallNotForwarding => {
            "which host the firewall should pass it on to is nobody's guess: add a NAT rule with the address it is translated to"
        }
        Cause::FrontendPortClosed => {
            "which pool should answer on the port is nobody's guess: add a rule for it to the frontend, or ask a port it has"
        }
        Cause::NoBackend => "nobody is in the pool: add a backend, and let the probes reach it",
        Cause::ProbeDown => {
            "let the tag AzureLoadBalancer in at the backends on the probe's port; which rules deny it is told above"
        }
        Cause::NothingListens => "nothing listens there: start the service, or ask the port it answers on",
        Cause::BastionPort => {
            "sessions to other ports than 22 and 3389 take a Bastion of the Standard SKU or up"
        }
        Cause::AddressNotInUse => {
            "nothing has the address: it may be of another network, or not deployed yet"
        }
        Cause::Hairpin => {
            "a backend cannot call its own frontend: call it by address, or put callers and backends in different pools"
        }
        Cause::BasicBalancerAcrossPeering => {
            "a Basic load balancer is not reached over global peering: make it a Standard one, which comes with its own addresses and rules"
        }
        Cause::PlatformProtocol => "no virtual network carries it",
        Cause::NatProtocol => {
            "the way out carries TCP and UDP alone: ping needs a public address of the machine's own"
        }
        Cause::NoCommonFamily => {
            "sender and destination need addresses of one family: a second range for the subnet and a second address for the interface"
        }
        Cause::NoOutboundMethod => {
            "no way out fits: default outbound access carries IPv4 alone, and IPv6 takes a public address of its own or a StandardV2 NAT gateway with IPv6 addresses"
        }
        Cause::PrivateOnlyTarget | Cause::OriginUnmatched => {
            "it is not published: put a load balancer, gateway, firewall or a public address in front, or come by Bastion or a gateway"
        }
        Cause::ServiceCannotInitiate => {
            "private endpoints carry connections one way: the other side has to open it, or it takes another way"
        }
        Cause::RoutingLoop | Cause::HopLimit => {
            "an appliance sends it back where it came from: give the appliance's own subnet a route table without that route"
        }
        Cause::NoRoute | Cause::SystemRouteNone | Cause::ReturnNoRoute => {
            "nothing in the estate holds the destination within reach: it takes a peering, a gateway connection, or a route that somebody announces"
        }
        Cause::AsymmetricReturn => {
            "both ways have to pass the same stateful device: route answers as questions, on the table of the side that answers"
        }
        Cause::SubnetPeeringOutside => "the subnet is left out of a subnet peering: name it on both sides",
        Cause::DnsLoop => {
            "the DNS servers ask each other: one of them has to forward to 168.63.129.16 or answer itself"
        }
        Cause::DnsServerUnreachable => {
            "the DNS server has to be reached: by a gateway connection or a peering, or ask one that is; 168.63.129.16 itself answers inside virtual networks alone"
        }
        Cause::DnsNxDomain | Cause::DnsZoneShadow => {
            "nobody holds a record of the name: whose it is, and at which address, is for its owner to say"
        }
        Cause::PeWrongResource => "the address belongs to another resource: correct the record of the name",
        Cause::PerimeterDeny => {
            "the perimeter's owner decides: an access rule for the caller's subscription or address, or learning mode"
        }
        Cause::RbacDenyAssignment => "a deny assignment is made by Azure itself and goes with what made it",
        Cause::FrontDoorHostUnknown => {
            "no endpoint or domain of the profile serves the name: add it with a route"
        }
        Cause::FrontDoorOriginDown => "no origin answers: what stops the way to it is told above",
        Cause::GatewaySubnetRules => {
            "the gateway's own subnet needs the tag GatewayManager in on 65200-65535 and the internet out"
        }
        Cause::ServiceEndpointSwitched | Cause::SessionNotKnown => {
            "the connection is lost and has to be opened again; nothing opens it from outside"
        }
        Cause::PublicAccessDisabled | Cause::ServiceFirewallDeny | Cause::DnsZoneNotLinked => {
            "whoever calls from outside every network of the estate needs an address that the service's firewall can name, or a private endpoint in a network it can reach"
        }
        Cause::AccessPolicyMissing | Cause::RbacMissingDataRole | Cause::RbacMissingRole => {
            "no built-in role that is known here grants what the caller wants: name the action, or a role of one's own"
        }
        Cause::PublicAddressClosed => {
            "the machine behind the address is in no subnet that could have a security group"
        }
        Cause::PeNotApproved => "the owner of the resource has to approve the connection",
        Cause::PeeringNotConnected | Cause::PeeringNoAccess | Cause::ForwardedTrafficDropped => {
            "the other side of the peering is in none of the files"
        }
        Cause::UdrNone | Cause::NextHopUnreachable | Cause::InvalidNextHop | Cause::NextHopNotForwarding => {
            "the next hop is in none of the files, or what comes behind it stops the flow too"
        }
        Cause::ServiceEndpointPolicyDeny => {
            "the policy has to list the account; which list, the files do not tell"
        }
        Cause::SmtpBlocked
        | Cause::UnknownServiceTag
        | Cause::UnknownValue
        | Cause::UnsupportedResource
        | Cause::DanglingReference
        | Cause::UnknownName
        | Cause::UnknownIdentity
        | Cause::UncertainResource
        | Cause::Intermittent => "the files do not tell what decides",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_reason() {
        for cause in Cause::ALL {
            let text = reason(*cause);
            assert!(!text.is_empty() && !text.ends_with('.'), "{cause:?}");
        }
    }
}
