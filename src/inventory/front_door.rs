//! Azure Front Door.

use super::read::{AnyKind, Field, Many, Ref, resource};
use super::{ConnectionStatus, WafPolicy};
use std::sync::Arc;

resource! {
    /// A Front Door (or CDN) profile.
    pub struct FrontDoorProfile {
        /// `Standard_AzureFrontDoor` or `Premium_AzureFrontDoor`.
        pub sku: Field<Arc<str>> = "sku.name" | "sku",
        /// Its id in the `X-Azure-FDID` header.
        pub front_door_id: Field<Arc<str>> = "frontDoorId",
    }
}

resource! {
    /// An endpoint.
    pub struct FrontDoorEndpoint {
        /// Host name, as deployed.
        pub host_name: Field<Arc<str>> = "hostName",
        /// Enabled or disabled.
        pub enabled_state: Field<Arc<str>> = "enabledState",
    }
}

resource! {
    /// A group of origins.
    pub struct OriginGroup {
        /// Path asked by the probe.
        pub probe_path: Field<Arc<str>> = "healthProbeSettings.probePath",
    }
}

resource! {
    /// An origin.
    pub struct FrontDoorOrigin {
        /// Its host.
        pub host_name: Field<Arc<str>> = "hostName",
        /// Host header sent.
        pub origin_host_header: Field<Arc<str>> = "originHostHeader",
        /// Port for HTTP.
        pub http_port: Field<i64> = "httpPort",
        /// Port for HTTPS.
        pub https_port: Field<i64> = "httpsPort",
        /// Lower first.
        pub priority: Field<i64> = "priority",
        /// Enabled or disabled.
        pub enabled_state: Field<Arc<str>> = "enabledState",
        /// The target of a private origin.
        pub private_link: Field<Ref<AnyKind>> = "sharedPrivateLinkResource.privateLink",
        /// The sub-resource of a private origin.
        pub private_link_group: Field<Arc<str>> = "sharedPrivateLinkResource.groupId",
        /// State of the private connection.
        pub private_link_status: Field<ConnectionStatus> = "sharedPrivateLinkResource.status",
    }
}

resource! {
    /// A route from endpoint to origins.
    pub struct FrontDoorRoute {
        /// Origins.
        pub origin_group: Field<Ref<OriginGroup>> = "originGroup",
        /// Custom domains served.
        pub custom_domains: Many<Ref<CustomDomain>> = "customDomains",
        /// Paths.
        pub patterns_to_match: Many<Arc<str>> = "patternsToMatch",
        /// Path at the origin, in place of what the pattern matched.
        pub origin_path: Field<Arc<str>> = "originPath",
        /// Http and Https.
        pub supported_protocols: Many<Arc<str>> = "supportedProtocols",
        /// How the origin is spoken to.
        pub forwarding_protocol: Field<Arc<str>> = "forwardingProtocol",
        /// Whether who asks over HTTP is sent to HTTPS.
        pub https_redirect: Field<Arc<str>> = "httpsRedirect",
        /// Sets of rules that act on the request.
        pub rule_sets: Many<Ref<AnyKind>> = "ruleSets",
        /// Whether the endpoint's own name is served.
        pub link_to_default_domain: Field<Arc<str>> = "linkToDefaultDomain",
        /// Enabled or disabled.
        pub enabled_state: Field<Arc<str>> = "enabledState",
    }
}

resource! {
    /// A custom domain.
    pub struct CustomDomain {
        /// The name.
        pub host_name: Field<Arc<str>> = "hostName",
    }
}

resource! {
    /// A security policy: which firewall policy guards which domains.
    pub struct FrontDoorSecurityPolicy {
        /// The policy.
        pub waf_policy: Field<Ref<WafPolicy>> = "parameters.wafPolicy",
    }
}
