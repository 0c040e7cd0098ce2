//! The knobs: where Azure's documents leave a doubt, or an estate's age matters, a person may choose.
//!
//! Every knob that a trace leaned on is listed under its assumptions. Names follow the doubts of the
//! rule catalogue (`netwhy explain D-2`).

use crate::net::{IpNet, parse_prefix};

/// What a spoke's peering does with forwarded traffic it does not accept (D-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedTrafficMode {
    /// It only changes the `VirtualNetwork` tag.
    TagOnly,
    /// The platform drops it.
    PlatformDrop,
}

/// What a peering without virtual network access does where no network security group is (D-18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeeringAccessMode {
    /// As Azure is described on the day the question is about: it drops before 2024, and only changes the tag since.
    ByDate,
    /// The platform drops it.
    PlatformDrop,
    /// It only changes the `VirtualNetwork` tag, so nothing drops it.
    TagOnly,
}

/// Which generation of the Azure Machine Learning documents holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MlEra {
    /// The texts of 2021.
    Y2021,
    /// The texts of 2022.
    Y2022,
    /// The texts of 2023.
    Y2023,
    /// The texts of 2026.
    Y2026,
}

/// All knobs.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The day the question is about, `YYYY-MM-DD`.
    pub as_of: String,
    /// Whether subnets without `defaultOutboundAccess` have default outbound access; absent means by API
    /// version (OUT-5).
    pub default_outbound_for_new_vnets: Option<bool>,
    /// Whether the prefixes of user-defined routes belong to the `VirtualNetwork` tag (D-3).
    pub udr_prefixes_in_virtual_network_tag: bool,
    /// See [`ForwardedTrafficMode`].
    pub forwarded_traffic_mode: ForwardedTrafficMode,
    /// See [`PeeringAccessMode`].
    pub peering_access_mode: PeeringAccessMode,
    /// Whether a user-defined route may beat a service endpoint's (D-4).
    pub service_endpoint_route_overridable: bool,
    /// Whether an explicit network deny overrides a DNAT rule's implicit allow (D-1).
    pub dnat_then_network_deny: bool,
    /// The private ranges Azure routes to None (RT-2, D-19).
    pub none_routes: Vec<IpNet>,
    /// Further prefixes Azure routes to None (D-12).
    pub extra_none_routes: Vec<IpNet>,
    /// Whether a default route learnt by BGP removes the None routes of private ranges (D-14).
    pub bgp_default_removes_none_routes: bool,
    /// Whether security admin rules let replies through (D-8).
    pub admin_rules_stateful: bool,
    /// Whether a managed endpoint with public access answers the internet although its workspace does not.
    pub endpoint_public_in_private_workspace: bool,
    /// Whether only a private endpoint for a name's own sub-resource makes it an alias (D-20).
    pub privatelink_alias_per_sub_resource: bool,
    /// Which generation of the machine learning documents holds.
    pub ml_era: MlEra,
    /// Whether Azure blocks TCP 25 to the internet for this subscription; absent means not known (NSG-20).
    pub smtp_blocked: Option<bool>,
}

/// Private ranges that Azure drops unless somebody holds them (RT-2).
const NONE_RANGES: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

impl Default for Profile {
    fn default() -> Self {
        Self {
            as_of: "2026-11-01".into(),
            default_outbound_for_new_vnets: None,
            udr_prefixes_in_virtual_network_tag: true,
            forwarded_traffic_mode: ForwardedTrafficMode::TagOnly,
            peering_access_mode: PeeringAccessMode::ByDate,
            service_endpoint_route_overridable: false,
            dnat_then_network_deny: false,
            none_routes: NONE_RANGES.iter().filter_map(|r| parse_prefix(r)).collect(),
            extra_none_routes: Vec::new(),
            bgp_default_removes_none_routes: true,
            admin_rules_stateful: true,
            endpoint_public_in_private_workspace: false,
            privatelink_alias_per_sub_resource: true,
            ml_era: MlEra::Y2026,
            smtp_blocked: None,
        }
    }
}

/// The first day of the wording by which a peering's access flag changes the `VirtualNetwork` tag and no more.
const ACCESS_IS_A_TAG_SINCE: &str = "2024-01-01";

impl Profile {
    /// Whether a peering without virtual network access drops what no group allows (D-18).
    pub fn peering_access_drops(&self) -> bool {
        match self.peering_access_mode {
            PeeringAccessMode::PlatformDrop => true,
            PeeringAccessMode::TagOnly => false,
            PeeringAccessMode::ByDate => self.as_of.as_str() < ACCESS_IS_A_TAG_SINCE,
        }
    }
}

/// A knob: name, values, default, what it changes.
pub struct Knob {
    /// Its name.
    pub name: &'static str,
    /// What it may be set to.
    pub values: &'static str,
    /// What it changes.
    pub what: &'static str,
}

/// Every knob.
pub const KNOBS: &[Knob] = &[
    Knob { name: "asOf", values: "YYYY-MM-DD", what: "the day the question is about" },
    Knob {
        name: "defaultOutboundForNewVnets",
        values: "true|false|byApiVersion",
        what: "whether subnets that do not say have default outbound access (OUT-5)",
    },
    Knob {
        name: "udrPrefixesInVirtualNetworkTag",
        values: "true|false",
        what: "whether prefixes of user-defined routes belong to the VirtualNetwork tag (TAG-1, D-3)",
    },
    Knob {
        name: "forwardedTrafficMode",
        values: "tagOnly|platformDrop",
        what: "what a peering without allowForwardedTraffic does (PEER-6, D-2)",
    },
    Knob {
        name: "peeringAccessMode",
        values: "byDate|platformDrop|tagOnly",
        what: "what a peering without allowVirtualNetworkAccess does where no network security group is (PEER-5, D-18)",
    },
    Knob {
        name: "serviceEndpointRouteOverridable",
        values: "true|false",
        what: "whether a user-defined route may beat a service endpoint's (RT-23, D-4)",
    },
    Knob {
        name: "dnatThenNetworkDeny",
        values: "true|false",
        what: "whether a network deny overrides a DNAT rule (FW-8, D-1)",
    },
    Knob {
        name: "noneRoutes",
        values: "comma-separated prefixes",
        what: "the private ranges that Azure routes to None (RT-2, D-19)",
    },
    Knob {
        name: "extraNoneRoutes",
        values: "comma-separated prefixes",
        what: "further prefixes that Azure routes to None (RT-3, D-12)",
    },
    Knob {
        name: "bgpDefaultRemovesNoneRoutes",
        values: "true|false",
        what: "whether a 0.0.0.0/0 learnt by BGP removes the None routes (RT-3b, D-14)",
    },
    Knob {
        name: "adminRulesStateful",
        values: "true|false",
        what: "whether security admin rules let replies through (SAR-11, D-8)",
    },
    Knob {
        name: "privatelinkAliasPerSubResource",
        values: "true|false",
        what: "whether a name becomes an alias of its privatelink name only by a private endpoint for its own \
               sub-resource, or by one for any of its resource (D-20)",
    },
    Knob {
        name: "endpointPublicInPrivateWorkspace",
        values: "true|false",
        what: "whether an online endpoint with public access answers although its workspace has none (the documents disagree)",
    },
    Knob {
        name: "mlEra",
        values: "aml-2021|aml-2022|aml-2023|aml-2026",
        what: "which generation of the Azure Machine Learning documents holds",
    },
    Knob {
        name: "smtpBlocked",
        values: "true|false|unknown",
        what: "whether Azure blocks TCP 25 to the internet for the subscription (NSG-20)",
    },
];

/// Why a knob could not be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileError {
    /// No knob has this name; the nearest one, if any.
    Name(String, Option<&'static str>),
    /// The value is not one the knob takes; what it takes.
    Value(String, &'static str),
}

impl std::fmt::Display for ProfileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name, Some(near)) => write!(f, "there is no knob `{name}`; did you mean `{near}`?"),
            Self::Name(name, None) => write!(f, "there is no knob `{name}`"),
            Self::Value(value, takes) => write!(f, "`{value}` does not fit; the knob takes {takes}"),
        }
    }
}

impl std::error::Error for ProfileError {}

impl Profile {
    /// Sets a knob by name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ProfileError> {
        let Some(knob) = KNOBS.iter().find(|k| k.name.eq_ignore_ascii_case(name.trim())) else {
            let near = crate::diag::nearest(name, KNOBS.iter().map(|k| k.name));
            return Err(ProfileError::Name(name.into(), near));
        };
        let value = value.trim();
        self.try_set(knob.name, value).ok_or(ProfileError::Value(value.into(), knob.values))
    }

    fn try_set(&mut self, name: &str, value: &str) -> Option<()> {
        let flag = || value.to_ascii_lowercase().parse::<bool>().ok();
        match name {
            "asOf" => self.as_of = is_date(value).then(|| value.to_owned())?,
            "defaultOutboundForNewVnets" if value.eq_ignore_ascii_case("byApiVersion") => {
                self.default_outbound_for_new_vnets = None
            }
            "defaultOutboundForNewVnets" => self.default_outbound_for_new_vnets = Some(flag()?),
            "udrPrefixesInVirtualNetworkTag" => self.udr_prefixes_in_virtual_network_tag = flag()?,
            "forwardedTrafficMode" => {
                self.forwarded_traffic_mode = match value.to_ascii_lowercase().as_str() {
                    "tagonly" => ForwardedTrafficMode::TagOnly,
                    "platformdrop" => ForwardedTrafficMode::PlatformDrop,
                    _ => return None,
                }
            }
            "peeringAccessMode" => {
                self.peering_access_mode = match value.to_ascii_lowercase().as_str() {
                    "bydate" => PeeringAccessMode::ByDate,
                    "platformdrop" => PeeringAccessMode::PlatformDrop,
                    "tagonly" => PeeringAccessMode::TagOnly,
                    _ => return None,
                }
            }
            "serviceEndpointRouteOverridable" => self.service_endpoint_route_overridable = flag()?,
            "dnatThenNetworkDeny" => self.dnat_then_network_deny = flag()?,
            "noneRoutes" => self.none_routes = prefixes(value)?,
            "extraNoneRoutes" => self.extra_none_routes = prefixes(value)?,
            "bgpDefaultRemovesNoneRoutes" => self.bgp_default_removes_none_routes = flag()?,
            "adminRulesStateful" => self.admin_rules_stateful = flag()?,
            "privatelinkAliasPerSubResource" => self.privatelink_alias_per_sub_resource = flag()?,
            "endpointPublicInPrivateWorkspace" => self.endpoint_public_in_private_workspace = flag()?,
            "mlEra" => {
                self.ml_era = match value.to_ascii_lowercase().as_str() {
                    "aml-2021" => MlEra::Y2021,
                    "aml-2022" => MlEra::Y2022,
                    "aml-2023" => MlEra::Y2023,
                    "aml-2026" => MlEra::Y2026,
                    _ => return None,
                }
            }
            "smtpBlocked" if value.eq_ignore_ascii_case("unknown") => self.smtp_blocked = None,
            "smtpBlocked" => self.smtp_blocked = Some(flag()?),
            _ => return None,
        }
        Some(())
    }
}

fn prefixes(value: &str) -> Option<Vec<IpNet>> {
    value.split(',').map(str::trim).filter(|p| !p.is_empty()).map(parse_prefix).collect()
}

fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    matches!(parts[..], [y, m, d] if y.len() == 4 && m.len() == 2 && d.len() == 2)
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_can_be_set_and_nonsense_is_refused() {
        let good = [
            "2026-01-01",
            "true",
            "false",
            "platformDrop",
            "tagOnly",
            "true",
            "true",
            "10.0.0.0/8",
            "127.0.0.0/8, 198.18.0.0/15",
            "false",
            "false",
            "true",
            "aml-2023",
            "true",
        ];
        let mut profile = Profile::default();
        for (knob, value) in KNOBS.iter().zip(good) {
            assert_eq!(profile.set(knob.name, value), Ok(()), "{}", knob.name);
            assert!(profile.set(knob.name, "nonsense!").is_err(), "{}", knob.name);
        }
        assert_eq!((profile.none_routes.len(), profile.extra_none_routes.len()), (1, 2));
        assert_eq!(
            profile.set("forwardTrafficMode", "tagOnly"),
            Err(ProfileError::Name("forwardTrafficMode".into(), Some("forwardedTrafficMode")))
        );
    }
}
